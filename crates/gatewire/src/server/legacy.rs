//! Peers of wire versions 1 and 2 at a server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatewire_codec::Version;
use gatewire_codec::v3::handshake::Role;
use gatewire_core::SocketId;
use gatewire_core::handshake::{Established, Grant, Refusal, ResumeSecret};
use gatewire_legacy::downlink::{Side, Translator};
use gatewire_legacy::handshake::{self as old, Admitted};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;

use super::gate::PendingPlace;
use super::opening::{Proven, Refused, first_byte};
use super::{Inner, Server};
use crate::HandshakeError;
use crate::entropy::random;
use crate::error::ConnectError;
use crate::legacy::{LegacyOptions, V2Keys, settings, version_of};
use crate::net::channel::{Channel, Looked};
use crate::net::legacy;
use crate::net::transport::Legacy;
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
        let code = gatewire_codec::RejectCode::Busy;
        let busy = HandshakeError::Rejected { code, retry_after_s: 0 };
        return Ok(Err(Box::new((channel, refusal(wire, busy)))));
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
    let established = Established {
        session_id: SocketId::from_bytes(random()),
        role: Role::Client,
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

impl LegacyPeer {
    /// What the peer is told, and what its session runs over then.
    pub(super) fn welcome(&self, server: &Inner, id: SocketId) -> (Bytes, Translator) {
        let id = server.address_of(id).to_string();
        let (frame, next_id) = match &self.admitted {
            Some(admitted) => admitted.accept(&id, ""),
            None => (old::register(&id), 3),
        };
        let max_frame = server.limits.max_frame;
        let options = &server.legacy.options;
        let settings = settings(self.wire, Side::Server, options, max_frame, &server.formats);
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
