//! What becomes of each receiver.

use std::sync::Arc;

use gatewire_codec::{ReceiverOutcome, SocketAddress, StreamCode, Value, ValueRef};
use gatewire_core::fanout::Overdue;
use tokio::time::timeout_at;

use super::{Group, Member, News, Outcome, Reader};
use crate::error::RequestError;
use crate::stream::{ANSWER_TIMEOUT, MAX_RECEIPTS, Receipt, StreamError};

impl Member {
    /// Whether the link is lost behind which its readers are.
    fn is_lost_by(&self, outcome: &Result<ValueRef<'_>, RequestError>) -> bool {
        !self.nodes().is_empty() && matches!(outcome, Err(RequestError::MaybeDelivered))
    }
}

impl Group {
    /// A receiver has taken bytes, so many in all.
    pub(super) fn progress(&self, member: &Member, total: u64) {
        let answer = self.update(|state, now| {
            state.fanout.progress(member.place, total, now);
            let early = &mut state.early[member.place.index()];
            if state.finished && total == state.fanout.head() { early.take() } else { None }
        });
        match answer {
            None => {}
            // It is passed on already.
            Some(_) if self.source.single().is_some() => drop(self.close()),
            Some(answer) => self.end(member, Ok(answer)),
        }
    }

    /// The handler of a receiver has answered, or there will be no answer.
    pub(super) fn answered(&self, member: &Member, outcome: Result<ValueRef<'_>, RequestError>) {
        let single = self.source.single();
        let answer = match (single, outcome) {
            (_, Ok(answer)) => answer.to_value(),
            (None, Err(error)) => return self.end(member, Err(error.into())),
            (Some(relay), outcome) => {
                if member.is_lost_by(&outcome) {
                    relay.stop(StreamCode::PathLost, &self.how_far());
                }
                self.close();
                return relay.answer(outcome);
            }
        };
        let over = self.update(|state, _| {
            let taken = state.fanout.taken(member.place);
            let over = (state.finished && taken == state.fanout.head()) || state.stopped;
            if !over {
                // It answers early, and somebody else reads on.
                state.early[member.place.index()] = Some(answer.clone());
            }
            over
        });
        match single {
            None if over => self.end(member, Ok(answer)),
            None => {}
            Some(relay) => {
                if over {
                    self.close();
                }
                relay.answer(Ok(answer.as_ref()));
            }
        }
    }

    /// A receiver wants no more.
    pub(super) fn stopped(&self, member: &Member, code: StreamCode, text: &str) {
        match self.source.single() {
            Some(relay) => {
                relay.stop(code, text);
                let answered = self.update(|state, _| {
                    state.stopped = true;
                    state.early[member.place.index()].is_some()
                });
                if answered {
                    self.close();
                } else {
                    // Its answer follows.
                    member.await_answer(self.clock.now() + ANSWER_TIMEOUT);
                }
            }
            None if code == StreamCode::Enough => self.end(member, Ok(Value::Empty)),
            None => self.end(member, Err(StreamError::Stopped { code, text: text.to_owned() })),
        }
    }

    /// The connection of a receiver has ended.
    pub(super) fn lost(&self, member: &Member) {
        match self.source.single() {
            None => self.end(member, Err(StreamError::Disconnected)),
            // Its answer came early, and so does not tell.
            Some(relay) if self.lock().early[member.place.index()].is_some() => {
                relay.stop(StreamCode::Dropped, "the connection of the reader was lost");
                self.close();
            }
            // Its answer tells, or has told.
            Some(_) => {}
        }
    }

    /// A receiver has its outcome. The first counts. What lies behind a link was told of one by one, unless it is lost.
    pub(super) fn end(&self, member: &Member, outcome: Outcome) {
        let first = self.update(|state, now| {
            let lost = if outcome.is_err() { member.nodes() } else { &[] };
            let first = !state.closed && state.fanout.end(member.place, outcome.clone(), now);
            if first && let Reader::Socket(address) = &member.reader {
                state.told += 1;
                state.untold.push_back(News::Outcome(address.clone(), outcome));
            } else if first {
                state.lost_nodes.extend_from_slice(lost);
                state.untold.extend(lost.iter().cloned().map(News::Lost));
            }
            first
        });
        if first {
            member.forget();
        }
    }

    /// What became of a reader at another node.
    pub(super) fn outcome_beyond(&self, reader: &str, outcome: ReceiverOutcome<'_>) {
        let outcome = match outcome {
            ReceiverOutcome::Answered(value) => Ok(value.to_value()),
            ReceiverOutcome::Refused { code, value } => {
                Err(RequestError::from_nack(code, value.to_value()).into())
            }
            ReceiverOutcome::Stopped { code } => {
                Err(StreamError::Stopped { code, text: String::new() })
            }
            ReceiverOutcome::Unreachable => {
                let node: Arc<str> = reader.into();
                return self.update(|state, _| {
                    if !state.closed {
                        state.lost_nodes.push(Arc::clone(&node));
                        state.untold.push_back(News::Lost(node));
                    }
                });
            }
            // Of requests.
            ReceiverOutcome::Asked => return,
        };
        let Ok(socket) = reader.parse::<SocketAddress>() else { return };
        self.update(|state, _| {
            if state.closed || state.told >= MAX_RECEIPTS {
                return;
            }
            state.told += 1;
            state.untold.push_back(News::Outcome(socket.clone(), outcome.clone()));
            if !self.source.is_remote() {
                state.beyond.push(Receipt { socket, outcome });
            }
        });
    }

    /// Cuts receivers when their time has come, until all is over.
    pub(super) async fn keep_time(self: Arc<Self>) {
        loop {
            let due = {
                let mut state = self.lock();
                if state.closed {
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

    /// Ends a receiver that is too slow.
    pub(super) fn cut(&self, member: &Member) {
        let code = StreamCode::SlowReceiver;
        member.reset(code, "");
        self.end(member, Err(StreamError::Stopped { code, text: String::new() }));
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
                Overdue::Slow => self.cut(member),
                // It waits for readers of its own, each for so long; a link that is lost ends it.
                Overdue::Unanswered if !member.nodes().is_empty() => {
                    let now = self.clock.now();
                    self.lock().fanout.postpone(member.place, now);
                }
                Overdue::Unanswered if self.source.single().is_some() => {
                    member.forget();
                    self.answered(member, Err(RequestError::Timeout));
                }
                Overdue::Unanswered => self.end(member, Err(RequestError::Timeout.into())),
            }
        }
    }
}
