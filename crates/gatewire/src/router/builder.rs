//! How a router is made.

use std::sync::Arc;
use std::time::Duration;

use gatewire_cluster::{Boot, Config, NameError, RoomKey};
use gatewire_core::handshake::Psk;
use gatewire_core::session::{OutboxLimits, Overflow, StreamLimits};
use gatewire_format::{Format, Formats};

use super::Router;
use super::cost::Cost;
use super::inner::RouterInner;
use super::room_names::keep_told;
use super::uplink::{Uplink, keep_up};
#[cfg(feature = "legacy")]
use super::v2;
use crate::clock::{Clock, unix_now};
use crate::entropy::{random, random_u64};
use crate::formats::default_formats;
use crate::limits::Limits;
use crate::net::credentials::ChannelChoice;
use crate::server::Server;
#[cfg(feature = "tls")]
use crate::tls::Verify;

/// Settings of a [`Router`] that is about to start.
#[derive(Debug)]
#[must_use = "a builder does nothing until `start`"]
pub struct RouterBuilder {
    name: String,
    cluster: String,
    room_secret: Vec<u8>,
    servers: Vec<Server>,
    uplinks: Vec<Uplink>,
    accept_cost: Cost,
    key: Option<(String, Psk)>,
    channel: Option<ChannelChoice>,
    formats: Option<Formats>,
    limits: Limits,
    max_nodes: Option<usize>,
    overload: bool,
    last_counter: Option<u32>,
    #[cfg(feature = "legacy")]
    v2_uplinks: Vec<v2::V2Uplink>,
}

/// A router was not started. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The name of the node or of the cluster is none.
    Name(NameError),
    /// The node would be a gateway to hosts of wire version 2, and none of these can have its name.
    #[cfg(feature = "legacy")]
    V2Name(crate::legacy::V2NameError),
    /// One of the servers belongs to a router already, or was given twice. (If another router takes it at this very
    /// moment, the servers given before it can join no other.)
    ServerTaken,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            #[cfg(feature = "legacy")]
            Self::V2Name(error) => write!(f, "as a host of wire version 2: {error}"),
            Self::ServerTaken => f.write_str("the server belongs to a router already"),
        }
    }
}

impl std::error::Error for StartError {}

/// The bounds of a link between routers, from the design of delivery: 64 MiB of messages, and a stall of 5 s ends it.
/// Pings after 1 s of silence, and the third without an answer ends it: 3 s.
fn link_limits() -> Limits {
    Limits {
        outbox: OutboxLimits {
            max_bytes: 64 << 20,
            max_frames: 1 << 20,
            overflow: Overflow::DropNewest,
        },
        write_stall: Duration::from_secs(5),
        ping_interval: Duration::from_secs(1),
        missed_pings: 2,
        // Those of many clients go over one link.
        streams: StreamLimits { max_streams: 16_384, ..StreamLimits::default() },
        ..Limits::default()
    }
}

impl RouterBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cluster: "gatewire".to_owned(),
            room_secret: Vec::new(),
            servers: Vec::new(),
            uplinks: Vec::new(),
            accept_cost: Cost::Fixed(1),
            key: None,
            channel: None,
            formats: None,
            limits: link_limits(),
            max_nodes: None,
            overload: false,
            last_counter: None,
            #[cfg(feature = "legacy")]
            v2_uplinks: Vec::new(),
        }
    }

    /// The name of the cluster, the same at all its nodes: `gatewire` unless it is told. Nodes of different clusters
    /// do not understand each other.
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.cluster = name.into();
        self
    }

    /// A secret of the cluster, the same at all its nodes, with which the names of rooms are hashed. Without one whoever
    /// knows the cluster's name can choose names of rooms that cost its routers time.
    pub fn room_secret(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.room_secret = secret.into();
        self
    }

    /// This server's clients are members of the cluster, and other routers may link to its address, if its keys
    /// allow their role. Best before the server listens: clients that come earlier do not learn the node's name. A
    /// node may have several servers, and also none.
    pub fn serve(mut self, server: &Server) -> Self {
        self.servers.push(server.clone());
        self
    }

    /// Links to the router whose server listens on this address. For more than the cost there is
    /// [`add_uplink`](Self::add_uplink).
    pub fn uplink(self, address: impl ToString, cost: impl Into<Cost>) -> Self {
        self.add_uplink(Uplink::to(address).cost(cost))
    }

    /// Links to a router. It is dialled until it answers, and again when it is lost. Of two nodes one is to have
    /// the other as its uplink; when both do, they have two links, which does no harm.
    pub fn add_uplink(mut self, uplink: Uplink) -> Self {
        self.uplinks.push(uplink);
        self
    }

    /// Links to a router of wire version 2, for which this node is then one host of the old cluster, and its gateway to
    /// the cluster of version 3: what is emitted to a room on one side reaches the members on the other. It is
    /// dialled until it answers, and again when it is lost. (Old routers may also dial this one, if a server of
    /// it listens for version 2 and has a key with the [role](crate::legacy::V2Key::roles) of a router.)
    ///
    /// Requests and streams do not cross, and of several gateways of one cluster only one is
    /// [active](Router::is_active_v2_gateway).
    #[cfg(feature = "legacy")]
    pub fn v2_uplink(mut self, uplink: v2::V2Uplink) -> Self {
        self.v2_uplinks.push(uplink);
        self
    }

    /// What links cost that others have dialled: 1, so that what the dialler says counts.
    pub fn accept_cost(mut self, cost: impl Into<Cost>) -> Self {
        self.accept_cost = cost.into();
        self
    }

    /// The key by which links are authenticated, and its id, for uplinks that have none of their own.
    pub fn psk(mut self, id: impl Into<String>, key: Psk) -> Self {
        self.key = Some((id.into(), key));
        self
    }

    /// Uplinks speak plain TCP also with a key.
    pub fn plain(mut self) -> Self {
        self.channel = Some(ChannelChoice::Plain);
        self
    }

    /// Uplinks speak TLS, with what is verified of their neighbours.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, verify: Verify) -> Self {
        self.channel = Some(ChannelChoice::Tls(verify));
        self
    }

    /// The format of objects that the router itself sends without naming one: by default that of its first server, or
    /// JSON without one.
    pub fn format(mut self, format: impl Format) -> Self {
        let formats = self.formats.unwrap_or_else(default_formats);
        self.formats = Some(formats.with_default(format));
        self
    }

    /// The bounds of links, in place of 64 MiB and a million frames, of which the newest are dropped at the bound, a
    /// stall of 5 s, a ping after 1 s and two of them missed, and 16,384 streams that come in. All of these are replaced:
    /// [`Limits::default`] has 128 streams and another [`Overflow`]. The longest frame is what the accepting end reads.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many nodes are remembered, this one among them: 16,384.
    pub fn max_nodes(mut self, nodes: usize) -> Self {
        self.max_nodes = Some(nodes);
        self
    }

    /// This node is no way to others: it sends and receives, and messages between other nodes go around it.
    pub fn no_transit(mut self) -> Self {
        self.overload = true;
        self
    }

    /// What [`Router::boot_counter`] said in the node's last life, for a machine whose clock may be behind
    /// then: so its new life is known to be the newer one at once, and not only when it hears of the last.
    pub fn last_boot_counter(mut self, counter: u32) -> Self {
        self.last_counter = Some(counter);
        self
    }

    /// Starts the router on the current runtime. Its links come up by and by, see
    /// [`Router::wait_for_node`].
    ///
    /// # Errors
    ///
    /// [`StartError`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(self) -> Result<Router, StartError> {
        let nonce = u32::from_le_bytes(random());
        let boot =
            Boot { unix_seconds: unix_now().as_secs(), last_counter: self.last_counter, nonce };
        let room_key = RoomKey::derive(&self.cluster, &self.room_secret);
        let mut config = Config::new(&self.cluster, &self.name, room_key, random_u64());
        config.overload = self.overload;
        config.max_nodes = self.max_nodes.unwrap_or(config.max_nodes);
        #[cfg(feature = "legacy")]
        let (old, v2_uplinks) = {
            let takes = self.servers.iter().any(|server| server.inner.takes_v2_routers());
            let is_one = takes || !self.v2_uplinks.is_empty();
            let old = is_one.then(|| v2::V2Cluster::new(&self.name));
            let old = old.transpose().map_err(StartError::V2Name)?.map(Arc::new);
            (old, self.v2_uplinks)
        };
        let clock = Clock::start();
        let machine = gatewire_cluster::Router::new(config, boot, clock.now().elapsed())
            .map_err(StartError::Name)?;
        let servers: Vec<_> = self.servers.iter().map(|server| Arc::clone(&server.inner)).collect();
        let twice = |(at, server)| servers[..at].iter().any(|other| Arc::ptr_eq(other, server));
        let taken = servers.iter().any(|server| server.router().is_some());
        if taken || servers.iter().enumerate().any(twice) {
            return Err(StartError::ServerTaken);
        }
        let instance = servers.first().map_or_else(random, |server| server.instance());
        let of_server = || servers.first().map(|server| server.formats.clone());
        let formats = self.formats.or_else(of_server).unwrap_or_else(default_formats);
        let parts = (self.cluster, formats, self.limits, self.accept_cost);
        let inner = RouterInner::new(
            machine,
            servers,
            parts,
            clock,
            #[cfg(feature = "legacy")]
            old,
        );
        for server in inner.servers() {
            if !server.belong_to(&inner) {
                inner.forget_servers();
                return Err(StartError::ServerTaken);
            }
        }
        tokio::spawn(Arc::clone(&inner).keep_time());
        tokio::spawn(keep_told(Arc::clone(&inner)));
        for uplink in self.uplinks {
            let (key, channel) = (self.key.as_ref(), self.channel.as_ref());
            let credentials = uplink.credentials(key, channel, instance);
            if !uplink.has_key() {
                inner.share_key(&credentials);
            }
            let (task, router) = (super::Task::begin(&inner), Arc::clone(&inner));
            tokio::spawn(async move {
                keep_up(router, uplink, credentials).await;
                drop(task);
            });
        }
        #[cfg(feature = "legacy")]
        v2::start(&inner, v2_uplinks);
        Ok(Router { inner })
    }
}
