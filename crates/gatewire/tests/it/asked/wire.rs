//! What a server says to a client that asks many, and what it refuses.

use gatewire_codec::{Message, NackCode, Names, ReceiverOutcome, Target, ValueRef, v3};

use super::{address, room};
use crate::raw::{Raw, frame};
use crate::rig::within;

fn ask(id: u32, target: Target<'_>) -> Message<'_> {
    Message::Publish { request: Some(id), target, event: "ask", value: ValueRef::Empty }
}

fn all() -> Target<'static> {
    Target { rooms: Names::from_slice(&["all"]), ..Target::default() }
}

#[tokio::test]
async fn each_is_told_of_as_asked_then_with_its_outcome_and_the_count_comes_last() {
    let room = room(1).await;
    let deaf = room.join().await;
    let mut raw = Raw::dial(room.server.local_addr()).await;
    let names = [&room.members[0], &deaf].map(|client| address(client).to_string());
    let asked = |socket_id| Message::Outcome { id: 3, socket_id, outcome: ReceiverOutcome::Asked };
    let answered = ReceiverOutcome::Answered(ValueRef::Integer(0));
    let refused = ReceiverOutcome::Refused { code: NackCode::NoHandler, value: ValueRef::Empty };
    let outcomes = [
        Message::Outcome { id: 3, socket_id: &names[0], outcome: answered },
        Message::Outcome { id: 3, socket_id: &names[1], outcome: refused },
    ];

    raw.send(&ask(3, all())).await;
    for name in &names {
        raw.expect(&asked(name)).await;
    }
    let mut found = [raw.read().await, raw.read().await].map(|frame| frame.expect("an outcome"));
    found.sort_by_key(|found| *found != frame(&outcomes[0])[4..]);
    for (found, expected) in found.iter().zip(&outcomes) {
        assert_eq!(v3::decode(found), Ok(*expected));
    }
    raw.expect(&Message::Ack { id: 3, value: ValueRef::Integer(2) }).await;

    // Nobody; and exactly one socket, which is answered by itself.
    raw.send(&ask(4, Target::default())).await;
    raw.expect(&Message::Ack { id: 4, value: ValueRef::Integer(0) }).await;
    let one = [names[0].as_str()];
    let sockets = Names::from_slice(&one);
    raw.send(&ask(5, Target { sockets, ..Target::default() })).await;
    raw.expect(&Message::Ack { id: 5, value: ValueRef::Integer(0) }).await;
    within(deaf.close()).await;
    room.close().await;
}

#[tokio::test]
async fn a_request_that_names_too_many_is_denied() {
    let room = room(1).await;
    let mut raw = Raw::dial(room.server.local_addr()).await;
    let rooms = vec!["all"; 1025];
    raw.send(&ask(1, Target { rooms: Names::from_slice(&rooms), ..Target::default() })).await;
    let text = "a request may name 1024 rooms or sockets at most";
    let (code, value) = (NackCode::Denied, ValueRef::String(text));
    raw.expect(&Message::Nack { id: 1, code, value }).await;
    room.close().await;
}

/// 65,536 receivers that do not answer.
#[tokio::test]
async fn a_client_waits_for_so_many_answers_at_most() {
    const MEMBERS: u32 = 64;
    let room = room(0).await;
    let mut silent = Vec::new();
    for _ in 0..MEMBERS {
        let mut raw = Raw::dial(room.server.local_addr()).await;
        raw.send(&Message::Join { id: 1, rooms: Names::from_slice(&["all"]) }).await;
        raw.expect(&Message::Ack { id: 1, value: ValueRef::Empty }).await;
        silent.push(raw);
    }
    let mut raw = Raw::dial(room.server.local_addr()).await;
    for id in 1..=65_536 / MEMBERS {
        raw.send(&ask(id, all())).await;
        for _ in 0..MEMBERS {
            raw.read().await.expect("a receiver is asked");
        }
    }
    let busy = Message::Nack { id: 2000, code: NackCode::Busy, value: ValueRef::Empty };
    raw.send(&ask(2000, all())).await;
    raw.expect(&busy).await;
    // What one connection asks is no other's business, but that of who is asked.
    let mut other = Raw::dial(room.server.local_addr()).await;
    other.send(&ask(1, all())).await;
    let found = other.read().await.expect("a receiver is asked");
    let asked = v3::decode(&found).expect("a message");
    assert!(matches!(asked, Message::Outcome { outcome: ReceiverOutcome::Asked, .. }), "{asked:?}");
    // One that is gone is an outcome of each. There is room when all of a request have one.
    drop(silent.pop());
    for _ in 1..=65_536 / MEMBERS {
        raw.read().await.expect("an outcome");
    }
    raw.send(&ask(2001, all())).await;
    raw.expect(&Message::Nack { id: 2001, code: NackCode::Busy, value: ValueRef::Empty }).await;
    drop(silent);
    for _ in 0..65_536 {
        raw.read().await.expect("the other outcomes, and the counts");
    }
    let member = room.join().await;
    member.on("ask", || ());
    raw.send(&ask(2002, all())).await;
    let name = address(&member).to_string();
    for outcome in [ReceiverOutcome::Asked, ReceiverOutcome::Answered(ValueRef::Empty)] {
        raw.expect(&Message::Outcome { id: 2002, socket_id: &name, outcome }).await;
    }
    within(member.close()).await;
    room.close().await;
}
