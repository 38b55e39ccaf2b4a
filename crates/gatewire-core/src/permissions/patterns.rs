//! Lists of allowed names, with wildcards for segments between dots.
//!
//! ```text
//! chat.say     exactly this name
//! chat.*       `chat.` and one more segment: `chat.say`, not `chat`, not `chat.say.loud`
//! chat.>       `chat.` and one or more segments: `chat.say`, `chat.say.loud`, not `chat`
//! >            every name
//! ```
//!
//! These are the subjects of NATS. A segment may be empty, so each name has at least one.

use std::fmt;

/// The longest pattern, in bytes. Names that are meant to be listed are shorter than this.
const MAX_LENGTH: usize = 1024;

/// The most patterns in a list: those with wildcards are tried one after the other for each message.
const MAX_PATTERNS: usize = 256;

/// An allow list of names. Nothing is allocated when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns {
    /// Every name is allowed; the rest is empty.
    all: bool,
    /// Names without wildcards, sorted.
    names: Box<[Box<str>]>,
    /// What stands before a final `>`, with its dot, where there is no other wildcard.
    prefixes: Box<[Box<str>]>,
    /// Patterns with a `*`.
    shapes: Box<[Box<str>]>,
}

impl Patterns {
    /// Every name.
    #[must_use]
    pub fn all() -> Self {
        Self { all: true, ..Self::none() }
    }

    /// No name.
    #[must_use]
    pub fn none() -> Self {
        let [names, prefixes, shapes] = [const { Vec::new() }; 3].map(Vec::into_boxed_slice);
        Self { all: false, names, prefixes, shapes }
    }

    /// The names that match one of these patterns: at most 256 of at most 1,024 bytes each. An empty
    /// list allows nothing.
    ///
    /// # Errors
    ///
    /// [`PatternError`]: which pattern is wrong, and why.
    pub fn new<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, PatternError> {
        let (mut names, mut prefixes, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
        let mut all = false;
        for (index, pattern) in patterns.into_iter().enumerate() {
            let pattern = pattern.as_ref();
            check(index, pattern).map_err(|fault| PatternError { index, fault })?;
            if pattern == ">" {
                all = true;
            } else if pattern.split('.').any(|segment| segment == "*") {
                shapes.push(pattern.into());
            } else if let Some(prefix) = pattern.strip_suffix('>') {
                prefixes.push(prefix.into());
            } else {
                names.push(pattern.into());
            }
        }
        if all {
            return Ok(Self::all());
        }
        names.sort_unstable();
        Ok(Self { all, names: names.into(), prefixes: prefixes.into(), shapes: shapes.into() })
    }

    /// Whether the list allows this name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.all
            || self.names.binary_search_by(|known| (**known).cmp(name)).is_ok()
            || self.prefixes.iter().any(|prefix| name.starts_with(&**prefix))
            || self.shapes.iter().any(|shape| fits(shape, name))
    }
}

/// Goes through the segments of both side by side.
fn fits(shape: &str, name: &str) -> bool {
    let mut segments = name.split('.');
    for wanted in shape.split('.') {
        match segments.next() {
            Some(_) if wanted == ">" => return true,
            Some(segment) if wanted == "*" || wanted == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

fn check(index: usize, pattern: &str) -> Result<(), PatternFault> {
    if index >= MAX_PATTERNS {
        return Err(PatternFault::TooMany);
    }
    if pattern.is_empty() {
        return Err(PatternFault::Empty);
    }
    if pattern.len() > MAX_LENGTH {
        return Err(PatternFault::TooLong);
    }
    let mut segments = pattern.split('.').peekable();
    while let Some(segment) = segments.next() {
        if segment == ">" && segments.peek().is_some() {
            return Err(PatternFault::RestNotLast);
        }
        if segment.len() > 1 && segment.contains(['*', '>']) {
            return Err(PatternFault::PartOfSegment);
        }
    }
    Ok(())
}

/// A pattern that cannot be used. It names the place, not the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternError {
    /// The pattern's place in the list, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub fault: PatternFault,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternFault {
    /// It is the empty text.
    Empty,
    /// It has more than 1,024 bytes.
    TooLong,
    /// It is the 257th of its list.
    TooMany,
    /// Something follows `>`.
    RestNotLast,
    /// A wildcard has other characters beside it in its segment, as in `chat*`.
    PartOfSegment,
}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong => write!(f, "it has more than {MAX_LENGTH} bytes"),
            Self::TooMany => write!(f, "a list has {MAX_PATTERNS} patterns at most"),
            Self::RestNotLast => f.write_str("`>` can only stand at the end"),
            Self::PartOfSegment => f.write_str("a wildcard stands alone between dots"),
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pattern {}: {}", self.index + 1, self.fault)
    }
}

impl std::error::Error for PatternError {}
