//! One link: two ends, a row of messages in each direction, and a connection that can be lost.
//!
//! ```text
//!            both nodes run, not cut                  connect time
//!   apart ---------------------------> connecting ------------------> connected
//!     ^                                     |                             |
//!     +-------------------------------------+-----------------------------+
//!                 cut, partition, crash, reset: the epoch ends
//! ```
//!
//! A connection is one **epoch**. What was decided in an epoch and comes due after its end is void:
//! so a message that is under way when a link breaks is lost, and so are all behind it, as on TCP.
//! Each end learns of begin and end of a connection in its own time, and acts on what it has learned.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::{NANOS_PER_SECOND, Time};
use crate::queue::Turn;
use crate::report::Tally;
use crate::topology::NodeIndex;

/// How a link behaves. Each duration is drawn anew from its range, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkConfig {
    /// From the departure of a message to its arrival. Order is kept: a message that would overtake
    /// arrives with the one in front of it.
    pub latency: RangeInclusive<Duration>,
    /// From the moment when nothing is in the way of a connection to the connection.
    pub connect: RangeInclusive<Duration>,
    /// Until an end notices that a connection is dead of which it hears no more
    /// ([`Loss::Silent`](crate::Loss)). Both ends draw their own, so one may go on for long.
    pub detect: RangeInclusive<Duration>,
    /// Bytes per second in each direction; `None` is without limit.
    pub bandwidth: Option<u64>,
    /// How many bytes may wait for their departure on a link with a bandwidth; what exceeds them
    /// is refused with [`Sent::Full`](crate::Sent). One message always fits an empty queue.
    pub queue: u64,
    /// Of a million messages, how many vanish while the connection goes on. TCP has none of this:
    /// it is for protocols over datagrams, and to see what a gap does.
    pub loss: u32,
}

/// 0.2 to 5 ms, connected in 1 to 50 ms, a silent loss found in 1 to 4 s, no bandwidth limit, no
/// loss of single messages: routers of one region.
impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            latency: Duration::from_micros(200)..=Duration::from_millis(5),
            connect: Duration::from_millis(1)..=Duration::from_millis(50),
            detect: Duration::from_secs(1)..=Duration::from_secs(4),
            bandwidth: None,
            queue: u64::MAX,
            loss: 0,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Link<M> {
    pub(crate) config: LinkConfig,
    pub(crate) ends: [End; 2],
    /// What travels towards the end with the same index.
    pub(crate) ways: [Way<M>; 2],
    pub(crate) state: State,
    /// The number of the connection, or of the next one.
    pub(crate) epoch: u32,
    /// Cut by a fault of its own.
    pub(crate) cut: bool,
    /// Between two sides of a partition.
    pub(crate) parted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Apart,
    Connecting,
    Connected,
}

#[derive(Debug)]
pub(crate) struct End {
    pub(crate) node: NodeIndex,
    /// The connection that its node believes in.
    pub(crate) sees: Option<u32>,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Way<M> {
    /// In the order of their arrival.
    pub(crate) row: VecDeque<Flying<M>>,
    /// Whether the arrival of the first one is in the event queue. It is not while it is held.
    pub(crate) scheduled: bool,
    /// When all that was sent has departed.
    free_at: Time,
    /// No message arrives before this.
    pub(crate) not_before: Time,
    /// Nothing is let through: what arrives waits.
    pub(crate) stalled: bool,
    /// What was sent this way, over all connections.
    pub(crate) sent: Tally,
}

#[derive(Debug)]
pub(crate) struct Flying<M> {
    pub(crate) arrival: Time,
    pub(crate) turn: Turn,
    pub(crate) message: M,
}

impl<M> Link<M> {
    pub(crate) fn new(config: LinkConfig, ends: [NodeIndex; 2]) -> Self {
        Self {
            config,
            ends: ends.map(|node| End { node, sees: None }),
            ways: [Way::new(), Way::new()],
            state: State::Apart,
            epoch: 0,
            cut: false,
            parted: false,
        }
    }

    /// Which of the two ends is at `node`.
    ///
    /// # Panics
    ///
    /// When none is.
    pub(crate) fn side(&self, node: NodeIndex) -> usize {
        let side = self.ends.iter().position(|end| end.node == node);
        side.expect("a node names links of its own")
    }
}

impl<M> Way<M> {
    fn new() -> Self {
        Self {
            row: VecDeque::new(),
            scheduled: false,
            free_at: Time::ZERO,
            not_before: Time::ZERO,
            stalled: false,
            sent: Tally::default(),
        }
    }

    /// Forgets the connection; returns how much was under way.
    pub(crate) fn clear(&mut self) -> usize {
        let lost = self.row.len();
        self.row.clear();
        self.scheduled = false;
        self.free_at = Time::ZERO;
        self.not_before = Time::ZERO;
        lost
    }

    /// When a message of `size` bytes that is sent now departs; `None` when the queue is full.
    pub(crate) fn depart(&mut self, now: Time, size: u64, config: &LinkConfig) -> Option<Time> {
        let Some(bandwidth) = config.bandwidth else { return Some(now) };
        let bandwidth = u128::from(bandwidth.max(1));
        let nanos = |bytes: u64| {
            let nanos = u128::from(bytes) * u128::from(NANOS_PER_SECOND) / bandwidth;
            u64::try_from(nanos).unwrap_or(u64::MAX)
        };
        let begin = self.free_at.max(now);
        let waiting = (begin - now).as_nanos();
        if waiting > 0 && waiting + u128::from(nanos(size)) > u128::from(nanos(config.queue)) {
            return None;
        }
        self.free_at = begin + Duration::from_nanos(nanos(size));
        Some(self.free_at)
    }
}
