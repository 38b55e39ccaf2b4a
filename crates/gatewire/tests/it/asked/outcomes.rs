//! Members that do not answer, and why.

use bytes::Bytes;
use gatewire::{Rejection, RequestError, Value};

use super::{Senders, address, received, room, sorted};
use crate::rig::{dial, within};

#[tokio::test]
async fn whoever_does_not_answer_has_failed_with_its_reason() {
    let room = room(2).await;
    let senders = Senders::of(&room.server).await;
    let deaf = room.join().await;
    let [refuses, panics, wrong] = [room.join().await, room.join().await, room.join().await];
    refuses.on("ask", || Err::<u64, _>(Rejection::new("not now")));
    panics.on("ask", || -> u64 { panic!("oh no") });
    wrong.on("ask", || "no number");
    for request in senders.ask("ask") {
        let report = within(request).await.expect("a report");
        assert!(!report.is_complete());
        assert_eq!(report.expected().len(), 6);
        assert_eq!(received(&report), sorted(room.addresses().into_iter().zip(0..)));
        assert_eq!(report.missing().len(), 0);
        let failed: Vec<_> = report.failed().collect();
        let why = |client| {
            let found = failed.iter().find(|(failed, _)| **failed == address(client));
            found.expect("it has failed").1.clone()
        };
        assert_eq!(failed.len(), 4);
        assert_eq!(why(&deaf), RequestError::NoHandler);
        assert_eq!(why(&refuses), RequestError::Rejected(Value::String("not now".to_owned())));
        assert_eq!(why(&panics), RequestError::Panicked);
        assert!(matches!(why(&wrong), RequestError::BadAnswer(_)), "{:?}", why(&wrong));
    }
    for client in [deaf, refuses, panics, wrong] {
        within(client.close()).await;
    }
    room.close().await;
}

#[tokio::test]
async fn a_long_answer_is_told_to_a_server_and_not_to_a_client() {
    let room = room(0).await;
    let member = room.join().await;
    member.on("ask", |length: usize| "x".repeat(length));
    let client = dial(&room.server).await;
    for length in [1024, 1025, 100_000] {
        let here = room.server.to("all").request::<String, _>("ask", length);
        let report = within(here).await.expect("a report");
        assert_eq!(report.into_received(), [(address(&member), "x".repeat(length))]);

        let there = client.to("all").request::<String, _>("ask", length);
        let report = within(there).await.expect("a report");
        let failed: Vec<_> = report.failed().collect();
        if length > 1024 {
            assert_eq!(failed, [(&address(&member), &RequestError::TooLarge)]);
        } else {
            assert_eq!(report.into_received(), [(address(&member), "x".repeat(length))]);
        }
    }
    // So is what a refusal says.
    member.on("refuse", |length: usize| Err::<(), _>(Rejection::new(&*"x".repeat(length))));
    let refused = client.to("all").request::<(), _>("refuse", 2000_u64);
    let report = within(refused).await.expect("a report");
    let failed: Vec<_> = report.failed().collect();
    assert_eq!(failed, [(&address(&member), &RequestError::Rejected(Value::Empty))]);
    within(member.close()).await;
    room.close().await;
}

#[tokio::test]
async fn a_value_for_many_is_bounded() {
    let room = room(1).await;
    let client = dial(&room.server).await;
    for length in [64 << 10, (64 << 10) + 1] {
        let value = Bytes::from(vec![0; length]);
        let here = within(room.server.to("all").request::<Value, _>("other", value.clone())).await;
        let there = within(client.to("all").request::<Value, _>("other", value)).await;
        if length > 64 << 10 {
            assert!(matches!(here, Err(RequestError::NotSent(_))), "{here:?}");
            assert_eq!(there, Err(RequestError::TooLarge));
        } else {
            assert_eq!(here.expect("a report").failed().len(), 1);
            assert_eq!(there.expect("a report").failed().len(), 1);
        }
    }
    room.close().await;
}
