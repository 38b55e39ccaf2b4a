//! How much a session may send: token buckets, with the time as an argument.

use std::num::{NonZeroU32, NonZeroU64};

use super::Denied;
use crate::Time;

/// A token, in the unit in which tokens are counted: earning `rate` tokens a second is earning `rate`
/// of these in a nanosecond, without a remainder.
const TOKEN: i128 = 1_000_000_000;

/// The most that a session may send in a second. `None`: as much as it likes. What one second earns
/// may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Messages a second.
    pub messages_per_s: Option<NonZeroU32>,
    /// Bytes of their frames a second.
    pub bytes_per_s: Option<NonZeroU64>,
}

/// What a session has left of its rates. It begins with one second's worth.
#[derive(Debug)]
pub struct Meter {
    messages: Option<Bucket>,
    bytes: Option<Bucket>,
}

impl Meter {
    /// For a session that begins now; `None` where there is nothing to count.
    #[must_use]
    pub fn new(rates: Rates, now: Time) -> Option<Self> {
        let messages = rates.messages_per_s.map(|rate| Bucket::new(NonZeroU64::from(rate), now));
        let bytes = rates.bytes_per_s.map(|rate| Bucket::new(rate, now));
        (messages.is_some() || bytes.is_some()).then_some(Self { messages, bytes })
    }

    /// Takes one message of `bytes` out of what is left.
    ///
    /// A message that is larger than what a second earns passes when the bucket is full, and leaves it
    /// in debt: so the rate holds in the long run, and no message is too large for ever.
    ///
    /// # Errors
    ///
    /// [`Denied`] by `messages_per_s` or `bytes_per_s`: too much came. Nothing was taken.
    pub fn take(&mut self, bytes: usize, now: Time) -> Result<(), Denied> {
        let bytes = i128::try_from(bytes).unwrap_or(i128::MAX / TOKEN) * TOKEN;
        let both = [
            (self.messages.as_mut(), TOKEN, "messages_per_s"),
            (self.bytes.as_mut(), bytes, "bytes_per_s"),
        ];
        let mut buckets = both.map(|(bucket, cost, permission)| {
            let bucket = bucket.map(|bucket| bucket.fill(now));
            (bucket, cost, permission)
        });
        for (bucket, cost, permission) in &buckets {
            if bucket.as_ref().is_some_and(|bucket| !bucket.affords(*cost)) {
                return Err(Denied { permission });
            }
        }
        for (bucket, cost, _) in &mut buckets {
            if let Some(bucket) = bucket {
                bucket.left -= *cost;
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Bucket {
    /// In parts of a [`TOKEN`]; below zero after a message that was larger than the bucket.
    left: i128,
    /// Tokens a second, and the most that are saved up.
    rate: i128,
    /// Up to when `left` is true.
    filled: Time,
}

impl Bucket {
    fn new(rate: NonZeroU64, now: Time) -> Self {
        let rate = i128::from(rate.get());
        Self { left: rate * TOKEN, rate, filled: now }
    }

    fn fill(&mut self, now: Time) -> &mut Self {
        let nanos = i128::try_from((now - self.filled).as_nanos()).unwrap_or(i128::MAX);
        let earned = nanos.saturating_mul(self.rate);
        self.left = self.left.saturating_add(earned).min(self.rate * TOKEN);
        self.filled = self.filled.max(now);
        self
    }

    fn affords(&self, cost: i128) -> bool {
        self.left >= cost.min(self.rate * TOKEN)
    }
}
