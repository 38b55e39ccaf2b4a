//! Who receives what is sent to everyone, to rooms and to sockets, from each kind of sender.

use gatewire::{RequestError, SocketId};

use super::party::Party;
use crate::rig::within;

/// `a` and `b` are in `red`, `b` and `c` in `blue`, `d` in none.
async fn party() -> Party {
    let party = Party::of("abcd").await;
    party.join("ab", "red").await;
    party.join("bc", "blue").await;
    party
}

const NOBODY: SocketId = SocketId::from_bytes([9; 16]);

#[tokio::test]
async fn a_server_reaches_everyone_rooms_and_sockets() {
    let mut party = party().await;
    let server = party.server.clone();
    let (b, d) = (party.id('b'), party.id('d'));

    server.emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abcd");
    server.broadcast().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abcd");
    server.to("red").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "ab");
    server.to("nowhere").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "");
    server.to_socket(d).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "d");
    server.to_socket(NOBODY).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "");
    party.socket('b').emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "b");
    server.to_socket(b).emit_volatile("news", ()).expect("sent");
    assert_eq!(party.heard().await, "b");
}

#[tokio::test]
async fn a_socket_that_is_addressed_several_times_receives_once() {
    let mut party = party().await;
    let server = party.server.clone();
    let (a, b, d) = (party.id('a'), party.id('b'), party.id('d'));

    server.to("red").to("blue").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abc");
    server.to_rooms(["red", "blue", "red", "nowhere"]).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abc");
    server.to("red").to_socket(b).to_socket(d).to_socket(d).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abd");
    server.to_socket(a).and().to_socket(b).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "ab");
    server.broadcast().to("red").to_socket(a).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abcd");
}

#[tokio::test]
async fn exceptions_are_taken_away_from_everything() {
    let mut party = party().await;
    let server = party.server.clone();
    let (a, b) = (party.id('a'), party.id('b'));

    server.broadcast().except(a).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "bcd");
    server.broadcast().except_room("red").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "cd");
    server.to("red").except_room("blue").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "a");
    server.to("red").except(a).except(b).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "");
    server.to_socket(b).and().except_room("blue").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "");
    server.broadcast().except(NOBODY).except_room("nowhere").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abcd");
    server.broadcast().except_room("red").except_room("blue").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "d");
}

#[tokio::test]
async fn an_empty_list_is_nobody() {
    let mut party = party().await;
    let server = party.server.clone();
    server.to_rooms([]).emit("news", ()).expect("sent");
    server.to_rooms([]).include_self().except(NOBODY).emit("news", ()).expect("sent");
    party.client('a').to_rooms([]).emit("news", ()).expect("sent");
    party.client('a').to_rooms([]).include_self().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "");
}

#[tokio::test]
async fn a_client_reaches_others_and_itself_only_if_it_says_so() {
    let mut party = party().await;
    let a = party.client('a').clone();
    let (own, b, d) = (party.id('a'), party.id('b'), party.id('d'));

    a.broadcast().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "bcd");
    a.broadcast().include_self().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abcd");
    a.to("red").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "b");
    a.to("red").include_self().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "ab");
    // Only who is in a room is among its members.
    a.to("blue").include_self().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "bc");
    a.to_rooms(["red", "blue"]).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "bc");
    a.to_socket(d).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "d");
    // Who names its own id means it.
    a.to_socket(own).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "a");
    a.to("red").to_socket(own).except(b).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "a");
    a.broadcast().except_room("blue").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "d");
    a.broadcast().except(own).include_self().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "bcd");
    a.to_socket(NOBODY).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "");
    a.broadcast().emit_volatile("news", ()).expect("sent");
    assert_eq!(party.heard().await, "bcd");
}

#[tokio::test]
async fn a_servers_socket_addresses_as_its_client_does() {
    let mut party = party().await;
    let a = party.socket('a');
    let own = a.id();

    a.broadcast().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "bcd");
    a.broadcast().include_self().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "abcd");
    a.to("red").emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "b");
    a.to("red").include_self().emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "ab");
    a.to_socket(own).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "a");
    a.to_socket(party.id('c')).emit("news", ()).expect("sent");
    assert_eq!(party.heard().await, "c");
}

#[tokio::test]
async fn a_question_to_an_unknown_socket_says_so() {
    let party = party().await;
    party.client('b').on("ask", || "b");
    let (a, b) = (party.client('a'), party.id('b'));
    let ask_b = a.to_socket(b);
    assert_eq!(within(ask_b.request::<String, _>("ask", ())).await.as_deref(), Ok("b"));
    let unknown = Err(RequestError::NoSuchSocket);
    let ask = within(a.to_socket(NOBODY).request::<(), _>("ask", ())).await;
    assert_eq!(ask, unknown);
    let ask = within(party.server.to_socket(NOBODY).request::<(), _>("ask", ())).await;
    assert_eq!(ask, unknown);
    let ask = within(party.socket('a').to_socket(NOBODY).request::<(), _>("ask", ())).await;
    assert_eq!(ask, unknown);
}

#[tokio::test]
async fn a_client_may_ask_itself() {
    let party = Party::of("a").await;
    party.client('a').on("ask", || "myself");
    let (a, own) = (party.client('a'), party.id('a'));
    let to_self = a.to_socket(own);
    assert_eq!(within(to_self.request::<String, _>("ask", ())).await.as_deref(), Ok("myself"));
}
