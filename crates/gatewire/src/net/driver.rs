//! The one task of a connection: reads, runs handlers, keeps time, writes when the kernel was full.
//!
//! ```text
//!   Running --(end asked for, protocol error)--> Closing --(all written)--> Lingering --> done
//!      |                                            |                           |           ^
//!      +--(connection broken, peer closed)----------+--(grace over)-------------+           |
//!      +--(link has left it in order)--> Left ----------------------------------------------+
//! ```
//!
//! `Lingering`: our side has sent its FIN; what the peer still sends is read and thrown away, since
//! closing a socket with unread bytes would reset the connection and could destroy our last
//! frame on its way.

mod farewell;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use gatewire_core::Time;
use gatewire_core::session::{Heartbeat, Inbound, Liveness};
use tokio::time::Sleep;

use self::farewell::{LINGER, discard};
use super::assembly::{Assembly, Read, ReadError};
use super::batch::BatchScope;
use super::dispatch::Inbox;
use super::link::{HasLink, Link};
use super::receiver::Receiver;
use super::side::Side;
use super::transport::{Transport, TransportReader};
use crate::error::{DisconnectReason, RequestError};
use crate::limits::Limits;

/// Reads of one poll, after which other tasks of the thread get their turn.
const READS_PER_POLL: usize = 8;

/// How long the last frames may take to be written.
const CLOSING_GRACE: Duration = Duration::from_secs(2);

/// The settings of one driver.
pub(crate) struct DriverConfig {
    pub(crate) limits: Limits,
    pub(crate) idle_timeout: Option<Duration>,
    /// What came behind the handshake.
    pub(crate) leftover: BytesMut,
    /// Runs before any message is handled.
    pub(crate) first: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Whether nothing is even read before it is done.
    pub(crate) paused: bool,
}

/// See the [module's documentation](self).
pub(crate) struct Driver<S: Side> {
    receiver: Receiver<S>,
    reader: TransportReader,
    transport: Arc<Transport>,
    assembly: Assembly,
    heartbeat: Heartbeat,
    phase: Phase,
    sleep: Option<Pin<Box<Sleep>>>,
    armed: Time,
    idle_timeout: Option<Duration>,
    write_stall: Duration,
    /// When the peer's key expires, or, once it was told, the grace after that.
    expires: Time,
    told: bool,
    /// Since when the kernel has taken nothing, and how much it had taken.
    stalled: Option<(Time, u64)>,
}

/// The handler that runs when a connection ends, and the messages received behind it. A disconnect
/// cancels none of them.
pub(crate) struct Leftover<S: Side> {
    side: S,
    inbox: Inbox<S::Context>,
}

impl<S: Side> Leftover<S> {
    fn note(&self) {
        self.side.owner().link().note_inbound(self.inbox.session(), self.inbox.ledger());
    }

    /// Handles what was received, in order.
    pub(crate) async fn finish(mut self) {
        poll_fn(|context| {
            let _batch = BatchScope::enter();
            let polled = self.inbox.poll(&self.side, false, context);
            self.note();
            polled
        })
        .await;
        self.side.owner().link().end_inbound(self.inbox.session(), self.inbox.ledger());
    }
}

enum Phase {
    Running,
    /// The link is offline, or has another connection: what is left of this one is the driver's alone.
    Left,
    Closing {
        reason: DisconnectReason,
        until: Time,
    },
    Lingering {
        reason: DisconnectReason,
        until: Time,
    },
}

impl<S: Side> Driver<S> {
    pub(crate) fn new(
        side: S,
        (transport, reader): (Arc<Transport>, TransportReader),
        config: DriverConfig,
    ) -> Self {
        let DriverConfig { limits, idle_timeout, leftover, first, paused } = config;
        let link = side.owner().link();
        let (now, session) = (link.clock.now(), link.session());
        let expires = side.expires();
        Self {
            receiver: Receiver {
                guard: side.guard().map(Box::new),
                side,
                inbound: Inbound::new(),
                inbox: Inbox::new(limits.handler_queue, first, paused, session),
                last_event: now,
                answers: 0,
                chunk_frame: 0,
                publishing: false,
            },
            reader,
            transport,
            assembly: Assembly::new(limits.max_frame, leftover),
            heartbeat: Heartbeat::new(limits.ping_interval, limits.missed_pings, now),
            phase: Phase::Running,
            sleep: None,
            armed: Time::NEVER,
            idle_timeout,
            write_stall: limits.write_stall,
            expires,
            told: false,
            stalled: None,
        }
    }

    /// Drives the connection to its end: why it ended. Then [`close`](Self::close) it.
    ///
    /// Borrows: a future that took the driver would hold it twice, as its argument and as what it
    /// works on, for as long as the connection lasts.
    ///
    /// Not cancel safe: dropped, the connection is cut and what it received is lost.
    pub(crate) async fn run(&mut self) -> DisconnectReason {
        poll_fn(|context| self.poll(context)).await
    }

    /// Closes the connection: what was received but is not handled yet.
    pub(crate) fn close(self) -> Option<Leftover<S>> {
        let Receiver { side, inbox, .. } = self.receiver;
        if inbox.is_idle() {
            side.owner().link().end_inbound(inbox.session(), inbox.ledger());
            return None;
        }
        let leftover = Leftover { side, inbox };
        leftover.note();
        Some(leftover)
    }

    /// Whether the end has begun: nothing is handled any more that comes, and what is left to do is to tell the peer.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. } | Phase::Lingering { .. })
    }

    fn link(&self) -> &Link {
        self.receiver.side.owner().link()
    }

    /// One step of [`run`](Self::run).
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<DisconnectReason> {
        self.link().poll_driver(context);
        let now = self.link().clock.now();
        let batch = BatchScope::enter();
        self.receiver.answers = 0;
        let ended = self.poll_input(now, context);
        let ended = ended.and_then(|reason| self.receiver.end(reason, now));
        self.link().note_answers(self.receiver.answers);
        if self.receiver.publishing {
            self.receiver.side.deliver_publishes();
        }
        drop(batch);
        let mut leaving = false;
        if matches!(self.phase, Phase::Running) {
            let (ending, leaves) = self.link().plans();
            leaving = leaves;
            if let Some(reason) = ended.or(ending) {
                self.begin_end(reason, now);
            }
        }
        self.poll_output(now, context);
        if leaving && matches!(self.phase, Phase::Running) && self.try_leave(now) {
            return Poll::Ready(DisconnectReason::Reconnecting);
        }
        if let Some(reason) = self.poll_end(now, context) {
            return Poll::Ready(reason);
        }
        self.poll_time(now, context);
        Poll::Pending
    }

    /// Runs handlers and reads, until the socket is empty, the handlers are behind, or other tasks
    /// have waited long enough. `Some`: the connection is to end.
    fn poll_input(&mut self, now: Time, context: &mut Context<'_>) -> Option<DisconnectReason> {
        let Self { receiver, assembly, reader, heartbeat, phase, .. } = self;
        let running = matches!(phase, Phase::Running);
        let _behind = receiver.inbox.poll(&receiver.side, running, context);
        if !running {
            return None;
        }
        if let Err(reason) = receiver.poll_decisions(now, context) {
            return Some(reason);
        }
        if receiver.is_full() {
            return None;
        }
        let handled = assembly.handle_whole(|frame| receiver.handle(frame, now, context));
        if let Err(error) = handled {
            return Some(end_reason(error));
        }
        for _ in 0..READS_PER_POLL {
            if receiver.is_full() {
                return None;
            }
            let polled = assembly
                .poll_read(reader, context, |frame, context| receiver.handle(frame, now, context));
            match polled {
                Poll::Pending => return None,
                Poll::Ready(Ok(Read::Progress)) => {
                    heartbeat.heard(now);
                    let chunk = std::mem::take(&mut receiver.chunk_frame);
                    assembly.expect_chunks(chunk);
                    if chunk > 0 {
                        // Its reader runs before more is read: what it reads is still in the cache.
                        break;
                    }
                }
                Poll::Ready(Ok(Read::Eof)) => return Some(DisconnectReason::Lost),
                Poll::Ready(Err(error)) => return Some(end_reason(error)),
            }
        }
        context.waker().wake_by_ref();
        None
    }

    /// Writes what waits, and asks the kernel to tell when it takes bytes again.
    fn poll_output(&mut self, now: Time, context: &mut Context<'_>) {
        self.link().flush();
        loop {
            let state = self.link().outbox_state();
            if state.drained {
                self.receiver.side.owner().drained();
            }
            if state.caught_up {
                // What waited for that in the inbox.
                context.waker().wake_by_ref();
            }
            if !state.blocked && !self.transport.has_unsent() {
                self.stalled = None;
                if state.waited_for {
                    // Reading has sent the last of it.
                    self.link().tell_written();
                }
                return;
            }
            let progress = state.written + self.transport.sent();
            match self.stalled {
                Some((_, before)) if before == progress => {}
                _ => self.stalled = Some((now, progress)),
            }
            match self.transport.poll_writable(context) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => self.link().flush_writable(),
                Poll::Ready(Err(error)) => self.link().fail(&error),
            }
            if self.link().ending().is_some() {
                return;
            }
        }
    }

    /// Leaves `Running`.
    fn begin_end(&mut self, reason: DisconnectReason, now: Time) {
        // Who reads or passes a stream on does not wait for the grace.
        self.link().disconnect_pipes();
        self.receiver.abandon_undecided();
        if let Some(code) = reason.close_code() {
            self.link().end(reason.clone(), code, &close_text(&reason));
            self.phase = Phase::Closing { reason, until: now + CLOSING_GRACE };
        } else {
            self.phase = Phase::Lingering { reason, until: now };
        }
    }

    /// Goes through the phases of the end; `Some`: it is reached.
    fn poll_end(&mut self, now: Time, context: &mut Context<'_>) -> Option<DisconnectReason> {
        if let Phase::Closing { reason, until } = &self.phase {
            let state = self.link().outbox_state();
            if !state.empty && !state.broken && now < *until {
                return None;
            }
            let told = match self.transport.poll_shutdown(context) {
                Poll::Pending if !state.broken && now < *until => return None,
                // Fails when the peer is gone already; then there is nobody to tell.
                told => state.empty && matches!(told, Poll::Ready(Ok(()))),
            };
            let reason = reason.clone();
            let until = if told { now + LINGER } else { now };
            self.phase = Phase::Lingering { reason, until };
        }
        match &self.phase {
            Phase::Lingering { reason, until }
                // What a peer sends without an end is cut off.
                if now >= *until || discard(&mut self.reader, context).is_ready() =>
            {
                Some(reason.clone())
            }
            _ => None,
        }
    }

    /// Lets time pass, and sets the timer for what is next.
    fn poll_time(&mut self, now: Time, context: &mut Context<'_>) {
        let due = self.handle_timeouts(now);
        let due = self.receiver.note(due);
        let Some(instant) = self.link().clock.instant(due) else { return };
        let moved = std::mem::replace(&mut self.armed, due) != due;
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if moved {
                    sleep.as_mut().reset(instant);
                }
                sleep
            }
            None => self.sleep.insert(Box::pin(tokio::time::sleep_until(instant))),
        };
        if sleep.as_mut().poll(context).is_ready() {
            // Due already: come back with a new time.
            self.armed = Time::NEVER;
            context.waker().wake_by_ref();
        }
    }

    /// What is due now; when something is due next.
    fn handle_timeouts(&mut self, now: Time) -> Time {
        for waiter in self.link().with_outbound(|outbound| outbound.expire(now)) {
            waiter.complete(Err(RequestError::Timeout));
        }
        match &self.phase {
            Phase::Closing { until, .. } | Phase::Lingering { until, .. } => return *until,
            Phase::Running | Phase::Left => {}
        }
        if self.receiver.is_full() {
            // The peer is not silent, it is not read. Our pings tell it that we live.
            self.heartbeat.heard(self.heartbeat.last_heard());
            self.receiver.last_event = now;
        }
        if self.receiver.is_undecided() {
            // It waits for the application.
            self.receiver.last_event = now;
        }
        let expiry = self.handle_expiry(now);
        match self.heartbeat.check(now) {
            Liveness::Alive => {}
            Liveness::SendPing { token } => {
                self.link().with_outbound(|outbound| {
                    outbound.ping(token);
                    outbound.outbox_mut().release_memory();
                });
                self.link().flush();
                self.receiver.release_memory(now);
            }
            Liveness::Dead => self.link().end_for(DisconnectReason::HeartbeatTimeout),
        }
        let link = self.receiver.side.owner().link();
        let mut due = self.heartbeat.deadline().min(self.receiver.decision_due());
        if let Some((since, _)) = self.stalled {
            let limit = since + self.write_stall;
            if now >= limit {
                link.end_for(DisconnectReason::SlowConsumer);
            }
            due = due.min(limit);
        }
        due = due.min(expiry);
        if let Some(timeout) = self.idle_timeout {
            let limit = self.receiver.last_event + timeout;
            if now >= limit {
                link.end_for(DisconnectReason::IdleTimeout);
            }
            due = due.min(limit);
        }
        due
    }
}

impl<S: Side> Driver<S> {
    /// When the peer's key has expired it is told, and its connection ends after a grace. When that is due.
    fn handle_expiry(&mut self, now: Time) -> Time {
        if now >= self.expires && !self.told {
            if let Some(later) = self.receiver.side.prolonged().filter(|later| now < *later) {
                self.expires = later;
                return later;
            }
            self.told = true;
            self.expires = now + self.receiver.side.ask_to_authenticate();
        } else if now >= self.expires {
            self.link().end_for(DisconnectReason::KeyExpired);
            self.expires = Time::NEVER;
        }
        self.expires
    }
}

fn end_reason(error: ReadError<DisconnectReason>) -> DisconnectReason {
    match error {
        #[cfg(feature = "legacy")]
        ReadError::Io(error) => super::legacy::reason_of(&error),
        #[cfg(not(feature = "legacy"))]
        ReadError::Io(error) => DisconnectReason::Io(error.kind()),
        ReadError::Frame(error) => DisconnectReason::Frame(error),
        ReadError::Handler(reason) => reason,
    }
}

/// What the peer is told besides the code: what it did wrong, nothing else.
fn close_text(reason: &DisconnectReason) -> String {
    match reason {
        DisconnectReason::Protocol(_) | DisconnectReason::Frame(_) => reason.to_string(),
        _ => String::new(),
    }
}
