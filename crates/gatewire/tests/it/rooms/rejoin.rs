//! A client joins its rooms again after a reconnect.

use std::time::Duration;

use futures_util::FutureExt;
use gatewire::{
    Backoff, Client, EmitError, Error, ErrorCode, JoinError, RequestError, RoomLimits, Server,
};
use gatewire_codec::{Message, NackCode, Names, ValueRef};

use crate::raw::RawListener;
use crate::rig::{Record, connect, limits, record, serve, within};

const AT_ONCE: Backoff = Backoff::Fixed(Duration::from_millis(1));

/// A client, and a record of its connections.
fn reconnecting(server: &Server) -> (Client, Record<()>) {
    let client = crate::rig::build(server, |builder| builder.reconnect(AT_ONCE));
    let (connected, connects) = record();
    client.on_connect(move |_| connected.note(()));
    (client, connects)
}

async fn restart(server: &Server) -> Server {
    let address = server.local_addr();
    within(server.close()).await;
    let server = Server::builder().bind(address).await.expect("the port is free again");
    server.on("fence", || ());
    server
}

#[tokio::test]
async fn rooms_are_joined_again_before_anything_else_is_sent() {
    let server = serve().await;
    let (client, mut connects) = reconnecting(&server);
    connect(&client).await;
    connects.next().await;
    for room in ["red", "blue", "left"] {
        within(client.join(room)).await.expect("joined");
    }
    within(client.leave("left")).await.expect("left");
    server.sockets()[0].join("put there by the server").expect("joined");
    let (seen, mut order) = record();
    client.on("news", move |text: String| seen.note(text));

    let server = restart(&server).await;
    connects.next().await;
    // Joined before what is sent to the room right after.
    client.to("red").include_self().emit("news", "hello").expect("queued");
    assert_eq!(order.next().await, "hello");
    let mut rooms = server.sockets()[0].rooms();
    rooms.sort_unstable();
    assert_eq!(rooms, ["blue", "red"]);
    assert_eq!(client.rooms(), ["blue", "red"]);
    client.close().await;
    server.close().await;
}

#[tokio::test]
async fn what_waits_for_the_connection_comes_after_the_rooms() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (_, mut first) = tokio::join!(connect(&client), listener.accept(1));
    let peer = async {
        first.read().await.expect("a join");
        first.send(&Message::Ack { id: 1, value: ValueRef::Empty }).await;
        first
    };
    let (joined, first) = tokio::join!(within(client.join("red")), peer);
    joined.expect("joined");
    let (ended, mut ends) = record();
    client.on_disconnect(move |_| ended.note(()));
    drop(first);
    ends.next().await;
    client.emit("queued", ()).expect("it waits for the next connection");

    let mut second = listener.accept(2).await;
    second.expect(&Message::Join { id: 0, rooms: Names::from_slice(&["red"]) }).await;
    second.expect(&Message::Event { event: "queued", value: ValueRef::Empty }).await;
    drop(second);
    client.close().await;
}

/// The new server is stricter. That costs the rooms that it refuses, and no others.
#[tokio::test]
async fn a_room_that_is_refused_now_does_not_keep_the_others_out() {
    let server = serve().await;
    let (client, mut connects) = reconnecting(&server);
    let (told, mut errors) = record();
    client.on_error(move |error| {
        // Not the attempts while there is no server.
        if !matches!(error, Error::Connect(_)) {
            told.note(error);
        }
    });
    connect(&client).await;
    connects.next().await;
    for room in ["a long name", "b", "c"] {
        within(client.join(room)).await.expect("joined");
    }
    let address = server.local_addr();
    within(server.close()).await;
    let rooms = RoomLimits { max_name: 5, ..RoomLimits::default() };
    let strict = Server::builder().limits(limits(|limits| limits.rooms = rooms));
    let server = strict.bind(address).await.expect("the port is free again");
    connects.next().await;
    let error = errors.next().await;
    let text = "a room name has 1 to 5 bytes".to_owned();
    assert_eq!(error, Error::Refused { code: ErrorCode::BadRoomName, text });
    let mut rooms = server.sockets()[0].rooms();
    rooms.sort_unstable();
    assert_eq!(rooms, ["b", "c"]);
    client.close().await;
    server.close().await;
}

#[tokio::test]
async fn a_new_session_has_a_new_id() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (connected, mut connects) = record();
    client.on_connect(move |id| connected.note(id));
    let (id, first) = tokio::join!(connect(&client), listener.accept(1));
    assert_eq!((id, connects.next().await), (first.id(), first.id()));
    drop(first);
    let second = listener.accept(2).await;
    assert_eq!(connects.next().await, second.id());
    assert_eq!(client.id(), Some(second.id()));
    drop(second);
    client.close().await;
    assert_eq!(client.id(), None);
}

/// The server has confirmed the join, the connection is lost and made again, and only then the caller
/// gets to see that it has joined.
#[tokio::test]
async fn a_join_that_is_confirmed_just_before_a_reconnect_holds() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (connected, mut connects) = record();
    client.on_connect(move |_| connected.note(()));
    let (_, mut first) = tokio::join!(connect(&client), listener.accept(1));
    connects.next().await;
    let mut join = Box::pin(client.join("red"));
    assert_eq!(join.as_mut().now_or_never(), None);
    let names = ["red"];
    let rooms = Names::from_slice(&names);
    first.expect(&Message::Join { id: 1, rooms }).await;
    first.send(&Message::Ack { id: 1, value: ValueRef::Empty }).await;
    drop(first);
    let mut second = listener.accept(2).await;
    connects.next().await;

    let confirm = async {
        second.expect(&Message::Join { id: 2, rooms }).await;
        second.send(&Message::Ack { id: 2, value: ValueRef::Empty }).await;
    };
    let (joined, ()) = within(async { tokio::join!(join, confirm) }).await;
    assert_eq!(joined, Ok(()));
    assert_eq!(client.rooms(), names);
    drop(second);
    client.close().await;
}

/// It lives, and does not have the client in the room.
#[tokio::test]
async fn a_join_that_the_connection_behind_a_reconnect_does_not_confirm_fails() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (connected, mut connects) = record();
    client.on_connect(move |_| connected.note(()));
    let (_, mut first) = tokio::join!(connect(&client), listener.accept(1));
    connects.next().await;
    let mut join = Box::pin(client.join("red"));
    assert_eq!(join.as_mut().now_or_never(), None);
    first.read().await.expect("a join");
    first.send(&Message::Ack { id: 1, value: ValueRef::Empty }).await;
    drop(first);
    let mut second = listener.accept(2).await;
    connects.next().await;

    let refuse = async {
        second.read().await.expect("a join");
        let value = ValueRef::Empty;
        second.send(&Message::Nack { id: 2, code: NackCode::Busy, value }).await;
    };
    let (joined, ()) = within(async { tokio::join!(join, refuse) }).await;
    assert_eq!(joined, Err(RequestError::Busy));
    assert_eq!(client.rooms(), [""; 0]);
    drop(second);
    client.close().await;
}

#[tokio::test]
async fn a_room_that_is_left_before_its_join_is_confirmed_is_not_joined_again() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (_, mut first) = tokio::join!(connect(&client), listener.accept(1));
    let mut join = Box::pin(client.join_rooms(["red", "blue"]));
    assert_eq!(join.as_mut().now_or_never(), None);
    let mut leave = Box::pin(client.leave("red"));
    assert_eq!(leave.as_mut().now_or_never(), None);
    first.expect(&Message::Join { id: 1, rooms: Names::from_slice(&["red", "blue"]) }).await;
    first.expect(&Message::Leave { id: 2, rooms: Names::from_slice(&["red"]) }).await;
    for id in [1, 2] {
        first.send(&Message::Ack { id, value: ValueRef::Empty }).await;
    }
    assert_eq!(within(join).await, Ok(()));
    assert_eq!(within(leave).await, Ok(()));
    assert_eq!(client.rooms(), ["blue"]);
    drop(first);
    let mut second = listener.accept(2).await;
    second.expect(&Message::Join { id: 0, rooms: Names::from_slice(&["blue"]) }).await;
    drop(second);
    client.close().await;
}

/// Whatever limit a server announces, it costs what does not fit, and nothing else.
#[tokio::test]
async fn a_name_that_the_next_server_does_not_read_does_not_keep_the_others_out() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (told, mut errors) = record();
    client.on_error(move |error| told.note(error));
    let (_, mut first) = tokio::join!(connect(&client), listener.accept(1));
    for (id, room) in (1..).zip(["a name that is long", "b", "c"]) {
        let confirm = async {
            first.read().await.expect("a join");
            first.send(&Message::Ack { id, value: ValueRef::Empty }).await;
        };
        let (joined, ()) = within(async { tokio::join!(client.join(room), confirm) }).await;
        joined.expect("joined");
    }
    drop(first);
    let mut second = listener.accept_only().await;
    let hello = second.read().await.expect("a hello");
    let mut second = second.greet_with(&hello, 2, 16).await.expect("a proof");
    assert_eq!(errors.next().await, Error::Join(JoinError::BadName { max_name: 11 }));
    let mut joined = Vec::new();
    while !(joined.contains(&"b".to_owned()) && joined.contains(&"c".to_owned())) {
        let frame = second.read().await.expect("a join");
        match gatewire_codec::v3::decode(&frame) {
            Ok(Message::Join { id: 0, rooms }) => joined.extend(rooms.iter().map(str::to_owned)),
            other => panic!("{other:?}"),
        }
    }
    client.emit("e", ()).expect("it fits");
    drop(second);
    client.close().await;
}

/// A server that reads nothing at all is told nothing, and is left in peace.
#[tokio::test]
async fn a_server_that_announces_no_room_for_any_frame_is_no_danger() {
    let listener = RawListener::bind().await;
    let client = Client::builder().no_reconnect().build(listener.address());
    let peer = async {
        let mut raw = listener.accept_only().await;
        let hello = raw.read().await.expect("a hello");
        raw.greet_with(&hello, 1, 0).await.expect("a proof")
    };
    let (_, mut raw) = tokio::join!(connect(&client), peer);
    let too_large = |length| EmitError::TooLarge { length, limit: 0 };
    assert_eq!(client.emit("e", ()), Err(too_large(5)));
    assert_eq!(within(client.join("b")).await, Err(RequestError::NotSent(too_large(6))));
    let closed = async {
        within(client.close()).await;
    };
    tokio::join!(closed, raw.expect_end());
}
