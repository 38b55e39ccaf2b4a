//! Random numbers whose stream never changes.
//!
//! A seed that once found a fault is kept, and must find it again after each update of a
//! dependency. So not only the generator but also how its numbers become a range, a choice or a
//! permutation belongs to the meaning of a seed; the crates for random numbers change that part
//! between their versions. The generator is xoshiro256++ (Blackman and Vigna, 2019), filled from the
//! seed by `SplitMix64`; a range is drawn by Lemire's multiplication ("Fast Random Integer Generation
//! in an Interval", 2019). The tests compare both generators with published values. Not for secrets.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::nanoseconds;

/// A stream of random numbers: the same for the same seed, on each machine and in each version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The stream of `seed`. Seeds that are neighbours give streams that have nothing in common.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut counter = seed;
        Self { state: std::array::from_fn(|_| split_mix(&mut counter)) }
    }

    /// A stream of its own for one purpose, named by a number. It leaves this stream where it is,
    /// so that a purpose that is added does not change what the others draw.
    #[must_use]
    pub fn fork(&self, purpose: u64) -> Self {
        let mut counter = purpose;
        Self::new(self.state[0] ^ split_mix(&mut counter))
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number from 0 to `bound` - 1, each as likely as the others; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Products whose low half lies under 2^64 modulo the bound would favour some numbers.
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            let (high, low) = halves(product);
            if low >= unfair {
                return high;
            }
        }
    }

    /// An index into something of `length` elements; 0 when it has none.
    #[expect(clippy::cast_possible_truncation, reason = "it is below a length, which is a usize")]
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// A number in `range`, both ends included. An empty range gives its start.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        match high.saturating_sub(low).checked_add(1) {
            Some(width) => low + self.below(width),
            None => self.next_u64(),
        }
    }

    /// A duration in `range`, in whole nanoseconds, both ends included. An empty range gives its
    /// start.
    pub fn duration(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let range = nanoseconds(*range.start())..=nanoseconds(*range.end());
        Duration::from_nanos(self.within(range))
    }

    /// True in `of_a_million` of 1,000,000 cases.
    pub fn chance(&mut self, of_a_million: u32) -> bool {
        self.below(1_000_000) < u64::from(of_a_million)
    }

    /// One of `items`; `None` when there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.index(items.len()))
    }

    /// The place of one of `weights`, each as likely as its weight; `None` when all are 0.
    pub fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        let mut drawn = self.below(weights.iter().copied().map(u64::from).sum());
        for (place, weight) in weights.iter().copied().map(u64::from).enumerate() {
            if drawn < weight {
                return Some(place);
            }
            drawn -= weight;
        }
        None
    }

    /// Puts `items` into a random order, each as likely as the others.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

/// The next number of `SplitMix64` (Steele, Lea and Flood, 2014).
fn split_mix(counter: &mut u64) -> u64 {
    *counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *counter;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
fn halves(product: u128) -> (u64, u64) {
    ((product >> 64) as u64, product as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xoshiro_gives_the_published_values() {
        let mut rng = Rng { state: [1, 2, 3, 4] };
        let expected = [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
            14_011_001_112_246_962_877,
            12_406_186_145_184_390_807,
            15_849_039_046_786_891_736,
            10_450_023_813_501_588_000,
        ];
        assert_eq!(expected.map(|_| rng.next_u64()), expected);
    }

    #[test]
    fn split_mix_gives_the_published_values() {
        let mut counter = 1_234_567;
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected.map(|_| split_mix(&mut counter)), expected);
    }

    #[test]
    fn what_is_made_of_the_numbers_stays_what_it_is() {
        let mut rng = Rng::new(7);
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
        rng.shuffle(&mut order);
        let drawn: Vec<u64> = (0..6).map(|_| rng.below(1000)).collect();
        let delay = rng.duration(&(Duration::from_millis(1)..=Duration::from_millis(5)));
        let forked = rng.fork(3).within(10..=20);
        let large: Vec<u64> = (0..8).map(|_| rng.below(3 << 62) >> 32).collect();
        assert_eq!(order, [7, 5, 6, 3, 2, 4, 1, 0]);
        assert_eq!(drawn, [329, 982, 73, 114, 171, 733]);
        assert_eq!((delay.as_nanos(), forked), (1_452_343, 13));
        // A quarter of what is drawn for this bound is refused.
        let expected = [
            1_593_331_381,
            313_348_717,
            524_460_197,
            594_084_533,
            354_140_893,
            2_552_998_123,
            1_710_039_197,
            2_715_155_782,
        ];
        assert_eq!(large, expected);
    }

    #[test]
    fn all_numbers_of_a_range_are_about_as_likely() {
        let mut rng = Rng::new(1);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[rng.index(counts.len())] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }

    #[test]
    fn ends_of_a_range_are_drawn_and_odd_ranges_do_not_panic() {
        let mut rng = Rng::new(1);
        let drawn: Vec<u64> = (0..64).map(|_| rng.within(3..=4)).collect();
        assert!(drawn.contains(&3) && drawn.contains(&4));
        #[expect(clippy::reversed_empty_ranges, reason = "what a caller must not pass")]
        let empty = 9..=2;
        assert_eq!(rng.within(empty), 9);
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.pick::<u8>(&[]), None);
        assert_ne!(rng.within(0..=u64::MAX), rng.within(0..=u64::MAX));
    }
}
