//! One connection to a neighbour, dialled or accepted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatewire_cluster::forward::{Branch, Passing};
use gatewire_cluster::{self as cluster, LinkId, NodeName};
use gatewire_codec::v3::handshake::Role;
use gatewire_codec::v3::routed::encode_routed;
use gatewire_codec::v3::{control, routed};
use gatewire_codec::{GoAwayCode, Message, v3};
use gatewire_core::handshake::{Bearer, Grant, KeyRing};
use gatewire_core::session::{Class, Incoming, ProtocolError, StreamLimits};
use gatewire_core::{DropReason, Time};

use super::cost::{Cost, Measure};
use super::event::RouterEvent;
use super::inner::RouterInner;
use crate::clock::unix_now;
use crate::error::{DisconnectReason, EmitError, Error};
use crate::handler::Handlers;
use crate::net::assembly::Frame;
use crate::net::link::{HasLink, Link};
use crate::net::side::Side;
use crate::server::{self, prolonged};

/// What everybody who sends to a neighbour shares.
pub(crate) struct RouterLink {
    pub(super) link: Link,
    pub(super) id: LinkId,
    pub(super) neighbour: NodeName,
    pub(super) router: Arc<RouterInner>,
    pub(super) cost: Cost,
    /// The longest frame that the neighbour reads.
    pub(super) max_frame: u32,
    /// The key under which a neighbour was let in that has dialled.
    pub(super) admitted: Option<Admitted>,
    pub(super) probe: Mutex<Probe>,
    /// Frames with messages that went out, and came in.
    pub(super) routed_out: AtomicU64,
    pub(super) routed_in: AtomicU64,
}

/// How a neighbour was let in.
pub(crate) struct Admitted {
    pub(crate) server: Weak<server::Inner>,
    pub(crate) key_id: String,
    pub(crate) grant: Arc<Grant>,
}

impl Admitted {
    /// Whether the keys of its server let the link to this neighbour go on as it is. It may have gone by the keys
    /// `before` these.
    fn is_upheld(&self, neighbour: &NodeName, before: Option<&KeyRing>) -> bool {
        let Some(server) = self.server.upgrade() else { return true };
        let now = unix_now();
        let given = before.and_then(|before| prolonged(&self.grant, &self.key_id, before, now));
        let given = given.as_ref().unwrap_or(&self.grant);
        let node_name = Some(neighbour.as_str());
        let bearer = Bearer { key_id: &self.key_id, role: Role::Router, node_name };
        server.keys().upholds(&bearer, given, now)
    }

    /// When its key is no longer valid, by what it was given or by what the key would be given now.
    fn expires(&self, now: Time) -> Time {
        until(&self.grant, now)
    }

    /// The same, if the key was given another time since.
    fn prolonged(&self, now: Time) -> Option<Time> {
        let keys = self.server.upgrade()?.keys();
        let grant = prolonged(&self.grant, &self.key_id, &keys, unix_now())?;
        Some(until(&grant, now))
    }
}

fn until(grant: &Grant, now: Time) -> Time {
    let Some(last) = grant.not_after else { return Time::NEVER };
    let left = last.as_secs().saturating_add(1).saturating_sub(unix_now().as_secs());
    now + Duration::from_secs(left)
}

/// How the round trip is measured: with PINGs whose tokens nobody else uses.
pub(super) struct Probe {
    pub(super) measure: Measure,
    sent: Option<(u64, Time)>,
    next: u64,
}

impl Probe {
    pub(super) fn new() -> Self {
        Self { measure: Measure::new(), sent: None, next: PROBES }
    }
}

/// The tokens of probes begin here. Those of heartbeats count up from 1, those of streams have bit 63.
const PROBES: u64 = 1 << 62;
/// How often the round trip is measured.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_secs(1);

impl RouterLink {
    /// Queues what the state machine wants told, before all messages that wait.
    pub(super) fn send_ahead(self: &Arc<Self>, frame: &Bytes) {
        if let Err(error) = self.link.send_ahead(self, frame) {
            // It ends, and all is told anew on the next.
            tracing::debug!(neighbour = %self.neighbour, %error, "a control frame was not queued");
        }
    }

    /// Queues the copy of a message for the nodes behind this link. Nothing is written: `true`, and the caller is to
    /// flush the link.
    pub(super) fn send_copy(
        self: &Arc<Self>,
        router: &cluster::Router,
        (passing, branch): (&Passing, &Branch),
        class: Class,
        parts: &[&[u8]],
    ) -> Result<bool, EmitError> {
        let header = router.header(passing, self.id).ok_or(EmitError::NotConnected)?;
        let queued = self.link.queue_with(self, class, |out: &mut BytesMut| {
            encode_routed(&header, branch.numbers(), parts, out)
        });
        if queued.is_ok() {
            self.routed_out.fetch_add(1, Ordering::Relaxed);
        }
        queued
    }

    /// Frames that were queued and will not be written.
    pub(super) fn dropped(&self) -> u64 {
        let (_, outbound) = self.link.ledgers();
        outbound.dropped(DropReason::Volatile) + outbound.dropped(DropReason::Disconnected)
    }

    /// Whether its neighbour has come to this server.
    pub(super) fn is_admitted_by(&self, server: &Arc<server::Inner>) -> bool {
        let admitted = self.admitted.as_ref();
        admitted.is_some_and(|admitted| std::ptr::eq(admitted.server.as_ptr(), Arc::as_ptr(server)))
    }

    /// Whether its neighbour has come to a server that takes nobody any more.
    pub(super) fn is_of_closed_server(&self) -> bool {
        let Some(admitted) = &self.admitted else { return false };
        admitted.server.upgrade().is_none_or(|server| !server.is_open())
    }

    /// Ends the link if the keys do not uphold it any more. (The neighbour dials again, with the key that it has now.)
    ///
    /// With the keys `before` when they have changed: by those it may have gone longer than by what it was given.
    pub(super) fn check_key(&self, before: Option<&KeyRing>) {
        let Some(admitted) = &self.admitted else { return };
        if !admitted.is_upheld(&self.neighbour, before) {
            self.link.end_for(DisconnectReason::KeyExpired);
        }
    }

    /// Queues a short message before all that wait: what is measured is the way, not the queue.
    fn send_control(self: &Arc<Self>, message: &Message<'_>) {
        let mut frame = BytesMut::new();
        if v3::encode(message, &mut frame).is_ok() {
            self.send_ahead(&frame.freeze());
        }
    }

    /// Sends a PING whose answer is measured.
    pub(super) fn send_probe(self: &Arc<Self>, now: Time) {
        let token = {
            let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
            let token = probe.next;
            probe.next += 1;
            probe.sent = Some((token, now));
            token
        };
        self.send_control(&Message::Ping { token });
    }

    /// The answer to a PING, maybe one of these.
    fn handle_pong(&self, token: u64) {
        let now = self.link.clock.now();
        let cost = {
            let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((_, sent)) = probe.sent.take_if(|(sent, _)| *sent == token) else { return };
            let round_trip = now.elapsed().saturating_sub(sent.elapsed());
            probe.measure.take(round_trip)
        };
        if let Some(cost) = cost.filter(|_| self.cost == Cost::Measured) {
            self.router.control(|plane, now| plane.router.set_cost(now, self.id, cost));
        }
    }

    /// The round trip, once it has been measured.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner).measure.round_trip()
    }
}

impl HasLink for RouterLink {
    fn link(&self) -> &Link {
        &self.link
    }

    fn stream_limits(&self) -> StreamLimits {
        self.router.limits.streams
    }

    fn report(&self, error: Error) {
        tracing::debug!(neighbour = %self.neighbour, %error, "a neighbour's message");
    }

    fn drained(&self) {}
}

/// What a router does with its neighbours' messages.
pub(super) struct RouterSide {
    pub(super) link: Arc<RouterLink>,
}

impl RouterSide {
    fn control(&self, frame: &[u8]) -> Result<(), DisconnectReason> {
        let (id, neighbour) = (self.link.id, &self.link.neighbour);
        let hello = frame.get(1) == Some(&HELLO);
        let router = &self.link.router;
        router
            .control(|plane, now| plane.router.handle_frame(now, id, frame))
            .map_err(DisconnectReason::Cluster)?;
        if hello {
            router.tell(RouterEvent::LinkUp { node: neighbour.as_str().to_owned() });
        }
        Ok(())
    }
}

/// The kind of the frame with which a neighbour begins, `ADJ_HELLO`.
const HELLO: u8 = 48;

impl Side for RouterSide {
    type Owner = RouterLink;
    type Context = ();
    const HOLDS: bool = false;
    const ROUTES: bool = true;

    fn owner(&self) -> &Arc<RouterLink> {
        &self.link
    }

    fn context(&self) -> &() {
        &()
    }

    fn handlers(&self) -> &Handlers<()> {
        &self.link.router.handlers
    }

    fn own_handlers(&self) -> Option<&Handlers<()>> {
        None
    }

    fn hub(&self, _: Incoming<'_>) -> Result<(), ProtocolError> {
        // A router does for its clients what they want, before it speaks to others.
        Err(ProtocolError::Unexpected("message of a client"))
    }

    fn route(&self, frame: &Frame<'_>) -> Option<Result<(), DisconnectReason>> {
        let bytes = frame.bytes();
        match *bytes {
            [v3::VERSION, kind, ..] if routed::is_routed(kind) => {
                self.link.routed_in.fetch_add(1, Ordering::Relaxed);
                Some(self.link.router.arrived(&self.link, frame))
            }
            [v3::VERSION, kind, ..] if control::is_control(kind) => Some(self.control(bytes)),
            [v3::VERSION, PING, ..] => match v3::decode(bytes) {
                Ok(Message::Ping { token }) => {
                    self.link.send_control(&Message::Pong { token });
                    Some(Ok(()))
                }
                _ => None,
            },
            [v3::VERSION, PONG, ..] => {
                if let Ok(Message::Pong { token }) = v3::decode(bytes)
                    && token & PROBES != 0
                {
                    self.link.handle_pong(token);
                }
                None
            }
            _ => None,
        }
    }

    fn expires(&self) -> Time {
        let now = self.link.link.clock.now();
        self.link.admitted.as_ref().map_or(Time::NEVER, |admitted| admitted.expires(now))
    }

    fn prolonged(&self) -> Option<Time> {
        self.link.admitted.as_ref()?.prolonged(self.link.link.clock.now())
    }

    fn go_away(&self, _: GoAwayCode, _: Duration) {
        // Its links are dialled again when they end.
    }
}

/// The kinds of a PING and a PONG.
const PING: u8 = 8;
const PONG: u8 = 9;
