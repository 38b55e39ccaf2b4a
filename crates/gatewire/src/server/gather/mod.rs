//! One question to many sockets of a server, asked by the server itself or for one of its clients.
//!
//! Each receiver is sent a request of its own. Who was asked, who has ended and when it is over is the
//! [bookkeeping](gatewire_core::gather) of the core's; here it is carried out, and whoever asked, the [`Sink`], is
//! told.
//!
//! ```text
//!   ask --request--> link of each receiver
//!    |                     |
//!   Sink <--- Gather <-----+ answered, for each
//!              ^
//!              +--- branch_asked, branch_outcome, branch_done: of other nodes
//! ```
//!
//! The lock is never held while a link's is taken, nor while the sink is told: what it is to hear is listed under
//! the lock and told without it, by one thread at a time and in order. So it hears of each receiver that it is asked,
//! then of its end, and of the whole's end last.

mod branches;
mod sink;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatewire_codec::{SocketAddress, ValueRef};
use gatewire_core::gather::{Gather as Bookkeeping, Receiver};

use super::SocketInner;
use crate::error::RequestError;
use crate::net::link::HasLink;
use crate::net::waiter::{AwaitAnswers, Outcome, Waiter};

pub(crate) use sink::{Asking, Sink};

/// The most receivers that one request may have. Each costs an entry here and one among the pending requests of its
/// connection, some 150 bytes in all: 2.5 MB.
pub(crate) const MAX_RECEIVERS: usize = 16_384;

/// See the [module's documentation](self).
pub(crate) struct Gather {
    state: Mutex<State>,
    sink: Sink,
}

struct State {
    members: Bookkeeping<SocketAddress>,
    /// The requests that wait for their answers, or did.
    requests: Vec<(Arc<SocketInner>, u32)>,
    /// What the sink is to hear.
    untold: VecDeque<News>,
    /// A thread tells.
    telling: bool,
    /// Nothing happens any more.
    closed: bool,
}

/// What the sink hears.
enum News {
    /// These are asked.
    Asked(Vec<SocketAddress>),
    /// How one of them ended.
    Outcome(SocketAddress, Outcome),
    /// A node cannot be reached.
    Unreachable(Box<str>),
    /// So many were asked, and that was all.
    Over(usize),
}

impl Gather {
    /// A question to these sockets, 16,384 at most; further ones are not asked. Add the branches, if there are any,
    /// then [ask](Self::ask).
    pub(crate) fn new(receivers: &[Arc<SocketInner>], sink: Sink) -> Arc<Self> {
        let mut members = Bookkeeping::new(MAX_RECEIVERS);
        let asked = receivers.iter().filter_map(|socket| {
            let address = socket.server.address_of(socket.id);
            members.add(address.clone()).map(|_| address)
        });
        let asked: Vec<SocketAddress> = asked.collect();
        let untold = if asked.is_empty() { None } else { Some(News::Asked(asked)) };
        let state = State {
            members,
            requests: Vec::with_capacity(receivers.len()),
            untold: untold.into_iter().collect(),
            telling: false,
            closed: false,
        };
        Arc::new(Self { state: Mutex::new(state), sink })
    }

    /// Tells who is asked, then asks the same sockets as in [`new`](Self::new), in that order.
    pub(crate) fn ask(
        self: &Arc<Self>,
        receivers: &[Arc<SocketInner>],
        event: &str,
        value: ValueRef<'_>,
        timeout: Duration,
    ) {
        let places: Vec<Receiver> = self.lock().members.all().collect();
        // Nobody: it is over.
        self.update(|_| ());
        for (socket, place) in receivers.iter().zip(places) {
            let waiter = Waiter::OneOf(Arc::clone(self) as Arc<dyn AwaitAnswers>, place);
            let link = socket.link();
            let deadline = link.clock.now() + timeout;
            let asked = link.request_of_many(socket, deadline, |outbound, deadline| {
                outbound.request(event, value, deadline, waiter)
            });
            match asked {
                Ok(id) if self.note(socket, id) => {}
                // Who asked is gone, as it turned out when it was told.
                Ok(id) => return forget(socket, id),
                Err(error) => self.end(place, Err(RequestError::NotSent(error))),
            }
        }
    }

    /// The client that asks, if it is one.
    pub(crate) fn client(&self) -> Option<&Arc<SocketInner>> {
        self.sink.client()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was sent. `false`: nothing happens any more.
    fn note(&self, socket: &Arc<SocketInner>, id: u32) -> bool {
        let mut state = self.lock();
        if !state.closed {
            state.requests.push((Arc::clone(socket), id));
        }
        !state.closed
    }

    fn end(&self, receiver: Receiver, outcome: Outcome) {
        self.update(|state| {
            if state.members.end(receiver) {
                state.tell_outcome(receiver, outcome);
            }
        });
    }

    /// Changes the state, then does what follows from it.
    fn update<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, over) = {
            let mut state = self.lock();
            let result = change(&mut state);
            let over = match state.members.poll_over() {
                Some(receivers) if !state.closed => {
                    state.untold.push_back(News::Over(receivers));
                    // All have ended.
                    std::mem::take(&mut state.requests)
                }
                _ => Vec::new(),
            };
            (result, over)
        };
        // Not under the lock: this may be all that holds a socket.
        drop(over);
        self.tell();
        result
    }

    /// Tells the sink what it is to hear. When another call does so already, that one goes on.
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
            let told = match news {
                None => return,
                Some(News::Asked(addresses)) => self.sink.asked(&addresses),
                Some(News::Outcome(address, outcome)) => self.sink.outcome(&address, outcome),
                Some(News::Unreachable(node)) => self.sink.unreachable(&node),
                Some(News::Over(receivers)) => self.sink.over(receivers),
            };
            if !told {
                self.close();
            }
        }
    }

    /// Whoever asked is gone: no answer is waited for.
    pub(crate) fn close(&self) {
        let requests = {
            let mut state = self.lock();
            state.closed = true;
            state.untold.clear();
            std::mem::take(&mut state.requests)
        };
        for (socket, id) in requests {
            forget(&socket, id);
        }
    }
}

impl State {
    fn tell_outcome(&mut self, receiver: Receiver, outcome: Outcome) {
        if !self.closed {
            let address = self.members.address(receiver).clone();
            self.untold.push_back(News::Outcome(address, outcome));
        }
    }
}

impl AwaitAnswers for Gather {
    fn answered(&self, receiver: Receiver, outcome: Result<ValueRef<'_>, RequestError>) {
        self.end(receiver, outcome.map(|value| value.to_value()));
    }
}

/// Nobody waits for the answer any more.
fn forget(socket: &SocketInner, id: u32) {
    let waiter = socket.link().with_outbound(|outbound| outbound.forget(id));
    // Not under the lock: it may be the last that holds the gather.
    drop(waiter);
}

#[cfg(test)]
mod tests;
