//! The bounds of one socket's rooms.

use gatewire::{JoinError, RequestError, RoomLimits};

use super::party::Party;
use crate::rig::{dial, limits, serve_with, within};

fn denied(error: JoinError) -> Result<(), RequestError> {
    Err(RequestError::Denied(error.to_string()))
}

#[tokio::test]
async fn a_socket_can_be_in_128_rooms() {
    let party = Party::of("a").await;
    let a = party.client('a');
    let too_many = JoinError::TooManyRooms { max_rooms: 128 };
    for number in 0..128 {
        within(a.join(&format!("room {number}"))).await.expect("joined");
    }
    assert_eq!(within(a.join("one more")).await, denied(too_many));
    // It is in this one already.
    assert_eq!(within(a.join("room 7")).await, Ok(()));
    assert_eq!(party.socket('a').join("one more"), Err(too_many));
    assert_eq!(a.rooms().len(), 128);
    assert_eq!(party.server.counters().rooms, 128);
    within(a.leave("room 7")).await.expect("left");
    assert_eq!(within(a.join("one more")).await, Ok(()));
}

#[tokio::test]
async fn a_rooms_name_has_1_to_255_bytes() {
    let party = Party::of("a").await;
    let (a, socket) = (party.client('a'), party.socket('a'));
    let bad_name = JoinError::BadName { max_name: 255 };
    let (longest, longer) = ("ä".repeat(127) + "x", "ä".repeat(128));
    assert_eq!(within(a.join("")).await, denied(bad_name));
    assert_eq!(within(a.join(&longer)).await, denied(bad_name));
    assert_eq!(within(a.join(&longest)).await, Ok(()));
    assert_eq!(socket.join(""), Err(bad_name));
    assert_eq!(socket.join(&longer), Err(bad_name));
    assert_eq!(socket.join(&longest), Ok(false));
    assert_eq!(a.rooms(), [longest]);
}

#[tokio::test]
async fn the_bounds_can_be_set() {
    let rooms = RoomLimits { max_rooms: 2, max_name: 3 };
    let server = serve_with(|builder| builder.limits(limits(|limits| limits.rooms = rooms))).await;
    let client = dial(&server).await;
    let bad_name = JoinError::BadName { max_name: 3 };
    let too_many = JoinError::TooManyRooms { max_rooms: 2 };
    assert_eq!(within(client.join("four")).await, denied(bad_name));
    assert_eq!(within(client.join("one")).await, Ok(()));
    assert_eq!(within(client.join("two")).await, Ok(()));
    assert_eq!(within(client.join("3rd")).await, denied(too_many));
}

/// Nothing parses names: what other libraries use as separators is a letter like all others.
#[tokio::test]
async fn a_name_may_have_any_letters() {
    let mut party = Party::of("ab").await;
    for room in ["a,b", "a|b", " ", "\0", "a b", "\u{1f980}"] {
        party.join("a", room).await;
        party.server.to(room).emit("news", ()).expect("sent");
        party.client('b').to(room).emit("news", ()).expect("sent");
        assert_eq!(party.heard().await, "aa", "{room:?}");
    }
    party.server.to("a").to("b").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "");
}
