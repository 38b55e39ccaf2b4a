//! How the bytes of a schema follow one another, and whether given bytes do.
//!
//! A [`Layout`] is a schema without names, defaults and logical types: what is left is where each
//! part ends. The terms are those of the [specification](https://avro.apache.org/docs/1.12.0/specification/#binary-encoding).

use std::collections::HashMap;
use std::fmt;

use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, Name, NamesRef, ResolvedSchema, UuidSchema};

/// The layout of a schema.
pub(crate) struct Layout {
    root: Part,
    /// What [`Part::Named`] stands for: types that the schema refers to by name.
    named: Vec<Part>,
}

enum Part {
    /// As many bytes. None for `null`.
    Fixed(usize),
    /// `int`, `long` and `enum`.
    Varint,
    /// `string` and `bytes`: a length, then as many bytes.
    Prefixed,
    /// Blocks of items.
    Array(Box<Part>),
    /// Blocks of strings and items.
    Map(Box<Part>),
    /// The number of a branch, then the branch.
    Union(Vec<Part>),
    /// One after the other.
    Record(Vec<Part>),
    /// An index into [`Layout::named`].
    Named(usize),
}

impl Layout {
    pub(crate) fn of(schema: &Schema) -> Result<Self, apache_avro::Error> {
        let resolved = ResolvedSchema::try_from(schema)?;
        let names = resolved.get_names();
        let mut compiler = Compiler { names, indices: HashMap::new(), named: Vec::new() };
        let root = compiler.part(schema)?;
        Ok(Self { root, named: compiler.named })
    }

    /// Does the schema refer to types by name?
    pub(crate) fn has_names(&self) -> bool {
        !self.named.is_empty()
    }

    /// Checks that `bytes` are exactly one datum of at most [`MAX_DEPTH`] levels.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut walk = Walk { named: &self.named, rest: bytes, items_left: bytes.len() };
        walk.part(&self.root, 0)?;
        match walk.rest.len() {
            0 => Ok(()),
            count => Err(Malformed::Trailing(count)),
        }
    }
}

struct Compiler<'a> {
    names: &'a NamesRef<'a>,
    indices: HashMap<&'a Name, usize>,
    named: Vec<Part>,
}

impl<'a> Compiler<'a> {
    fn part(&mut self, schema: &'a Schema) -> Result<Part, apache_avro::Error> {
        Ok(match schema {
            Schema::Null => Part::Fixed(0),
            Schema::Boolean => Part::Fixed(1),
            Schema::Float => Part::Fixed(4),
            Schema::Double => Part::Fixed(8),
            Schema::Int
            | Schema::Date
            | Schema::TimeMillis
            | Schema::Long
            | Schema::TimeMicros
            | Schema::TimestampMillis
            | Schema::TimestampMicros
            | Schema::TimestampNanos
            | Schema::LocalTimestampMillis
            | Schema::LocalTimestampMicros
            | Schema::LocalTimestampNanos
            | Schema::Enum(_) => Part::Varint,
            Schema::Bytes
            | Schema::String
            | Schema::BigDecimal
            | Schema::Uuid(UuidSchema::String | UuidSchema::Bytes) => Part::Prefixed,
            Schema::Fixed(fixed)
            | Schema::Uuid(UuidSchema::Fixed(fixed))
            | Schema::Duration(fixed) => Part::Fixed(fixed.size),
            Schema::Decimal(decimal) => match &decimal.inner {
                InnerDecimalSchema::Bytes => Part::Prefixed,
                InnerDecimalSchema::Fixed(fixed) => Part::Fixed(fixed.size),
            },
            Schema::Array(array) => Part::Array(Box::new(self.part(&array.items)?)),
            Schema::Map(map) => Part::Map(Box::new(self.part(&map.types)?)),
            Schema::Union(union) => {
                let branches = union.variants().iter().map(|branch| self.part(branch));
                Part::Union(branches.collect::<Result<_, _>>()?)
            }
            Schema::Record(record) => {
                let fields = record.fields.iter().map(|field| self.part(&field.schema));
                Part::Record(fields.collect::<Result<_, _>>()?)
            }
            Schema::Ref { name } => Part::Named(self.index(name)?),
        })
    }

    fn index(&mut self, name: &'a Name) -> Result<usize, apache_avro::Error> {
        if let Some(&index) = self.indices.get(name) {
            return Ok(index);
        }
        let schema = self
            .names
            .get(name)
            .copied()
            .ok_or_else(|| apache_avro::error::Details::SchemaResolutionError(name.clone()))?;
        // Known before it is built: it may refer to itself.
        let index = self.named.len();
        self.indices.insert(name, index);
        self.named.push(Part::Fixed(0));
        self.named[index] = self.part(schema)?;
        Ok(index)
    }
}

struct Walk<'a> {
    named: &'a [Part],
    rest: &'a [u8],
    items_left: usize,
}

impl Walk<'_> {
    fn part(&mut self, part: &Part, depth: usize) -> Result<(), Malformed> {
        match part {
            Part::Fixed(length) => self.skip(*length),
            Part::Varint => self.varint().map(|_number| ()),
            Part::Prefixed => self.prefixed(),
            Part::Named(index) => self.part(&self.named[*index], depth),
            Part::Union(branches) => {
                let number = self.varint()?;
                let branch = usize::try_from(number).ok().and_then(|index| branches.get(index));
                self.part(branch.ok_or(Malformed::Branch(number))?, depth)
            }
            Part::Record(_) | Part::Array(_) | Part::Map(_) if depth == MAX_DEPTH => {
                Err(Malformed::Depth)
            }
            Part::Record(fields) => fields.iter().try_for_each(|field| self.part(field, depth + 1)),
            Part::Array(item) => self.blocks(|walk| walk.part(item, depth + 1)),
            Part::Map(item) => self.blocks(|walk| {
                walk.prefixed()?;
                walk.part(item, depth + 1)
            }),
        }
    }

    /// Blocks of items, ended by an empty one. A negative count is followed by a size in bytes.
    fn blocks(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        loop {
            let count = self.varint()?;
            if count == 0 {
                return Ok(());
            }
            let size = if count < 0 { Some(self.length()?) } else { None };
            let before = self.rest.len();
            let items = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            self.items_left = self.items_left.checked_sub(items).ok_or(Malformed::Items(items))?;
            (0..items).try_for_each(|_| item(self))?;
            let taken = before - self.rest.len();
            if let Some(announced) = size.filter(|&size| size != taken) {
                return Err(Malformed::BlockSize { announced, taken });
            }
        }
    }

    fn prefixed(&mut self) -> Result<(), Malformed> {
        let length = self.length()?;
        self.skip(length)
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| Malformed::Length(length))?;
        self.expect(length)?;
        Ok(length)
    }

    /// Seven bits to a byte, least first, zigzag: 0, -1, 1, -2, ...
    fn varint(&mut self) -> Result<i64, Malformed> {
        let mut bits = 0;
        for index in 0..MAX_VARINT_BYTES {
            let (&byte, rest) =
                self.rest.split_first().ok_or(Malformed::Lacking { needed: 1, left: 0 })?;
            self.rest = rest;
            bits |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        Err(Malformed::Varint)
    }

    fn skip(&mut self, count: usize) -> Result<(), Malformed> {
        self.expect(count)?;
        self.rest = &self.rest[count..];
        Ok(())
    }

    fn expect(&self, needed: usize) -> Result<(), Malformed> {
        let left = self.rest.len();
        if needed > left { Err(Malformed::Lacking { needed, left }) } else { Ok(()) }
    }
}

/// Why bytes are not a datum of the schema.
#[derive(Debug)]
pub(crate) enum Malformed {
    BlockSize { announced: usize, taken: usize },
    Branch(i64),
    Depth,
    Items(usize),
    Lacking { needed: usize, left: usize },
    Length(i64),
    Trailing(usize),
    Varint,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockSize { announced, taken } => {
                write!(f, "a block of {announced} bytes is announced, its items take {taken}")
            }
            Self::Branch(number) => write!(f, "a union has no branch {number}"),
            Self::Depth => {
                write!(f, "more than {MAX_DEPTH} records, arrays and maps in one another")
            }
            Self::Items(count) => write!(f, "{count} items are announced, more than bytes"),
            Self::Lacking { needed, left } => {
                write!(f, "at least {needed} more bytes are needed, {left} are left")
            }
            Self::Length(length) => write!(f, "{length} is no length"),
            Self::Trailing(count) => write!(f, "{count} bytes after the datum"),
            Self::Varint => write!(f, "a number of more than {MAX_VARINT_BYTES} bytes"),
        }
    }
}

/// As deep as `serde_json` goes: no sensible object is deeper, and a decoder that recurses this
/// often stays within a small stack.
pub(crate) const MAX_DEPTH: usize = 128;

/// Enough for 64 bits.
const MAX_VARINT_BYTES: usize = 10;
