//! Are these bytes one complete object, and no deeper than allowed?
//!
//! One pass, in the terms of the [specification](https://github.com/msgpack/msgpack/blob/master/spec.md):
//! a marker says how many bytes or how many items follow. Each item takes at least one byte, so a
//! count above the bytes that are left is refused at once, and the walk is linear in the bytes.
//!
//! `rmp-serde` has a depth limit of its own. It is not enough: nested enums are not counted, and
//! 1,024 levels of a self-describing type overflow a thread's 2 MiB in a debug build.

use std::fmt;

/// Checks that `bytes` are exactly one object of at most [`MAX_DEPTH`] levels.
pub(crate) fn one_object(bytes: &[u8]) -> Result<(), Malformed> {
    let mut walk = Walk { rest: bytes };
    walk.item(0)?;
    match walk.rest.len() {
        0 => Ok(()),
        count => Err(Malformed::Trailing(count)),
    }
}

/// Why the bytes are not one object.
#[derive(Debug)]
pub(crate) enum Malformed {
    Lacking { needed: usize, left: usize },
    Depth,
    Marker,
    Trailing(usize),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacking { needed, left } => {
                write!(f, "at least {needed} more bytes are needed, {left} are left")
            }
            Self::Depth => write!(f, "more than {MAX_DEPTH} arrays and maps in one another"),
            Self::Marker => f.write_str("0xc1 begins nothing"),
            Self::Trailing(count) => write!(f, "{count} bytes after the object"),
        }
    }
}

struct Walk<'a> {
    rest: &'a [u8],
}

impl Walk<'_> {
    fn item(&mut self, depth: usize) -> Result<(), Malformed> {
        let marker = self.number(1)?;
        match marker {
            // Small integers, nil, false and true are their marker.
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Ok(()),
            0xc1 => Err(Malformed::Marker),
            // Numbers of 1, 2, 4 and 8 bytes.
            0xcc | 0xd0 => self.skip(1),
            0xcd | 0xd1 => self.skip(2),
            0xca | 0xce | 0xd2 => self.skip(4),
            0xcb | 0xcf | 0xd3 => self.skip(8),
            // Strings and binaries.
            0xa0..=0xbf => self.skip(marker - 0xa0),
            0xc4 | 0xd9 => self.sized(1),
            0xc5 | 0xda => self.sized(2),
            0xc6 | 0xdb => self.sized(4),
            // Extensions: a type byte, then 1, 2, 4, 8 or 16 bytes, or a length in front.
            0xd4..=0xd8 => self.skip(1 + (1 << (marker - 0xd4))),
            0xc7..=0xc9 => {
                let length = self.number(1 << (marker - 0xc7))?;
                self.skip(1)?;
                self.skip(length)
            }
            0x90..=0x9f => self.items(marker - 0x90, 1, depth),
            0xdc | 0xdd => {
                let count = self.number(2 << (marker - 0xdc))?;
                self.items(count, 1, depth)
            }
            0x80..=0x8f => self.items(marker - 0x80, 2, depth),
            // What remains are the maps 0xde and 0xdf.
            _ => {
                let count = self.number(2 << (marker - 0xde))?;
                self.items(count, 2, depth)
            }
        }
    }

    /// An array of `count` items, or a map of `count` pairs of them.
    fn items(&mut self, count: usize, each: usize, depth: usize) -> Result<(), Malformed> {
        if depth == MAX_DEPTH {
            return Err(Malformed::Depth);
        }
        let count = count.saturating_mul(each);
        self.expect(count)?;
        (0..count).try_for_each(|_| self.item(depth + 1))
    }

    /// A string or a binary with its length in front.
    fn sized(&mut self, width: usize) -> Result<(), Malformed> {
        let length = self.number(width)?;
        self.skip(length)
    }

    /// A big-endian number of `width` bytes.
    fn number(&mut self, width: usize) -> Result<usize, Malformed> {
        self.expect(width)?;
        let (number, rest) = self.rest.split_at(width);
        self.rest = rest;
        Ok(number.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn skip(&mut self, count: usize) -> Result<(), Malformed> {
        self.expect(count)?;
        self.rest = &self.rest[count..];
        Ok(())
    }

    fn expect(&self, count: usize) -> Result<(), Malformed> {
        let left = self.rest.len();
        if count > left { Err(Malformed::Lacking { needed: count, left }) } else { Ok(()) }
    }
}

/// As deep as `serde_json` goes: no sensible object is deeper, and a decoder that recurses this
/// often stays within a small stack.
pub(crate) const MAX_DEPTH: usize = 128;
