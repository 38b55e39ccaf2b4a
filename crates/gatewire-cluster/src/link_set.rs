//! The links of a router, and sets of them.

use crate::random::mix;
use crate::rules::ONE_TREE;

/// A link of a router to a neighbour. The numbers are the caller's: each belongs to one link at a
/// time, so a router has 256 links at most. Two links may lead to the same neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u8);

/// A set of links: 256 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkSet(pub(crate) [u64; 4]);

impl LinkSet {
    /// The set of one link.
    #[must_use]
    pub fn of(link: LinkId) -> Self {
        let mut set = Self::default();
        set.insert(link);
        set
    }

    /// Adds `link`.
    pub fn insert(&mut self, link: LinkId) {
        self.0[usize::from(link.0 / 64)] |= 1 << (link.0 % 64);
    }

    /// Takes `link` out.
    pub fn remove(&mut self, link: LinkId) {
        self.0[usize::from(link.0 / 64)] &= !(1 << (link.0 % 64));
    }

    /// Whether `link` is in it.
    #[must_use]
    pub fn contains(&self, link: LinkId) -> bool {
        self.0[usize::from(link.0 / 64)] >> (link.0 % 64) & 1 == 1
    }

    /// Adds all links of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// The links in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = *self;
        for (word, more) in both.0.iter_mut().zip(other.0) {
            *word &= more;
        }
        both
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// The links, ascending.
    pub fn iter(&self) -> impl Iterator<Item = LinkId> {
        (0..=u8::MAX).map(LinkId).filter(|&link| self.contains(link))
    }

    /// The link that `hash` chooses: the first one in an order of all links that follows from `hash` (Thaler and
    /// Ravishankar, 1998). So what it chooses of a set it also chooses of each part of it that has that link.
    #[must_use]
    pub fn choose(&self, hash: u64) -> Option<LinkId> {
        let hash = if ONE_TREE { hash } else { mix(hash ^ u64::from(self.len())) };
        let mut best = None;
        for (index, &word) in (0_u8..).zip(&self.0) {
            let mut rest = word;
            while rest != 0 {
                let bit = u8::try_from(rest.trailing_zeros()).ok()?;
                rest &= rest - 1;
                let link = LinkId(64 * index + bit);
                best = best.max(Some((mix(hash ^ u64::from(link.0)), link)));
            }
        }
        best.map(|(_, link)| link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_of(links: &[u8]) -> LinkSet {
        let mut set = LinkSet::default();
        for link in links {
            set.insert(LinkId(*link));
        }
        set
    }

    #[test]
    fn each_link_of_a_set_is_chosen_about_as_often() {
        let links = [0, 3, 63, 64, 130, 255];
        let set = set_of(&links);
        assert!(set.iter().eq(links.map(LinkId)));
        for link in links {
            let times = (0..6_000).filter(|hash| set.choose(*hash) == Some(LinkId(link))).count();
            assert!((900..1_100).contains(&times), "{link}: {times}");
        }
        assert_eq!(LinkSet::default().choose(5), None);
    }

    #[test]
    fn what_is_chosen_of_a_set_is_chosen_of_each_part_that_has_it() {
        let (whole, part) = (set_of(&[1, 2, 70, 200]), set_of(&[2, 200]));
        let chosen = (0..1_000).filter_map(|hash| Some((hash, whole.choose(hash)?)));
        let chosen: Vec<_> = chosen.filter(|(_, link)| part.contains(*link)).collect();
        assert!(chosen.len() > 400);
        assert!(chosen.iter().all(|(hash, link)| part.choose(*hash) == Some(*link)));
    }
}
