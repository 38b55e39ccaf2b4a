//! What a hub tells of rooms that come and go.

use gatewire_core::SocketId;
use gatewire_core::hub::{Hub, RoomChange, RoomLimits};

fn change(room: &str, has_members: bool) -> RoomChange {
    RoomChange { room: room.into(), has_members }
}

#[test]
fn only_the_first_and_the_last_member_of_a_room_are_a_change() {
    let mut hub = Hub::new(RoomLimits::default());
    let [a, b] = [1, 2].map(|byte| hub.insert(SocketId::from_bytes([byte; 16]), ()).expect("new"));
    hub.join(a, "early").expect("it may");
    assert_eq!(hub.take_changes(), []);
    hub.note_changes();
    assert_eq!(hub.take_changes(), [change("early", true)]);
    for (socket, room) in [(a, "x"), (b, "x"), (b, "y"), (b, "y")] {
        hub.join(socket, room).expect("it may");
    }
    assert_eq!(hub.take_changes(), [change("x", true), change("y", true)]);
    assert!(hub.leave(a, "x"));
    assert_eq!(hub.take_changes(), []);
    hub.remove(b);
    let mut gone = hub.take_changes();
    gone.sort_by(|one, other| one.room.cmp(&other.room));
    assert_eq!(gone, [change("x", false), change("y", false)]);
    assert_eq!(hub.take_changes(), []);
}

#[test]
fn nothing_is_noted_once_changes_are_ignored() {
    let mut hub = Hub::new(RoomLimits::default());
    let socket = hub.insert(SocketId::from_bytes([1; 16]), ()).expect("new");
    hub.note_changes();
    hub.join(socket, "before").expect("it may");
    hub.ignore_changes();
    hub.join(socket, "after").expect("it may");
    assert_eq!(hub.take_changes(), []);
}
