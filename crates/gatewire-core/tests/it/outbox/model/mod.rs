//! The outbox against a list of frames: each byte that reaches the kernel, and the account after
//! each step. A stream fills it up with chunks, which lie in several pieces.

mod list;

use gatewire_codec::{Names, Target};
use proptest::prelude::*;

use super::*;
use crate::property;
use gatewire_core::session::Outbound;
use list::{Frame, Model};

/// Reached by a few frames. The reserve for control frames is much larger, as it is in truth.
const MAX_BYTES: usize = 20_000;
const MAX_FRAMES: usize = 12;
const RESERVE: usize = 64 << 10;
/// The kind of a stream's chunk, and how long its header is.
const CHUNK: u8 = 32;
const CHUNK_HEADER: usize = 7;
const ROOMS: [&str; 2] = ["red", "blue"];
const NAMES: [&str; 3] = ["position", "chat", "score"];

#[derive(Debug, Clone)]
enum Operation {
    Push {
        kind: Kind,
        length: usize,
        class: Class,
        shared: bool,
        too_long: bool,
    },
    /// Frames that come together, as one entry.
    PushRun {
        frames: Vec<(Kind, usize)>,
        class: Class,
        too_long: bool,
    },
    /// Bytes for the stream: pieces, and whether each is copied.
    Write(Vec<(usize, bool)>),
    Take,
    /// Writes a part of the batch; at most so many pieces at once.
    Advance {
        share: u16,
        pieces: usize,
    },
    GiveBack,
    Retain(u8),
    Disconnect {
        keep: u8,
        fronts: u8,
    },
    ReleaseMemory,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Event(usize),
    Publish(usize, usize),
    Request,
}

#[test]
fn the_outbox_writes_what_a_list_of_frames_would() {
    let overflow = prop::sample::select(vec![
        Overflow::Disconnect,
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Latest,
    ]);
    let operations = prop::collection::vec(operation(), 1..100);
    property::check(200, &(overflow, operations), |(overflow, operations)| {
        let mut both = Both::new(overflow);
        for (serial, operation) in operations.iter().enumerate() {
            both.apply(operation, serial);
            both.compare();
        }
        both.finish();
    });
}

fn operation() -> impl Strategy<Value = Operation> {
    let kind = prop_oneof![
        3 => (0..NAMES.len()).prop_map(Kind::Event),
        1 => (0..NAMES.len(), 0..ROOMS.len()).prop_map(|(name, room)| Kind::Publish(name, room)),
        1 => Just(Kind::Request),
    ];
    // Around the threshold between copied and shared, and around the bound.
    let length = prop_oneof![
        4 => 0_usize..200,
        3 => 1000_usize..1050,
        2 => 5000_usize..9000,
        1 => 19_950_usize..20_050,
        1 => 90_000_usize..90_010,
    ];
    let class = prop_oneof![
        5 => Just(Class::Normal),
        2 => Just(Class::Volatile),
        1 => Just(Class::Control),
    ];
    // Short ones, so that many fit, and now and then one that is queued for its length.
    let short = prop_oneof![20 => 0_usize..200, 1 => 900_usize..1100, 1 => 4060_usize..4110];
    let run = prop::collection::vec((kind.clone(), short), 1..10);
    let run = (run, class.clone(), prop::bool::weighted(0.1))
        .prop_map(|(frames, class, too_long)| Operation::PushRun { frames, class, too_long });
    let push = (kind, length, class, any::<bool>(), prop::bool::weighted(0.05)).prop_map(
        |(kind, length, class, shared, too_long)| Operation::Push {
            kind,
            length,
            class,
            shared,
            too_long,
        },
    );
    let piece = prop_oneof![2 => 1_usize..1000, 1 => 1020_usize..1030, 2 => 1100_usize..4000];
    let pieces = prop::collection::vec((piece, any::<bool>()), 1..6);
    let share = prop_oneof![2 => any::<u16>(), 1 => Just(u16::MAX), 1 => 0_u16..20];
    let advance =
        (share, 1_usize..6).prop_map(|(share, pieces)| Operation::Advance { share, pieces });
    prop_oneof![
        16 => push,
        6 => run,
        4 => pieces.prop_map(Operation::Write),
        5 => Just(Operation::Take),
        8 => advance,
        4 => Just(Operation::GiveBack),
        1 => any::<u8>().prop_map(Operation::Retain),
        1 => (any::<u8>(), 0_u8..3).prop_map(|(keep, fronts)| Operation::Disconnect { keep, fronts }),
        1 => Just(Operation::ReleaseMemory),
    ]
}

struct Both {
    outbound: Outbound<()>,
    stream: u32,
    batch: Option<Batch>,
    model: Model,
}

impl Both {
    fn new(overflow: Overflow) -> Self {
        let mut outbound = Outbound::new(MAX_FRAME, limits(MAX_BYTES, MAX_FRAMES, overflow));
        let stream = outbound.open_stream(None, "file", ValueRef::Empty, (), ()).expect("queued");
        outbound.streams_mut().handle_credit(stream, u64::MAX);
        let open = drain(outbound.outbox_mut());
        Self { outbound, stream, batch: None, model: Model::new(overflow, stream, open.len()) }
    }

    fn apply(&mut self, operation: &Operation, serial: usize) {
        match *operation {
            Operation::Push { kind, length, class, shared, too_long } => {
                self.push(make_frame(kind, length, serial), class, shared, too_long);
            }
            Operation::PushRun { ref frames, class, too_long } => {
                let frame = |(index, &(kind, length))| make_frame(kind, length, serial + index);
                self.push_run(frames.iter().enumerate().map(frame).collect(), class, too_long);
            }
            Operation::Write(ref pieces) => self.write(pieces, serial),
            Operation::Take => self.take(),
            Operation::Advance { share, pieces } => self.advance(share, pieces),
            Operation::GiveBack => self.give_back(),
            Operation::Retain(salt) => {
                self.outbound
                    .outbox_mut()
                    .retain(DropReason::NoHandler, |frame| keeps(frame, salt));
                self.model.retain(DropReason::NoHandler, |frame| keeps(&frame.bytes, salt));
            }
            Operation::Disconnect { keep, fronts } => {
                self.give_back();
                self.outbound.outbox_mut().disconnect(|frame| keeps(frame, keep));
                self.model.disconnect(|frame| keeps(&frame.bytes, keep));
                for front in 0..fronts {
                    let frame = make_frame(Kind::Request, 3000 * usize::from(front), serial);
                    self.outbound.outbox_mut().push_front(frame.bytes.clone());
                    self.model.frames.push_front(frame);
                    self.model.ledger.accepted += 1;
                }
            }
            Operation::ReleaseMemory => self.outbound.release_memory(),
        }
    }

    fn push(&mut self, frame: Frame, class: Class, shared: bool, too_long: bool) {
        let length = frame.bytes.len() - 4;
        let limit = u32::try_from(length).expect("short") - u32::from(too_long);
        let bytes = frame.bytes.clone();
        let before = (self.model.bytes(), self.model.frames.len());
        let congested = self.model.is_congested();
        let result = if shared {
            self.outbound.outbox_mut().push_frames(class, limit, &Frames::one(&bytes))
        } else {
            self.outbound.outbox_mut().push_with(class, limit, |out| {
                out.extend_from_slice(&bytes);
                Ok(())
            })
        };
        // A frame that is dropped before it is encoded is never too long.
        if too_long && (shared || class != Class::Volatile || !congested) {
            assert_eq!(result, Err(SendError::TooLarge { length, limit }));
            if shared {
                self.model.drop_one(DropReason::TooLarge);
            }
            return;
        }
        assert_eq!(result, self.model.push(frame, class));
        // The bounds hold, but for a frame that passes alone.
        let reserve = if class == Class::Control { RESERVE } else { 0 };
        let (bytes, frames) = (self.model.bytes(), self.model.frames.len());
        assert!(bytes <= before.0.max(MAX_BYTES + reserve) || frames == 1);
        assert!(frames <= before.1.max(MAX_FRAMES) || class == Class::Control);
    }

    /// A run is what its frames are one by one. `too_long`: the longest is longer than the limit.
    fn push_run(&mut self, frames: Vec<Frame>, class: Class, too_long: bool) {
        let longest = frames.iter().map(|frame| frame.bytes.len() - 4).max().expect("some");
        let limit = u32::try_from(longest).expect("short") - u32::from(too_long);
        let mut buffer = FrameBuffer::default();
        for frame in &frames {
            let pushed: Result<(), ()> = buffer.push(|out| {
                out.extend_from_slice(&frame.bytes);
                Ok(())
            });
            pushed.expect("it fails when the closure does");
        }
        let result = buffer.drain(|run| {
            assert_eq!((run.count(), run.longest()), (frames.len() as u64, longest));
            self.outbound.outbox_mut().push_frames(class, limit, run)
        });
        assert!(buffer.is_empty() && buffer.bytes().is_empty());
        let pushed: Vec<_> = frames
            .into_iter()
            .map(|frame| {
                let length = frame.bytes.len() - 4;
                if length > limit as usize {
                    self.model.drop_one(DropReason::TooLarge);
                    return Err(SendError::TooLarge { length, limit });
                }
                self.model.push(frame, class)
            })
            .collect();
        let expected = if pushed.contains(&Err(SendError::SlowConsumer)) {
            Err(SendError::SlowConsumer)
        } else if pushed.contains(&Ok(())) {
            Ok(())
        } else {
            pushed.last().expect("some").clone()
        };
        assert_eq!(result, expected);
    }

    fn write(&mut self, pieces: &[(usize, bool)], serial: usize) {
        for &(length, copied) in pieces {
            let bytes: Bytes = serial.to_le_bytes().into_iter().cycle().take(length).collect();
            self.model.stream.extend(&bytes);
            if copied {
                assert!(self.outbound.streams_mut().copy(self.stream, &bytes));
            } else {
                assert!(self.outbound.write_stream(self.stream, bytes));
            }
        }
        let waiting = self.outbound.stream_waiting(self.stream);
        assert_eq!(waiting, Some(self.model.stream.len()));
    }

    fn take(&mut self) {
        self.model.fill();
        let batch = self.outbound.take();
        let nothing = self.model.flight.is_some() || self.model.frames.is_empty();
        assert_eq!(batch.is_none(), nothing);
        if let Some(batch) = batch {
            self.model.take();
            self.batch = Some(batch);
        }
    }

    fn advance(&mut self, share: u16, pieces: usize) {
        let Some(batch) = &mut self.batch else { return };
        let mut slices = vec![IoSlice::new(&[]); pieces];
        let count = batch.slices(&mut slices);
        let offered = concat(&slices[..count]);
        assert!(slices[..count].iter().all(|piece| !piece.is_empty()));
        assert_eq!(offered.is_empty(), batch.is_empty());
        if let Some(single) = batch.single() {
            assert!(offered == single);
        }
        let length = offered.len() * usize::from(share) / usize::from(u16::MAX);
        assert!(offered[..length] == self.model.write(length), "other bytes than were pushed");
        batch.advance(length);
    }

    fn give_back(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.outbound.outbox_mut().give_back(batch);
            self.model.give_back();
        }
    }

    fn compare(&self) {
        let mut expected = self.model.ledger;
        expected.queued = self.model.frames.len() as u64;
        assert_eq!(*self.outbound.outbox().ledger(), expected);
        check_balance(self.outbound.outbox());
        assert_eq!(self.outbound.outbox().queued_bytes(), self.model.bytes());
        assert_eq!(self.outbound.outbox().is_empty(), self.model.frames.is_empty());
        assert_eq!(self.outbound.outbox().is_blocked(), self.model.blocked);
    }

    /// Writes all that is left.
    fn finish(&mut self) {
        self.give_back();
        while self.outbound.has_output() {
            self.take();
            self.advance(u16::MAX, 64);
            self.give_back();
            self.compare();
        }
        assert!(self.model.frames.is_empty() && self.model.stream.is_empty());
    }
}

/// A frame whose bytes tell which one it is.
fn make_frame(kind: Kind, length: usize, serial: usize) -> Frame {
    let bytes: Vec<u8> = serial.to_le_bytes().into_iter().cycle().take(length).collect();
    let value = ValueRef::Binary(&bytes);
    let (message, key) = match kind {
        Kind::Event(name) => {
            (Message::Event { event: NAMES[name], value }, Some(NAMES[name].to_owned()))
        }
        Kind::Publish(name, room) => {
            let rooms = Names::from_slice(&ROOMS[room..=room]);
            let target = Target { rooms, ..Target::default() };
            let key = format!("{} to {}", NAMES[name], ROOMS[room]);
            (Message::Publish { request: None, target, event: NAMES[name], value }, Some(key))
        }
        Kind::Request => {
            let id = u32::try_from(serial).expect("few");
            (Message::Request { id, event: NAMES[0], value }, None)
        }
    };
    Frame { bytes: frame_of(&message), key }
}

/// Any rule that depends on the frame alone: of a chunk on its header.
fn keeps(frame: &[u8], salt: u8) -> bool {
    let frame = if frame[5] == CHUNK { &frame[..CHUNK_HEADER] } else { frame };
    let last = if frame[5] == CHUNK { frame[0] } else { frame[frame.len() - 1] };
    !(usize::from(last) + usize::from(salt) + frame.len()).is_multiple_of(3)
}
