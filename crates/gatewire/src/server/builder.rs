//! How a server is made.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use gatewire_core::handshake::{Decoys, KeyRing, ListenerConfig};
use gatewire_core::hub::Hub;
use gatewire_format::{Format, Formats};
use tokio::net::ToSocketAddrs;
use tokio::sync::watch;

use super::authorize::Hook;
#[cfg(feature = "tls")]
use super::certificates::Certificates;
use super::channels::Channels;
use super::gate::Gate;
#[cfg(feature = "key-file")]
use super::key_file::Followed;
use super::keys::REAUTH_GRACE;
#[cfg(feature = "legacy")]
use super::legacy::LegacyPeers;
use super::lifecycle::Lifecycle;
use super::shutdown::State;
use super::{Inner, Server, Socket};
use crate::authorize::{Action, Verdict};
use crate::clock::Clock;
use crate::counters::Totals;
use crate::entropy::random;
use crate::formats::default_formats;
use crate::handler::Handlers;
#[cfg(feature = "key-file")]
use crate::keys::KeyFile;
#[cfg(feature = "legacy")]
use crate::keys::Permissions;
#[cfg(feature = "legacy")]
use crate::legacy::{LegacyOptions, V2Keys, granting};
use crate::limits::{Limits, TcpOptions};
#[cfg(feature = "tls")]
use crate::tls::{Identity, Roots};

/// The settings of a [`Server`], before it listens.
#[derive(Debug)]
#[must_use = "a builder does nothing until `bind` or `build`"]
pub struct ServerBuilder {
    keys: KeyRing,
    #[cfg(feature = "key-file")]
    key_file: Option<KeyFile>,
    reauth_grace: Duration,
    channels: Channels,
    #[cfg(feature = "tls")]
    identity: Option<Identity>,
    #[cfg(feature = "tls")]
    clients: Option<Roots>,
    formats: Formats,
    limits: Limits,
    tcp: TcpOptions,
    authorize: Option<Hook>,
    #[cfg(feature = "legacy")]
    legacy: LegacyPeers,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            keys: KeyRing::new(),
            #[cfg(feature = "key-file")]
            key_file: None,
            reauth_grace: REAUTH_GRACE,
            #[cfg(feature = "tls")]
            identity: None,
            #[cfg(feature = "tls")]
            clients: None,
            channels: Channels::default(),
            formats: default_formats(),
            limits: Limits::default(),
            tcp: TcpOptions::default(),
            authorize: None,
            #[cfg(feature = "legacy")]
            legacy: LegacyPeers::default(),
        }
    }
}

/// How much longer a frame of a router may be than what it carries: the nodes that it is for, and the names of its
/// target.
const ROUTED_OVERHEAD: u32 = 128 << 10;

impl ServerBuilder {
    /// Only clients that prove to know one of these keys may connect. Without keys anybody may, as a client.
    ///
    /// With keys the channel is [TLS](crate::tls), unless the server is told to use [plain](Self::plain) TCP;
    /// without the feature `tls` it is plain.
    pub fn psk(mut self, keys: KeyRing) -> Self {
        self.keys = keys;
        self
    }

    /// As [`psk`](Self::psk), with the keys of a file, which may be [read again](Server::reload_keys) while the
    /// server runs, or is [watched](KeyFile::watch).
    #[cfg(feature = "key-file")]
    pub fn key_file(mut self, file: KeyFile) -> Self {
        self.keys = file.keys().clone();
        self.key_file = Some(file);
        self
    }

    /// How long a session may go on when its key has expired, or does not uphold it any more after the keys
    /// were replaced: 30 s. It is asked to authenticate anew at a random time within this, and closed then.
    pub fn reauth_grace(mut self, grace: Duration) -> Self {
        self.reauth_grace = grace;
        self
    }

    /// Plain TCP also with keys: both ends are authenticated, but nothing is encrypted, and who sits in between
    /// can read and change everything. For loopback and for networks that are trusted.
    pub fn plain(mut self) -> Self {
        self.channels = Channels::Plain;
        self
    }

    /// TLS with this certificate, also without keys. With keys alone the server makes a certificate by itself.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, identity: Identity) -> Self {
        self.channels = Channels::Tls { plain: false };
        (self.identity, self.clients) = (Some(identity), None);
        self
    }

    /// TLS with this certificate, to clients that show a certificate of one of these authorities.
    #[cfg(feature = "tls")]
    pub fn mutual_tls(mut self, identity: Identity, clients: Roots) -> Self {
        self.channels = Channels::Tls { plain: false };
        (self.identity, self.clients) = (Some(identity), Some(clients));
        self
    }

    /// TLS for clients that begin with it, plain TCP for the others: for the time of a change from one to the
    /// other.
    #[cfg(feature = "tls")]
    pub fn tls_or_plain(mut self) -> Self {
        self.channels = Channels::Tls { plain: true };
        (self.identity, self.clients) = (None, None);
        self
    }

    /// Asks this closure before what a client does takes effect: each join, and each message, request and
    /// stream, after the permissions of the client's key. It answers with a
    /// [`Decision`](crate::authorize::Decision), a future of one, or either of them as a [`Verdict`]. What is denied is
    /// answered, and the connection goes on; see [`authorize`](crate::authorize) for the rules. Replaces the one
    /// before.
    ///
    /// ```
    /// # async fn example() -> std::io::Result<()> {
    /// use gatewire::Server;
    /// use gatewire::authorize::{Action, Decision};
    ///
    /// let server = Server::builder()
    ///     .authorize(|socket, action| match action {
    ///         Action::Join { room } if room.starts_with("staff.") && socket.key_id() != "staff" => {
    ///             Decision::deny("for the staff only")
    ///         }
    ///         _ => Decision::Allow,
    ///     })
    ///     .bind("127.0.0.1:0")
    ///     .await?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    pub fn authorize<V: Into<Verdict>>(
        mut self,
        hook: impl Fn(&Socket, Action<'_>) -> V + Send + Sync + 'static,
    ) -> Self {
        self.authorize = Some(Hook::new(hook));
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

    /// How peers of wire versions 1 and 2 are dealt with; see [`legacy`](crate::legacy).
    #[cfg(feature = "legacy")]
    pub fn legacy(mut self, options: LegacyOptions) -> Self {
        self.legacy.options = options;
        self
    }

    /// What clients of wire version 1 may do: by default everything.
    #[cfg(feature = "legacy")]
    pub fn v1_permissions(mut self, permissions: Permissions) -> Self {
        self.legacy.v1 = granting(permissions);
        self
    }

    /// What clients of wire version 2 may do while there are no [keys](Self::v2_keys) for it: by default everything.
    #[cfg(feature = "legacy")]
    pub fn v2_permissions(mut self, permissions: Permissions) -> Self {
        self.legacy.v2 = granting(permissions);
        self
    }

    /// The keys of wire version 2. Without any everybody is let in as a client.
    #[cfg(feature = "legacy")]
    pub fn v2_keys(mut self, keys: V2Keys) -> Self {
        self.legacy.keys = keys;
        self
    }

    /// Serves wire version 2 also on the listeners of version 3. Off by default.
    ///
    /// Who has said nothing for 50 ms after it connected is taken for a peer of version 2, since those wait for the
    /// server to speak: a client of version 3 behind a slower way than that would be too. Then use
    /// [`listen_v2`](Server::listen_v2).
    #[cfg(feature = "legacy")]
    pub fn allow_v2(mut self) -> Self {
        self.legacy.on_v3 = true;
        self
    }

    /// The bounds of connections.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether small writes go out at once (`TCP_NODELAY`). On by default: messages are batched
    /// before the kernel sees them, so waiting for more would only delay them.
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

    /// Disconnects a client that has sent no event, request, publish or join for this long
    /// (heartbeats do not count). Off by default.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.tcp.idle_timeout = timeout;
        self
    }

    /// The server, listening: `build` and [`Server::listen`]. With clients that connect at once use
    /// these two, and register the handlers in between.
    ///
    /// # Errors
    ///
    /// As [`Server::listen`].
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Server> {
        let server = self.build();
        server.listen(address).await?;
        Ok(server)
    }

    /// The server, not listening yet: register handlers, then call [`Server::listen`]. So no client
    /// comes before them.
    #[must_use]
    pub fn build(self) -> Server {
        let seconds = |duration: Duration| u16::try_from(duration.as_secs()).unwrap_or(u16::MAX);
        let inner = Arc::new(Inner {
            hub: RwLock::new(Hub::new(self.limits.rooms)),
            handlers: Handlers::new(),
            lifecycle: Lifecycle::default(),
            formats: self.formats,
            clock: Clock::start(),
            listener: RwLock::new(Arc::new(ListenerConfig {
                keys: self.keys.clone(),
                decoys: Decoys::new(random()),
                instance: random(),
                max_frame: self.limits.max_frame,
                max_router_frame: self.limits.max_frame.saturating_add(ROUTED_OVERHEAD),
                auth_timeout_s: seconds(self.limits.handshake_timeout),
                ping_s: seconds(self.limits.ping_interval),
            })),
            channels: self.channels,
            #[cfg(feature = "legacy")]
            legacy: self.legacy,
            gate: Gate::new(self.limits.admission),
            authorize: self.authorize,
            #[cfg(feature = "tls")]
            certificates: Certificates::new(self.identity, self.clients),
            #[cfg(feature = "key-file")]
            key_file: Followed::new(self.key_file),
            key_reloads_failed: AtomicU64::new(0),
            reauth_grace: self.reauth_grace,
            limits: self.limits,
            tcp: self.tcp,
            local_addr: OnceLock::new(),
            node: OnceLock::new(),
            extensions: OnceLock::new(),
            router: OnceLock::new(),
            state: watch::Sender::new(State::Open),
            live: watch::Sender::new(0),
            listening: watch::Sender::new(0),
            totals: Mutex::new(Totals::default()),
            panics: AtomicU64::new(0),
        });
        Server { inner }
    }
}
