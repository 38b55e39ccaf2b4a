//! Closures that panic, and such as never come to an end.

use std::time::Duration;

use gatewire::authorize::{Action, Decision, Verdict};
use gatewire::{Client, DropReason, Error, RequestError, Server};
use gatewire_codec::{Message, ValueRef};
use tokio::time::Instant;

use super::{denied, dial, serve_asking};
use crate::raw::Raw;
use crate::rig::{Record, eventually, fence, limits, record, record_ends, serve_with, within};

/// Panics when it goes.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// A server whose decision about the event `m` is this.
async fn serve_faulty(
    decide: impl Fn() -> Verdict + Send + Sync + 'static,
) -> (Server, Record<Error>) {
    let server = serve_with(|builder| {
        builder.authorize(move |_, action| match action {
            Action::Emit { event: "m" } => decide(),
            _ => Decision::Allow.into(),
        })
    })
    .await;
    server.on("m", || ());
    let (told, errors) = record();
    server.on_error(move |_, error| told.note(error));
    (server, errors)
}

fn panicked(message: &str) -> Error {
    Error::HandlerPanicked { event: "authorize".to_owned(), message: message.to_owned() }
}

/// The request is denied, the panic is told and counted, and the connection goes on.
async fn expect_panic((server, mut errors): (Server, Record<Error>), message: &str) {
    let (client, _) = dial(&server).await;
    let asked = within(client.request::<(), _>("m", ())).await;
    assert_eq!(asked, Err(denied("it could not be authorized")));
    assert_eq!(errors.next().await, panicked(message));
    fence(&client).await;
    let counters = server.counters();
    assert_eq!(counters.handler_panics, 1);
    assert_eq!(counters.inbound.dropped(DropReason::Denied), 1);
    assert!(counters.inbound.is_balanced());
    within(server.close()).await;
}

#[tokio::test]
async fn a_closure_that_panics_denies() {
    expect_panic(serve_faulty(|| panic!("at once")).await, "at once").await;
}

#[tokio::test]
async fn a_future_that_panics_denies() {
    let decide = || Verdict::later(async { panic!("when polled") });
    expect_panic(serve_faulty(decide).await, "when polled").await;
    let decide = || {
        Verdict::later(async {
            tokio::task::yield_now().await;
            panic!("when polled again")
        })
    };
    expect_panic(serve_faulty(decide).await, "when polled again").await;
}

#[tokio::test]
async fn a_future_that_panics_when_it_is_dropped_costs_nobody_anything() {
    let decide = || {
        let grenade = Grenade;
        Verdict::later(async move {
            let _held = grenade;
            std::future::pending().await
        })
    };
    let (server, mut errors) = serve_faulty(decide).await;
    let (client, _) = dial(&server).await;
    tokio::time::pause();
    let asked = within(client.request::<(), _>("m", ())).await;
    assert_eq!(asked, Err(denied("its authorization took too long")));
    assert_eq!(errors.next().await, panicked("dropped"));
    fence(&client).await;
    tokio::time::resume();
    // Also when the connection ends.
    client.emit("m", ()).expect("queued");
    client.emit("end", ()).expect("queued");
    client.flush().await.expect("written");
    eventually(|| server.counters().inbound.queued == 2).await;
    server.sockets()[0].disconnect();
    eventually(|| server.counters().handler_panics == 2).await;
    within(server.close()).await;
}

async fn ask(client: &Client) -> Result<(), RequestError> {
    within(client.request("m", ())).await
}

#[tokio::test]
async fn a_decision_that_never_comes_is_a_denial_after_four_seconds() {
    let (server, _errors) = serve_faulty(|| Verdict::later(std::future::pending())).await;
    let (client, _) = dial(&server).await;
    tokio::time::pause();
    let start = Instant::now();
    assert_eq!(ask(&client).await, Err(denied("its authorization took too long")));
    let took = start.elapsed();
    assert!((4.0..4.1).contains(&took.as_secs_f64()), "{took:?}");
    // And what waited behind it goes on.
    fence(&client).await;
    within(server.close()).await;
}

#[tokio::test]
async fn how_long_a_decision_may_take_is_a_limit() {
    let second = Duration::from_secs(1);
    let limits = limits(|limits| limits.authorize_timeout = second);
    let (server, mut asked) = serve_asking(|builder| builder.limits(limits)).await;
    server.on("m", || ());
    let (client, _) = dial(&server).await;
    tokio::time::pause();
    let start = Instant::now();
    let ((), ()) = tokio::join!(
        async {
            assert_eq!(ask(&client).await, Err(denied("its authorization took too long")));
        },
        async {
            let question = asked.next().await;
            let mut answer = question.answer;
            // Its future is dropped.
            within(answer.closed()).await;
            assert!(start.elapsed() >= second);
        }
    );
    // Each decision has its own time.
    for _ in 0..3 {
        let ((), ()) = tokio::join!(async { assert_eq!(ask(&client).await, Ok(())) }, async {
            let question = asked.next().await;
            tokio::time::sleep(second / 2).await;
            question.allow();
        });
    }
    within(server.close()).await;
}

#[tokio::test]
async fn a_client_is_not_taken_for_dead_or_idle_because_a_decision_is_slow() {
    let hour = Duration::from_secs(3600);
    let limits = limits(|limits| {
        limits.authorize_timeout = hour;
        limits.handler_queue = 4;
    });
    let idle = Some(Duration::from_secs(60));
    let (server, mut asked) =
        serve_asking(|builder| builder.limits(limits).idle_timeout(idle)).await;
    let mut ends = record_ends(&server);
    let (heard, mut hears) = record();
    server.on("m", move |number: i64| heard.note(number));
    let mut raw = Raw::dial(server.local_addr()).await;
    for number in 0..10 {
        raw.send(&Message::Event { event: "m", value: ValueRef::Integer(number) }).await;
    }
    let first = asked.next().await;
    eventually(|| server.counters().inbound.queued >= 4).await;
    tokio::time::pause();
    for _ in 0..30 {
        // The client answers no ping, and could not be heard.
        tokio::time::advance(Duration::from_secs(11)).await;
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
    ends.expect_nothing();
    first.allow();
    for _ in 1..10 {
        asked.next().await.allow();
    }
    assert_eq!(hears.next_many(10).await, (0..10).collect::<Vec<_>>());
    assert_eq!(server.len(), 1);
    drop(raw);
    within(server.close()).await;
}

#[tokio::test]
async fn who_waits_for_a_decision_is_not_idle() {
    let second = Duration::from_secs(1);
    let (server, mut asked) = serve_asking(|builder| builder.idle_timeout(Some(2 * second))).await;
    server.on("m", || ());
    let (client, _) = dial(&server).await;
    tokio::time::pause();
    let ((), ()) = tokio::join!(async { assert_eq!(ask(&client).await, Ok(())) }, async {
        let question = asked.next().await;
        tokio::time::sleep(3 * second).await;
        question.allow();
    });
    assert_eq!(server.len(), 1);
    within(server.close()).await;
}
