//! What a key permits: checked where the peer is attached, answered, never a reason to close.

use std::num::NonZeroU32;

use gatewire::keys::{EmitSocket, KeyEntry, Patterns, Permissions, Profile, Rates};
use gatewire::{
    Client, Error, ErrorCode, KeyRing, Psk, RequestError, Server, StreamError, StreamReader,
};

use crate::rig::{Record, build, connect, fence, record, serve_with, within};

fn key() -> Psk {
    Psk::new([7; 32]).expect("a long key")
}

fn patterns(names: &[&str]) -> Patterns {
    Patterns::new(names).expect("patterns")
}

/// A server whose key `limited` has these permissions and whose key `free` has all.
async fn serve(permissions: Permissions) -> Server {
    let limited = KeyEntry::new("limited", key()).permissions(permissions);
    let keys = KeyRing::new().with_entry(limited).with("free", key());
    serve_with(|builder| builder.psk(keys)).await
}

async fn dial(server: &Server, id: &str) -> (Client, Record<Error>) {
    let client = build(server, |builder| builder.psk(id, key()));
    let (heard, errors) = record();
    client.on_error(move |error| heard.note(error));
    connect(&client).await;
    (client, errors)
}

fn lacks(permission: &str) -> String {
    format!("the key lacks the permission `{permission}`")
}

fn denied(permission: &str) -> RequestError {
    RequestError::Denied(lacks(permission))
}

fn refused(permission: &str) -> Error {
    Error::Refused { code: ErrorCode::Denied, text: lacks(permission) }
}

#[tokio::test]
async fn only_listed_events_reach_the_server() {
    let server = serve(Permissions::open().allow_events(patterns(&["fence", "chat.*"]))).await;
    let (said, mut hears) = record();
    for event in ["chat.say", "chat.say.loud", "admin"] {
        let said = said.clone();
        server.on(event, move || said.note(event));
    }
    let (client, mut errors) = dial(&server, "limited").await;
    for event in ["chat.say", "chat.say.loud", "admin", "chat.say"] {
        client.emit(event, ()).expect("queued");
    }
    assert_eq!(within(client.request::<(), _>("admin", ())).await, Err(denied("events")));
    fence(&client).await;
    assert_eq!(hears.so_far(), ["chat.say", "chat.say"]);
    assert_eq!(errors.next_many(2).await, [refused("events"), refused("events")]);
    let inbound = server.counters().inbound;
    assert_eq!(inbound.dropped(gatewire::DropReason::Denied), 3);
    assert!(inbound.is_balanced());
    within(server.close()).await;
}

#[tokio::test]
async fn rooms_are_joined_and_addressed_as_permitted() {
    let permissions = Permissions::open()
        .allow_join(patterns(&["public.>", "own"]))
        .allow_emit_room(patterns(&["public.*"]))
        .limit_rooms(2);
    let server = serve(permissions).await;
    let (client, mut errors) = dial(&server, "limited").await;
    let (member, _) = dial(&server, "free").await;
    let (heard, mut hears) = record();
    member.on("news", move |text: String| heard.note(text));
    for room in ["public.tea", "secret"] {
        within(member.join(room)).await.expect("joined");
    }

    within(client.join("public.tea")).await.expect("joined");
    assert_eq!(within(client.join("secret")).await, Err(denied("join")));
    within(client.join("own")).await.expect("joined");
    let full = "the limit `max_rooms` of the key is reached".to_owned();
    assert_eq!(within(client.join("public.third")).await, Err(RequestError::Denied(full)));
    within(client.join("own")).await.expect("joined already");

    client.to("secret").emit("news", "no").expect("queued");
    client.to("public.tea").to("secret").emit("news", "no").expect("queued");
    client.to("public.tea").emit("news", "yes").expect("queued");
    assert_eq!(hears.next().await, "yes");
    assert_eq!(errors.next_many(2).await, [refused("emit_room"), refused("emit_room")]);
    let ask = |room| client.to(room).request::<(), _>("news", "no");
    assert_eq!(within(ask("secret")).await, Err(denied("emit_room")));
    assert_eq!(within(ask("public.tea")).await.expect("a report").received().len(), 1);
    assert_eq!(hears.next().await, "no", "of the room that is permitted");
    hears.expect_nothing();
    within(server.close()).await;
}

#[tokio::test]
async fn a_restricted_client_reaches_sockets_of_its_rooms_only_and_not_everybody() {
    let server = serve(Permissions::from(Profile::Restricted)).await;
    let (client, mut errors) = dial(&server, "limited").await;
    let (other, _) = dial(&server, "free").await;
    other.on("hi", |name: String| format!("hello {name}"));
    let id = other.id().expect("connected");
    let ask = || client.to_socket(id).request::<String, _>("hi", "ana");
    assert_eq!(within(ask()).await, Err(denied("emit_socket")));
    for member in [&client, &other] {
        within(member.join("tea")).await.expect("joined");
    }
    assert_eq!(within(ask()).await, Ok("hello ana".to_owned()));
    within(client.leave("tea")).await.expect("left");
    assert_eq!(within(ask()).await, Err(denied("emit_socket")));

    client.broadcast().emit("hi", "all").expect("queued");
    assert_eq!(errors.next().await, refused("broadcast"));
    fence(&client).await;
    within(server.close()).await;
}

#[tokio::test]
async fn streams_need_their_permission_and_that_of_their_target() {
    let permissions = Permissions::open().allow_broadcast(false);
    let server = serve(permissions).await;
    server.on("file", |mut stream: StreamReader| async move {
        let mut length = 0;
        while let Ok(Some(chunk)) = stream.chunk().await {
            length += chunk.len() as u64;
        }
        length
    });
    let (client, _) = dial(&server, "limited").await;
    let mut stream = client.stream("file", ()).await.expect("opened");
    within(stream.send(vec![1; 100_000])).await.expect("sent");
    assert_eq!(within(stream.finish::<u64>()).await, Ok(100_000));
    let stream = client.broadcast().stream("file", ()).await.expect("opened");
    let report = within(stream.finish()).await;
    assert_eq!(report, Err(StreamError::Refused(denied("broadcast"))));
    within(server.close()).await;

    let server = serve(Permissions::open().allow_stream(false)).await;
    let (client, _) = dial(&server, "limited").await;
    let stream = client.stream("file", ()).await.expect("opened");
    let end = within(stream.finish::<()>()).await;
    assert_eq!(end, Err(StreamError::Refused(denied("stream"))));
    fence(&client).await;
    within(server.close()).await;
}

#[tokio::test]
async fn who_sends_too_much_is_told_and_stays_connected() {
    let rates = Rates { messages_per_s: NonZeroU32::new(5), ..Rates::default() };
    let server = serve(Permissions::open().limit_rates(rates)).await;
    server.on("tick", || ());
    let (client, _) = dial(&server, "limited").await;
    let mut outcomes = Vec::new();
    for _ in 0..10 {
        outcomes.push(within(client.request::<(), _>("tick", ())).await);
    }
    let limit = "the limit `messages_per_s` of the key is reached".to_owned();
    assert_eq!(outcomes[..5], [const { Ok(()) }; 5]);
    assert!(outcomes.contains(&Err(RequestError::Denied(limit))), "{outcomes:?}");
    assert!(client.is_connected());
    within(server.close()).await;
}

#[tokio::test]
async fn a_key_without_rules_may_do_everything() {
    let server = serve(Permissions::open().allow_emit_socket(EmitSocket::No)).await;
    let (free, _) = dial(&server, "free").await;
    let (other, _) = dial(&server, "limited").await;
    other.on("hi", || 5);
    let socket = server.socket(&free.id().expect("connected")).expect("a socket");
    assert!(socket.permissions().is_open());
    let id = other.id().expect("connected");
    assert_eq!(within(free.to_socket(id).request::<u64, _>("hi", ())).await, Ok(5));
    let back = free.id().expect("connected");
    let asked = within(other.to_socket(back).request::<u64, _>("hi", ())).await;
    assert_eq!(asked, Err(denied("emit_socket")));
    within(server.close()).await;
}
