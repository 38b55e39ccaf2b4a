//! Who may begin a handshake, and whose session may begin: the limits that hold before anybody has
//! proven anything.
//!
//! ```text
//!  arrive ---> Pending ---- establish ---> Connection ---> leave
//!    |          |   |           |
//!    | refused  |   | fail      | refused: full, or the key has its sessions
//!    v          |   v           v
//!  close        |  note it;   REJECT busy
//!               |  REJECT after a delay, then release
//!               v evicted
//!             close, then release
//! ```
//!
//! Time and chance are arguments, and nothing is done here but counting: sockets and delays are the
//! caller's. A [`Pending`] and a [`Connection`] are places that must be given back, each once: one that
//! is dropped is taken for ever.
//!
//! When all places for handshakes are taken, somebody who fills them must not keep all others out. So a
//! newcomer takes the place of the oldest handshake of the source that has the most, unless its own
//! source has as many. Honest handshakes take milliseconds and are seldom the oldest; those of a flood
//! are.
//!
//! Sources are addresses: one of IPv4, a /64 network of IPv6, which is what one customer has.

mod counters;
mod failures;
mod pending;
mod source;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::Time;
use crate::handshake::Established;
use failures::Failures;
use gatewire_codec::v3::handshake::Role;
use pending::Handshakes;
use source::Source;

pub use counters::{AdmissionCounters, Failure, Refused};
pub use pending::{Pending, PendingId};

/// The bounds before authentication, and of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Handshakes under way: 1,024. At the bound a new connection takes the place of one from the
    /// source that has the most; if that is its own, it is closed when it is accepted.
    pub pending: usize,
    /// Those from one source: 32. At the bound its new connections are closed when they are accepted.
    pub pending_per_source: usize,
    /// Failures of one source within the window: 10. With the last of them it is refused for a window's
    /// length.
    pub failures: u32,
    /// The window in which they are counted, from the first on, and for which a source is refused then:
    /// 60 s.
    pub failure_window: Duration,
    /// Sources whose failures are remembered: 8,192, which take about 1 MiB. At the bound the one that
    /// would be forgotten next is forgotten now, and begins anew. So somebody who has more networks
    /// than this gets more tries, not more memory.
    pub failing_sources: usize,
    /// Connections: 65,536. At the bound new ones are refused as busy.
    pub connections: usize,
    /// How many of these clients leave to routers: 64, and a sixteenth of the connections at most.
    /// Clients beyond are refused as busy once they have shown who they are.
    pub kept_for_routers: usize,
    /// The shortest time from a failure to its REJECT: 250 ms.
    pub min_delay: Duration,
    /// The longest one: 500 ms. How long it is, chance decides, so that the time that the proof took
    /// cannot be seen.
    pub max_delay: Duration,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            pending: 1024,
            pending_per_source: 32,
            failures: 10,
            failure_window: Duration::from_secs(60),
            failing_sources: 8192,
            connections: 65_536,
            kept_for_routers: 64,
            min_delay: Duration::from_millis(250),
            max_delay: Duration::from_millis(500),
        }
    }
}

impl AdmissionLimits {
    /// How long to wait with a REJECT for a [`Failure`] that [counts](Failure::counts); `random` is one
    /// random byte. The handshake stays pending while it waits.
    #[must_use]
    pub fn reject_delay(&self, random: u8) -> Duration {
        let range = self.max_delay.saturating_sub(self.min_delay);
        self.min_delay + range * u32::from(random) / u32::from(u8::MAX)
    }

    fn clients(&self) -> usize {
        self.connections - self.kept_for_routers.min(self.connections / 16)
    }
}

/// The gate of one server.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    pending: Handshakes,
    failures: Failures,
    clients: usize,
    routers: usize,
    /// Sessions by key, for as long as it has any.
    sessions: FxHashMap<Arc<str>, u32>,
    counters: AdmissionCounters,
}

/// Somebody has come.
#[derive(Debug)]
pub struct Arrival {
    /// Its place.
    pub pending: Pending,
    /// Whose place it took: close that one, and [release](Admission::release) it.
    pub evicted: Option<PendingId>,
}

/// A session that is established: a place that [`Admission::leave`] takes back.
#[derive(Debug)]
#[must_use = "the place of a connection must be given back"]
pub struct Connection {
    role: Role,
    key: Option<Arc<str>>,
}

impl Connection {
    /// The id of the session's key, if it has one. All sessions of a key share its memory.
    #[must_use]
    pub fn key(&self) -> Option<&Arc<str>> {
        self.key.as_ref()
    }
}

impl Admission {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            pending: Handshakes::default(),
            failures: Failures::default(),
            clients: 0,
            routers: 0,
            sessions: FxHashMap::default(),
            counters: AdmissionCounters::default(),
        }
    }

    /// A connection was accepted.
    ///
    /// # Errors
    ///
    /// [`Refused`]: close it without a word.
    pub fn arrive(&mut self, address: IpAddr, now: Time) -> Result<Arrival, Refused> {
        let source = Source::of(address);
        match self.try_arrive(source, now) {
            Ok(arrival) => {
                self.counters.arrived += 1;
                self.counters.evicted += u64::from(arrival.evicted.is_some());
                Ok(arrival)
            }
            Err(refused) => Err(self.counters.refuse(refused)),
        }
    }

    fn try_arrive(&mut self, source: Source, now: Time) -> Result<Arrival, Refused> {
        if self.failures.is_refused(source, now) {
            return Err(Refused::Failures);
        }
        let own = self.pending.of(source);
        if own >= self.limits.pending_per_source {
            return Err(Refused::PendingOfSource);
        }
        let mut evicted = None;
        if self.pending.len() >= self.limits.pending {
            evicted = Some(self.pending.evict(own).ok_or(Refused::Pending)?);
        }
        Ok(Arrival { pending: self.pending.begin(source), evicted })
    }

    /// Whether there are as many connections as there may be, so that whoever is pending will be refused.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.connections() >= self.limits.connections
    }

    /// Notes that a handshake is refused because the server [is full](Self::is_full), before it is known who
    /// comes. Answer REJECT busy, then [release](Self::release) the place.
    pub fn turn_away(&mut self, pending: &Pending) -> Refused {
        if self.pending.has(pending) {
            self.counters.refuse(Refused::Connections);
        }
        Refused::Connections
    }

    /// Notes that the system gave no connection to accept.
    pub fn accept_failed(&mut self) {
        self.counters.accept_errors += 1;
    }

    /// A handshake has failed. Notes it at once; the place stays taken until it is
    /// [released](Self::release), which is when the peer has been answered.
    pub fn fail(&mut self, pending: &Pending, failure: Failure, now: Time) {
        // One that was evicted in the same moment is counted as that.
        if self.pending.has(pending) {
            self.counters.fail(failure);
        }
        if failure.counts() {
            let noted = self.failures.note(pending.source, &self.limits, now);
            self.counters.forgotten += u64::from(noted.forgotten);
            self.counters.shut_out += u64::from(noted.shut_out);
        }
    }

    /// A failed or evicted handshake is over.
    pub fn release(&mut self, Pending { source, id }: Pending) {
        // One that was evicted has no place any more.
        self.pending.end(source, id);
    }

    /// A peer has proven what it is. Its handshake is over in any case.
    ///
    /// # Errors
    ///
    /// [`Refused`]: answer REJECT busy. There is no need to wait with it.
    pub fn establish(
        &mut self,
        pending: Pending,
        session: &Established,
    ) -> Result<Connection, Refused> {
        if !self.pending.has(&pending) {
            // Evicted in the same moment: it was too late for that.
            self.counters.evicted -= 1;
        }
        self.release(pending);
        let Established { role, key_id, grant, .. } = session;
        if self.is_full() || (*role == Role::Client && self.clients >= self.limits.clients()) {
            return Err(self.counters.refuse(Refused::Connections));
        }
        let key = if key_id.is_empty() {
            None
        } else {
            let known = self.sessions.get_key_value(&**key_id);
            let (key, count) = match known {
                Some((key, count)) => (Arc::clone(key), *count),
                None => (Arc::from(&**key_id), 0),
            };
            if grant.max_sessions.is_some_and(|most| count >= most.get()) {
                return Err(self.counters.refuse(Refused::SessionsOfKey));
            }
            self.sessions.insert(Arc::clone(&key), count + 1);
            Some(key)
        };
        *self.place_of(*role) += 1;
        self.counters.established += 1;
        Ok(Connection { role: *role, key })
    }

    /// A session has ended.
    pub fn leave(&mut self, Connection { role, key }: Connection) {
        *self.place_of(role) -= 1;
        let Some(key) = key else { return };
        if let Some(count) = self.sessions.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.sessions.remove(&key);
            }
        }
    }

    /// Handshakes under way.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Sessions that are established.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.clients + self.routers
    }

    /// Sessions that are established under this key.
    #[must_use]
    pub fn sessions_of(&self, key_id: &str) -> u32 {
        self.sessions.get(key_id).copied().unwrap_or(0)
    }

    /// Sources whose failures are remembered, at most as many as the limit says.
    #[must_use]
    pub fn failing_sources(&self) -> usize {
        self.failures.len()
    }

    /// What has been counted so far, and who is there now.
    #[must_use]
    pub fn counters(&self) -> AdmissionCounters {
        let mut counters = self.counters;
        counters.pending = self.pending();
        counters.connections = self.connections();
        counters
    }

    fn place_of(&mut self, role: Role) -> &mut usize {
        match role {
            Role::Client => &mut self.clients,
            Role::Router => &mut self.routers,
        }
    }
}
