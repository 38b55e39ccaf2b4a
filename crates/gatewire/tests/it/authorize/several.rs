//! Messages that consist of several actions.

use std::collections::BTreeSet;

use gatewire::authorize::Decision;
use gatewire_codec::{ErrorCode, Message, NackCode, Names, ValueRef};

use super::{denied, dial, refused, serve_asking, serve_deciding};
use crate::raw::Raw;
use crate::rig::{fence, record, within};

#[tokio::test]
async fn one_denied_target_keeps_a_message_from_all_and_the_rest_is_not_asked_for() {
    let decide = |action: &str| match action {
        "emit say to room cake" => Decision::deny("no cake"),
        _ => Decision::Allow,
    };
    let (server, mut asked) = serve_deciding(|builder| builder, decide).await;
    let (client, mut errors) = dial(&server).await;
    let (member, _) = dial(&server).await;
    let (said, mut hears) = record();
    member.on("say", move |text: String| said.note(text));
    within(member.join("tea")).await.expect("joined");
    assert_eq!(asked.next().await, "join tea");

    client.to("tea").to("cake").to("jam").emit("say", "no").expect("queued");
    client.to("tea").to("jam").emit("say", "yes").expect("queued");
    assert_eq!(errors.next().await, refused("no cake"));
    assert_eq!(hears.next().await, "yes");
    let [tea, cake, jam] = ["tea", "cake", "jam"].map(|room| format!("emit say to room {room}"));
    assert_eq!(asked.so_far(), [tea.clone(), cake, tea, jam]);
    within(server.close()).await;
}

#[tokio::test]
async fn of_several_rooms_those_that_are_allowed_are_joined() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let mut raw = Raw::dial(server.local_addr()).await;
    let socket = server.socket(&raw.id()).expect("a socket");
    let rooms = Names::from_slice(&["a", "b", "", "c", "d"]);
    raw.send(&Message::Join { id: 3, rooms }).await;
    for room in ["a", "b", "c", "d"] {
        let question = asked.next().await;
        assert_eq!(question.action, format!("join {room}"));
        question.decide(match room {
            "b" => Decision::deny("not b"),
            "d" => Decision::deny("not d"),
            _ => Decision::Allow,
        });
    }
    // The first refusal is told, when all is decided.
    let value = ValueRef::String("not b");
    raw.expect(&Message::Nack { id: 3, code: NackCode::Denied, value }).await;
    let rooms: BTreeSet<String> = socket.rooms().into_iter().collect();
    assert_eq!(rooms.into_iter().collect::<Vec<_>>(), ["a", "c"]);

    raw.send(&Message::Join { id: 0, rooms: Names::from_slice(&["", "e"]) }).await;
    asked.next().await.allow();
    let text = "a room name has 1 to 255 bytes";
    raw.expect(&Message::Error { id: 0, code: ErrorCode::BadRoomName, text }).await;
    assert_eq!(server.members("e"), [socket]);
    drop(raw);
    within(server.close()).await;
}

#[tokio::test]
async fn each_room_is_joined_when_it_is_allowed() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let mut raw = Raw::dial(server.local_addr()).await;
    let socket = server.socket(&raw.id()).expect("a socket");
    raw.send(&Message::Join { id: 1, rooms: Names::from_slice(&["a", "b", "c"]) }).await;
    asked.next().await.allow();
    let second = asked.next().await;
    assert_eq!(socket.rooms(), ["a"]);
    // Meanwhile the server itself puts it into another of them.
    assert_eq!(socket.join("c"), Ok(true));
    second.decide(Decision::deny("not b"));
    let value = ValueRef::String("not b");
    raw.expect(&Message::Nack { id: 1, code: NackCode::Denied, value }).await;
    asked.expect_none();
    drop(raw);
    within(server.close()).await;
}

#[tokio::test]
async fn a_message_with_several_targets_goes_out_when_all_are_allowed() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (client, mut errors) = dial(&server).await;
    let (said, mut hears) = record();
    client.on("say", move |text: String| said.note(text));
    for room in ["tea", "cake"] {
        server.sockets()[0].join(room).expect("a room");
    }
    client.to("tea").to("cake").include_self().emit("say", "one").expect("queued");
    client.to("tea").to("cake").include_self().emit("say", "two").expect("queued");
    asked.next().await.allow();
    let second = asked.next().await;
    assert_eq!(second.action, "emit say to room cake");
    hears.expect_nothing();
    second.allow();
    assert_eq!(hears.next().await, "one");
    asked.next().await.allow();
    asked.next().await.decide(Decision::deny("not twice"));
    assert_eq!(errors.next().await, refused("not twice"));
    fence(&client).await;
    hears.expect_nothing();

    let asking = client.join("jam");
    let (joined, ()) = tokio::join!(within(asking), async {
        asked.next().await.decide(Decision::deny("no jam"));
    });
    assert_eq!(joined, Err(denied("no jam")));
    within(server.close()).await;
}
