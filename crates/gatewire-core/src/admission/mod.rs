//! Who may begin a handshake, and whose session may begin: the limits that hold before anybody has
//! proven anything.
//!
//! ```text
//!  arrive ---> Pending ---- establish ---> Connection ---> leave
//!    |            |             |
//!    | refused    | fail        | refused: full, or the key has its sessions
//!    v            v             v
//!  close       note it;       REJECT busy
//!              REJECT after a delay, then release
//! ```
//!
//! Time and chance are arguments, and nothing is done here but counting: sockets and delays are the
//! caller's. A [`Pending`] and a [`Connection`] are places that must be given back, each once: one that
//! is dropped is taken for ever.
//!
//! Sources are addresses: one of IPv4, a /64 network of IPv6, which is what one customer has.

mod counters;
mod failures;
mod source;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::Time;
use crate::handshake::Established;
use failures::Failures;
use gatewire_codec::v3::handshake::Role;
use source::Source;

pub use counters::{AdmissionCounters, Failure, Refused};

/// The bounds before authentication, and of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Handshakes under way: 1,024. At the bound a new connection is closed when it is accepted.
    pub pending: usize,
    /// Those from one source: 32. At the bound its new connections are closed when they are accepted.
    pub pending_per_source: u32,
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
    /// Connections: 65,536. At the bound new ones are closed when they are accepted.
    pub connections: usize,
    /// How many of these clients leave to routers: 64, and a sixteenth of the connections at most.
    /// Clients beyond are refused as busy once they have said who they are.
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
    pending: usize,
    /// As many entries as there are pending handshakes, at most.
    pending_of: BTreeMap<Source, u32>,
    failures: Failures,
    clients: usize,
    routers: usize,
    /// Sessions by key, for as long as it has any.
    sessions: FxHashMap<Arc<str>, u32>,
    counters: AdmissionCounters,
}

/// A handshake that is under way: a place that [`Admission::establish`] or [`Admission::release`] takes
/// back.
#[derive(Debug)]
#[must_use = "the place of a handshake must be given back"]
pub struct Pending {
    source: Source,
}

/// A session that is established: a place that [`Admission::leave`] takes back.
#[derive(Debug)]
#[must_use = "the place of a connection must be given back"]
pub struct Connection {
    role: Role,
    key: Option<Arc<str>>,
}

impl Admission {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            pending: 0,
            pending_of: BTreeMap::new(),
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
    pub fn arrive(&mut self, address: IpAddr, now: Time) -> Result<Pending, Refused> {
        let source = Source::of(address);
        let limits = &self.limits;
        let pending_of = self.pending_of.get(&source).copied().unwrap_or(0);
        let refused = if self.failures.is_refused(source, now) {
            Some(Refused::Failures)
        } else if self.connections() >= limits.connections {
            Some(Refused::Connections)
        } else if pending_of >= limits.pending_per_source {
            Some(Refused::PendingOfSource)
        } else if self.pending >= limits.pending {
            Some(Refused::Pending)
        } else {
            None
        };
        if let Some(refused) = refused {
            return Err(self.counters.refuse(refused));
        }
        self.counters.arrived += 1;
        self.pending += 1;
        self.pending_of.insert(source, pending_of + 1);
        Ok(Pending { source })
    }

    /// A handshake has failed. Notes it at once; the place stays taken until it is
    /// [released](Self::release), which is when the peer has been answered.
    pub fn fail(&mut self, pending: &Pending, failure: Failure, now: Time) {
        self.counters.fail(failure);
        if failure.counts() {
            let noted = self.failures.note(pending.source, &self.limits, now);
            self.counters.forgotten += u64::from(noted.forgotten);
            self.counters.shut_out += u64::from(noted.shut_out);
        }
    }

    /// A failed handshake is over.
    pub fn release(&mut self, Pending { source }: Pending) {
        self.pending -= 1;
        if let Some(count) = self.pending_of.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.pending_of.remove(&source);
            }
        }
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
        self.release(pending);
        let Established { role, key_id, grant, .. } = session;
        let full = self.connections() >= self.limits.connections;
        if full || (*role == Role::Client && self.clients >= self.limits.clients()) {
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
        self.pending
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

    /// What has been counted so far.
    #[must_use]
    pub fn counters(&self) -> &AdmissionCounters {
        &self.counters
    }

    fn place_of(&mut self, role: Role) -> &mut usize {
        match role {
            Role::Client => &mut self.clients,
            Role::Router => &mut self.routers,
        }
    }
}
