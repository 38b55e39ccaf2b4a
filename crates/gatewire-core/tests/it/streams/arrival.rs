//! Bytes arrive whole and in order, however they are written, cut and read.

use bytes::Bytes;
use gatewire_core::session::{Outbound, OutboxLimits};
use proptest::prelude::*;

use super::net::Net;
use super::{KIB, MIB, MILLI, SECOND, pattern};
use crate::property;
use gatewire_codec::ValueRef;

/// Around a chunk, around a batch and the first credit, and more.
const LENGTHS: [usize; 13] = [
    0,
    1,
    2,
    KIB,
    KIB + 1,
    64 * KIB - 1,
    64 * KIB,
    64 * KIB + 1,
    256 * KIB - 1,
    256 * KIB,
    256 * KIB + 1,
    MIB,
    5_000_000,
];

#[test]
fn streams_of_every_length_arrive_in_both_directions_at_once() {
    let mut net = Net::with_path(3 * MILLI, 50_000_000);
    (net.up.pieces, net.down.pieces) = (vec![7000, 1, 40_000], vec![30_000]);
    let streams = LENGTHS.map(|length| (length, net.client.send(length), net.server.send(length)));
    net.advance(SECOND);
    for (length, up, down) in streams {
        assert!(net.server.has_all(up, length) && net.client.has_all(down, length), "{length}");
    }
    for end in [&mut net.client, &mut net.server] {
        assert_eq!(end.errors, []);
        let outbound = &mut end.session.outbound;
        assert!(!outbound.has_output());
        assert_eq!(outbound.pending_requests(), LENGTHS.len());
        assert_eq!(outbound.open_streams(), LENGTHS.len(), "they await their answers");
        for (_, up, down) in streams {
            assert!(
                up == down && !outbound.streams().is_some_and(|sending| sending.is_sending(up))
            );
            outbound.ack(up, ValueRef::Empty).expect("queued");
        }
    }
    net.advance(SECOND);
    for end in [&net.client, &net.server] {
        let outbound = &end.session.outbound;
        assert_eq!((outbound.pending_requests(), outbound.open_streams()), (0, 0));
    }
}

#[test]
fn streams_arrive_through_pieces_of_any_size_written_in_any_way() {
    let write = prop_oneof![2 => 1_usize..20, 2 => 1000_usize..1050, 1 => 1_usize..200_000];
    let stream = (0_usize..400_000, prop::collection::vec(write, 1..20), any::<bool>());
    let streams = prop::collection::vec(stream, 1..4);
    let pieces = prop::collection::vec(prop_oneof![20_usize..200, 1000_usize..90_000], 1..5);
    let path = (0_u32..30, 1_000_000_u64..100_000_000, 1000_usize..300_000);
    property::check(40, &(streams, pieces, path), |(streams, pieces, (delay, rate, buffer))| {
        let mut net = Net::with_path(delay * MILLI, rate);
        for link in [&mut net.up, &mut net.down] {
            (link.pieces, link.buffer) = (pieces.clone(), buffer);
        }
        let mut sent = Vec::new();
        for (length, writes, up) in streams {
            let writer = if up { &mut net.client } else { &mut net.server };
            sent.push((length, up, writer.send_in(length, &writes)));
        }
        net.advance_until(|net| {
            sent.iter().all(|&(length, up, id)| {
                let reader = if up { &net.server } else { &net.client };
                reader.has_all(id, length)
            })
        });
        assert_eq!((&net.client.errors, &net.server.errors), (&vec![], &vec![]));
    });
}

#[test]
fn many_tiny_writes_become_few_chunks() {
    let mut net = Net::new();
    let id = net.client.send_in(100_000, &[1]);
    net.settle();
    assert!(net.server.has_all(id, 100_000));
    assert_eq!(net.server.frames(32), 2);
}

#[test]
fn long_writes_are_shared_and_short_ones_put_together() {
    let mut outbound: Outbound<()> = Outbound::new(1 << 20, OutboxLimits::default());
    let id = outbound.open_stream(None, "file", ValueRef::Empty, (), ()).expect("queued");
    let bytes = Bytes::from_static(pattern::slice(id, 0, 40_000));
    let (long, short) = (bytes.slice(..30_000), bytes.slice(30_000..));
    assert!(outbound.write_stream(id, long.clone()));
    for piece in short.chunks(1000) {
        assert!(outbound.streams_mut().copy(id, piece));
    }
    assert_eq!(outbound.stream_waiting(id), Some(40_000));
    let mut batch = outbound.take().expect("a chunk waits");
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    let count = batch.slices(&mut slices);
    assert_eq!(count, 3, "OPEN and the header, the long piece, the short ones");
    assert_eq!(slices[1].as_ptr(), long.as_ptr());
    assert_eq!(slices[2][..], short[..]);
    let sent: Vec<_> = outbound.drain_sent().map(|sent| sent.total).collect();
    assert_eq!(sent, [40_000], "one chunk");
    let queued = outbound.outbox().queued_bytes();
    batch.advance(queued);
    outbound.outbox_mut().give_back(batch);
    assert_eq!(outbound.outbox().ledger().done, 2);
}

#[test]
fn writers_are_told_what_has_left() {
    let mut outbound: Outbound<(), &str> = Outbound::new(1 << 20, OutboxLimits::default());
    let mut open = |handle| {
        let id = outbound.open_stream(None, "file", ValueRef::Empty, (), handle).expect("queued");
        assert!(outbound.write_stream(id, Bytes::from(vec![0; 100 * KIB])));
    };
    open("one");
    open("two");
    let batch = outbound.take().expect("chunks wait");
    let sent: Vec<_> = outbound.drain_sent().map(|sent| (sent.handle, sent.total / 1024)).collect();
    assert_eq!(sent, [("one", 64), ("two", 64), ("one", 100), ("two", 100)]);
    assert_eq!(outbound.drain_sent().count(), 0, "each once");
    assert!(!outbound.has_output() || !outbound.outbox().is_empty());
    assert!(outbound.take().is_none(), "one batch at a time");
    outbound.outbox_mut().give_back(batch);
}
