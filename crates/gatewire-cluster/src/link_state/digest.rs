//! Whether two routers know the same, told in 16 bytes.
//!
//! Nodes fall into 256 buckets by the lowest byte of their id. A bucket's digest is the sum of a hash
//! for each of its nodes, over the id and what is newest of it; the digest of all is the sum of the
//! hashes of the buckets. Sums, so that the order does not matter. They are computed when a link comes up
//! and kept nowhere: 10,000 nodes take less than a millisecond, and nothing can go out of step.

use gatewire_codec::v3::control::{Incarnation, NodeId};

use super::Database;
use crate::random::mix;

/// What is newest of a node: of its record, and of its rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    pub(crate) incarnation: Incarnation,
    pub(crate) sequence: u64,
    /// Incarnation and version.
    pub(crate) rooms: (Incarnation, u64),
}

impl Stamp {
    /// By this, the higher record is the newer.
    pub(crate) fn record(&self) -> (Incarnation, u64) {
        (self.incarnation, self.sequence)
    }

    fn hash(&self, id: NodeId) -> u64 {
        let (incarnation, version) = self.rooms;
        let words = [self.incarnation.to_bits(), self.sequence, incarnation.to_bits(), version];
        words.iter().fold(mix(id.to_bits()), |hash, word| mix(hash.rotate_left(23) ^ word))
    }
}

/// The digests of all buckets.
#[derive(Debug)]
pub(crate) struct Digests([u64; 256]);

impl Digests {
    pub(crate) fn of(database: &Database) -> Self {
        let mut digests = [0_u64; 256];
        for (id, node) in database.iter() {
            let stamp = node.stamp();
            // A node of which only a change of rooms came that did not fit: nothing is known of it.
            if stamp == Stamp::default() {
                continue;
            }
            let digest = &mut digests[usize::from(bucket(id))];
            *digest = digest.wrapping_add(stamp.hash(id));
        }
        Self(digests)
    }

    /// The digest of all.
    pub(crate) fn root(&self) -> u64 {
        self.0.iter().zip(0_u64..).fold(0, |root, (&digest, bucket)| {
            if digest == 0 { root } else { root.wrapping_add(mix(digest ^ mix(bucket + 1))) }
        })
    }

    /// Those that are not 0, ascending.
    pub(crate) fn filled(&self) -> Vec<(u8, u64)> {
        let all = (0..=u8::MAX).zip(self.0);
        all.filter(|&(_, digest)| digest != 0).collect()
    }

    /// The buckets that differ from `others`, where only those are listed that are not 0.
    pub(crate) fn differing(&self, others: &[(u8, u64)]) -> Vec<u8> {
        let mut theirs = [0_u64; 256];
        for &(bucket, digest) in others {
            theirs[usize::from(bucket)] = digest;
        }
        (0..=u8::MAX).filter(|&b| theirs[usize::from(b)] != self.0[usize::from(b)]).collect()
    }
}

/// The bucket of a node.
pub(crate) fn bucket(id: NodeId) -> u8 {
    id.to_bits().to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{LIFETIME, Links, Record};
    use super::*;
    use crate::identity::NodeName;

    fn database(nodes: &[(&str, u64)]) -> Database {
        let mut database = Database::new(99);
        for &(name, sequence) in nodes {
            let name = NodeName::new("c", name).unwrap();
            let incarnation = Incarnation::new(1, 1);
            let links = Some(Links::default());
            let record = Record { incarnation, sequence, expires: LIFETIME, links };
            database.accept(Duration::ZERO, &name, record);
        }
        database
    }

    #[test]
    fn who_knows_the_same_has_the_same_digest_whatever_the_order() {
        let one = Digests::of(&database(&[("a", 1), ("b", 2)]));
        let other = Digests::of(&database(&[("b", 2), ("a", 1)]));
        assert_eq!(one.root(), other.root());
        assert!(one.differing(&other.filled()).is_empty());
    }

    #[test]
    fn a_node_of_which_nothing_is_known_does_not_count() {
        let one = database(&[("a", 1)]);
        let mut other = database(&[("a", 1)]);
        let named = NodeName::new("c", "b").unwrap();
        assert!(other.get_or_insert(Duration::ZERO, &named).is_some());
        assert_eq!(Digests::of(&one).root(), Digests::of(&other).root());
    }

    #[test]
    fn only_the_bucket_of_what_differs_differs() {
        let one = Digests::of(&database(&[("a", 1), ("b", 2)]));
        let other = Digests::of(&database(&[("a", 1), ("b", 3)]));
        assert_ne!(one.root(), other.root());
        let id = NodeName::new("c", "b").unwrap().id();
        assert_eq!(one.differing(&other.filled()), [bucket(id)]);
        assert_eq!(one.differing(&[]).len(), 2);
    }
}
