//! Joining and leaving, from both sides, and by going away.

use gatewire::JoinError;

use super::party::Party;
use crate::rig::{record_ends, within};

#[tokio::test]
async fn a_client_joins_and_leaves() {
    let mut party = Party::of("ab").await;
    let a = party.client('a').clone();
    for room in ["red", "blue", "green", "red"] {
        within(a.join(room)).await.expect("joined");
    }
    party.join("b", "red").await;
    assert_eq!(party.members("red"), "ab");
    assert_eq!(a.rooms(), ["blue", "green", "red"]);
    assert_eq!(party.server.counters().rooms, 3);

    within(a.leave("red")).await.expect("left");
    within(a.leave("red")).await.expect("leaving twice is leaving once");
    assert_eq!(party.members("red"), "b");
    assert_eq!(a.rooms(), ["blue", "green"]);
    party.server.to("red").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "b");

    within(a.leave_all()).await.expect("left");
    within(a.leave_all()).await.expect("leaving twice is leaving once");
    assert!(a.rooms().is_empty());
    assert!(party.socket('a').rooms().is_empty());
    assert_eq!(party.server.counters().rooms, 1);
}

#[tokio::test]
async fn a_server_puts_sockets_into_rooms_and_takes_them_out() {
    let mut party = Party::of("ab").await;
    let a = party.socket('a');
    assert_eq!(a.join("red"), Ok(true));
    assert_eq!(a.join("red"), Ok(false));
    assert_eq!(a.join("blue"), Ok(true));
    assert_eq!(party.members("red"), "a");
    let mut rooms = a.rooms();
    rooms.sort_unstable();
    assert_eq!(rooms, ["blue", "red"]);
    // The client did not ask for it, and does not know of it.
    assert!(party.client('a').rooms().is_empty());
    party.server.to("red").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "a");

    assert!(a.leave("red"));
    assert!(!a.leave("red"));
    assert_eq!(party.members("red"), "");
    a.leave_all();
    assert!(a.rooms().is_empty());
    assert_eq!(party.server.counters().rooms, 0);
    // The client may leave where the server put it.
    assert_eq!(a.join("green"), Ok(true));
    within(party.client('a').leave("green")).await.expect("left");
    assert!(a.rooms().is_empty());
}

#[tokio::test]
async fn who_disconnects_leaves_its_rooms() {
    let mut party = Party::of("abc").await;
    let mut ends = record_ends(&party.server);
    party.join("abc", "red").await;
    party.join("a", "blue").await;
    let (a, b) = (party.socket('a'), party.socket('b'));
    assert_eq!(party.server.len(), 3);

    within(party.client('a').close()).await;
    assert_eq!(ends.next().await.0, a.id());
    assert_eq!(party.server.len(), 2);
    assert_eq!(party.members("red"), "bc");
    assert!(party.server.members("blue").is_empty());
    assert_eq!(party.server.counters().rooms, 1);

    b.disconnect();
    assert_eq!(ends.next().await.0, b.id());
    assert_eq!(party.members("red"), "c");
    party.server.to("red").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "c");

    // Their handles live on, and are in no room.
    assert_eq!(a.join("red"), Err(JoinError::NoSuchSocket));
    assert!(!a.leave("red"));
    a.leave_all();
    assert!(a.rooms().is_empty());
    assert_eq!(party.members("red"), "c");
}

#[tokio::test]
async fn a_handle_of_a_gone_socket_has_nothing_to_do_with_its_successor() {
    let party = Party::of("a").await;
    let mut ends = record_ends(&party.server);
    let gone = party.socket('a');
    within(party.client('a').close()).await;
    ends.next().await;
    // It takes the place that the first had.
    let successor = crate::rig::dial(&party.server).await;
    within(successor.join("red")).await.expect("joined");
    assert!(!gone.is_connected());
    assert!(!gone.leave("red"));
    gone.leave_all();
    gone.disconnect();
    crate::rig::fence(&successor).await;
    assert_eq!(party.server.members("red").len(), 1);
    assert_eq!(party.server.sockets(), party.server.members("red"));
}
