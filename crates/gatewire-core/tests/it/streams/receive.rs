//! A stream that comes in against a list of bytes.

use std::collections::VecDeque;

use bytes::Bytes;
use gatewire_codec::{StreamCode, v3};
use gatewire_core::session::{
    Chunk, CreditPool, Flow, FlowError, Read, ReadFailure, ReceiveStream, StreamLimits,
};
use proptest::prelude::*;

use super::pattern;
use crate::property;

#[derive(Debug, Clone)]
enum Operation {
    /// Bytes, and whether they may be kept.
    Data(usize, bool),
    /// At most so many.
    Read(usize),
    Grant,
    Pong,
    /// With a length that is right, or so far off.
    Finish(u64),
    Reset,
}

fn operation() -> impl Strategy<Value = Operation> {
    let length = prop_oneof![
        3 => 1_usize..50,
        2 => 16_300_usize..16_500,
        2 => 1_usize..65_537,
        1 => Just(65_536),
    ];
    let most = prop_oneof![1_usize..100, 1_usize..300_000, Just(usize::MAX)];
    prop_oneof![
        20 => (length, any::<bool>()).prop_map(|(length, owned)| Operation::Data(length, owned)),
        10 => most.prop_map(Operation::Read),
        10 => Just(Operation::Grant),
        5 => Just(Operation::Pong),
        1 => prop_oneof![3 => Just(0_u64), 1 => 1_u64..3].prop_map(Operation::Finish),
        1 => Just(Operation::Reset),
    ]
}

/// What is read, and what is not.
struct Model {
    waiting: VecDeque<u8>,
    received: u64,
    limit: u64,
    asked: bool,
    end: Option<Read>,
}

#[test]
fn a_reader_sees_what_a_list_of_bytes_would_give() {
    let limits = StreamLimits { max_credit: 1 << 20, ..StreamLimits::default() };
    property::check(200, &prop::collection::vec(operation(), 1..150), |operations| {
        let pool = CreditPool::new(600_000);
        let mut stream = ReceiveStream::new(Flow::Credit, &limits, pool.clone());
        let limit = v3::INITIAL_CREDIT;
        let mut model =
            Model { waiting: VecDeque::new(), received: 0, limit, asked: false, end: None };
        for operation in operations {
            model.apply(&mut stream, &operation);
            assert_eq!(stream.received(), model.received);
            assert_eq!(stream.buffered(), model.waiting.len() as u64);
            assert_eq!(stream.is_finished(), model.end == Some(Read::End));
            assert_eq!(stream.is_done(), model.end.is_some() && model.waiting.is_empty());
            assert!(!stream.is_over_budget());
            assert!(stream.buffered() <= limits.max_credit);
            assert!(pool.left() <= 600_000);
        }
        drop(stream);
        assert_eq!(pool.left(), 600_000);
    });
}

impl Model {
    fn apply(&mut self, stream: &mut ReceiveStream, operation: &Operation) {
        match *operation {
            Operation::Data(length, owned) => {
                let place = usize::try_from(self.received).expect("few");
                let bytes = pattern::slice(1, place, length);
                let kept = Bytes::from_static(bytes);
                let chunk = if owned { Chunk::Owned(&kept) } else { Chunk::Borrowed(bytes) };
                let result = stream.handle_data(chunk);
                if self.end.is_some() {
                    assert_eq!(result, Err(FlowError::AfterEnd));
                } else if self.received + length as u64 > self.limit {
                    assert_eq!(result, Err(FlowError::BeyondCredit));
                } else {
                    let asked = result.expect("within the credit");
                    assert!(!(asked && self.asked), "one PING at a time");
                    self.asked |= asked;
                    self.received += length as u64;
                    self.waiting.extend(bytes);
                }
            }
            Operation::Read(most) => match stream.read(most) {
                Read::Chunk(bytes) => {
                    assert!(!bytes.is_empty() && bytes.len() <= most);
                    assert!(self.waiting.drain(..bytes.len()).eq(bytes.iter().copied()));
                }
                other => {
                    assert!(self.waiting.is_empty());
                    assert_eq!(other, self.end.clone().unwrap_or(Read::Pending));
                }
            },
            Operation::Grant => {
                let consumed = self.received - self.waiting.len() as u64;
                if let Some(limit) = stream.grant() {
                    assert!(self.end.is_none());
                    assert!(limit > self.limit && limit <= consumed + (1 << 20));
                    self.limit = limit;
                }
                let least = consumed + v3::INITIAL_CREDIT / 2;
                assert!(self.end.is_some() || self.limit > least, "the writer would stand still");
                assert_eq!(stream.grant(), None, "each once");
            }
            Operation::Pong => {
                stream.handle_pong();
                self.asked = false;
            }
            Operation::Finish(off) => {
                let result = stream.handle_finish(Some(self.received + off));
                if self.end.is_some() {
                    assert_eq!(result, Err(FlowError::AfterEnd));
                } else if off > 0 {
                    assert_eq!(result, Err(FlowError::WrongLength));
                } else {
                    assert_eq!(result, Ok(()));
                    self.end = Some(Read::End);
                }
            }
            Operation::Reset => {
                let why = ReadFailure::Reset { code: StreamCode::Cancelled, text: "why".into() };
                stream.fail(why.clone());
                self.end.get_or_insert(Read::Failed(why));
            }
        }
    }
}

#[test]
fn what_an_unread_stream_keeps_in_memory_is_about_its_credit() {
    let credit = usize::try_from(v3::INITIAL_CREDIT).expect("it fits");
    // Chunks of these lengths in turn, each out of a buffer of 64 KiB.
    for lengths in [&[1][..], &[16_383], &[1, 16_384], &[1, 65_535], &[40_000, 1000], &[65_536]] {
        let pool = CreditPool::new(0);
        let mut stream = ReceiveStream::new(Flow::Credit, &StreamLimits::default(), pool);
        for length in lengths.iter().cycle() {
            let buffer = Bytes::from(vec![1; *length]);
            if stream.handle_data(Chunk::Owned(&buffer)).is_err() {
                break;
            }
        }
        let mut chunks = Vec::new();
        while let Read::Chunk(bytes) = stream.read(usize::MAX) {
            chunks.push(bytes);
        }
        drop(stream);
        let chunks_read = chunks.len();
        let mut kept = 0;
        for chunk in chunks {
            // Of those that share an allocation the last one has the rest of it.
            kept += match chunk.try_into_mut() {
                Ok(alone) => alone.capacity(),
                Err(chunk) => chunk.len(),
            };
        }
        assert!(kept <= 2 * credit, "{lengths:?}: {kept} bytes");
        assert!(chunks_read <= 33, "{lengths:?}: {chunks_read} pieces");
    }
}
