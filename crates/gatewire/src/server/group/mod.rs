//! One stream to many sockets of a server, written by the server itself or passed on for a client.
//!
//! Each receiver has a stream of its own, with its own id and credit; the chunks are shared. How far the source
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
//! [`Member`] without its lock.

mod member;
mod source;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use gatewire_codec::{StreamCode, Value, ValueRef};
use gatewire_core::Time;
use gatewire_core::fanout::{Fanout, FanoutConfig, Overdue, Receiver, SlowReceivers};
use gatewire_core::session::{FlowError, ReadFailure};
use tokio::sync::Notify;
use tokio::time::timeout_at;

use super::{Inner, SocketInner};
use crate::clock::Clock;
use crate::error::RequestError;
use crate::net::pipes::IncomingStream;
use crate::stream::{Receipt, StreamError, StreamReport};

use member::Member;
pub(crate) use source::{Relay, Source};

/// What becomes of a receiver.
type Outcome = Result<Value, StreamError>;

/// See the [module's documentation](self).
pub(crate) struct Group {
    state: Mutex<State>,
    source: Source,
    clock: Clock,
    /// Held while the source is told of an outcome, so that it hears of all before the end.
    telling: Mutex<()>,
    /// For the task that keeps time: its deadline has moved forward, or all is over.
    moved: Notify,
}

struct State {
    fanout: Fanout<Outcome>,
    members: Arc<[Arc<Member>]>,
    /// Answers that came before the receiver had everything.
    early: Vec<Option<Value>>,
    /// The limit that the source knows.
    told: u64,
    /// When the task that keeps time wakes.
    armed: Time,
    finished: bool,
    /// All is told: nothing happens any more.
    settled: bool,
}

/// What is to be done without the lock.
struct Effects {
    /// How far the source may go now, if it does not know.
    limit: Option<u64>,
    moved: bool,
    over: bool,
}

impl State {
    fn effects(&mut self, source: &Source, now: Time) -> Effects {
        let limit = self.fanout.limit();
        let limit = (limit > self.told && !self.finished).then_some(limit);
        self.told = limit.unwrap_or(self.told);
        if limit == Some(u64::MAX) && source.is_remote() {
            // It is told to stop: no more will come.
            self.finished = true;
            self.fanout.finish(now);
        }
        let due = self.fanout.poll_timeout();
        let moved = due < self.armed;
        self.armed = self.armed.min(due);
        let over = self.fanout.is_over() && !self.settled;
        self.settled |= over;
        Effects { limit, moved, over }
    }
}

impl Group {
    /// Opens a stream at each receiver. `receivers` are those that the target names now.
    pub(crate) fn open(
        server: &Inner,
        receivers: &[Arc<SocketInner>],
        source: Source,
        event: &str,
        info: ValueRef<'_>,
    ) -> Arc<Self> {
        let now = server.clock.now();
        let mut config =
            FanoutConfig { slow: server.limits.slow_receivers, ..FanoutConfig::default() };
        if source.single().is_some() {
            // Nobody else waits for it.
            config.slow = SlowReceivers::WaitForAll;
        }
        let mut fanout = Fanout::new(config, now);
        let places: Vec<Receiver> = receivers.iter().map(|_| fanout.add()).collect();
        let state = State {
            early: vec![None; places.len()],
            fanout,
            members: Arc::new([]),
            told: source.first_limit(),
            armed: Time::NEVER,
            finished: false,
            settled: false,
        };
        let group = Arc::new(Self {
            state: Mutex::new(state),
            source,
            clock: server.clock,
            telling: Mutex::new(()),
            moved: Notify::new(),
        });
        group.source.attach(&group);
        let mut failed = Vec::new();
        let members: Vec<Arc<Member>> = receivers
            .iter()
            .zip(places)
            .map(|(socket, place)| {
                let member = Arc::new(Member::new(Arc::clone(&group), place, Arc::clone(socket)));
                if let Err(error) = member.open(event, info) {
                    failed.push((Arc::clone(&member), error));
                }
                member
            })
            .collect();
        group.lock().members = members.into();
        for (member, error) in failed {
            group.end(&member, Err(error.into()));
        }
        // If there is nobody, the source is told now.
        group.update(|_, _| ());
        tokio::spawn(Arc::clone(&group).keep_time());
        group
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then does what follows from it.
    fn update<R>(&self, change: impl FnOnce(&mut State, Time) -> R) -> R {
        let now = self.clock.now();
        let (result, effects) = {
            let mut state = self.lock();
            let result = change(&mut state, now);
            (result, state.effects(&self.source, now))
        };
        self.apply(&effects);
        result
    }

    fn apply(&self, effects: &Effects) {
        if let Some(limit) = effects.limit {
            self.source.allow(limit);
        }
        if effects.over {
            self.settle();
        }
        if effects.moved || effects.over {
            self.moved.notify_one();
        }
    }

    /// The source has a chunk, within the limit. Each receiver that is left gets it.
    pub(crate) fn push(&self, chunk: &Bytes) {
        let members = self.update(|state, now| {
            // The last receiver may have ended a moment ago.
            if !state.finished {
                state.fanout.push(chunk.len() as u64, now);
            }
            Arc::clone(&state.members)
        });
        for member in &*members {
            member.push(chunk);
        }
    }

    /// Whom to wake when the source, a writer of this process, may go on or all is over.
    pub(crate) fn register(&self, waker: &Waker) {
        if let Source::Local(writer) = &self.source {
            writer.register(waker);
        }
    }

    /// Whether the source may go on: there is nobody to wait for, or nobody far behind. If not, it is
    /// told when it may.
    pub(crate) fn may_push(&self) -> bool {
        self.update(|state, now| {
            let may = state.fanout.head() < state.fanout.limit();
            if !may {
                state.fanout.source_waits(now);
            }
            may
        })
    }

    /// The source has no more.
    pub(crate) fn finish(&self) {
        let members = self.update(|state, now| {
            state.finished = true;
            state.fanout.finish(now);
            Arc::clone(&state.members)
        });
        for member in &*members {
            member.finish();
        }
        self.answer_early();
    }

    /// The source gave up, or is lost: so is the stream at each receiver.
    pub(crate) fn abort(&self, code: StreamCode, text: &str) {
        for member in &*self.close() {
            member.reset(code, text);
        }
    }

    /// Nothing happens any more. The members there were: they hold this group, and it them.
    fn close(&self) -> Arc<[Arc<Member>]> {
        let members = {
            let mut state = self.lock();
            state.settled = true;
            std::mem::replace(&mut state.members, Arc::new([]))
        };
        self.moved.notify_one();
        self.source.detach(self);
        members
    }

    /// A receiver has taken bytes, so many in all.
    fn progress(&self, member: &Member, total: u64) {
        let done = self.update(|state, now| {
            state.fanout.progress(member.place, total, now);
            let all = state.finished && total == state.fanout.head();
            all.then(|| state.early[member.place.index()].take()).flatten()
        });
        if let Some(value) = done {
            self.end(member, Ok(value));
        }
    }

    /// Answers that came too early to count may count now.
    fn answer_early(&self) {
        let members = Arc::clone(&self.lock().members);
        for member in &*members {
            let taken = self.lock().fanout.taken(member.place);
            self.progress(member, taken);
        }
    }

    /// The handler of a receiver has answered, or there will be no answer.
    fn answered(&self, member: &Member, outcome: Result<ValueRef<'_>, RequestError>) {
        if let Some(relay) = self.source.single() {
            relay.answer(outcome);
            self.close();
            return;
        }
        match outcome {
            Err(error) => self.end(member, Err(error.into())),
            Ok(value) => {
                let value = value.to_value();
                let all = self.update(|state, _| {
                    let taken = state.fanout.taken(member.place);
                    let all = state.finished && taken == state.fanout.head();
                    if !all {
                        state.early[member.place.index()] = Some(value.clone());
                    }
                    all
                });
                if all {
                    self.end(member, Ok(value));
                }
            }
        }
    }

    /// A receiver wants no more.
    fn stopped(&self, member: &Member, code: StreamCode, text: &str) {
        match self.source.single() {
            // Its answer follows.
            Some(relay) => relay.stop(code, text),
            None if code == StreamCode::Enough => self.end(member, Ok(Value::Empty)),
            None => self.end(member, Err(StreamError::Stopped { code, text: text.to_owned() })),
        }
    }

    /// A receiver has its outcome. The first counts.
    fn end(&self, member: &Member, outcome: Outcome) {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let told = outcome.clone();
        let (first, effects) = {
            let mut state = self.lock();
            let first = !state.settled && state.fanout.end(member.place, outcome, now);
            (first, state.effects(&self.source, now))
        };
        if first {
            self.source.tell_outcome(member.socket.id, &told);
            member.forget();
        }
        self.apply(&effects);
    }

    /// Cuts receivers when their time has come, until all is over.
    async fn keep_time(self: Arc<Self>) {
        loop {
            let due = {
                let mut state = self.lock();
                if state.settled {
                    return;
                }
                state.armed = state.fanout.poll_timeout();
                state.armed
            };
            match self.clock.instant(due) {
                // Either way the deadlines are looked at.
                Some(instant) => drop(timeout_at(instant, self.moved.notified()).await),
                None => self.moved.notified().await,
            }
            self.cut_overdue();
        }
    }

    fn cut_overdue(&self) {
        let (overdue, members) = {
            let mut state = self.lock();
            let overdue = state.fanout.handle_timeout(self.clock.now());
            (overdue, Arc::clone(&state.members))
        };
        for (place, reason) in overdue {
            let Some(member) = members.get(place.index()) else { continue };
            match reason {
                Overdue::Slow => {
                    let code = StreamCode::SlowReceiver;
                    member.reset(code, "");
                    self.end(member, Err(StreamError::Stopped { code, text: String::new() }));
                }
                Overdue::Unanswered if self.source.single().is_some() => {
                    member.forget();
                    self.answered(member, Err(RequestError::Timeout));
                }
                Overdue::Unanswered => self.end(member, Err(RequestError::Timeout.into())),
            }
        }
    }

    /// The last receiver has its outcome, and the source has finished.
    fn settle(&self) {
        let members = self.close();
        self.source.settle(members.len());
    }

    /// What became of each receiver, once all is over.
    pub(crate) fn report(&self, sockets: &[Arc<SocketInner>]) -> Option<StreamReport> {
        let state = self.lock();
        state.fanout.is_over().then(|| {
            let receipts = state.fanout.outcomes().map(|(place, outcome)| Receipt {
                socket: sockets[place.index()].id,
                outcome: outcome.clone(),
            });
            StreamReport::new(receipts.collect())
        })
    }
}

/// A client's stream, on its way to others.
impl IncomingStream for Group {
    fn handle_data(&self, bytes: &[u8], frame: Option<&Bytes>) -> Result<bool, FlowError> {
        {
            let state = self.lock();
            if state.finished {
                // Those that it sent before it heard that nobody is left.
                return if state.settled { Ok(false) } else { Err(FlowError::AfterEnd) };
            }
            if state.fanout.head() + bytes.len() as u64 > state.told {
                return Err(FlowError::BeyondCredit);
            }
        }
        let chunk = match frame {
            Some(frame) => frame.slice_ref(bytes),
            None => Bytes::copy_from_slice(bytes),
        };
        self.push(&chunk);
        // A client that has used its credit up waits, as far as anybody can tell.
        self.may_push();
        Ok(false)
    }

    fn handle_finish(&self, length: Option<u64>) -> Result<(), FlowError> {
        {
            let state = self.lock();
            if state.finished {
                return if state.settled { Ok(()) } else { Err(FlowError::AfterEnd) };
            }
            if length.is_some_and(|length| length != state.fanout.head()) {
                return Err(FlowError::WrongLength);
            }
        }
        self.finish();
        Ok(())
    }

    fn handle_failure(&self, why: ReadFailure) {
        match why {
            ReadFailure::Reset { code, text } => self.abort(code, &text),
            ReadFailure::Disconnected => self.abort(StreamCode::SenderLost, ""),
        }
    }

    fn handle_probed(&self) {}
}
