//! Control frames to bytes.

use bytes::{BufMut, BytesMut};

use super::{Control, Hello, InterestDelta, InterestSnapshot, LinkState, NodeFlags, Purge};
use super::{MAX_NEIGHBOURS, MAX_NODE_NAME, RequestItem, SummaryEntry};
use crate::error::{EncodeError, Field};
use crate::v3::{VERSION, kind};
use crate::write::{check_len, frame, low_byte, put_varint};

/// Appends `control` to `out` as one frame.
///
/// What [`decode`](super::decode) would refuse is the caller's mistake and is not looked for, except
/// for what does not fit: a name, a list of neighbours.
///
/// # Errors
///
/// [`EncodeError::TooLong`] for a name, a record or a frame that is too long; `out` is as before.
pub fn encode(control: &Control<'_>, out: &mut BytesMut) -> Result<(), EncodeError> {
    frame(out, |out| {
        out.put_u8(VERSION);
        match control {
            Control::Hello(hello) => put_hello(out, hello),
            Control::NodeDef { number, id, name } => {
                check_len(Field::Node, name.len(), MAX_NODE_NAME)?;
                out.put_u8(kind::NODE_DEF);
                put_varint(out, u64::from(*number));
                out.put_u64_le(id.to_bits());
                out.put_u8(low_byte(name.len() as u64));
                out.put_slice(name.as_bytes());
            }
            Control::LinkState(record) => {
                check_len(Field::Neighbours, record.neighbours.len(), MAX_NEIGHBOURS)?;
                put_link_state(out, record);
            }
            Control::Buckets(buckets) => {
                out.put_u8(kind::BUCKETS);
                put_varint(out, buckets.len() as u64);
                for (bucket, digest) in buckets {
                    out.put_u8(*bucket);
                    out.put_u64_le(*digest);
                }
            }
            Control::Summary { bucket, entries } => put_summary(out, *bucket, entries),
            Control::Request(items) => put_request(out, items),
            Control::InterestDelta(delta) => put_delta(out, delta),
            Control::InterestSnapshot(snapshot) => put_snapshot(out, snapshot),
            Control::Purge(purge) => put_purge(out, purge),
            Control::Cost(cost) => {
                out.put_u8(kind::COST);
                out.put_u16_le(*cost);
            }
        }
        Ok(())
    })
}

fn put_hello(out: &mut BytesMut, hello: &Hello) {
    out.put_u8(kind::ADJ_HELLO);
    out.put_u16_le(hello.area);
    out.put_u16_le(hello.cost);
    out.put_u8(hello.oldest_version);
    out.put_u8(hello.newest_version);
    out.put_u64_le(hello.digest);
    out.put_u16_le(hello.pacing_ms);
}

fn put_link_state(out: &mut BytesMut, record: &LinkState) {
    out.put_u8(kind::LSA);
    put_varint(out, u64::from(record.node));
    out.put_u64_le(record.incarnation.to_bits());
    put_varint(out, record.sequence);
    out.put_u8(flags_byte(record.flags));
    put_varint(out, u64::from(record.lifetime_s));
    put_varint(out, u64::from(record.area));
    put_varint(out, record.neighbours.len() as u64);
    for neighbour in &record.neighbours {
        put_varint(out, u64::from(neighbour.node));
        out.put_u8(neighbour.link);
        out.put_u16_le(neighbour.cost);
    }
}

fn flags_byte(flags: NodeFlags) -> u8 {
    u8::from(flags.overload) | u8::from(flags.area_border) << 1 | u8::from(flags.v2_gateway) << 2
}

fn put_summary(out: &mut BytesMut, bucket: u8, entries: &[SummaryEntry]) {
    out.put_u8(kind::SUMMARY);
    out.put_u8(bucket);
    put_varint(out, entries.len() as u64);
    for entry in entries {
        put_varint(out, u64::from(entry.node));
        out.put_u64_le(entry.incarnation.to_bits());
        put_varint(out, entry.sequence);
        out.put_u64_le(entry.interest_incarnation.to_bits());
        put_varint(out, entry.interest_version);
    }
}

fn put_request(out: &mut BytesMut, items: &[RequestItem]) {
    out.put_u8(kind::REQ);
    put_varint(out, items.len() as u64);
    for item in items {
        match *item {
            RequestItem::Record { node } => {
                put_varint(out, u64::from(node));
                out.put_u8(kind::WANT_RECORD);
            }
            RequestItem::Interest { node, incarnation, version } => {
                put_varint(out, u64::from(node));
                out.put_u8(kind::WANT_INTEREST);
                out.put_u64_le(incarnation.to_bits());
                put_varint(out, version);
            }
        }
    }
}

fn put_delta(out: &mut BytesMut, delta: &InterestDelta) {
    out.put_u8(kind::INT_DELTA);
    put_varint(out, u64::from(delta.node));
    out.put_u64_le(delta.incarnation.to_bits());
    put_varint(out, delta.from);
    put_varint(out, delta.to);
    put_varint(out, delta.changes.len() as u64);
    for change in &delta.changes {
        out.put_u8(u8::from(change.joined));
        out.put_u64_le(change.room);
    }
}

fn put_snapshot(out: &mut BytesMut, snapshot: &InterestSnapshot) {
    out.put_u8(kind::INT_SNAP);
    put_varint(out, u64::from(snapshot.node));
    out.put_u64_le(snapshot.incarnation.to_bits());
    put_varint(out, snapshot.version);
    out.put_u8(u8::from(snapshot.last));
    put_varint(out, snapshot.rooms.len() as u64);
    let mut before = None;
    for &room in &snapshot.rooms {
        // The first as it is, each other as its distance from the one before, less one.
        put_varint(out, before.map_or(room, |before: u64| room.wrapping_sub(before + 1)));
        before = Some(room);
    }
}

fn put_purge(out: &mut BytesMut, purge: &Purge) {
    out.put_u8(kind::PURGE);
    put_varint(out, u64::from(purge.node));
    out.put_u64_le(purge.incarnation.to_bits());
    put_varint(out, purge.sequence);
    put_varint(out, u64::from(purge.lifetime_s));
}
