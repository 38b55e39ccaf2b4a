//! Who a node is, and in which of its lives.
//!
//! A node has a name, unique in its cluster. Its id is the first eight bytes, as a little-endian
//! number, of SHA-256 over `u8 length | cluster | u8 length | name`, so that everybody can compute it
//! and nobody hands out ids. 10,000 nodes have two of one id with a chance of 3 in 10^12.
//!
//! All that a node says is ordered by its incarnation, then by a number that it counts up. The
//! incarnation of a new life is higher than that of the last one if the clock goes forward or the
//! counter was kept. When neither holds, others still know a higher one; the node meets it when it
//! joins, and out-bids it. The boot nonce tells two lives of one second apart.

use std::fmt;
use std::sync::Arc;

use gatewire_codec::v3::control::{Incarnation, MAX_NODE_NAME, NodeId};
use sha2::{Digest, Sha256};

/// The name of a node, with its id. Cheap to clone; compared by the id.
#[derive(Clone)]
pub struct NodeName(Arc<Named>);

struct Named {
    id: NodeId,
    name: Box<str>,
}

impl NodeName {
    /// The node `name` of the cluster `cluster`.
    ///
    /// # Errors
    ///
    /// [`NameError`] when either has not 1 to 255 bytes, or `name` holds a `/`, which divides node
    /// and session in a [`SocketAddress`](crate::SocketAddress).
    pub fn new(cluster: &str, name: &str) -> Result<Self, NameError> {
        let mut hash = Sha256::new();
        for text in [cluster, name] {
            let length = u8::try_from(text.len()).ok().filter(|&length| length > 0);
            hash.update([length.ok_or(NameError::Length { length: text.len() })?]);
            hash.update(text);
        }
        if name.contains('/') {
            return Err(NameError::Slash);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        let id = NodeId::from_bits(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
        Ok(Self(Arc::new(Named { id, name: name.into() })))
    }

    /// The id that follows from the names.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.0.id
    }

    /// The node's own name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.name
    }
}

impl PartialEq for NodeName {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for NodeName {}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeName({:?})", self.as_str())
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no node or cluster can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// It is empty or longer than 255 bytes.
    Length {
        /// Its bytes.
        length: usize,
    },
    /// The name of a node holds a `/`.
    Slash,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { length } => {
                write!(f, "a name has 1 to {MAX_NODE_NAME} bytes, not {length}")
            }
            Self::Slash => f.write_str("the name of a node holds no '/'"),
        }
    }
}

impl std::error::Error for NameError {}

/// What a router knows at its start about its own lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Seconds since 1970, as the clock says.
    pub unix_seconds: u64,
    /// The counter of the last life ([`Router::incarnation`](crate::Router::incarnation)), if it was
    /// kept.
    pub last_counter: Option<u32>,
    /// Drawn at random for this life.
    pub nonce: u32,
}

impl Boot {
    /// The incarnation to begin with: the higher of the clock and the kept counter plus one.
    #[must_use]
    pub fn incarnation(self) -> Incarnation {
        let clock = u32::try_from(self.unix_seconds).unwrap_or(u32::MAX);
        let next = self.last_counter.map_or(0, |last| last.saturating_add(1));
        Incarnation::new(clock.max(next), self.nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_both_names_and_where_they_end() {
        let id = |cluster, name| NodeName::new(cluster, name).unwrap().id();
        assert_eq!(id("c", "host1"), id("c", "host1"));
        assert_ne!(id("c", "host1"), id("d", "host1"));
        assert_ne!(id("ab", "c"), id("a", "bc"));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        assert_eq!(NodeName::new("c", ""), Err(NameError::Length { length: 0 }));
        assert_eq!(NodeName::new("", "a"), Err(NameError::Length { length: 0 }));
        assert_eq!(NodeName::new("c", &"a".repeat(256)), Err(NameError::Length { length: 256 }));
        assert_eq!(NodeName::new("c", "a/b"), Err(NameError::Slash));
    }

    #[test]
    fn a_new_life_is_above_the_kept_counter_and_the_clock() {
        let boot = |unix_seconds, last_counter| Boot { unix_seconds, last_counter, nonce: 7 };
        assert_eq!(boot(100, None).incarnation(), Incarnation::new(100, 7));
        assert_eq!(boot(100, Some(50)).incarnation(), Incarnation::new(100, 7));
        assert_eq!(boot(100, Some(100)).incarnation(), Incarnation::new(101, 7));
        assert_eq!(boot(u64::MAX, None).incarnation(), Incarnation::new(u32::MAX, 7));
    }

    #[test]
    fn incarnations_are_ordered_by_counter_and_then_by_nonce() {
        assert!(Incarnation::new(2, 0) > Incarnation::new(1, u32::MAX));
        assert!(Incarnation::new(1, 2) > Incarnation::new(1, 1));
    }
}
