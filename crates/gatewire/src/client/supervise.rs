//! Connecting, and connecting again.
//!
//! ```text
//!            connect()            lost                    attempts used up, no reconnect
//!   Idle --> Connecting --> Online ----> Offline ----------------> Idle
//!                             ^             |
//!                             +-------------+  after the back-off
//!   any --close()--> Closed
//! ```

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use gatewire_codec::CloseCode;
use gatewire_core::Backoff;
use gatewire_core::handshake::Established;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::side::ClientSide;
use super::{Client, ClientInner, State};
use crate::counters::Counters;
use crate::entropy::random_u64;
use crate::error::{ConnectError, DisconnectReason, Error};
use crate::limits::Limits;
use crate::net::driver::{Driver, DriverConfig};
use crate::net::transport::{Transport, TransportReader};

/// A session that is ready to be driven.
pub(super) type Ready = Driver<ClientSide>;

/// Takes `Connecting` back if the attempt fails or is given up.
struct Attempt<'c> {
    client: &'c ClientInner,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let failed = self.client.state.send_if_modified(|state| {
            let failed = *state == State::Connecting;
            if failed {
                *state = self.client.resting_state();
            }
            failed
        });
        if failed && self.client.is_closing() {
            // What waited for the connection waits in vain.
            self.client.link.abandon();
        }
    }
}

/// The task of a client's connections. When it is dropped with its runtime, nobody must wait for it.
struct Supervision {
    /// `None`: the task came to its end.
    client: Option<Arc<ClientInner>>,
}

impl Supervision {
    async fn run(mut self, first: Ready) {
        if let Some(client) = &self.client {
            client.supervise(first).await;
        }
        self.client = None;
    }
}

impl Drop for Supervision {
    fn drop(&mut self) {
        if let Some(client) = &self.client {
            client.link.abandon();
            client.state.send_replace(client.resting_state());
        }
    }
}

impl ClientInner {
    pub(super) async fn connect(self: &Arc<Self>) -> Result<(), ConnectError> {
        let begun = self.state.send_if_modified(|state| {
            let idle = *state == State::Idle;
            if idle {
                *state = State::Connecting;
            }
            idle
        });
        if !begun {
            return Err(ConnectError::Closed);
        }
        let attempt = Attempt { client: self };
        let dialled = self.unless_closing(self.dial_first()).await.ok_or(ConnectError::Closed)?;
        let driver = dialled?;
        // From here on another attempt may begin, and is none of ours.
        drop(attempt);
        let task = Supervision { client: Some(Arc::clone(self)) };
        tokio::spawn(task.run(driver));
        Ok(())
    }

    pub(super) fn go_online(
        self: &Arc<Self>,
        (transport, reader): (Arc<Transport>, TransportReader),
        established: &Established,
        leftover: BytesMut,
        older: Option<JoinHandle<()>>,
    ) -> Ready {
        let rooms: Vec<String> = self.lock_rooms().joined.iter().cloned().collect();
        let joined = self.link.reattach(
            Arc::clone(&transport),
            established.max_frame,
            self.limits.outbox,
            &rooms,
        );
        if self.is_closing() {
            self.link.end(DisconnectReason::Closed, CloseCode::Normal, "");
        }
        *self.node.lock().unwrap_or_else(PoisonError::into_inner) =
            established.server_name.as_deref().map(Arc::from);
        self.state.send_if_modified(|state| {
            let open = *state != State::Closed;
            if open {
                *state = State::Online(established.session_id);
            }
            open
        });
        self.lifecycle.connected(established.session_id);
        if let Err(error) = joined {
            self.report_error(Error::Join(error));
        }
        let config = DriverConfig {
            // The server's limit holds in both directions.
            limits: Limits { max_frame: established.max_frame, ..self.limits.clone() },
            idle_timeout: self.tcp.idle_timeout,
            leftover,
            paused: older.is_some(),
            first: older.map(|older| Box::pin(async { drop(older.await) }) as _),
        };
        let side = ClientSide { client: Client { inner: Arc::clone(self) } };
        Driver::new(side, (transport, reader), config)
    }

    /// Drives one connection after the other.
    async fn supervise(self: &Arc<Self>, first: Ready) {
        let mut driver = first;
        let mut behind: Option<JoinHandle<()>> = None;
        let mut attempt = 0;
        loop {
            let since = Instant::now();
            let reason = driver.run().await;
            let left =
                reason == DisconnectReason::Reconnecting && Box::pin(driver.say_goodbye()).await;
            let handlers = driver.close().map(|leftover| tokio::spawn(leftover.finish()));
            if since.elapsed() >= Backoff::STABLE_AFTER {
                attempt = 0;
            }
            let again = self.backoff.filter(|_| may_reconnect(&reason) && !self.is_closing());
            let Some(backoff) = again else { return self.finish(&reason).await };
            self.state.send_replace(State::Offline);
            if !left {
                self.link.go_offline(self.offline).await;
            }
            self.lifecycle.disconnected(&reason);
            // What waits for handlers stays bounded however often the connection is lost: the next
            // one is not read before the older ones are done. It is made, since they may wait for it.
            if reason == DisconnectReason::Reconnecting && attempt == 0 {
                // At once. If it was made only lately, somebody asks for it again and again: then not.
                self.set_retry_window(Duration::ZERO);
            }
            let mut older = handlers.and_then(|handlers| behind.replace(handlers));
            driver = match self.reconnect(backoff, &mut attempt, &mut older).await {
                Some(driver) => driver,
                None => return self.finish_quietly().await,
            };
        }
    }

    /// Tries until it works (`Some`), the client is closed or the attempts are used up.
    ///
    /// `attempt` grows over connections that did not last, so that a server which drops its clients
    /// as soon as they come is not stormed.
    async fn reconnect(
        self: &Arc<Self>,
        backoff: Backoff,
        attempt: &mut u32,
        older: &mut Option<JoinHandle<()>>,
    ) -> Option<Ready> {
        for in_a_row in 1.. {
            if self.max_attempts.is_some_and(|most| in_a_row > most) {
                break;
            }
            let window = self.retry_window.lock().unwrap_or_else(PoisonError::into_inner).take();
            let delay = match window {
                // The server told its clients to spread over this time.
                Some(window) => {
                    Backoff::FullJitter { first: window, longest: window }.delay(0, random_u64())
                }
                None => backoff.delay(*attempt, random_u64()),
            };
            *attempt = attempt.saturating_add(1);
            self.lifecycle.reconnecting(in_a_row, delay);
            self.unless_closing(tokio::time::sleep(delay)).await?;
            match self.unless_closing(self.dial(older)).await? {
                Ok(driver) => return Some(driver),
                Err(error) => self.report_error(Error::Connect(error.to_string())),
            }
        }
        None
    }

    /// Within which time the next attempt to connect is to be made, whatever the back-off.
    pub(super) fn set_retry_window(&self, window: Duration) {
        *self.retry_window.lock().unwrap_or_else(PoisonError::into_inner) = Some(window);
    }

    /// The last connection has ended, and there will be no other by itself.
    async fn finish(&self, reason: &DisconnectReason) {
        self.link.end_requests().await;
        self.lifecycle.disconnected(reason);
        self.finish_quietly().await;
    }

    async fn finish_quietly(&self) {
        self.link.end_requests().await;
        self.state.send_replace(self.resting_state());
    }

    /// A client that was lost may be connected again by hand; one that was closed not.
    fn resting_state(&self) -> State {
        if self.is_closing() { State::Closed } else { State::Idle }
    }

    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Runs a future until the client is closed.
    pub(super) async fn unless_closing<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut closing = self.closing.subscribe();
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => None,
            output = future => Some(output),
        }
    }

    pub(super) fn counters(&self) -> Counters {
        let (inbound, outbound) = self.link.ledgers();
        Counters {
            connections: usize::from(matches!(*self.state.borrow(), State::Online(_))),
            rooms: self.lock_rooms().joined.len(),
            handshakes_failed: 0,
            handler_panics: self.panics.load(Ordering::Relaxed),
            key_reloads_failed: 0,
            inbound,
            outbound,
        }
    }
}

/// Whether the end is one that a new connection may mend.
fn may_reconnect(reason: &DisconnectReason) -> bool {
    !matches!(
        reason,
        DisconnectReason::Closed | DisconnectReason::ClosedByPeer { code: CloseCode::Kicked, .. }
    )
}
