//! How a client is made.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatewire_codec::v3::handshake::Role;
use gatewire_core::Backoff;
use gatewire_core::handshake::Psk;
use gatewire_core::session::{OutboxLimits, Overflow};
use gatewire_format::{Format, Formats};
use tokio::sync::watch;

#[cfg(feature = "legacy")]
use super::legacy::LegacyServer;
use super::lifecycle::Lifecycle;
use super::{Client, ClientInner, State};
use crate::clock::Clock;
use crate::entropy::random;
use crate::error::ConnectError;
use crate::formats::default_formats;
use crate::handler::Handlers;
#[cfg(feature = "legacy")]
use crate::legacy::{LegacyOptions, V2Secret};
use crate::limits::{Limits, TcpOptions};
use crate::net::credentials::{ChannelChoice, Credentials};
use crate::net::link::Link;
#[cfg(feature = "tls")]
use crate::tls::Verify;
#[cfg(feature = "legacy")]
use crate::wire::Wire;

/// What a client keeps while it has no connection: events and published messages, in order. Requests
/// are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfflineQueue {
    /// The most messages: 1,000.
    pub max_messages: usize,
    /// The most bytes: 1 MiB.
    pub max_bytes: usize,
    /// What happens at the bound.
    pub when_full: WhenFull,
}

/// What happens to a message that does not fit the offline queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// `emit` fails with [`EmitError::QueueFull`](crate::EmitError::QueueFull).
    #[default]
    Error,
    /// The oldest messages are dropped (and counted) for it.
    DropOldest,
}

impl Default for OfflineQueue {
    fn default() -> Self {
        Self { max_messages: 1000, max_bytes: 1 << 20, when_full: WhenFull::Error }
    }
}

impl OfflineQueue {
    /// A queue with these bounds.
    #[must_use]
    pub fn new(max_messages: usize, max_bytes: usize, when_full: WhenFull) -> Self {
        Self { max_messages, max_bytes, when_full }
    }

    fn limits(self) -> OutboxLimits {
        OutboxLimits {
            max_bytes: self.max_bytes,
            max_frames: self.max_messages,
            overflow: match self.when_full {
                WhenFull::Error => Overflow::DropNewest,
                WhenFull::DropOldest => Overflow::DropOldest,
            },
        }
    }
}

/// The settings of a [`Client`], before it connects.
#[derive(Debug)]
#[must_use = "a builder does nothing until `connect` or `build`"]
pub struct ClientBuilder {
    key: Option<(String, Psk)>,
    channel: ChannelChoice,
    formats: Formats,
    limits: Limits,
    tcp: TcpOptions,
    backoff: Option<Backoff>,
    max_attempts: Option<u32>,
    offline: Option<OfflineQueue>,
    #[cfg(feature = "legacy")]
    legacy: LegacyServer,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        let defaults = Self {
            key: None,
            channel: ChannelChoice::default(),
            formats: default_formats(),
            limits: Limits::default(),
            tcp: TcpOptions::default(),
            backoff: Some(Backoff::default()),
            max_attempts: None,
            offline: Some(OfflineQueue::default()),
            #[cfg(feature = "legacy")]
            legacy: LegacyServer::default(),
        };
        defaults.limits(Limits::default())
    }
}

impl ClientBuilder {
    /// Proves to know this key, and lets the server prove it too. A server without keys is refused.
    /// With an id of more than 255 bytes every connect fails.
    ///
    /// With a key the channel is [TLS](crate::tls), unless the client is told to use [plain](Self::plain)
    /// TCP; without the feature `tls` it is plain. [`Client::set_key`] replaces the key later.
    pub fn psk(mut self, id: impl Into<String>, key: Psk) -> Self {
        self.key = Some((id.into(), key));
        self
    }

    /// Plain TCP also with a key: both ends are authenticated, but nothing is encrypted, and who sits in between
    /// can read and change everything. For loopback and for networks that are trusted.
    pub fn plain(mut self) -> Self {
        self.channel = ChannelChoice::Plain;
        self
    }

    /// TLS, also without a key, and what it verifies.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, verify: Verify) -> Self {
        self.channel = ChannelChoice::Tls(verify);
        self
    }

    /// The version of the wire that the server speaks: version 3 unless told otherwise. A client never changes to an
    /// older one by itself. With an older one the channel is plain TCP, whatever else was said of it; see
    /// [`legacy`](crate::legacy).
    #[cfg(feature = "legacy")]
    pub fn wire(mut self, wire: Wire) -> Self {
        self.legacy.wire = wire;
        self
    }

    /// The key of wire version 2. Without one the client is let in by servers that have none.
    #[cfg(feature = "legacy")]
    pub fn v2_key(mut self, secret: V2Secret) -> Self {
        self.legacy.secret = Some(secret);
        self
    }

    /// How a server of wire version 1 or 2 is dealt with.
    #[cfg(feature = "legacy")]
    pub fn legacy(mut self, options: LegacyOptions) -> Self {
        self.legacy.options = options;
        self
    }

    /// The format of objects that are sent without naming one (default: JSON). Objects in the old
    /// default are still understood.
    pub fn format(mut self, format: impl Format) -> Self {
        self.formats = self.formats.with_default(format);
        self
    }

    /// Also understands objects in this format.
    pub fn accept_format(mut self, format: impl Format) -> Self {
        self.formats = self.formats.with(format);
        self
    }

    /// The bounds of the connection. A client that emits too fast is told so and does not disconnect
    /// itself: [`Overflow::Disconnect`] means [`Overflow::DropNewest`] here.
    pub fn limits(mut self, mut limits: Limits) -> Self {
        if limits.outbox.overflow == Overflow::Disconnect {
            limits.outbox.overflow = Overflow::DropNewest;
        }
        self.limits = limits;
        self
    }

    /// When to reconnect after the connection is lost. Default: full jitter, from 100 ms to 30 s.
    pub fn reconnect(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Does not reconnect.
    pub fn no_reconnect(mut self) -> Self {
        self.backoff = None;
        self
    }

    /// Gives up after so many attempts in a row. By default it never does.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// What is kept while there is no connection. Default: 1,000 messages, 1 MiB, then an error.
    pub fn offline_queue(mut self, queue: OfflineQueue) -> Self {
        self.offline = Some(queue);
        self
    }

    /// Without a connection every `emit` fails.
    pub fn no_offline_queue(mut self) -> Self {
        self.offline = None;
        self
    }

    /// Whether small writes go out at once (`TCP_NODELAY`). On by default.
    pub fn nodelay(mut self, on: bool) -> Self {
        self.tcp.nodelay = on;
        self
    }

    /// TCP keep-alive probes after this much idle time (RFC 9293, section 3.8.4), in whole seconds, at least one: four of
    /// them, so that a peer that has vanished is found within one and a half times that. (While bytes are on their way to it
    /// nothing is probed: Linux is told to give it up in the same time.) Off by default: the heartbeat does it.
    pub fn keep_alive(mut self, idle: Option<Duration>) -> Self {
        self.tcp.keep_alive = idle;
        self
    }

    /// Closes a connection whose server has sent no event and no request for this long (heartbeats
    /// do not count). Off by default.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.tcp.idle_timeout = timeout;
        self
    }

    /// The client, connected: `build` and [`Client::connect`].
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub async fn connect(self, address: impl ToString) -> Result<Client, ConnectError> {
        let client = self.build(address);
        client.connect().await?;
        Ok(client)
    }

    /// The client, not connected yet: register handlers, then call [`Client::connect`]. What is
    /// emitted before waits in the offline queue.
    ///
    /// `address` is `host:port`; the name is resolved anew for each attempt.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "an address is given away")]
    pub fn build(self, address: impl ToString) -> Client {
        let offline = self.offline.map(OfflineQueue::limits);
        let link = Link::new(self.limits.outbox, u32::MAX, self.formats, Clock::start());
        #[cfg(feature = "legacy")]
        link.set_wire(self.legacy.wire);
        if let Some(limits) = offline {
            link.allow_offline_queue(limits);
        }
        let inner = ClientInner {
            link,
            credentials: Credentials::new(Role::Client, self.key, &self.channel, random()),
            handlers: Handlers::new(),
            lifecycle: Lifecycle::default(),
            address: address.to_string(),
            limits: self.limits,
            tcp: self.tcp,
            backoff: self.backoff,
            max_attempts: self.max_attempts,
            offline,
            state: watch::Sender::new(State::Idle),
            node: Mutex::new(None),
            #[cfg(feature = "legacy")]
            legacy: self.legacy,
            #[cfg(feature = "legacy")]
            registered: Mutex::new(None),
            closing: watch::Sender::new(false),
            rooms: Mutex::default(),
            retry_window: Mutex::new(None),
            asked: Mutex::new(None),
            panics: AtomicU64::new(0),
        };
        Client { inner: Arc::new(inner) }
    }
}
