//! Streams of versions 1 and 2, which have no credit: a budget above which the connection is not read.

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{self, Packet};
use gatewire_codec::{LENGTH_PREFIX, Message, ValueRef, Version};
use gatewire_core::session::{Chunk, CreditPool, Flow, Read, ReceiveStream, StreamLimits};

use super::pattern;

const BUDGET: u64 = 100_000;

/// What the Node packages would send: an open, chunks, a close.
fn frames(version: Version, chunk: usize, count: usize) -> Vec<Bytes> {
    let open = Message::StreamOpen {
        id: 7,
        target: None,
        event: "file",
        info: ValueRef::Empty,
        ack: false,
    };
    let bytes = |number: usize| pattern::slice(7, number * chunk, chunk);
    let chunks = (0..count).map(|number| Message::StreamChunk {
        id: 7,
        event: "file",
        bytes: bytes(number),
    });
    let finish = Message::StreamFinish { id: 7, event: "file", length: None };
    let messages = [open].into_iter().chain(chunks).chain([finish]);
    let encode = |message: Message<'_>| {
        let mut out = BytesMut::new();
        legacy::encode(&message, version, 2, &mut out).expect("these versions have streams");
        out.split_off(LENGTH_PREFIX).freeze()
    };
    messages.map(encode).collect()
}

#[test]
fn a_connection_is_not_read_while_a_stream_is_over_its_budget() {
    for version in [Version::V1, Version::V2] {
        let pool = CreditPool::new(1 << 20);
        let flow = Flow::Budget(BUDGET);
        let mut stream = ReceiveStream::new(flow, &StreamLimits::default(), pool.clone());
        let mut read = Vec::new();
        for frame in frames(version, 30_000, 40) {
            let packet = Packet::decode_as(version, &frame).expect("a frame");
            match packet.to_message().expect("a message") {
                Message::StreamOpen { id: 7, event: "file", .. } => {}
                Message::StreamChunk { id: 7, bytes, .. } => {
                    let chunk = frame.slice_ref(bytes);
                    let probe = stream.handle_data(Chunk::Owned(&chunk));
                    assert_eq!(probe, Ok(false), "there is nothing to measure");
                }
                Message::StreamFinish { id: 7, length, .. } => {
                    assert_eq!(length, None);
                    stream.handle_finish(length).expect("no length is no wrong one");
                }
                other => panic!("not a stream: {other:?}"),
            }
            assert_eq!(stream.is_over_budget(), stream.buffered() > BUDGET);
            assert!(stream.buffered() <= BUDGET + 30_000, "at most one frame more");
            while stream.is_over_budget() {
                let Read::Chunk(bytes) = stream.read(7000) else { panic!("bytes wait") };
                read.extend_from_slice(&bytes);
                assert_eq!(stream.grant(), None, "these versions have no credit");
            }
        }
        while let Read::Chunk(bytes) = stream.read(usize::MAX) {
            read.extend_from_slice(&bytes);
        }
        assert_eq!(stream.read(1), Read::End);
        assert!(
            read.chunks(10_000).zip(0..).all(|(bytes, number)| {
                bytes == pattern::slice(7, number * 10_000, bytes.len())
            })
        );
        assert_eq!((read.len(), pool.left()), (1_200_000, 1 << 20));
    }
}

#[test]
fn exactly_the_budget_is_not_over_it() {
    let pool = CreditPool::new(0);
    let mut stream = ReceiveStream::new(Flow::Budget(BUDGET), &StreamLimits::default(), pool);
    let bytes = [0; 50_000];
    for (length, over) in [(50_000, false), (50_000, false), (1, true)] {
        stream.handle_data(Chunk::Borrowed(&bytes[..length])).expect("there is no credit to keep");
        assert_eq!(stream.is_over_budget(), over);
    }
    assert!(matches!(stream.read(1), Read::Chunk(_)));
    assert!(!stream.is_over_budget());
}
