//! While a decision is waited for: what waits behind it, and what does not.

use gatewire::Client;
use gatewire::authorize::{Action, Decision, Verdict};
use gatewire_codec::{Message, Names, ValueRef};
use tokio::sync::watch;

use super::{denied, dial, name, serve_asking};
use crate::raw::Raw;
use crate::rig::{fence, record, serve_with, within};

#[tokio::test]
async fn messages_are_handled_in_order_however_long_each_decision_takes() {
    let server = serve_with(|builder| {
        builder.authorize(|_, action| {
            // From none to six turns, and some are denied.
            let turns = name(action).bytes().map(usize::from).sum::<usize>() % 7;
            if turns == 0 {
                return Decision::Allow.into();
            }
            let denied = turns == 5 && matches!(action, Action::Emit { .. });
            Verdict::later(async move {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                if denied { Decision::deny("five") } else { Decision::Allow }
            })
        })
    })
    .await;
    let (heard, mut hears) = record();
    server.on_any(move |_, event, _| heard.note(event.to_owned()));
    let (client, _) = dial(&server).await;
    let names: Vec<String> = (0..500).map(|number| format!("event {number}")).collect();
    for name in &names {
        client.emit(name, ()).expect("queued");
    }
    fence(&client).await;
    let allowed = names.iter().filter(|event| {
        let sum = format!("emit {event}").bytes().map(usize::from).sum::<usize>();
        sum % 7 != 5
    });
    let expected: Vec<&str> = allowed.map(String::as_str).chain(["fence"]).collect();
    assert!(expected.len() > 400 && expected.len() < 500, "{}", expected.len());
    assert_eq!(hears.so_far(), expected);
    within(server.close()).await;
}

#[tokio::test]
async fn a_join_takes_effect_when_it_is_allowed_and_before_what_was_sent_behind_it() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (client, _) = dial(&server).await;
    let (said, mut hears) = record();
    client.on("say", move |text: String| said.note(text));
    let joining = tokio::spawn({
        let client = client.clone();
        async move { client.join("tea").await }
    });
    let join = asked.next().await;
    assert_eq!(join.action, "join tea");
    client.to("tea").include_self().emit("say", "first").expect("queued");
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.leave("tea").await }
    });
    let (other, _) = dial(&server).await;
    fence(&other).await;
    assert!(server.members("tea").is_empty() && !joining.is_finished());
    asked.expect_none();

    join.allow();
    within(joining).await.expect("no panic").expect("joined");
    let say = asked.next().await;
    assert_eq!(say.action, "emit say to room tea");
    // Its leave waits too.
    assert_eq!(server.members("tea").len(), 1);
    say.allow();
    assert_eq!(hears.next().await, "first");
    within(leaving).await.expect("no panic").expect("left");
    assert!(server.members("tea").is_empty());
    within(server.close()).await;
}

#[tokio::test]
async fn the_closure_may_ask_the_very_client_that_waits() {
    let server = serve_with(|builder| {
        builder.authorize(|socket, action| {
            let Action::Join { .. } = action else { return Decision::Allow.into() };
            let socket = socket.clone();
            Verdict::later(async move {
                match socket.request::<String, _>("password", ()).await.as_deref() {
                    Ok("please") => Decision::Allow,
                    other => Decision::deny(format!("{other:?} is not the magic word")),
                }
            })
        })
    })
    .await;
    let (client, _) = dial(&server).await;
    let first = client.once("password", || "open sesame");
    let refused = within(client.join("tea")).await;
    assert_eq!(refused, Err(denied("Ok(\"open sesame\") is not the magic word")));
    client.off(first);
    client.on("password", || "please");
    within(client.join("tea")).await.expect("joined");
    within(server.close()).await;
}

#[tokio::test]
async fn pings_and_answers_pass_by() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    server.on("m", || ());
    let mut raw = Raw::dial(server.local_addr()).await;
    let socket = server.socket(&raw.id()).expect("a socket");
    raw.send(&Message::Request { id: 1, event: "m", value: ValueRef::Empty }).await;
    let question = asked.next().await;
    raw.send(&Message::Request { id: 2, event: "fence", value: ValueRef::Empty }).await;
    raw.send(&Message::Ping { token: 9 }).await;
    raw.expect(&Message::Pong { token: 9 }).await;
    let asking = tokio::spawn(async move { socket.request::<i64, _>("q", ()).await });
    raw.expect(&Message::Request { id: 1, event: "q", value: ValueRef::Empty }).await;
    raw.send(&Message::Ack { id: 1, value: ValueRef::Integer(5) }).await;
    assert_eq!(within(asking).await.expect("no panic"), Ok(5));
    question.allow();
    for id in [1, 2] {
        raw.expect(&Message::Ack { id, value: ValueRef::Empty }).await;
    }
    drop(raw);
    within(server.close()).await;
}

#[tokio::test]
async fn a_decision_about_one_client_delays_no_other() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let ((slow, _), (fast, _)) = (dial(&server).await, dial(&server).await);
    server.on("m", || ());
    let ask = |client: &Client| {
        let client = client.clone();
        tokio::spawn(async move { client.request::<(), _>("m", ()).await })
    };
    let waits = ask(&slow);
    let first = asked.next().await;
    for _ in 0..10 {
        let goes_on = ask(&fast);
        asked.next().await.allow();
        within(goes_on).await.expect("no panic").expect("an answer");
        fence(&fast).await;
    }
    assert!(!waits.is_finished());
    first.allow();
    within(waits).await.expect("no panic").expect("an answer");
    within(server.close()).await;
}

#[tokio::test]
async fn nothing_is_asked_before_on_connect_is_done() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (go, gone) = watch::channel(false);
    server.on_connect(move |_| {
        let mut gone = gone.clone();
        async move { gone.wait_for(|gone| *gone).await.map(drop).expect("the test goes on") }
    });
    let mut raw = Raw::dial(server.local_addr()).await;
    raw.send(&Message::Join { id: 1, rooms: Names::from_slice(&["tea"]) }).await;
    raw.send(&Message::Event { event: "m", value: ValueRef::Empty }).await;
    raw.send(&Message::Ping { token: 1 }).await;
    raw.expect(&Message::Pong { token: 1 }).await;
    asked.expect_none();
    assert_eq!(server.counters().inbound.queued, 1);
    go.send(true).expect("it waits");
    for action in ["join tea", "emit m"] {
        let question = asked.next().await;
        assert_eq!(question.action, action);
        question.allow();
    }
    raw.expect(&Message::Ack { id: 1, value: ValueRef::Empty }).await;
    drop(raw);
    within(server.close()).await;
}
