//! One stream to many sockets, written by a server or a router itself or passed on for a client or another node.
//!
//! Each receiver has a stream of its own, with its own id and credit; the chunks are shared. The readers of other nodes
//! are one receiver for each link behind which they are; the node there is a group in its turn. How far the source
//! may go, who is cut and when it is over is decided by the [`Fanout`] of the core; here its decisions
//! are carried out.
//!
//! ```text
//!   source --push--> Group --push_stream--> link of each receiver --batch--> kernel
//!      ^                |                        |
//!      +---- limit -----+------ sent(total) -----+
//! ```
//!
//! The group's lock is never held while a link's is taken, nor the other way round: a link tells its
//! [`Member`] without its lock. What the source is to hear is listed under the lock and told without it, by one
//! thread at a time and in order: so it hears of each receiver before it hears that all is over.

mod fate;
mod flow;
mod member;
mod source;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use gatewire_codec::{SocketAddress, Target, Value, ValueRef};
use gatewire_core::Time;
use gatewire_core::fanout::{Fanout, FanoutConfig, Receiver, SlowReceivers};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::error::RequestError;
use crate::net::pipes::{Lag, Slot};
use crate::stream::{Receipt, StreamError, StreamReport};

use member::Member;
pub(crate) use member::{Reader, Recipient};
pub(crate) use source::{Relay, Source};

/// What becomes of a receiver.
type Outcome = Result<Value, StreamError>;

/// See the [module's documentation](self).
pub(crate) struct Group {
    state: Mutex<State>,
    source: Source,
    clock: Clock,
    /// For the task that keeps time: its deadline has moved forward, or all is over.
    moved: Notify,
}

struct State {
    fanout: Fanout<Outcome>,
    /// Of a client's stream, until all is over.
    place: Option<(Slot, Lag)>,
    members: Arc<[Arc<Member>]>,
    /// Who the members are: `None` is not a socket. Kept for the report alone.
    readers: Vec<Option<SocketAddress>>,
    /// Answers that came before the receiver had everything.
    early: Vec<Option<Value>>,
    /// What the source is to hear.
    untold: VecDeque<News>,
    /// How many readers were told of.
    told: usize,
    /// What became of readers of other nodes, and the nodes of which it is not known: for a writer of this process.
    beyond: Vec<Receipt>,
    lost_nodes: Vec<Arc<str>>,
    /// A thread tells.
    telling: bool,
    /// The limit that the source knows, or is about to hear.
    limit: u64,
    /// When the task that keeps time wakes.
    armed: Time,
    /// The source has no more, or is told to stop.
    finished: bool,
    /// The only receiver wants no more.
    stopped: bool,
    /// Nothing happens any more.
    closed: bool,
}

/// What the source of a stream hears.
enum News {
    /// What became of a reader.
    Outcome(SocketAddress, Outcome),
    /// What became of the readers at a node is not known.
    Lost(Arc<str>),
    /// How far it may go.
    Limit(u64),
    /// So many receivers were told of, and that was all.
    Over(usize),
}

impl State {
    /// Lists what the source is to hear after a change. Whether the deadline has moved forward.
    fn note(&mut self, source: &Source, now: Time) -> bool {
        let limit = self.fanout.limit();
        if limit > self.limit && !self.finished {
            self.limit = limit;
            self.untold.push_back(News::Limit(limit));
            if limit == u64::MAX && source.is_remote() {
                // It is told to stop: no more will come.
                self.finished = true;
                self.fanout.finish(now);
            }
        }
        if self.fanout.is_over() && !self.closed {
            self.closed = true;
            self.untold.push_back(News::Over(self.told));
        }
        let due = self.fanout.poll_timeout();
        let moved = due < self.armed;
        self.armed = self.armed.min(due);
        moved || self.closed
    }
}

impl Group {
    /// Opens a stream at each recipient. `place`: a relayed stream is one of its connection's streams until all is
    /// over. Nodes that are `lost` cannot be reached.
    pub(crate) fn open(
        (clock, slow): (Clock, SlowReceivers),
        (recipients, lost): (Vec<Recipient>, Vec<Arc<str>>),
        (source, place): (Source, Option<(Slot, Lag)>),
        target: &Target<'_>,
        event: &str,
        info: ValueRef<'_>,
    ) -> Arc<Self> {
        let now = clock.now();
        let mut config = FanoutConfig { slow, ..FanoutConfig::default() };
        if let Some((_, lag)) = &place {
            config.max_lag = config.max_lag.min(lag.bytes());
        }
        if source.single().is_some() {
            // Nobody else waits for it.
            config.slow = SlowReceivers::WaitForAll;
        }
        let reader = |recipient: &Recipient| match &recipient.reader {
            Reader::Socket(address) => Some(address.clone()),
            Reader::Branch(_) => None,
        };
        // A source that is told of each needs no report.
        let readers = match &source {
            Source::Local(_) => recipients.iter().map(reader).collect(),
            Source::Relay(_) => Vec::new(),
        };
        let mut fanout = Fanout::new(config, now);
        let places: Vec<Receiver> = recipients.iter().map(|_| fanout.add()).collect();
        let state = State {
            fanout,
            place,
            members: Arc::new([]),
            readers,
            early: vec![None; places.len()],
            untold: lost.iter().cloned().map(News::Lost).collect(),
            told: 0,
            beyond: Vec::new(),
            lost_nodes: lost,
            telling: false,
            limit: source.first_limit(),
            armed: Time::NEVER,
            finished: false,
            stopped: false,
            closed: false,
        };
        let state = Mutex::new(state);
        let group = Arc::new(Self { state, source, clock, moved: Notify::new() });
        group.source.attach(&group);
        let member =
            |(recipient, place)| Arc::new(Member::new(Arc::clone(&group), place, recipient));
        let members: Arc<[_]> = recipients.into_iter().zip(places).map(member).collect();
        group.lock().members = Arc::clone(&members);
        for member in &*members {
            if let Err(error) = member.open(target, event, info) {
                group.answered(member, Err(RequestError::NotSent(error)));
            }
        }
        // The first limit; or the end, if there is nobody.
        group.update(|_, _| ());
        if !group.lock().closed {
            tokio::spawn(Arc::clone(&group).keep_time());
        }
        group
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then does what follows from it.
    fn update<R>(&self, change: impl FnOnce(&mut State, Time) -> R) -> R {
        let now = self.clock.now();
        let (result, moved) = {
            let mut state = self.lock();
            let result = change(&mut state, now);
            (result, state.note(&self.source, now))
        };
        if moved {
            self.moved.notify_one();
        }
        self.tell();
        result
    }

    /// Tells the source what it is to hear. When another call does so already, also one further up on this very
    /// thread, that one goes on.
    fn tell(&self) {
        let mut telling = false;
        loop {
            let news = {
                let mut state = self.lock();
                if state.telling && !telling {
                    return;
                }
                let news = state.untold.pop_front();
                telling = news.is_some();
                state.telling = telling;
                news
            };
            match news {
                None => return,
                Some(News::Outcome(receiver, outcome)) => {
                    self.source.tell_outcome(&receiver, &outcome);
                }
                Some(News::Lost(node)) => self.source.tell_lost(&node),
                Some(News::Limit(limit)) => self.source.allow(limit),
                Some(News::Over(receivers)) => {
                    self.close();
                    self.source.settle(receivers);
                }
            }
        }
    }

    /// Nothing happens any more. The members there were: they hold this group, and it them.
    fn close(&self) -> Arc<[Arc<Member>]> {
        let members = {
            let mut state = self.lock();
            state.closed = true;
            state.place = None;
            std::mem::replace(&mut state.members, Arc::new([]))
        };
        self.moved.notify_one();
        self.source.detach(self);
        members
    }

    /// Whom to wake when the source, a writer of this process, may go on or all is over.
    pub(crate) fn register(&self, waker: &Waker) {
        if let Source::Local(writer) = &self.source {
            writer.register(waker);
        }
    }

    /// What became of each reader, once all is over.
    pub(crate) fn report(&self) -> Option<StreamReport> {
        let mut state = self.lock();
        if !state.fanout.is_over() {
            return None;
        }
        let beyond = std::mem::take(&mut state.beyond);
        let here = state.fanout.outcomes().filter_map(|(place, outcome)| {
            let socket = state.readers.get(place.index())?.clone()?;
            Some(Receipt { socket, outcome: outcome.clone() })
        });
        let receipts = here.chain(beyond).collect();
        let lost = state.lost_nodes.iter().map(|node| String::from(&**node)).collect();
        Some(StreamReport::new(receipts, lost))
    }
}
