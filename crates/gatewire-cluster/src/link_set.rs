//! The links of a router, and sets of them.

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

    /// The link that `hash` chooses: always the same one of the same set.
    #[must_use]
    pub fn choose(&self, hash: u64) -> Option<LinkId> {
        let count = u64::from(self.len());
        let mut rank = u32::try_from(hash.checked_rem(count)?).ok()?;
        for (index, &word) in (0_u8..).zip(&self.0) {
            if rank < word.count_ones() {
                let mut rest = word;
                for _ in 0..rank {
                    rest &= rest - 1;
                }
                let bit = u8::try_from(rest.trailing_zeros()).ok()?;
                return Some(LinkId(64 * index + bit));
            }
            rank -= word.count_ones();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_of_a_set_is_chosen_by_its_rank() {
        let links = [0, 3, 63, 64, 130, 255].map(LinkId);
        let mut set = LinkSet::default();
        for link in links {
            set.insert(link);
        }
        assert!(set.iter().eq(links));
        for (rank, link) in (0..).zip(links) {
            assert_eq!(set.choose(rank), Some(link));
            assert_eq!(set.choose(rank + 6 * 1000), Some(link));
        }
        assert_eq!(LinkSet::default().choose(5), None);
    }
}
