//! The world around the nodes: links, clocks, accounts, and the queue of what is to come.
//!
//! It owns no node. So a node can be called with a [`Context`](crate::Context) that borrows all of
//! this, and what it does takes effect at once.

mod connection;
mod delivery;

use std::time::Duration;

use crate::accounts::Accounts;
use crate::clock::Time;
use crate::link::Link;
use crate::queue::Queue;
use crate::rng::Rng;
use crate::topology::{LinkIndex, NodeIndex, Topology};
use crate::trace::{Trace, TraceConfig, What};

#[derive(Debug)]
pub(crate) struct Network<M> {
    pub(crate) now: Time,
    pub(crate) queue: Queue<Event>,
    pub(crate) links: Vec<Link<M>>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) accounts: Accounts,
    pub(crate) trace: Trace,
    /// The invariant and what was found, once something was.
    pub(crate) broken: Option<(String, String)>,
    /// Events in the queue that concern a link. While there are some, the network is not quiet.
    under_way: usize,
    rng: Rng,
}

/// What is in the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// The first message of the way to this end arrives.
    Arrival {
        link: LinkIndex,
        side: u8,
        epoch: u32,
    },
    /// The connection is made.
    Connect {
        link: LinkIndex,
        epoch: u32,
    },
    /// An end learns that it is.
    Up {
        link: LinkIndex,
        side: u8,
        epoch: u32,
    },
    /// An end learns that it is no more.
    Down {
        link: LinkIndex,
        side: u8,
        epoch: u32,
    },
    Wake {
        node: NodeIndex,
    },
    /// The fault with this number is due.
    Fault(usize),
    /// The periodic check with this number is due.
    Check(usize),
}

/// What belongs to a node's machine rather than to the node.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) running: bool,
    /// How often it was started.
    pub(crate) boots: u32,
    links: Vec<LinkIndex>,
    rng: Rng,
    clock_back: Duration,
    /// When the node wants to wake.
    wake: Time,
    /// The entry in the queue that counts. There may be others, of before a crash or of times that
    /// were given up; they are void.
    armed: Time,
}

impl<M> Network<M> {
    pub(crate) fn new(
        topology: &Topology,
        links: Vec<Link<M>>,
        seed: u64,
        trace: TraceConfig,
    ) -> Self {
        let rng = Rng::new(seed);
        let mut hosts: Vec<Host> = topology.nodes().map(|node| Host::new(&rng, node)).collect();
        for (index, ends) in (0..).map(LinkIndex).zip(topology.links()) {
            for end in ends {
                hosts[end.at()].links.push(index);
            }
        }
        Self {
            now: Time::ZERO,
            queue: Queue::new(),
            links,
            hosts,
            accounts: Accounts::default(),
            trace: Trace::new(trace),
            broken: None,
            under_way: 0,
            rng: rng.fork(PURPOSE_LINKS),
        }
    }

    /// Whether nothing is on a link, nothing waits behind a stalled one, and no end has yet to
    /// learn something.
    pub(crate) fn is_calm(&self) -> bool {
        self.under_way == 0
            && self.links.iter().all(|link| link.ways.iter().all(|way| way.row.is_empty()))
    }

    /// Keeps the first violation; what comes after it is a consequence.
    pub(crate) fn violation(&mut self, invariant: &str, what: String) {
        self.broken.get_or_insert_with(|| (invariant.to_owned(), what));
    }

    pub(crate) fn calendar(&self, node: NodeIndex) -> Duration {
        (BEGIN_OF_CALENDAR + self.now.elapsed()).saturating_sub(self.hosts[node.at()].clock_back)
    }

    pub(crate) fn rng_of(&mut self, node: NodeIndex) -> &mut Rng {
        &mut self.hosts[node.at()].rng
    }

    pub(crate) fn peer(&self, link: LinkIndex, node: NodeIndex) -> NodeIndex {
        let link = &self.links[link.at()];
        link.ends[1 - link.side(node)].node
    }

    pub(crate) fn seen_links(&self, node: NodeIndex) -> impl Iterator<Item = LinkIndex> + '_ {
        self.hosts[node.at()].links.iter().copied().filter(move |index| {
            let link = &self.links[index.at()];
            link.ends[link.side(node)].sees.is_some()
        })
    }

    pub(crate) fn wake_at(&mut self, node: NodeIndex, at: Time) {
        let host = &mut self.hosts[node.at()];
        host.wake = if at == Time::NEVER { at } else { at.max(self.now) };
        if host.wake < host.armed {
            host.armed = host.wake;
            self.queue.push(host.wake, Event::Wake { node });
        }
    }

    /// Whether the node is to wake now, at an entry in the queue that says so.
    pub(crate) fn wakes(&mut self, node: NodeIndex) -> bool {
        let host = &mut self.hosts[node.at()];
        if !host.running || host.armed != self.now {
            return false;
        }
        host.armed = Time::NEVER;
        if host.wake > self.now {
            let later = host.wake;
            self.wake_at(node, later);
            return false;
        }
        host.wake = Time::NEVER;
        self.note(What::Wake(node), 5, node.0, 0);
        true
    }

    /// Counts and remembers that a node is called.
    pub(crate) fn note(&mut self, what: What, code: u32, first: u32, second: u32) {
        self.trace.event(self.now, what);
        let words = [u64::from(code) << 32 | u64::from(first), u64::from(second)];
        self.accounts.event(self.now, words);
    }

    fn push_for_link(&mut self, at: Time, event: Event) {
        self.under_way += 1;
        self.queue.push(at, event);
    }

    /// An event that concerns a link has left the queue.
    pub(crate) fn took_for_link(&mut self) {
        self.under_way -= 1;
    }
}

impl Host {
    fn new(seed: &Rng, node: NodeIndex) -> Self {
        Self {
            running: false,
            boots: 0,
            links: Vec::new(),
            rng: seed.fork(PURPOSE_NODES + u64::from(node.0)),
            clock_back: Duration::ZERO,
            wake: Time::NEVER,
            armed: Time::NEVER,
        }
    }

    /// Begins anew, and gives the random numbers of this start.
    pub(crate) fn boot(&mut self, clock_back: Duration) -> Rng {
        self.running = true;
        self.boots += 1;
        self.clock_back = clock_back;
        self.wake = Time::NEVER;
        self.armed = Time::NEVER;
        self.rng = self.rng.fork(u64::from(self.boots));
        self.rng.fork(0)
    }
}

/// The queue moves its entries about; so they are short.
const _: () = assert!(size_of::<Event>() <= 16);

/// What random numbers are for; see [`Rng::fork`]. A scenario that forks the stream of the same seed
/// hardly uses these.
const PURPOSE_LINKS: u64 = u64::MAX;
const PURPOSE_NODES: u64 = 1 << 63;

/// The calendar at the begin of each simulation, in the year 2027: any time after all that a
/// program could take for a clock that was never set.
const BEGIN_OF_CALENDAR: Duration = Duration::from_secs(1_800_000_000);
