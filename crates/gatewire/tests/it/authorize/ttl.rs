//! Decisions that hold for a time.

use std::time::Duration;

use gatewire::Client;
use gatewire::authorize::Decision;

use super::{denied, dial, serve_asking, serve_deciding};
use crate::rig::{record, within};

const MINUTE: Duration = Duration::from_secs(60);

async fn ask(client: &Client, event: &str) {
    within(client.request::<(), _>(event, ())).await.expect("an answer");
}

#[tokio::test]
async fn the_same_action_is_not_asked_for_again_until_the_time_is_over() {
    let (server, mut asked) =
        serve_deciding(|builder| builder, |_| Decision::AllowFor(MINUTE)).await;
    server.on("a", || ());
    server.on("b", || ());
    let (client, _) = dial(&server).await;
    tokio::time::pause();
    for _ in 0..3 {
        for event in ["a", "b", "a"] {
            ask(&client, event).await;
        }
        assert_eq!(asked.so_far(), ["emit a", "emit b"]);
        // Counted from the decision, not from the last use.
        tokio::time::advance(MINUTE / 2).await;
        ask(&client, "a").await;
        asked.expect_nothing();
        tokio::time::advance(MINUTE / 2).await;
    }
    within(server.close()).await;
}

#[tokio::test]
async fn a_decision_holds_for_its_socket_and_its_target_alone() {
    let (server, mut asked) =
        serve_deciding(|builder| builder, |_| Decision::AllowFor(MINUTE)).await;
    let ((one, _), (other, _)) = (dial(&server).await, dial(&server).await);
    for _ in 0..2 {
        within(one.join("tea")).await.expect("joined");
        within(one.leave("tea")).await.expect("left");
    }
    within(one.join("cake")).await.expect("joined");
    within(other.join("tea")).await.expect("joined");
    assert_eq!(asked.so_far(), ["join tea", "join cake", "join tea"]);
    within(server.close()).await;
}

#[tokio::test]
async fn denials_and_single_permissions_are_asked_for_each_time() {
    let decide = |action: &str| match action {
        "emit a" => Decision::Allow,
        "emit b" => Decision::AllowFor(Duration::ZERO),
        _ => Decision::deny("no"),
    };
    let (server, mut asked) = serve_deciding(|builder| builder, decide).await;
    server.on("a", || ());
    server.on("b", || ());
    let (client, _) = dial(&server).await;
    for _ in 0..2 {
        ask(&client, "a").await;
        ask(&client, "b").await;
        let refused = within(client.request::<(), _>("c", ())).await;
        assert_eq!(refused, Err(denied("no")));
        assert_eq!(asked.so_far(), ["emit a", "emit b", "emit c"]);
    }
    within(server.close()).await;
}

#[tokio::test]
async fn a_decision_that_took_its_time_holds_for_what_waited_behind_it() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (said, mut hears) = record();
    server.on("m", move |number: i64| said.note(number));
    let (client, _) = dial(&server).await;
    for number in 0..3 {
        client.emit("m", number).expect("queued");
    }
    asked.next().await.decide(Decision::AllowFor(MINUTE));
    assert_eq!(hears.next_many(3).await, [0, 1, 2]);
    asked.expect_none();
    within(server.close()).await;
}
