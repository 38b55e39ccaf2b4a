//! What routers of a cluster carry for others: kind 57.
//!
//! ```text
//! +----+----+----------+--------+---------+----------+-----------+-------+--------------+- - - - -+
//! | 03 | 39 | flags u8 | ttl u8 | flow u8 | origin v | nonce u32 | seq v | destinations | payload |
//! +----+----+----------+--------+---------+----------+-----------+-------+--------------+- - - - -+
//! ```
//!
//! Origin and destinations are numbers of nodes, as in [`control`](super::control). A router on the way reads
//! the header alone, and passes the payload on as it came. So the payload is not looked at here: its parts are
//! [`encode_target`] and [`decode_target`], and frames.
//!
//! Invariants: [`decode_routed`] is total, allocates nothing, and encoding what it gave makes the same bytes, if
//! the destinations are put in the form in which they came.

use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};

use super::control::NodeNumber;
use super::{VERSION, kind, target};
use crate::error::{DecodeError, EncodeError, Field};
use crate::message::Target;
use crate::read::Reader;
use crate::write::{frame, put_varint, varint_len};

/// Whether a frame of this kind is one.
#[must_use]
pub fn is_routed(found: u8) -> bool {
    found == kind::ROUTED
}

/// What the payload of a routed frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carried {
    /// A target, then one or more EVENT frames with their length prefixes (0).
    Events,
    /// The same, to be dropped where the next queue does not keep up (1).
    VolatileEvents,
    /// A PUBLISH with an id, from its version byte on (2).
    Request,
    /// ACK, NACK and OUTCOME frames with their length prefixes, for a request of the destination (3).
    Answers,
    /// A `STREAM_OPEN` from its version byte on: it opens a stream of this connection (4).
    Stream,
}

impl Carried {
    fn bits(self) -> u8 {
        match self {
            Self::Events => 0,
            Self::VolatileEvents => 1,
            Self::Request => 2,
            Self::Answers => 3,
            Self::Stream => 4,
        }
    }

    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Events,
            1 => Self::VolatileEvents,
            2 => Self::Request,
            3 => Self::Answers,
            4 => Self::Stream,
            _ => return None,
        })
    }
}

/// The header of a routed frame, without its destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutedHeader {
    /// What the payload is.
    pub carried: Carried,
    /// How many links it may still cross.
    pub ttl: u8,
    /// Frames of one origin and flow take one path, and keep their order.
    pub flow: u8,
    /// The node where it began.
    pub origin: NodeNumber,
    /// The boot nonce of the origin: sequence numbers begin anew with each life.
    pub nonce: u32,
    /// Above that of all frames before of the same origin and flow.
    pub sequence: u64,
}

/// A routed frame, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routed<'f> {
    /// All but what follows.
    pub header: RoutedHeader,
    /// The nodes that it is for.
    pub destinations: Destinations<'f>,
    /// See [`Carried`].
    pub payload: &'f [u8],
}

/// A set of nodes on the wire: numbers, ascending, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destinations<'f>(Form<'f>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form<'f> {
    /// The first as it is, each other as its distance from the one before, less one.
    List { count: usize, bytes: &'f [u8] },
    /// Bit `n % 8` of byte `n / 8` is number `n`. The last byte is not 0.
    Bits(&'f [u8]),
}

impl<'f> Destinations<'f> {
    /// How many nodes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        match self.0 {
            Form::List { count, .. } => count,
            Form::Bits(bytes) => bytes.iter().map(|byte| byte.count_ones() as usize).sum(),
        }
    }

    /// Their numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = NodeNumber> + use<'f> {
        let (mut list, bits) = match self.0 {
            Form::List { bytes, .. } => (Reader::new(bytes), &[][..]),
            Form::Bits(bytes) => (Reader::new(&[]), bytes),
        };
        let mut next = 0_u32;
        // Checked when the frame was decoded: the only error left is the end.
        let listed = core::iter::from_fn(move || {
            let number = next.checked_add(list.varint_u32(Field::Destinations).ok()?)?;
            next = number.wrapping_add(1);
            Some(number)
        });
        let set = bits.iter().zip((0_u32..).step_by(8)).flat_map(|(byte, first)| {
            (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| first + bit)
        });
        listed.chain(set)
    }

    fn take(reader: &mut Reader<'f>, bits: bool) -> Result<Self, DecodeError> {
        const FIELD: Field = Field::Destinations;
        const BAD: DecodeError = DecodeError::BadValue { field: FIELD };
        let count = usize::try_from(reader.varint(FIELD)?).unwrap_or(usize::MAX);
        if count == 0 {
            return Err(BAD);
        }
        if bits {
            let bytes = reader.bytes(count, FIELD)?;
            let sound = bytes.last().is_some_and(|last| *last != 0) && bytes.len() <= MAX_BITS;
            return if sound { Ok(Self(Form::Bits(bytes))) } else { Err(BAD) };
        }
        let whole = reader.peek_rest();
        // Each number takes at least one byte: a count beyond that is refused at once.
        if count > whole.len() {
            return Err(DecodeError::Truncated { field: FIELD });
        }
        let mut before: Option<u32> = None;
        for _ in 0..count {
            let step = reader.varint_u32(FIELD)?;
            before = match before {
                None => Some(step),
                Some(before) => {
                    Some(before.checked_add(step).and_then(|sum| sum.checked_add(1)).ok_or(BAD)?)
                }
            };
        }
        let bytes = &whole[..whole.len() - reader.peek_rest().len()];
        Ok(Self(Form::List { count, bytes }))
    }
}

/// A set that is written as bits has numbers below eight times this.
const MAX_BITS: usize = 1 << 15;

/// Bit 3 of the flags: the destinations are bits.
const BITS: u8 = 1 << 3;
const CARRIED: u8 = 0b111;

/// Reads a frame without its length prefix. What the payload holds is not looked at.
///
/// # Errors
///
/// A [`DecodeError`] for a frame of another kind, or whose header is cut or not allowed. The connection is to be
/// closed then.
pub fn decode_routed(frame: &[u8]) -> Result<Routed<'_>, DecodeError> {
    let mut reader = Reader::new(frame);
    let found = reader.u8(Field::Version)?;
    if found != VERSION {
        return Err(DecodeError::WrongVersion { found, expected: VERSION });
    }
    let found = reader.u8(Field::Kind)?;
    if found != kind::ROUTED {
        return Err(DecodeError::UnknownKind { kind: found });
    }
    let [flags, ttl, flow] = *reader.array(Field::Flags)?;
    let carried = Carried::from_bits(flags & CARRIED).filter(|_| flags & !(CARRIED | BITS) == 0);
    let carried = carried.ok_or(DecodeError::BadValue { field: Field::Flags })?;
    let origin = reader.varint_u32(Field::Node)?;
    let nonce = reader.u32(Field::Incarnation)?;
    let sequence = reader.varint(Field::Sequence)?;
    let destinations = Destinations::take(&mut reader, flags & BITS != 0)?;
    let header = RoutedHeader { carried, ttl, flow, origin, nonce, sequence };
    Ok(Routed { header, destinations, payload: reader.rest() })
}

/// Appends one frame for the nodes with these numbers: ascending, each once, at least one. They are written as a
/// list or as bits, whichever is shorter. The payload is what `parts` hold, one behind the other.
///
/// # Errors
///
/// [`EncodeError::TooLong`]: the frame would be longer than 4 GiB; `out` is as before.
pub fn encode_routed(
    header: &RoutedHeader,
    destinations: &[NodeNumber],
    parts: &[&[u8]],
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    debug_assert!(!destinations.is_empty() && destinations.is_sorted_by(|one, next| one < next));
    let steps = || {
        let mut next = 0;
        destinations.iter().map(move |&number| {
            let step = number - next;
            next = number.wrapping_add(1);
            u64::from(step)
        })
    };
    let last = destinations.last().map_or(0, |last| *last as usize);
    let as_bits = last / 8 + 1;
    // A list has one byte for each number at least.
    let bits = as_bits < destinations.len()
        && as_bits <= MAX_BITS
        && as_bits < steps().map(varint_len).sum::<usize>();
    frame(out, |out| {
        let payload: usize = parts.iter().map(|part| part.len()).sum();
        out.reserve(payload + 32 + if bits { as_bits } else { 5 * destinations.len() });
        let flags = header.carried.bits() | if bits { BITS } else { 0 };
        out.put_slice(&[VERSION, kind::ROUTED, flags, header.ttl, header.flow]);
        put_varint(out, u64::from(header.origin));
        out.put_u32_le(header.nonce);
        put_varint(out, header.sequence);
        if bits {
            put_varint(out, as_bits as u64);
            let mut set: Vec<u8> = alloc::vec![0; as_bits];
            for number in destinations {
                set[*number as usize / 8] |= 1 << (number % 8);
            }
            out.put_slice(&set);
        } else {
            put_varint(out, destinations.len() as u64);
            steps().for_each(|step| put_varint(out, step));
        }
        parts.iter().for_each(|part| out.put_slice(part));
        Ok(())
    })
}

/// Appends a target, as the payload of [`Carried::Events`] begins: flags as in a PUBLISH, then the lists.
pub fn encode_target(target: &Target<'_>, out: &mut BytesMut) {
    out.put_u8(target::flags(target));
    target::put_lists(out, target);
}

/// Reads a target; and what follows it.
///
/// # Errors
///
/// A [`DecodeError`] for flags that are not allowed, and for lists that are cut, empty or not text.
pub fn decode_target(payload: &[u8]) -> Result<(Target<'_>, &[u8]), DecodeError> {
    let mut reader = Reader::new(payload);
    let flags = reader.u8(Field::Flags)?;
    if flags & !target::TARGET != 0 {
        return Err(DecodeError::BadValue { field: Field::Flags });
    }
    let target = target::take(&mut reader, flags)?;
    Ok((target, reader.rest()))
}
