//! Peers of wire versions 1 and 2 at a server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatewire_codec::v3::handshake::Role;
use gatewire_codec::{RejectCode, Version};
use gatewire_core::SocketId;
use gatewire_core::handshake::{Established, Grant, Refusal, ResumeSecret};
use gatewire_legacy::downlink::{Side, Translator};
use gatewire_legacy::handshake::{self as old, Admitted};
use gatewire_legacy::uplink::Cost;
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::{Instant, timeout, timeout_at};

use super::gate::{Live, PendingPlace};
use super::opening::{Proven, Refused, first_byte};
use super::{Inner, Server};
use crate::HandshakeError;
use crate::entropy::random;
use crate::error::ConnectError;
use crate::legacy::{LegacyOptions, SharedObjects, V2Keys, settings, version_of};
use crate::net::channel::{Channel, Looked};
use crate::net::transport::Legacy;
use crate::net::{handshake, legacy};
use crate::router::V2Router;
use crate::wire::Wire;

/// How long a listener that also serves version 2 waits for a first byte before it sends the seed: diallers of version
/// 3 speak at once, those of version 2 wait. nats-server waits as long before it speaks itself.
const FIRST_WORD: Duration = Duration::from_millis(50);

/// What a builder was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct LegacyPeers {
    pub(super) options: LegacyOptions,
    pub(super) v1: Arc<Grant>,
    pub(super) v2: Arc<Grant>,
    pub(super) keys: V2Keys,
    pub(super) on_v3: bool,
    objects: SharedObjects,
}

/// A peer of version 1 or 2, and what it is told once its socket exists.
pub(super) struct LegacyPeer {
    wire: Wire,
    /// `None`: there is no handshake in version 1.
    admitted: Option<Admitted>,
}

impl Server {
    /// Listens for clients of wire version 1 (`fast-tcp`), as [`listen`](Self::listen) does for those of version 3.
    /// Whoever can reach the address is let in, with the [permissions](crate::ServerBuilder::v1_permissions) of this
    /// version: it has no authentication.
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it does not listen.
    pub async fn listen_v1(&self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        self.listen_for(Wire::V1, address).await
    }

    /// Listens for clients of wire version 2 (`@gatejs/cluster`) which know one of its
    /// [keys](crate::ServerBuilder::v2_keys), or for all if there are none.
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it does not listen.
    pub async fn listen_v2(&self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        self.listen_for(Wire::V2, address).await
    }
}

/// What somebody on a listener of version 3 speaks, if version 2 is served there too.
pub(super) async fn recognise(stream: TcpStream) -> Result<(Wire, Looked), ConnectError> {
    if timeout(FIRST_WORD, first_byte(&stream)).await.is_err() {
        return Ok((Wire::V2, Looked::new(stream)));
    }
    let mut looked = Looked::new(stream);
    let wire = if looked.speaks_v2().await? { Wire::V2 } else { Wire::V3 };
    Ok((wire, looked))
}

/// The handshake of version 1 or 2.
pub(super) async fn prove(
    server: &Inner,
    wire: Wire,
    stream: Looked,
    place: &mut PendingPlace,
) -> Result<Result<Box<Proven>, Box<Refused>>, ConnectError> {
    let peers = &server.legacy;
    let mut options = server.tcp.clone();
    options.keep_alive = options.keep_alive.or(peers.options.keep_alive);
    stream.configure(&options)?;
    let mut channel = Channel::Plain(stream);
    if place.is_turned_away() {
        return Ok(Err(Box::new((channel, busy(wire)))));
    }
    let mut leftover = BytesMut::new();
    let mut peer = LegacyPeer { wire, admitted: None };
    let (mut key_id, mut grant) = (String::new(), &peers.v1);
    if wire == Wire::V2 {
        let secrets = peers.keys.0.iter().map(|key| &key.secret);
        let admitted = match legacy::accept(&mut channel, secrets).await? {
            Ok((admitted, behind)) => {
                leftover = behind;
                admitted
            }
            Err(error) => return Ok(Err(Box::new((channel, refusal(wire, error))))),
        };
        let key = admitted.key.and_then(|index| peers.keys.0.get(index));
        if let Err(error) = check_role(&admitted.role, key.map(|key| key.roles)) {
            return Ok(Err(Box::new((channel, refusal(wire, error)))));
        }
        grant = key.map_or(&peers.v2, |key| &key.grant);
        key_id = key.map_or_else(String::new, |key| key.id.clone());
        peer.admitted = Some(admitted);
    }
    let role = if peer.router().is_some() { Role::Router } else { Role::Client };
    let established = Established {
        session_id: SocketId::from_bytes(random()),
        role,
        node_name: None,
        server_name: None,
        key_id,
        grant: Arc::clone(grant),
        max_frame: server.limits.max_frame,
        ping_s: 0,
        // These versions resume nothing.
        resume_secret: ResumeSecret::from_bytes(random()),
    };
    let shaken = (Bytes::new(), established, leftover);
    Ok(Ok(Box::new(Proven { channel, shaken, legacy: Some(peer) })))
}

/// Whether somebody who has proven to know a key with these roles, or none where none is needed, may be this.
fn check_role(role: &old::Role, roles: Option<crate::keys::Roles>) -> Result<(), HandshakeError> {
    let roles = roles.unwrap_or(crate::keys::Roles::CLIENT);
    match role {
        old::Role::Client if roles.client => Ok(()),
        old::Role::Router { .. } if roles.router => Ok(()),
        _ => Err(HandshakeError::Role),
    }
}

/// A refusal, told in the version of the peer. What is no frame of it gets no answer but that.
fn refusal(wire: Wire, error: HandshakeError) -> Refusal {
    let version = match error {
        HandshakeError::Version if wire == Wire::V2 => Version::V1,
        _ => version_of(wire),
    };
    let text = match &error {
        HandshakeError::Proof => "authentication failed".to_owned(),
        HandshakeError::Version => format!("this listener speaks {wire}"),
        other => other.to_string(),
    };
    Refusal { reject: Some(old::error_frame(version, 3, &text)), error }
}

/// There is no place for the peer, told in its version.
pub(super) fn busy(wire: Wire) -> Refusal {
    refusal(wire, HandshakeError::Rejected { code: RejectCode::Busy, retry_after_s: 0 })
}

/// A router has proven that it is one: it is told the name of this one, and its link begins.
pub(super) async fn begin_router(
    live: Live,
    mut channel: Channel,
    (peer, established, leftover): (LegacyPeer, Established, BytesMut),
    deadline: Instant,
) -> Result<(), ConnectError> {
    let server = Arc::clone(&live.server);
    let router = server.router().and_then(|router| Some((router, router.v2()?)));
    let (Some((router, old)), Some(admitted)) = (router, peer.admitted) else {
        return send_away(channel, refusal(Wire::V2, HandshakeError::Role), deadline).await;
    };
    let old::Role::Router { host } = &admitted.role else { return Ok(()) };
    let host = host.clone();
    let link = server.address_of(established.session_id).to_string();
    let refused = if router.is_running() {
        old.may_link(&link, &host).err().map(|refused| refused.to_string())
    } else {
        Some("the router takes part in no cluster".to_owned())
    };
    if let Some(refused) = refused {
        tracing::debug!(node = %router.name, %host, %refused, "an old router was sent away");
        let frame = old::error_frame(Version::V2, 3, &refused);
        let refused = Refusal { reject: Some(frame), error: HandshakeError::NodeName };
        return send_away(channel, refused, deadline).await;
    }
    let (frames, next_id) = admitted.accept(&link, &router.node);
    timeout_at(deadline, channel.send(&frames)).await.map_err(|_| ConnectError::Timeout)??;
    let last_message_id = next_id.wrapping_sub(1);
    let (cost, server) = (Cost::from(router.accept_cost().first()), Some(Arc::downgrade(&server)));
    let shaken = V2Router { channel, leftover, link, host, cost, last_message_id, server };
    let (router, old) = (Arc::clone(router), Arc::clone(old));
    tokio::spawn(async move {
        shaken.run(&router, &old).await;
        drop(live);
    });
    Ok(())
}

/// A router is told why it is none here.
async fn send_away(
    mut channel: Channel,
    refused: Refusal,
    deadline: Instant,
) -> Result<(), ConnectError> {
    let told = timeout_at(deadline, handshake::refuse(&mut channel, refused)).await;
    if let Some(stream) = channel.into_plain() {
        legacy::linger(stream).await;
    }
    told.unwrap_or(Err(ConnectError::Timeout))
}

impl Inner {
    /// Whether a router of version 2 may come to it.
    pub(crate) fn takes_v2_routers(&self) -> bool {
        self.legacy.keys.0.iter().any(|key| key.roles.router)
    }
}

impl LegacyPeer {
    /// The name of a router.
    pub(super) fn router(&self) -> Option<&str> {
        match &self.admitted.as_ref()?.role {
            old::Role::Router { host } => Some(host),
            old::Role::Client => None,
        }
    }

    /// What the peer is told, and what its session runs over then.
    pub(super) fn welcome(&self, server: &Inner, id: SocketId) -> (Bytes, Translator) {
        let id = server.address_of(id).to_string();
        let (frame, next_id) = match &self.admitted {
            Some(admitted) => admitted.accept(&id, ""),
            None => (old::register(&id), 3),
        };
        let max_frame = server.limits.max_frame;
        let options = &server.legacy.options;
        let objects = server.legacy.objects.of(&server.formats);
        let settings = settings(self.wire, Side::Server, options, max_frame, objects);
        (frame, Translator::new(settings, next_id))
    }

    pub(super) fn wire(&self) -> Wire {
        self.wire
    }
}

/// What the session of such a peer runs over.
pub(super) fn transport(server: &Inner, translator: Translator, leftover: &[u8]) -> Legacy {
    Legacy::new(translator, leftover, server.legacy.options.stream_stall)
}
