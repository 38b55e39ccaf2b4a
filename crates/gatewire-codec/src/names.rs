//! Lists of room names or socket ids, without an allocation.
//!
//! A list is either borrowed from the caller, or still in the bytes of a frame: `a,b,c` in
//! versions 1 and 2, `varint length | text` in version 3. It is checked once, when the frame is
//! decoded, and walked as often as needed.

use core::fmt;

use crate::error::{DecodeError, Field};
use crate::read::Reader;

/// A list of names, in order, as written (duplicates included).
#[derive(Clone, Copy)]
pub struct Names<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    Slice(&'a [&'a str]),
    Owned(&'a [alloc::string::String]),
    /// `a,b,c`; the empty text is the empty list.
    Comma(&'a str),
    /// `count` times `varint length | text`, all checked.
    Prefixed {
        count: usize,
        bytes: &'a [u8],
    },
}

impl<'a> Names<'a> {
    /// The empty list: addresses nobody.
    pub const EMPTY: Self = Self(Repr::Slice(&[]));

    /// A list of the caller's names.
    #[must_use]
    pub fn from_slice(names: &'a [&'a str]) -> Self {
        Self(Repr::Slice(names))
    }

    /// A list of the caller's strings.
    #[must_use]
    pub fn from_strings(names: &'a [alloc::string::String]) -> Self {
        Self(Repr::Owned(names))
    }

    /// A list in the notation of versions 1 and 2. The empty text is the empty list.
    #[must_use]
    pub fn from_comma_list(list: &'a str) -> Self {
        Self(Repr::Comma(list))
    }

    /// Reads a version 3 list: `varint count | count * (varint length | text)`.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = reader.varint(Field::Names)?;
        let whole = reader.peek_rest();
        // Each name takes at least its length byte: a count beyond that is refused at once.
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count <= whole.len())
            .ok_or(DecodeError::Truncated { field: Field::Names })?;
        for _ in 0..count {
            reader.lv_str(Field::Names)?;
        }
        let used = whole.len() - reader.peek_rest().len();
        Ok(Self(Repr::Prefixed { count, bytes: &whole[..used] }))
    }

    /// The names in order.
    #[must_use]
    pub fn iter(&self) -> NamesIter<'a> {
        NamesIter(match self.0 {
            Repr::Slice(names) => Iter::Slice(names.iter()),
            Repr::Owned(names) => Iter::Owned(names.iter()),
            Repr::Comma("") => Iter::Slice([].iter()),
            Repr::Comma(list) => Iter::Comma(list.split(',')),
            Repr::Prefixed { bytes, .. } => Iter::Prefixed(Reader::new(bytes)),
        })
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Repr::Slice(names) => names.len(),
            Repr::Owned(names) => names.len(),
            Repr::Comma(_) => self.iter().count(),
            Repr::Prefixed { count, .. } => count,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self.0 {
            Repr::Comma(list) => list.is_empty(),
            _ => self.len() == 0,
        }
    }
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Names<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Names<'_> {}

impl<'a> IntoIterator for Names<'a> {
    type Item = &'a str;
    type IntoIter = NamesIter<'a>;

    fn into_iter(self) -> NamesIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Names<'a> {
    type Item = &'a str;
    type IntoIter = NamesIter<'a>;

    fn into_iter(self) -> NamesIter<'a> {
        self.iter()
    }
}

/// Iterator over [`Names`].
pub struct NamesIter<'a>(Iter<'a>);

enum Iter<'a> {
    Slice(core::slice::Iter<'a, &'a str>),
    Owned(core::slice::Iter<'a, alloc::string::String>),
    Comma(core::str::Split<'a, char>),
    Prefixed(Reader<'a>),
}

impl fmt::Debug for NamesIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamesIter")
    }
}

impl<'a> Iterator for NamesIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match &mut self.0 {
            Iter::Slice(names) => names.next().copied(),
            Iter::Owned(names) => names.next().map(alloc::string::String::as_str),
            Iter::Comma(names) => names.next(),
            // Checked by `Names::read`: the only error left is the end.
            Iter::Prefixed(reader) => reader.lv_str(Field::Names).ok(),
        }
    }
}
