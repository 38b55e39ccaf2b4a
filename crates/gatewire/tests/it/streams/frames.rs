//! The frames of streams, as a script writes them.

use gatewire::{SocketId, StreamCode};
use gatewire_codec::{Message, ReceiverOutcome, Target, ValueRef};

/// For the peer itself, with an answer.
pub(super) fn open(id: u32, event: &str) -> Message<'_> {
    Message::StreamOpen { id, target: None, event, info: ValueRef::Empty, ack: true }
}

/// For the peer itself, without an answer.
pub(super) fn open_unanswered(id: u32, event: &str) -> Message<'_> {
    Message::StreamOpen { id, target: None, event, info: ValueRef::Empty, ack: false }
}

pub(super) fn open_for<'a>(id: u32, target: Target<'a>, event: &'a str) -> Message<'a> {
    Message::StreamOpen { id, target: Some(target), event, info: ValueRef::Empty, ack: true }
}

pub(super) fn data(id: u32, bytes: &[u8]) -> Message<'_> {
    Message::StreamChunk { id, event: "", bytes }
}

pub(super) fn finish(id: u32, length: u64) -> Message<'static> {
    Message::StreamFinish { id, event: "", length: Some(length) }
}

pub(super) fn reset(id: u32) -> Message<'static> {
    Message::StreamReset { id, code: StreamCode::Cancelled, text: "why not" }
}

pub(super) fn stop(id: u32) -> Message<'static> {
    Message::StreamStop { id, code: StreamCode::Cancelled, text: "why not" }
}

pub(super) fn credit(id: u32, limit: u64) -> Message<'static> {
    Message::StreamCredit { id, limit }
}

/// The outcome of a reader that is nobody.
pub(super) fn outcome(id: u32, value: &[u8]) -> Message<'_> {
    const NOBODY: &str = "00000000000000000000000000000009";
    debug_assert!(NOBODY.parse::<SocketId>().is_ok());
    let outcome = ReceiverOutcome::Answered(ValueRef::Binary(value));
    Message::Outcome { id, socket_id: NOBODY, outcome }
}

pub(super) fn ack(id: u32, value: ValueRef<'_>) -> Message<'_> {
    Message::Ack { id, value }
}
