//! The gate: who may begin a handshake, and whose session may begin. The rules are those of
//! [`Admission`]; here they are shared by the tasks of the connections, and each place is given back
//! however the task that has it ends.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatewire_core::admission::{
    Admission, AdmissionCounters, AdmissionLimits, Arrival, Connection, Failure, Pending,
    PendingId, Refused,
};
use gatewire_core::handshake::Established;
use tokio::sync::oneshot;

use super::Inner;
use crate::entropy::random;
use crate::error::ConnectError;

pub(crate) struct Gate(Mutex<Doors>);

struct Doors {
    admission: Admission,
    /// Closes those that are pending.
    evictors: BTreeMap<PendingId, oneshot::Sender<()>>,
}

impl Gate {
    pub(super) fn new(limits: AdmissionLimits) -> Self {
        let admission = Admission::new(limits);
        Self(Mutex::new(Doors { admission, evictors: BTreeMap::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Doors> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn counters(&self) -> AdmissionCounters {
        self.lock().admission.counters()
    }

    pub(super) fn accept_failed(&self) {
        self.lock().admission.accept_failed();
    }
}

/// A place among the handshakes that are under way.
pub(super) struct PendingPlace {
    server: Arc<Inner>,
    /// `None`: given back.
    pending: Option<Pending>,
    /// How it came to nothing is counted.
    counted: bool,
}

/// Is sent something when the place is taken away.
pub(super) type Evicted = oneshot::Receiver<()>;

impl PendingPlace {
    /// Somebody has come.
    pub(super) fn take(server: &Arc<Inner>, from: IpAddr) -> Result<(Self, Evicted), Refused> {
        let now = server.clock.now();
        let (evictor, evicted) = oneshot::channel();
        let mut doors = server.gate.lock();
        let Arrival { pending, evicted: other } = doors.admission.arrive(from, now)?;
        doors.evictors.insert(pending.id(), evictor);
        if let Some(evictor) = other.and_then(|other| doors.evictors.remove(&other)) {
            // If nobody hears it any more, its handshake is just over.
            let _gone = evictor.send(());
        }
        drop(doors);
        Ok((Self { server: Arc::clone(server), pending: Some(pending), counted: false }, evicted))
    }

    /// Whether there are as many connections as there may be. Then it is counted as refused.
    pub(super) fn is_turned_away(&mut self) -> bool {
        let Some(pending) = &self.pending else { return false };
        let admission = &mut self.server.gate.lock().admission;
        if admission.is_full() {
            admission.turn_away(pending);
            self.counted = true;
        }
        self.counted
    }

    /// Counts a handshake that came to nothing, once. If it counts against where it is from: how long an
    /// answer has to wait.
    pub(super) fn fail(&mut self, error: &ConnectError) -> Option<Duration> {
        let pending = self.pending.as_ref().filter(|_| !self.counted)?;
        self.counted = true;
        let failure = failure_of(error);
        let now = self.server.clock.now();
        self.server.gate.lock().admission.fail(pending, failure, now);
        let limits = &self.server.limits.admission;
        let [byte] = random();
        failure.counts().then(|| limits.reject_delay(byte))
    }

    /// Its peer has proven what it is: gives the key that it has proven to know, if there is one. The place
    /// of its connection is given back with `live`.
    pub(super) fn establish(
        mut self,
        session: &Established,
        live: &mut Live,
    ) -> Result<Option<Arc<str>>, Refused> {
        let pending = self.pending.take().expect("given back here or at the end, not twice");
        let mut doors = self.server.gate.lock();
        doors.evictors.remove(&pending.id());
        let connection = doors.admission.establish(pending, session)?;
        let key = connection.key().cloned();
        live.connection = Some(connection);
        Ok(key)
    }
}

impl Drop for PendingPlace {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            let mut doors = self.server.gate.lock();
            doors.evictors.remove(&pending.id());
            doors.admission.release(pending);
        }
    }
}

/// Counts a connection as long as its task lives, however that ends.
pub(super) struct Live {
    pub(super) server: Arc<Inner>,
    /// Its place among the sessions. `None`: there is none yet.
    connection: Option<Connection>,
}

impl Live {
    pub(super) fn begin(server: Arc<Inner>) -> Self {
        server.live.send_if_modified(|live| {
            *live += 1;
            // Who waits, waits for the last to end.
            false
        });
        Self { server, connection: None }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.server.gate.lock().admission.leave(connection);
        }
        self.server.live.send_if_modified(|live| {
            *live -= 1;
            *live == 0
        });
    }
}

fn failure_of(error: &ConnectError) -> Failure {
    match error {
        ConnectError::Handshake(error) => error.into(),
        ConnectError::Frame(_) => Failure::Malformed,
        #[cfg(feature = "tls")]
        ConnectError::Tls(_) => Failure::Malformed,
        ConnectError::Timeout => Failure::Timeout,
        ConnectError::Io(_) => Failure::Closed,
        ConnectError::Closed => Failure::Declined,
    }
}
