//! Whom a PUBLISH or a `STREAM_OPEN` is for: six bits of its flags, and up to four lists.

use bytes::BytesMut;

use crate::error::{DecodeError, Field};
use crate::message::Target;
use crate::names::Names;
use crate::read::Reader;
use crate::write::{put_lv_str, put_varint};

/// The bits that say whom a message is for. The two others belong to the kind.
pub(super) const TARGET: u8 =
    EVERYONE | INCLUDE_SELF | ROOMS | SOCKETS | EXCEPT_ROOMS | EXCEPT_SOCKETS;

const EVERYONE: u8 = 1;
const INCLUDE_SELF: u8 = 1 << 1;
// A list is present when its flag is set, and then it is not empty.
const ROOMS: u8 = 1 << 2;
const SOCKETS: u8 = 1 << 3;
const EXCEPT_ROOMS: u8 = 1 << 4;
const EXCEPT_SOCKETS: u8 = 1 << 5;

/// Reads the lists that `flags` announces.
pub(super) fn take<'a>(reader: &mut Reader<'a>, flags: u8) -> Result<Target<'a>, DecodeError> {
    let mut list = |flag| {
        if flags & flag == 0 {
            return Ok(Names::EMPTY);
        }
        let names = Names::read(reader)?;
        if names.is_empty() {
            return Err(DecodeError::BadValue { field: Field::Names });
        }
        Ok(names)
    };
    Ok(Target {
        everyone: flags & EVERYONE != 0,
        rooms: list(ROOMS)?,
        sockets: list(SOCKETS)?,
        except_rooms: list(EXCEPT_ROOMS)?,
        except_sockets: list(EXCEPT_SOCKETS)?,
        include_self: flags & INCLUDE_SELF != 0,
    })
}

/// The bits that say whom `target` is.
pub(super) fn flags(target: &Target<'_>) -> u8 {
    let mut flags = 0;
    if target.everyone {
        flags |= EVERYONE;
    }
    if target.include_self {
        flags |= INCLUDE_SELF;
    }
    for (flag, _) in lists(target).iter().filter(|(_, names)| !names.is_empty()) {
        flags |= flag;
    }
    flags
}

/// Appends the lists that [`flags`] announces.
pub(super) fn put_lists(out: &mut BytesMut, target: &Target<'_>) {
    for (_, names) in lists(target).into_iter().filter(|(_, names)| !names.is_empty()) {
        put_names(out, names);
    }
}

/// Appends `names` as a list.
pub(super) fn put_names(out: &mut BytesMut, names: Names<'_>) {
    put_varint(out, names.len() as u64);
    for name in names {
        put_lv_str(out, name);
    }
}

fn lists<'a>(target: &Target<'a>) -> [(u8, Names<'a>); 4] {
    [
        (ROOMS, target.rooms),
        (SOCKETS, target.sockets),
        (EXCEPT_ROOMS, target.except_rooms),
        (EXCEPT_SOCKETS, target.except_sockets),
    ]
}
