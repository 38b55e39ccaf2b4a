//! Who asked many, and how it is told.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gatewire_codec::{NackCode, ReceiverOutcome, SocketAddress, Value, ValueRef};
use gatewire_core::session::SendError;

use crate::error::RequestError;
use crate::net::link::{HasLink, LinkOutbound, Session};
use crate::net::waiter::Outcome;
use crate::room::Arrivals;
use crate::router::Asker;
use crate::server::SocketInner;
use crate::server::streams::length;

/// Who asked.
pub(crate) enum Sink {
    /// This process.
    Here(Arc<Arrivals>),
    /// A client.
    Client(Asking),
    /// Another node of the cluster.
    Node(Asker),
}

/// A client that asks many.
pub(crate) struct Asking {
    socket: Arc<SocketInner>,
    id: u32,
    session: Session,
    /// How many it asks, at this node and at others.
    receivers: AtomicU32,
}

/// The most receivers whose answers one client may wait for at a time, at all nodes together: as many as the requests
/// that one connection may have pending.
const MAX_ASKED: u32 = 65_536;

impl Asking {
    /// A client asks so many at this node, and then whom other nodes tell of. `None`: too many others of its questions
    /// wait already.
    pub(crate) fn begin(socket: &Arc<SocketInner>, id: u32, receivers: usize) -> Option<Self> {
        let receivers = u32::try_from(receivers).ok()?;
        // Whoever waits for as many as it may asks no other nodes either.
        if socket.asking.load(Ordering::Relaxed) >= MAX_ASKED || !charge(socket, receivers) {
            return None;
        }
        let session = socket.link().session();
        Some(Self { socket: Arc::clone(socket), id, session, receivers: receivers.into() })
    }

    /// Tells the client. `false`: it is gone, or does not read what it asked for.
    fn tell(&self, push: impl FnOnce(&mut LinkOutbound) -> Result<(), SendError>) -> bool {
        let told = self.socket.link().command_in(&self.socket, self.session, push);
        if let Err(error) = &told {
            tracing::debug!(%error, "what became of a request to many was not told");
        }
        told.is_ok()
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.socket.asking.fetch_sub(*self.receivers.get_mut(), Ordering::Relaxed);
    }
}

/// A client waits for so many receivers more. `false`: that would be too many.
fn charge(socket: &SocketInner, receivers: u32) -> bool {
    let add = |asked: u32| asked.checked_add(receivers).filter(|asked| *asked <= MAX_ASKED);
    socket.asking.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
}

/// What a client's questions cost.
impl Sink {
    pub(super) fn client(&self) -> Option<&Arc<SocketInner>> {
        match self {
            Self::Client(asking) => Some(&asking.socket),
            Self::Here(_) | Self::Node(_) => None,
        }
    }

    /// Another node asks one more receiver. `false`: a client would wait for too many.
    pub(super) fn add_receiver(&self) -> bool {
        let Self::Client(asking) = self else { return true };
        let added = charge(&asking.socket, 1);
        asking.receivers.fetch_add(added.into(), Ordering::Relaxed);
        added
    }

    /// It does not, after all.
    pub(super) fn remove_receiver(&self) {
        if let Self::Client(asking) = self {
            asking.receivers.fetch_sub(1, Ordering::Relaxed);
            asking.socket.asking.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Each gives whether whoever asked is still there.
impl Sink {
    pub(super) fn asked(&self, addresses: &[SocketAddress]) -> bool {
        match self {
            Self::Here(arrivals) => {
                arrivals.asked(addresses.iter().cloned());
                true
            }
            Self::Client(asking) => asking.tell(|outbound| {
                let mut text = String::new();
                for address in addresses {
                    text.clear();
                    // To a string, which takes everything.
                    let _written = write!(text, "{address}");
                    outbound.tell_outcome(asking.id, &text, ReceiverOutcome::Asked)?;
                }
                Ok(())
            }),
            Self::Node(asker) => asker.asked(addresses),
        }
    }

    pub(super) fn outcome(&self, address: &SocketAddress, outcome: Outcome) -> bool {
        match self {
            Self::Here(arrivals) => {
                arrivals.outcome(address, outcome);
                true
            }
            Self::Client(asking) => {
                let refusal = outcome.as_ref().err().map(RequestError::to_nack);
                let outcome = on_the_wire(&outcome, refusal.as_ref());
                let address = address.to_string();
                asking.tell(|outbound| outbound.tell_outcome(asking.id, &address, outcome))
            }
            Self::Node(asker) => asker.outcome(address, &outcome),
        }
    }

    pub(super) fn unreachable(&self, node: &str) -> bool {
        match self {
            Self::Here(arrivals) => {
                arrivals.unreachable(node);
                true
            }
            Self::Client(asking) => asking.tell(|outbound| {
                outbound.tell_outcome(asking.id, node, ReceiverOutcome::Unreachable)
            }),
            // It has asked the others by itself.
            Self::Node(_) => true,
        }
    }

    pub(super) fn over(&self, receivers: usize) -> bool {
        match self {
            Self::Here(arrivals) => {
                arrivals.end(Ok(receivers as u64));
                true
            }
            Self::Client(asking) => {
                let count = i64::try_from(receivers).unwrap_or(i64::MAX);
                asking.tell(|outbound| outbound.ack(asking.id, ValueRef::Integer(count)))
            }
            Self::Node(asker) => asker.over(receivers),
        }
    }
}

/// The longest answer of a receiver that is told to a client, as of a stream to many: those of 4,000 fit its queue
/// at once.
const MAX_ANSWER: usize = 1024;

/// An outcome as it is told to a client. `refusal`: what its error is there.
fn on_the_wire<'a>(
    outcome: &'a Outcome,
    refusal: Option<&'a (NackCode, Value)>,
) -> ReceiverOutcome<'a> {
    let refused = |code, value| ReceiverOutcome::Refused { code, value };
    match (outcome, refusal) {
        (Ok(value), _) if length(value.as_ref()) <= MAX_ANSWER => {
            ReceiverOutcome::Answered(value.as_ref())
        }
        (Err(_), Some((code, value))) if length(value.as_ref()) <= MAX_ANSWER => {
            refused(*code, value.as_ref())
        }
        (Err(_), Some((code, _))) => refused(*code, ValueRef::Empty),
        _ => refused(NackCode::TooLarge, ValueRef::Empty),
    }
}
