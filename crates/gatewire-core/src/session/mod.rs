//! One connection after its handshake.
//!
//! ```text
//!              frames                         Incoming (borrows the frame)
//!  peer ------------------> Inbound ------------------------------> application
//!
//!              bytes                          emit, request, publish, answer, close
//!  peer <------------------ Outbound <------------------------------ application
//! ```
//!
//! The two halves are separate types because they have separate owners: the task that reads the
//! socket owns [`Inbound`] alone, while everybody who sends shares [`Outbound`]. [`Session`] is both,
//! for those who drive a connection from one place.
//!
//! # How to drive it
//!
//! * In: [`Inbound::handle`] for each frame. It gives at most one [`Incoming`], which borrows the
//!   frame; there is no queue in between. `Control` messages go to [`Outbound::handle_control`].
//! * Commands (`emit`, `request`, ...) only touch memory.
//! * Out: the bytes to write stand in [`Outbound::outbox`], never in an output.
//! * Time: [`Session::poll_timeout`] says when to call [`Session::handle_timeout`].
//!
//! # Invariants
//!
//! * Every request ends in exactly one outcome: an answer, a refusal, or the waiter handed back when
//!   its deadline passes or the connection ends.
//! * Whatever the peer sends, the error says who is to blame, and the session goes on unless
//!   [`ProtocolError::is_fatal`].

mod heartbeat;
mod inbound;
mod outbound;
mod outbox;
mod requests;
mod streams;

use std::time::Duration;

use crate::Time;

pub use heartbeat::{Heartbeat, Liveness};
pub use inbound::{Control, Inbound, Incoming, ProtocolError, Refused};
pub use outbound::{Outbound, SendError};
pub use outbox::{Batch, Class, FrameBuffer, Frames, Outbox, OutboxLimits, Overflow};
pub use requests::{Requests, TooManyRequests};
pub use streams::{
    Chunk, CreditPool, CreditWindow, Flow, FlowError, Read, ReadFailure, ReceiveStream,
    SEND_BUFFER, SendStreams, Sent, StreamLimits,
};

/// The settings of a session.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The longest frame that the peer will read; longer ones are refused where they are made.
    pub max_frame: u32,
    /// Silence after which a ping is sent; zero: none is sent, and silence is no fault.
    pub ping_interval: Duration,
    /// Pings without any sign of life after which the peer is dead.
    pub missed_pings: u32,
    /// The bounds of what waits to be written.
    pub outbox: OutboxLimits,
}

impl SessionConfig {
    /// 1 MiB: the longest frame after authentication.
    pub const MAX_FRAME: u32 = 1 << 20;
    /// 10 s: finds a dead client within half a minute at one small frame per idle connection.
    pub const PING_INTERVAL: Duration = Duration::from_secs(10);
    /// Two lost pings are a dead peer; one may be a pause.
    pub const MISSED_PINGS: u32 = 2;
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            max_frame: Self::MAX_FRAME,
            ping_interval: Self::PING_INTERVAL,
            missed_pings: Self::MISSED_PINGS,
            outbox: OutboxLimits::default(),
        }
    }
}

/// Both halves of a connection and its heartbeat. `W` is what the caller keeps for each request
/// until it ends, `H` for each stream that it writes.
#[derive(Debug)]
pub struct Session<W, H = ()> {
    /// What comes in.
    pub inbound: Inbound,
    /// What goes out.
    pub outbound: Outbound<W, H>,
    heartbeat: Heartbeat,
}

/// What time brought about.
#[derive(Debug, PartialEq, Eq)]
pub enum TimeoutOutcome<W> {
    /// Nothing more; ask [`Session::poll_timeout`] again.
    Nothing,
    /// These requests were not answered in time.
    Expired(Vec<W>),
    /// The peer has been silent for too long: close the connection.
    PeerDead,
}

impl<W, H: Clone> Session<W, H> {
    /// A session that begins now.
    #[must_use]
    pub fn new(config: &SessionConfig, now: Time) -> Self {
        Self {
            inbound: Inbound::new(),
            outbound: Outbound::new(config.max_frame, config.outbox),
            heartbeat: Heartbeat::new(config.ping_interval, config.missed_pings, now),
        }
    }

    /// Bytes came from the peer that are no whole frame yet: a long frame on a slow link is a sign
    /// of life all the while.
    pub fn heard(&mut self, now: Time) {
        self.heartbeat.heard(now);
    }

    /// Takes one frame (without its length prefix). Control messages are dealt with inside.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]; unless it is fatal the session goes on.
    pub fn handle_frame<'f>(
        &mut self,
        frame: &'f [u8],
        now: Time,
    ) -> Result<Option<Incoming<'f>>, ProtocolError> {
        self.heartbeat.heard(now);
        match self.inbound.handle(frame)? {
            Incoming::Control(control) => Ok(self.outbound.handle_control(control)),
            incoming => Ok(Some(incoming)),
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Time {
        self.heartbeat.deadline().min(self.outbound.next_deadline())
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Time) -> TimeoutOutcome<W> {
        match self.heartbeat.check(now) {
            Liveness::Alive => {}
            Liveness::SendPing { token } => self.outbound.ping(token),
            Liveness::Dead => return TimeoutOutcome::PeerDead,
        }
        let expired = self.outbound.expire(now);
        if expired.is_empty() { TimeoutOutcome::Nothing } else { TimeoutOutcome::Expired(expired) }
    }
}
