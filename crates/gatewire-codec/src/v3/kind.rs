//! The kind bytes of version 3.

pub(super) const HELLO: u8 = 1;
pub(super) const CHALLENGE: u8 = 2;
pub(super) const PROOF: u8 = 3;
pub(super) const ACCEPT: u8 = 4;
pub(super) const REJECT: u8 = 5;

pub(super) const PING: u8 = 8;
pub(super) const PONG: u8 = 9;
pub(super) const GOAWAY: u8 = 10;
pub(super) const CLOSE: u8 = 11;
pub(super) const ERROR: u8 = 12;

pub(super) const EVENT: u8 = 16;
pub(super) const REQUEST: u8 = 17;
pub(super) const ACK: u8 = 18;
pub(super) const NACK: u8 = 19;
pub(super) const PUBLISH: u8 = 20;
pub(super) const JOIN: u8 = 21;
pub(super) const LEAVE: u8 = 22;
pub(super) const LEAVE_ALL: u8 = 23;

pub(super) const STREAM_OPEN: u8 = 24;
pub(super) const STREAM_FINISH: u8 = 25;
pub(super) const STREAM_RESET: u8 = 26;
pub(super) const STREAM_STOP: u8 = 27;
pub(super) const STREAM_CREDIT: u8 = 28;
pub(super) const OUTCOME: u8 = 29;
pub(super) const STREAM_DATA: u8 = 32;

pub(super) const ADJ_HELLO: u8 = 48;
pub(super) const NODE_DEF: u8 = 49;
pub(super) const LSA: u8 = 50;
pub(super) const BUCKETS: u8 = 51;
pub(super) const SUMMARY: u8 = 52;
pub(super) const REQ: u8 = 53;
pub(super) const INT_DELTA: u8 = 54;
pub(super) const INT_SNAP: u8 = 55;
pub(super) const PURGE: u8 = 56;
pub(super) const ROUTED: u8 = 57;
pub(super) const COST: u8 = 58;

/// What a wish in REQ is for: the record of a node, or its interest.
pub(super) const WANT_RECORD: u8 = 1;
pub(super) const WANT_INTEREST: u8 = 2;

/// Whether a frame (without its length prefix) begins as an EVENT does.
#[must_use]
pub fn is_event(frame: &[u8]) -> bool {
    matches!(frame, [super::VERSION, EVENT, ..])
}

/// Kinds from here on may be sent to a peer that does not know them: it skips the frame. Below,
/// an unknown kind is a protocol error.
const FIRST_SKIPPABLE: u8 = 128;

/// Whether a frame of an unknown kind is to be skipped instead of refused.
#[must_use]
pub fn is_skippable(kind: u8) -> bool {
    kind >= FIRST_SKIPPABLE
}
