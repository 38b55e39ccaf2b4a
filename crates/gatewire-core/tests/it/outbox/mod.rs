//! What waits to be written: bounds, order, and an account that adds up. The rules by example;
//! [`model`] compares everything with a list of frames.

mod ahead;
mod chunks;
mod connection;
mod latest;
mod model;
mod overflow;
mod volatile;
mod writing;

use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use gatewire_codec::{Message, ValueRef, v3};
use gatewire_core::session::{
    Batch, Class, FrameBuffer, Frames, Outbox, OutboxLimits, Overflow, SendError,
};
use gatewire_core::{DropReason, Ledger};

const MAX_FRAME: u32 = 16 << 20;

/// A whole frame, its length prefix included.
fn frame_of(message: &Message<'_>) -> Bytes {
    let mut out = BytesMut::new();
    v3::encode(message, &mut out).expect("encodes");
    out.freeze()
}

/// An event whose whole frame has exactly `length` bytes.
fn event(name: &str, length: usize) -> Bytes {
    let overhead = 4 + 2 + 1 + name.len() + 1;
    let bytes = vec![0xbb; length - overhead];
    let frame = frame_of(&Message::Event { event: name, value: ValueRef::Binary(&bytes) });
    assert_eq!(frame.len(), length);
    frame
}

fn ping(token: u64) -> Bytes {
    frame_of(&Message::Ping { token })
}

fn request(id: u32) -> Bytes {
    frame_of(&Message::Request { id, event: "ask", value: ValueRef::Empty })
}

fn limits(max_bytes: usize, max_frames: usize, overflow: Overflow) -> OutboxLimits {
    OutboxLimits { max_bytes, max_frames, overflow }
}

fn outbox(max_bytes: usize, max_frames: usize, overflow: Overflow) -> Outbox {
    Outbox::new(limits(max_bytes, max_frames, overflow))
}

/// The same frame once by each way in: encoded in place, or shared.
fn push(outbox: &mut Outbox, class: Class, frame: &Bytes, shared: bool) -> Result<(), SendError> {
    if shared {
        outbox.push_frames(class, MAX_FRAME, &Frames::one(frame))
    } else {
        outbox.push_with(class, MAX_FRAME, |out| {
            out.extend_from_slice(frame);
            Ok(())
        })
    }
}

#[track_caller]
fn push_all(outbox: &mut Outbox, frames: &[Bytes]) {
    for frame in frames {
        assert_eq!(push(outbox, Class::Normal, frame, true), Ok(()));
    }
}

/// The first `length` bytes that the kernel would get.
fn peek(batch: &Batch, length: usize) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 64];
    let count = batch.slices(&mut slices);
    let mut bytes = concat(&slices[..count]);
    assert!(bytes.len() >= length, "64 pieces hold {} bytes", bytes.len());
    bytes.truncate(length);
    bytes
}

fn concat(slices: &[IoSlice<'_>]) -> Vec<u8> {
    slices.iter().flat_map(|slice| slice.iter()).copied().collect()
}

/// Writes `length` bytes to a kernel that takes no more then; what it got.
#[track_caller]
fn write(outbox: &mut Outbox, length: usize) -> Vec<u8> {
    let mut batch = outbox.take().expect("something waits");
    let bytes = peek(&batch, length);
    batch.advance(length);
    outbox.give_back(batch);
    check_balance(outbox);
    bytes
}

/// Writes everything.
#[track_caller]
fn drain(outbox: &mut Outbox) -> Vec<u8> {
    let waiting = outbox.queued_bytes();
    let bytes = if waiting == 0 { Vec::new() } else { write(outbox, waiting) };
    assert!(outbox.is_empty() && !outbox.is_blocked());
    assert_eq!((outbox.queued_bytes(), outbox.queued_frames()), (0, 0));
    bytes
}

#[track_caller]
fn check_balance(outbox: &Outbox) {
    let ledger = outbox.ledger();
    assert!(ledger.is_balanced(), "{ledger:?}");
    assert_eq!(ledger.queued, outbox.queued_frames() as u64);
}

/// The whole account; `dropped` lists the reasons that are not zero.
#[track_caller]
fn check_ledger(outbox: &Outbox, accepted: u64, done: u64, dropped: &[(DropReason, u64)]) {
    check_balance(outbox);
    let ledger: &Ledger = outbox.ledger();
    assert_eq!((ledger.accepted, ledger.done), (accepted, done), "{ledger:?}");
    for reason in DropReason::ALL {
        let expected: u64 =
            dropped.iter().filter(|(found, _)| *found == reason).map(|(_, count)| count).sum();
        assert_eq!(ledger.dropped(reason), expected, "{}: {ledger:?}", reason.name());
    }
}
