//! Names of hosts, links and rooms that may stand in tables of version 2.

use gatewire_codec::legacy::is_prototype_name;

use super::error::NameError;

/// The longest name of a host in bytes: a list of one host has to fit the 255 bytes of `cells`.
pub const MAX_HOST_NAME: usize = gatewire_codec::legacy::MAX_CELLS;
/// The longest id of a link in bytes. Those of the originals are a host's name and some 17 bytes more.
pub const MAX_LINK_NAME: usize = 512;
/// The longest name of a room in bytes that a router tells others. The originals have no limit; each router keeps
/// each name, so one is needed.
pub const MAX_ROOM_NAME: usize = 1024;

/// A host's name: it stands in lists that are joined with `|` and `,`, and before the `/` of a socket's id.
pub(super) fn check_host(name: &str) -> Result<(), NameError> {
    check(name, MAX_HOST_NAME)?;
    match name.chars().find(|found| matches!(found, '|' | '/' | ',')) {
        Some(found) => Err(NameError::Separator { found }),
        None => Ok(()),
    }
}

/// A link's id: what the accepting host made of its name.
pub(super) fn check_link(name: &str) -> Result<(), NameError> {
    check(name, MAX_LINK_NAME)
}

/// A room's name. Between routers rooms stand in JSON, so a `,` does no harm.
pub(super) fn check_room(name: &str) -> Result<(), NameError> {
    check(name, MAX_ROOM_NAME)
}

/// The host of a socket: what stands before the first `/` of its id.
pub(super) fn host_of(socket: &str) -> Option<&str> {
    let (host, _) = socket.split_once('/')?;
    check_host(host).is_ok().then_some(host)
}

fn check(name: &str, limit: usize) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > limit {
        return Err(NameError::TooLong { length: name.len(), limit });
    }
    if is_prototype_name(name) {
        return Err(NameError::Prototype);
    }
    Ok(())
}
