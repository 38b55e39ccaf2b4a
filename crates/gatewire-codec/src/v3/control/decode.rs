//! Bytes to control frames.

use alloc::vec::Vec;

use super::{Control, Hello, Incarnation, InterestChange, InterestDelta, InterestSnapshot};
use super::{LinkState, MAX_NEIGHBOURS, Neighbour, NodeFlags, NodeId, Purge, RequestItem};
use super::{NodeNumber, SummaryEntry};
use crate::error::{DecodeError, Field};
use crate::read::Reader;
use crate::v3::{VERSION, kind};

/// Reads one frame without its length prefix, that is, from the version byte on.
///
/// # Errors
///
/// A [`DecodeError`] for a frame that is not one of these, is cut, has a field that is not allowed or
/// not in its one form, or has bytes behind its end. The connection is to be closed then: what the
/// frame said is lost, and the two ends would disagree for ever.
pub fn decode(frame: &[u8]) -> Result<Control<'_>, DecodeError> {
    let mut reader = Reader::new(frame);
    let found = reader.u8(Field::Version)?;
    if found != VERSION {
        return Err(DecodeError::WrongVersion { found, expected: VERSION });
    }
    let control = match reader.u8(Field::Kind)? {
        kind::ADJ_HELLO => Control::Hello(hello(&mut reader)?),
        kind::NODE_DEF => node_def(&mut reader)?,
        kind::LSA => Control::LinkState(link_state(&mut reader)?),
        kind::BUCKETS => Control::Buckets(buckets(&mut reader)?),
        kind::SUMMARY => Control::Summary {
            bucket: reader.u8(Field::Bucket)?,
            entries: list(&mut reader, Field::Bucket, 19, summary_entry)?,
        },
        kind::REQ => Control::Request(list(&mut reader, Field::Request, 2, request_item)?),
        kind::INT_DELTA => Control::InterestDelta(delta(&mut reader)?),
        kind::INT_SNAP => Control::InterestSnapshot(snapshot(&mut reader)?),
        kind::COST => Control::Cost(cost(&mut reader)?),
        kind::PURGE => Control::Purge(Purge {
            node: number(&mut reader)?,
            incarnation: incarnation(&mut reader)?,
            sequence: reader.varint(Field::Sequence)?,
            lifetime_s: reader.varint_u32(Field::Lifetime)?,
        }),
        kind => return Err(DecodeError::UnknownKind { kind }),
    };
    reader.finish()?;
    Ok(control)
}

fn hello(reader: &mut Reader<'_>) -> Result<Hello, DecodeError> {
    Ok(Hello {
        area: reader.u16(Field::Area)?,
        cost: cost(reader)?,
        oldest_version: reader.u8(Field::Version)?,
        newest_version: reader.u8(Field::Version)?,
        digest: u64_le(reader, Field::Digest)?,
        pacing_ms: reader.u16(Field::Lifetime)?,
    })
}

fn node_def<'a>(reader: &mut Reader<'a>) -> Result<Control<'a>, DecodeError> {
    let number = number(reader)?;
    let id = NodeId::from_bits(u64_le(reader, Field::Node)?);
    let length = reader.u8(Field::Node)?;
    if length == 0 {
        return Err(DecodeError::BadLength { field: Field::Node, length: 0 });
    }
    let name = reader.str(usize::from(length), Field::Node)?;
    Ok(Control::NodeDef { number, id, name })
}

fn link_state(reader: &mut Reader<'_>) -> Result<LinkState, DecodeError> {
    let record = LinkState {
        node: number(reader)?,
        incarnation: incarnation(reader)?,
        sequence: reader.varint(Field::Sequence)?,
        flags: flags(reader)?,
        lifetime_s: reader.varint_u32(Field::Lifetime)?,
        area: area(reader)?,
        neighbours: list(reader, Field::Neighbours, 4, |reader| {
            Ok(Neighbour {
                node: number(reader)?,
                link: reader.u8(Field::Neighbours)?,
                cost: cost(reader)?,
            })
        })?,
    };
    match record.neighbours.len() {
        length if length > MAX_NEIGHBOURS => {
            Err(DecodeError::BadLength { field: Field::Neighbours, length })
        }
        _ => Ok(record),
    }
}

fn buckets(reader: &mut Reader<'_>) -> Result<Vec<(u8, u64)>, DecodeError> {
    let buckets = list(reader, Field::Bucket, 9, |reader| {
        Ok((reader.u8(Field::Bucket)?, u64_le(reader, Field::Digest)?))
    })?;
    let ascending = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if ascending { Ok(buckets) } else { Err(DecodeError::BadValue { field: Field::Bucket }) }
}

fn summary_entry(reader: &mut Reader<'_>) -> Result<SummaryEntry, DecodeError> {
    Ok(SummaryEntry {
        node: number(reader)?,
        incarnation: incarnation(reader)?,
        sequence: reader.varint(Field::Sequence)?,
        interest_incarnation: incarnation(reader)?,
        interest_version: reader.varint(Field::Sequence)?,
    })
}

fn request_item(reader: &mut Reader<'_>) -> Result<RequestItem, DecodeError> {
    let node = number(reader)?;
    match reader.u8(Field::Request)? {
        kind::WANT_RECORD => Ok(RequestItem::Record { node }),
        kind::WANT_INTEREST => Ok(RequestItem::Interest {
            node,
            incarnation: incarnation(reader)?,
            version: reader.varint(Field::Sequence)?,
        }),
        _ => Err(DecodeError::BadValue { field: Field::Request }),
    }
}

fn delta(reader: &mut Reader<'_>) -> Result<InterestDelta, DecodeError> {
    let delta = InterestDelta {
        node: number(reader)?,
        incarnation: incarnation(reader)?,
        from: reader.varint(Field::Sequence)?,
        to: reader.varint(Field::Sequence)?,
        changes: list(reader, Field::Interest, 9, |reader| {
            let joined = match reader.u8(Field::Interest)? {
                0 => false,
                1 => true,
                _ => return Err(DecodeError::BadValue { field: Field::Interest }),
            };
            Ok(InterestChange { joined, room: u64_le(reader, Field::Interest)? })
        })?,
    };
    if delta.from >= delta.to {
        return Err(DecodeError::BadValue { field: Field::Sequence });
    }
    Ok(delta)
}

fn snapshot(reader: &mut Reader<'_>) -> Result<InterestSnapshot, DecodeError> {
    let node = number(reader)?;
    let incarnation = incarnation(reader)?;
    let version = reader.varint(Field::Sequence)?;
    let last = match reader.u8(Field::Interest)? {
        0 => false,
        1 => true,
        _ => return Err(DecodeError::BadValue { field: Field::Interest }),
    };
    let mut before: Option<u64> = None;
    let rooms = list(reader, Field::Interest, 1, |reader| {
        let step = reader.varint(Field::Interest)?;
        let room = match before {
            None => Some(step),
            Some(before) => before.checked_add(step).and_then(|sum| sum.checked_add(1)),
        };
        before = room;
        room.ok_or(DecodeError::BadValue { field: Field::Interest })
    })?;
    Ok(InterestSnapshot { node, incarnation, version, last, rooms })
}

/// A varint count, then as many entries of at least `least` bytes. A count that cannot fit into what
/// is left is refused before anything is allocated.
fn list<'a, T>(
    reader: &mut Reader<'a>,
    field: Field,
    least: usize,
    mut entry: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = reader.varint(field)?;
    let count = usize::try_from(count).map_err(|_| DecodeError::Truncated { field })?;
    if count > reader.peek_rest().len() / least {
        return Err(DecodeError::Truncated { field });
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(entry(reader)?);
    }
    Ok(entries)
}

fn number(reader: &mut Reader<'_>) -> Result<NodeNumber, DecodeError> {
    reader.varint_u32(Field::Node)
}

fn incarnation(reader: &mut Reader<'_>) -> Result<Incarnation, DecodeError> {
    u64_le(reader, Field::Incarnation).map(Incarnation::from_bits)
}

fn area(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let area = reader.varint(Field::Area)?;
    u16::try_from(area).map_err(|_| DecodeError::BadValue { field: Field::Area })
}

fn cost(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    match reader.u16(Field::Cost)? {
        0 => Err(DecodeError::BadValue { field: Field::Cost }),
        cost => Ok(cost),
    }
}

fn flags(reader: &mut Reader<'_>) -> Result<NodeFlags, DecodeError> {
    let bits = reader.u8(Field::Flags)?;
    if bits & !0b111 != 0 {
        return Err(DecodeError::BadValue { field: Field::Flags });
    }
    Ok(NodeFlags { overload: bits & 1 != 0, area_border: bits & 2 != 0, v2_gateway: bits & 4 != 0 })
}

fn u64_le(reader: &mut Reader<'_>, field: Field) -> Result<u64, DecodeError> {
    reader.array(field).map(|bytes| u64::from_le_bytes(*bytes))
}
