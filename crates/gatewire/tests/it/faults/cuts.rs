//! Connections that break in the middle of a frame: the other half must not meet what comes next.

use std::time::Duration;

use gatewire::{Backoff, Client, DropReason};
use gatewire_codec::{Message, ValueRef};

use crate::raw::{RawListener, frame};
use crate::rig::{connect, record};

const AT_ONCE: Backoff = Backoff::Fixed(Duration::from_millis(1));

/// A server dies in the middle of what it says.
#[tokio::test]
async fn half_a_frame_does_not_spoil_the_next_connection() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (seen, mut numbers) = record();
    client.on("number", move |number: i64| seen.note(number));
    let event =
        |number| frame(&Message::Event { event: "number", value: ValueRef::Integer(number) });
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(0));
    for session in 1..=8 {
        let whole = event(session.into());
        raw.write(&[&whole[..], &event(99)[..usize::from(session)]].concat()).await;
        assert_eq!(numbers.next().await, i64::from(session));
        drop(raw);
        raw = listener.accept(session).await;
    }
    raw.write(&event(9)).await;
    assert_eq!(numbers.next().await, 9);
    drop(raw);
    client.close().await;
    numbers.expect_nothing();
}

/// A client is cut while it writes a long frame: that one is lost, and the next connection begins
/// with the one after it.
#[tokio::test]
async fn a_frame_that_was_half_written_is_not_continued_on_the_next_connection() {
    let listener = RawListener::bind().await;
    let client = Client::builder().reconnect(AT_ONCE).build(listener.address());
    let (connected, mut connects) = record();
    client.on_connect(move |_| connected.note(()));
    let (_, raw) = tokio::join!(connect(&client), listener.accept(1));
    connects.next().await;
    // The peer does not read: some frames are with the kernel, one is cut, others wait.
    let mut emitted = 0;
    while client.queued_bytes() < 500_000 {
        let block = vec![u8::try_from(emitted).expect("few are enough"); 100_000];
        client.emit("block", &block).expect("queued");
        emitted += 1;
        tokio::task::yield_now().await;
    }
    let before = client.counters().outbound;
    drop(raw);
    let mut raw = listener.accept(2).await;
    connects.next().await;
    client.emit("last", ()).expect("queued");
    let mut received = Vec::new();
    loop {
        let frame = raw.read().await.expect("whole frames");
        match gatewire_codec::v3::decode(&frame).expect("a message") {
            Message::Event { event: "block", value: ValueRef::Binary(bytes) } => {
                assert_eq!(bytes.len(), 100_000);
                assert!(bytes.iter().all(|byte| *byte == bytes[0]));
                received.push(usize::from(bytes[0]));
            }
            Message::Event { event: "last", .. } => break,
            other => panic!("{other:?}"),
        }
    }
    // What waited, in order; the one that was cut is counted as lost.
    let cut = client.counters().outbound.dropped(DropReason::Disconnected);
    assert_eq!(received.len() as u64 + cut, before.queued);
    assert!(cut <= 1, "{cut}");
    assert!(
        received
            .into_iter()
            .eq(emitted - usize::try_from(before.queued - cut).expect("few")..emitted)
    );
    drop(raw);
    client.close().await;
    assert!(client.counters().outbound.is_balanced());
}
