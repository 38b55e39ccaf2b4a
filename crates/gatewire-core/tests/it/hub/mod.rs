//! Rooms and receivers: the rules by example. [`model`] compares everything with a naive hub.

mod changes;
mod delivery;
mod membership;
mod model;
mod run;

use gatewire_codec::{Names, Target};
use gatewire_core::SocketId;
use gatewire_core::hub::{Hub, RoomLimits, SocketKey};

/// The id of socket number `number`.
fn id(number: u8) -> SocketId {
    SocketId::from_bytes([number; 16])
}

/// A hub with sockets 0, 1, ... whose handles are their numbers.
fn hub_of(sockets: u8) -> (Hub<u8>, Vec<SocketKey>) {
    let mut hub = Hub::new(RoomLimits::default());
    let keys = (0..sockets).map(|number| hub.insert(id(number), number).expect("a new id"));
    let keys = keys.collect();
    (hub, keys)
}

/// The handles of the receivers in ascending order. Each is visited once, and the count is right.
#[track_caller]
fn receivers(hub: &Hub<u8>, target: &Target<'_>, sender: Option<SocketKey>) -> Vec<u8> {
    let mut visited = Vec::new();
    let count = hub.deliver(target, sender, |key, handle| {
        assert_eq!(hub.handle(key), Some(handle));
        visited.push(*handle);
    });
    assert_eq!(count, visited.len());
    visited.sort_unstable();
    let mut unique = visited.clone();
    unique.dedup();
    assert_eq!(unique, visited, "somebody received twice");
    visited
}

fn to_rooms<'a>(rooms: &'a [&'a str]) -> Target<'a> {
    Target { rooms: Names::from_slice(rooms), ..Target::default() }
}

fn to_sockets<'a>(sockets: &'a [&'a str]) -> Target<'a> {
    Target { sockets: Names::from_slice(sockets), ..Target::default() }
}

const EVERYONE: Target<'static> = Target {
    everyone: true,
    rooms: Names::EMPTY,
    sockets: Names::EMPTY,
    except_rooms: Names::EMPTY,
    except_sockets: Names::EMPTY,
    include_self: false,
};

const NOBODY: [u8; 0] = [];
