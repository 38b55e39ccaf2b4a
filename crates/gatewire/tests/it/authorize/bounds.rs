//! What waits for a decision is bounded, and so is what the decisions leave behind.

use std::num::NonZeroU32;
use std::time::Duration;

use gatewire::keys::{KeyEntry, Permissions, Rates};
use gatewire::{Client, DropReason, KeyRing, Psk};
use gatewire_codec::{Message, ValueRef};

use super::{dial, serve_asking};
use crate::raw::{Raw, frame};
use crate::rig::{connect, eventually, fence, limits, record, within};

/// What one read of the server can bring beyond the bound.
const READ: usize = 256 << 10;

/// Sends `count` events of `size` bytes behind one whose decision is pending, and gives how many wait when no more
/// are read. Then lets them in, and all are handled in order.
async fn flood(handler_queue: usize, count: usize, size: usize) -> usize {
    let limits = limits(|limits| limits.handler_queue = handler_queue);
    let (server, mut asked) = serve_asking(|builder| builder.limits(limits)).await;
    let (heard, mut hears) = record();
    server.on("m", move |bytes: &[u8]| {
        heard.note(usize::from_le_bytes(bytes[..8].try_into().expect("a number")));
    });
    let mut raw = Raw::dial(server.local_addr()).await;
    let (bystander, _) = dial(&server).await;
    let flooding = tokio::spawn(async move {
        let mut value = vec![0; size];
        for number in 0..count {
            value[..8].copy_from_slice(&number.to_le_bytes());
            let event = Message::Event { event: "m", value: ValueRef::Binary(&value) };
            raw.write(&frame(&event)).await;
        }
        raw
    });
    let first = asked.next().await;
    let waiting = || usize::try_from(server.counters().inbound.queued).expect("not so many");
    let bytes = || waiting() * size;
    eventually(|| waiting() >= handler_queue || bytes() >= 4 << 20).await;
    // It stays so, however often others are served.
    let mut most = waiting();
    for _ in 0..200 {
        fence(&bystander).await;
        most = most.max(waiting());
    }
    assert!(!flooding.is_finished(), "the kernel took all of it");

    first.allow();
    for _ in 1..count {
        asked.next().await.allow();
    }
    let raw = within(flooding).await.expect("no panic");
    assert_eq!(hears.next_many(count).await, (0..count).collect::<Vec<_>>());
    drop(raw);
    within(server.close()).await;
    most
}

#[tokio::test]
async fn a_flood_behind_a_decision_is_not_read_beyond_the_bound_of_messages() {
    let (queue, size) = (100, 10_000);
    let most = flood(queue, 4_000, size).await;
    assert!(most <= queue + READ / size + 1, "{most}");
}

#[tokio::test]
async fn a_flood_behind_a_decision_is_not_read_beyond_the_bound_of_bytes() {
    let size = 100_000;
    let most = flood(100_000, 400, size).await;
    assert!(most * size <= (4 << 20) + READ + size, "{most}");
}

#[tokio::test]
async fn what_waits_for_a_handler_and_what_waits_for_a_decision_share_the_bound() {
    let limits = limits(|limits| limits.handler_queue = 10);
    let (server, mut asked) = serve_asking(|builder| builder.limits(limits)).await;
    let (go, gone) = tokio::sync::watch::channel(false);
    server.on("slow", move || {
        let mut gone = gone.clone();
        async move { gone.wait_for(|gone| *gone).await.is_ok() }
    });
    let mut raw = Raw::dial(server.local_addr()).await;
    let event = Message::Event { event: "slow", value: ValueRef::Empty };
    // One runs, five wait behind it, five behind the question about the first of them.
    for _ in 0..6 {
        raw.send(&event).await;
        asked.next().await.allow();
    }
    raw.send(&event).await;
    let question = asked.next().await;
    for count in 8..=11 {
        raw.send(&event).await;
        eventually(|| server.counters().inbound.accepted == count).await;
    }
    // Nothing is read any more.
    raw.send(&event).await;
    raw.send(&Message::Ping { token: 1 }).await;
    let (bystander, _) = dial(&server).await;
    for _ in 0..50 {
        fence(&bystander).await;
    }
    assert_eq!(server.counters().inbound.accepted, 11 + 50);
    question.allow();
    for _ in 8..=11 {
        asked.next().await.allow();
    }
    // All of them wait for the handler now.
    go.send(true).expect("it waits");
    raw.expect(&Message::Pong { token: 1 }).await;
    asked.next().await.allow();
    eventually(|| server.counters().inbound.done == 12 + 50).await;
    drop(raw);
    within(server.close()).await;
}

#[tokio::test]
async fn the_rate_of_a_client_is_that_at_which_its_messages_came() {
    let key = || Psk::new([7; 32]).expect("a long key");
    let rates = Rates { messages_per_s: NonZeroU32::new(5), ..Rates::default() };
    let entry = KeyEntry::new("k", key()).permissions(Permissions::open().limit_rates(rates));
    let ring = KeyRing::new().with_entry(entry);
    let (server, mut asked) = serve_asking(|builder| builder.psk(ring).plain()).await;
    let (heard, mut hears) = record();
    server.on("m", move |number: i64| heard.note(number));
    let client = Client::builder().psk("k", key()).plain().build(server.local_addr());
    connect(&client).await;
    tokio::time::pause();
    client.emit("m", 0).expect("queued");
    let first = asked.next().await;
    let mut sent = 1_i64;
    // As many as the key permits, and one more in the last second.
    for count in [4, 5, 6] {
        for _ in 0..count {
            client.emit("m", sent).expect("queued");
            sent += 1;
        }
        eventually(|| server.counters().inbound.queued == sent.unsigned_abs()).await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    tokio::time::resume();
    first.allow();
    for _ in 1..15 {
        asked.next().await.allow();
    }
    assert_eq!(hears.next_many(15).await, (0..15).collect::<Vec<_>>());
    eventually(|| server.counters().inbound.queued == 0).await;
    let inbound = server.counters().inbound;
    assert_eq!((inbound.done, inbound.dropped(DropReason::Denied)), (15, 1));
    asked.expect_none();
    within(server.close()).await;
}
