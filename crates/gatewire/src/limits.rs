//! The bounds of connections, and what happens at them.

use std::time::Duration;

use gatewire_core::admission::AdmissionLimits;
use gatewire_core::fanout::SlowReceivers;
use gatewire_core::hub::RoomLimits;
use gatewire_core::session::{OutboxLimits, SessionConfig, StreamLimits};

/// The bounds of each connection of a server or a client. The defaults suit an open port.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// The longest frame after the handshake: 1 MiB. A longer one closes the connection, from its
    /// four length bytes. The server's limit holds in both directions: a client is told and takes
    /// it instead of its own.
    pub max_frame: u32,
    /// What waits to be written to one connection: 4 MiB or 16,384 frames. At the bound a server
    /// disconnects the peer (see [`Overflow`](crate::Overflow) for other policies), a client's
    /// `emit` fails.
    pub outbox: OutboxLimits,
    /// How long the kernel may take nothing before the peer is disconnected as a slow consumer:
    /// 10 s.
    pub write_stall: Duration,
    /// Messages that wait while a handler runs or a [decision](crate::authorize) is made, or on a server while
    /// the client does not read what was sent to it: 1,024 per connection (and 4 MiB), and what one read
    /// gives. At the bound nothing is read until the handler or the decision is done: no answers either.
    pub handler_queue: usize,
    /// How long the [decision](crate::authorize) about one action may take, on a server: 4 s. Then the answer is
    /// no. It is less than the 5 s that a request waits, so that who asks is told.
    pub authorize_timeout: Duration,
    /// Streams that come in on one connection: 128, each with 256 KiB to 4 MiB of credit, which is what one
    /// that is not read costs. More are refused as busy.
    pub streams: StreamLimits,
    /// What happens to receivers of a stream to many that are slow: a server cuts those that stand still for
    /// 5 s, or would cost the others more than 5 % of their throughput.
    pub slow_receivers: SlowReceivers,
    /// Silence after which a ping is sent: 10 s.
    pub ping_interval: Duration,
    /// Pings without any sign of life after which the peer is dead: 2.
    pub missed_pings: u32,
    /// Time for the whole handshake: 5 s.
    pub handshake_timeout: Duration,
    /// Time until the first byte of a handshake, on a server: 2 s.
    pub first_byte_timeout: Duration,
    /// Who may connect to a server, before anybody has proven anything: 65,536 connections; 1,024
    /// handshakes under way, 32 of them from one address; and an address that fails ten times within a
    /// minute is refused for a minute. Behind a proxy or a load balancer all clients have one address:
    /// raise what holds per source then.
    pub admission: AdmissionLimits,
    /// Rooms per socket (128) and the length of their names (255 bytes). Beyond it a join is
    /// refused.
    pub rooms: RoomLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: SessionConfig::MAX_FRAME,
            outbox: OutboxLimits::default(),
            write_stall: Duration::from_secs(10),
            handler_queue: 1024,
            authorize_timeout: Duration::from_secs(4),
            streams: StreamLimits::default(),
            slow_receivers: SlowReceivers::default(),
            ping_interval: SessionConfig::PING_INTERVAL,
            missed_pings: SessionConfig::MISSED_PINGS,
            handshake_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(2),
            admission: AdmissionLimits::default(),
            rooms: RoomLimits::default(),
        }
    }
}

/// Settings of the TCP sockets.
#[derive(Debug, Clone)]
pub(crate) struct TcpOptions {
    pub(crate) nodelay: bool,
    pub(crate) keep_alive: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self { nodelay: true, keep_alive: None, idle_timeout: None }
    }
}
