//! What whoever asks many has heard so far.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use gatewire_codec::{ReceiverOutcome, SocketAddress, ValueRef};

use crate::error::RequestError;
use crate::net::waiter::{AwaitAnswer, Outcome};

/// The most receivers that a server is believed to have asked: sixteen times its connections by default.
const MAX_RECEIVERS: usize = 1 << 20;

/// The most nodes that a server is believed to have missed: a cluster has about 1,000.
const MAX_NODES: usize = 16_384;

/// Filled by the server that asks, or by the connection to it; emptied by the one who wants to know.
#[derive(Default)]
pub(crate) struct Arrivals {
    state: Mutex<State>,
    task: AtomicWaker,
}

#[derive(Default)]
struct State {
    expected: Vec<SocketAddress>,
    /// Of whom no outcome is known.
    silent: HashSet<SocketAddress>,
    /// Outcomes that are not taken yet.
    outcomes: VecDeque<(SocketAddress, Outcome)>,
    unreachable: Vec<Box<str>>,
    /// How many were asked, once that was all.
    end: Option<Result<u64, RequestError>>,
}

/// Who was asked, and how it ended.
pub(crate) struct Summary {
    pub(crate) expected: Vec<SocketAddress>,
    pub(crate) unreachable: Vec<Box<str>>,
    pub(crate) end: Result<u64, RequestError>,
}

impl Arrivals {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These are asked.
    pub(crate) fn asked(&self, addresses: impl IntoIterator<Item = SocketAddress>) {
        let mut state = self.lock();
        for address in addresses {
            let more = state.expected.len() < MAX_RECEIVERS && state.end.is_none();
            if more && state.silent.insert(address.clone()) {
                state.expected.push(address);
            }
        }
    }

    /// How one ended. The first time counts, and only of those who were asked.
    pub(crate) fn outcome(&self, address: &SocketAddress, outcome: Outcome) {
        let told = {
            let mut state = self.lock();
            let told = state.end.is_none() && state.silent.remove(address);
            if told {
                state.outcomes.push_back((address.clone(), outcome));
            }
            told
        };
        if told {
            self.task.wake();
        }
    }

    /// A node cannot be reached.
    pub(crate) fn unreachable(&self, node: &str) {
        let mut state = self.lock();
        if state.unreachable.len() < MAX_NODES && state.end.is_none() {
            state.unreachable.push(node.into());
        }
    }

    /// So many were asked, and that was all; or no more will be heard, and why. Whoever is silent stays so.
    pub(crate) fn end(&self, end: Result<u64, RequestError>) {
        {
            let mut state = self.lock();
            if state.end.is_some() {
                return;
            }
            let state = &mut *state;
            let why = end.as_ref().err().cloned().unwrap_or(RequestError::Timeout);
            let silent = state.expected.iter().filter(|address| state.silent.contains(*address));
            state.outcomes.extend(silent.map(|address| (address.clone(), Err(why.clone()))));
            state.silent = HashSet::new();
            state.end = Some(end);
        }
        self.task.wake();
    }

    /// Whether no more will be heard.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().end.is_some()
    }

    /// The next outcome. `None`: each that was asked has had one, and no more will be heard.
    pub(crate) fn poll_next(
        &self,
        context: &Context<'_>,
    ) -> Poll<Option<(SocketAddress, Outcome)>> {
        self.task.register(context.waker());
        let mut state = self.lock();
        match state.outcomes.pop_front() {
            Some(next) => Poll::Ready(Some(next)),
            None if state.end.is_some() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    /// Lends who was asked so far, who could not be reached, and the end, if it has come.
    pub(crate) fn inspect<R>(
        &self,
        f: impl FnOnce(&[SocketAddress], &[Box<str>], Option<&Result<u64, RequestError>>) -> R,
    ) -> R {
        let state = self.lock();
        f(&state.expected, &state.unreachable, state.end.as_ref())
    }

    /// Takes all that is known besides the outcomes.
    pub(crate) fn summary(&self) -> Summary {
        let mut state = self.lock();
        Summary {
            expected: std::mem::take(&mut state.expected),
            unreachable: std::mem::take(&mut state.unreachable),
            end: state.end.clone().unwrap_or(Err(RequestError::MaybeDelivered)),
        }
    }
}

/// What a connection tells: the server beyond it asks.
pub(crate) struct FromServer(pub(crate) Arc<Arrivals>);

impl AwaitAnswer for FromServer {
    fn answered(&self, outcome: Result<ValueRef<'_>, RequestError>) {
        self.0.end(outcome.map(|count| match count {
            ValueRef::Integer(count) => u64::try_from(count).unwrap_or(u64::MAX),
            // Not said: the report is not whole.
            _ => u64::MAX,
        }));
    }

    fn outcome(&self, address: &str, outcome: ReceiverOutcome<'_>) {
        if matches!(outcome, ReceiverOutcome::Unreachable) {
            return self.0.unreachable(address);
        }
        // What is no address is nobody's: then fewer are told of than there were.
        let Ok(address) = address.parse() else { return };
        match outcome {
            ReceiverOutcome::Asked => self.0.asked([address]),
            ReceiverOutcome::Answered(value) => self.0.outcome(&address, Ok(value.to_value())),
            ReceiverOutcome::Refused { code, value } => {
                let error = RequestError::from_nack(code, value.to_value());
                self.0.outcome(&address, Err(error));
            }
            // Of streams only, or told above.
            ReceiverOutcome::Stopped { .. } | ReceiverOutcome::Unreachable => {}
        }
    }
}

impl Drop for FromServer {
    fn drop(&mut self) {
        // Nobody else will: the connection's task is gone, with its runtime.
        self.0.end(Err(RequestError::MaybeDelivered));
    }
}

#[cfg(test)]
mod tests;
