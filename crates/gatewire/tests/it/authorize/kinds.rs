//! Each kind of action: asked for once, and answered when it is denied.

use gatewire::authorize::Decision;
use gatewire::keys::{KeyEntry, Patterns, Permissions};
use gatewire::{Client, DropReason, KeyRing, Psk, StreamError, StreamReader};
use gatewire_codec::{ErrorCode, Message, Names, StreamCode, Target, ValueRef};

use super::{denied, dial, name, refused, serve_deciding};
use crate::raw::Raw;
use crate::rig::{connect, fence, limits, record, serve_with, within};

#[tokio::test]
async fn each_action_is_asked_for_once_and_in_order() {
    let (server, mut asked) = serve_deciding(|builder| builder, |_| Decision::Allow).await;
    server.on("say", || ());
    server.on("file", |_: StreamReader| ());
    let (client, _) = dial(&server).await;
    let (other, _) = dial(&server).await;
    other.on("say", || ());
    other.on("file", |_: StreamReader| ());
    let id = other.id().expect("connected");

    client.emit("say", ()).expect("queued");
    within(client.request::<(), _>("say", ())).await.expect("an answer");
    within(client.join("tea")).await.expect("joined");
    within(client.leave("tea")).await.expect("left");
    within(client.join("tea")).await.expect("joined");
    within(client.leave_all()).await.expect("left");
    client.to("tea").to("cake").except_room("quiet").emit("say", ()).expect("queued");
    within(client.to_socket(id).request::<(), _>("say", ())).await.expect("an answer");
    client.broadcast().emit("say", ()).expect("queued");
    within(client.to("tea").request::<(), _>("say", ())).await.expect("a report");
    let stream = client.stream("file", ()).await.expect("opened");
    let _stopped = within(stream.finish::<()>()).await;
    let stream = client.to_socket(id).stream("file", ()).await.expect("opened");
    let _stopped = within(stream.finish::<()>()).await;
    let stream = client.to("tea").stream("file", ()).await.expect("opened");
    within(stream.finish()).await.expect("a report");
    fence(&client).await;

    let to_other = |event| format!("emit {event} to socket {id}");
    let expected = [
        "emit say",
        "emit say",
        "join tea",
        "join tea",
        "emit say to room tea",
        "emit say to room cake",
        &to_other("say"),
        "broadcast say",
        "emit say to room tea",
        "stream file",
        "emit file",
        "stream file",
        &to_other("file"),
        "stream file",
        "emit file to room tea",
    ];
    assert_eq!(asked.so_far(), expected);
    within(server.close()).await;
}

#[tokio::test]
async fn a_denied_action_is_answered_and_the_connection_goes_on() {
    let deny = |action: &str| Decision::deny(format!("not {action}"));
    let (server, _asked) = serve_deciding(|builder| builder, deny).await;
    let (heard, mut hears) = record();
    server.on_any(move |_, event, _| heard.note(event.to_owned()));
    let (client, mut errors) = dial(&server).await;
    let (other, _) = dial(&server).await;
    let id = other.id().expect("connected");
    let to_other = format!("not emit say to socket {id}");

    client.emit("say", ()).expect("queued");
    assert_eq!(errors.next().await, refused("not emit say"));
    client.to("tea").emit("say", ()).expect("queued");
    assert_eq!(errors.next().await, refused("not emit say to room tea"));
    client.to_socket(id).emit("say", ()).expect("queued");
    assert_eq!(errors.next().await, refused(&to_other));
    client.broadcast().emit("say", ()).expect("queued");
    assert_eq!(errors.next().await, refused("not broadcast say"));

    let asked = within(client.request::<(), _>("say", ())).await;
    assert_eq!(asked, Err(denied("not emit say")));
    let asked = within(client.to_socket(id).request::<(), _>("say", ())).await;
    assert_eq!(asked, Err(denied(&to_other)));
    let asked = within(client.to("tea").request::<(), _>("say", ())).await;
    assert_eq!(asked, Err(denied("not emit say to room tea")));
    let asked = within(client.broadcast().request::<(), _>("say", ())).await;
    assert_eq!(asked, Err(denied("not broadcast say")));
    assert_eq!(within(client.join("tea")).await, Err(denied("not join tea")));
    let stream = client.stream("file", ()).await.expect("opened");
    let end = within(stream.finish::<()>()).await;
    assert_eq!(end, Err(StreamError::Refused(denied("not stream file"))));
    let stream = client.to("tea").stream("file", ()).await.expect("opened");
    let end = within(stream.finish()).await;
    assert_eq!(end, Err(StreamError::Refused(denied("not stream file"))));

    fence(&client).await;
    assert_eq!(hears.so_far(), ["fence"]);
    errors.expect_nothing();
    assert!(server.members("tea").is_empty());
    let inbound = server.counters().inbound;
    // An event, a request and a stream to the server itself.
    assert_eq!((inbound.dropped(DropReason::Denied), inbound.done), (3, 1));
    assert!(inbound.is_balanced());
    within(server.close()).await;
}

#[tokio::test]
async fn who_wants_no_answer_to_a_join_or_a_stream_is_told_all_the_same() {
    let (server, _asked) = serve_deciding(|builder| builder, |_| Decision::deny("")).await;
    let mut raw = Raw::dial(server.local_addr()).await;
    let text = "the server does not allow it";
    raw.send(&Message::Join { id: 0, rooms: Names::from_slice(&["tea"]) }).await;
    raw.expect(&Message::Error { id: 0, code: ErrorCode::Denied, text }).await;
    let (event, info) = ("file", ValueRef::Empty);
    raw.send(&Message::StreamOpen { id: 5, target: None, event, info, ack: false }).await;
    raw.expect(&Message::StreamStop { id: 5, code: StreamCode::NotTaken, text }).await;
    drop(raw);
    within(server.close()).await;
}

#[tokio::test]
async fn what_the_key_or_the_limits_refuse_is_not_asked_for() {
    let key = || Psk::new([7; 32]).expect("a long key");
    let permissions = Permissions::open()
        .allow_join(Patterns::new(["public.>"]).expect("patterns"))
        .allow_broadcast(false)
        .limit_rooms(2);
    let ring = KeyRing::new().with_entry(KeyEntry::new("limited", key()).permissions(permissions));
    let limits = limits(|limits| limits.rooms.max_name = 10);
    let (server, mut asked) =
        serve_deciding(|builder| builder.psk(ring).plain().limits(limits), |_| Decision::Allow)
            .await;
    let client = Client::builder().psk("limited", key()).plain().build(server.local_addr());
    connect(&client).await;

    let lacks = |permission| denied(&format!("the key lacks the permission `{permission}`"));
    assert_eq!(within(client.join("secret")).await, Err(lacks("join")));
    client.broadcast().emit("say", ()).expect("queued");
    let long = within(client.join("public.and.long")).await;
    assert_eq!(long, Err(denied("a room name has 1 to 10 bytes")));
    for room in ["public.a", "public.b"] {
        within(client.join(room)).await.expect("joined");
    }
    let full = within(client.join("public.c")).await;
    assert_eq!(full, Err(denied("the limit `max_rooms` of the key is reached")));
    // It is in it already.
    within(client.join("public.a")).await.expect("joined");
    assert_eq!(asked.so_far(), ["join public.a", "join public.b"]);
    within(server.close()).await;
}

#[tokio::test]
async fn a_list_of_too_many_names_is_refused_without_asking() {
    let (server, mut asked) = serve_deciding(|builder| builder, |_| Decision::Allow).await;
    let mut raw = Raw::dial(server.local_addr()).await;
    let names = vec!["a"; 2000];
    let rooms = Names::from_slice(&names);
    let target = Target { rooms, ..Target::default() };
    let (event, value) = ("say", ValueRef::Empty);
    raw.send(&Message::Publish { request: None, target, event, value }).await;
    let text = "a message may name 1024 rooms or sockets at most";
    raw.expect(&Message::Error { id: 0, code: ErrorCode::Denied, text }).await;
    raw.send(&Message::Join { id: 0, rooms }).await;
    let text = "1024 rooms at most can be named at once";
    raw.expect(&Message::Error { id: 0, code: ErrorCode::TooManyRooms, text }).await;
    asked.expect_nothing();
    drop(raw);
    within(server.close()).await;
}

#[tokio::test]
async fn what_the_server_does_itself_asks_nobody() {
    let (server, mut asked) = serve_deciding(|builder| builder, |_| Decision::deny("no")).await;
    let (client, _) = dial(&server).await;
    let (said, mut hears) = record();
    client.on("news", move |text: String| said.note(text));
    let socket = server.sockets().pop().expect("a socket");
    assert_eq!(socket.join("tea"), Ok(true));
    server.to("tea").emit("news", "brewed").expect("queued");
    assert_eq!(hears.next().await, "brewed");
    asked.expect_nothing();
    // A room that a socket is in is not asked for.
    within(client.join("tea")).await.expect("joined");
    asked.expect_nothing();
    within(server.close()).await;
}

#[tokio::test]
async fn a_closure_may_return_a_future_and_knows_the_socket() {
    let (asked, mut questions) = record();
    let server = serve_with(|builder| {
        builder.authorize(move |socket, action| {
            asked.note((socket.id(), name(action)));
            let allowed = socket.is_connected();
            async move { if allowed { Decision::Allow } else { Decision::deny("gone") } }
        })
    })
    .await;
    let (client, _) = dial(&server).await;
    fence(&client).await;
    assert_eq!(questions.next().await, (client.id().expect("connected"), "emit fence".to_owned()));
    within(server.close()).await;
}
