//! A peer whose kernel takes nothing for too long.

use std::time::{Duration, Instant};

use gatewire::{DisconnectReason, Overflow};

use super::reader::{FRAME, Found, MAX_BYTES, SlowReader, bounds};
use crate::rig::{dial, fence, record_ends, serve_with};

const STALL: Duration = Duration::from_millis(200);

/// Whatever happens at the bound of the queue, which is not reached.
async fn expect_cut(overflow: Overflow) {
    let mut limits = bounds(overflow);
    limits.write_stall = STALL;
    let server = serve_with(|builder| builder.limits(limits)).await;
    let mut ends = record_ends(&server);
    let bystander = dial(&server).await;
    let reader = SlowReader::of(&server).await;
    reader.fill("block", FRAME * 2).await;
    assert!(reader.socket.queued_bytes() < MAX_BYTES / 2);
    let start = Instant::now();
    assert_eq!(ends.next().await, (reader.socket.id(), DisconnectReason::SlowConsumer));
    assert!(start.elapsed() >= STALL / 2, "{:?}", start.elapsed());
    assert_eq!(server.len(), 1);
    fence(&bystander).await;
}

#[tokio::test]
async fn a_stalled_peer_is_disconnected_though_its_queue_is_not_full() {
    tokio::join!(
        expect_cut(Overflow::Disconnect),
        expect_cut(Overflow::DropNewest),
        expect_cut(Overflow::Latest)
    );
}

/// Slow is not stalled: who takes a little all the time may go on.
#[tokio::test]
async fn a_peer_that_reads_a_little_is_not_stalled() {
    let mut limits = bounds(Overflow::DropNewest);
    limits.write_stall = STALL;
    let server = serve_with(|builder| builder.limits(limits)).await;
    let mut reader = SlowReader::of(&server).await;
    let last = reader.fill("block", MAX_BYTES / 2).await - 1;
    let start = Instant::now();
    let mut next = 0;
    // Frees some room in the kernel each time, long before the limit.
    let mut pause = tokio::time::interval(STALL / 8);
    while next < last {
        pause.tick().await;
        for _ in 0..(last / 24).max(1) {
            if next <= last {
                assert_eq!(reader.find().await, Found::Block("block".to_owned(), next));
                next += 1;
            }
        }
    }
    assert!(start.elapsed() > STALL * 2, "{:?}", start.elapsed());
    assert!(reader.socket.is_connected());
}
