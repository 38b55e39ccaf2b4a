//! The side that accepts.

use std::sync::Arc;

use bytes::Bytes;
use hmac::Mac;

use super::keys::Held;
use super::schedule::{self, ChannelBinding, Hash, Prk};
use super::{
    Decoys, Established, Grant, HandshakeError, KeyFault, KeyRing, Roles, encode, node_name,
    prefix_of, server_name,
};
use crate::{SocketId, UnixTime};
use gatewire_codec::v3::handshake::{
    Accept, Challenge, Extensions, Role, SUITE_ANONYMOUS, SUITE_HMAC_SHA256,
};
use gatewire_codec::{Message, RejectCode, v3};

/// What a listener brings to a handshake.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// The keys that it accepts; empty: an open listener (suite 0), for clients.
    pub keys: KeyRing,
    /// What stands in for the keys that it does not have.
    pub decoys: Decoys,
    /// Random per process.
    pub instance: [u8; 16],
    /// The longest frame that it will read after ACCEPT.
    pub max_frame: u32,
    /// The same for routers, whose frames carry those of others.
    pub max_router_frame: u32,
    /// Seconds that a dialler has to finish the handshake.
    pub auth_timeout_s: u16,
    /// Seconds of silence after which it sends a ping.
    pub ping_s: u16,
}

/// A handshake that the listener refuses: why, and the REJECT frame to send before closing, if the
/// peer deserves one. A bad key id, a key that is not valid now and a bad proof look the same from
/// outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For the log.
    pub error: HandshakeError,
    /// The frame, with its length prefix.
    pub reject: Option<Bytes>,
}

impl Refusal {
    /// Refuses with a code, for a reason that only the caller knows (too busy, name taken).
    #[must_use]
    pub fn with(code: RejectCode, retry_after_s: u16) -> Self {
        Self::new(HandshakeError::Rejected { code, retry_after_s }, Some((code, retry_after_s)))
    }

    fn new(error: HandshakeError, reject: Option<(RejectCode, u16)>) -> Self {
        let frame = |(code, retry_after_s)| encode(&Message::Reject { code, retry_after_s }).ok();
        Self { error, reject: reject.and_then(frame) }
    }

    /// Nothing is answered to garbage.
    fn silent(error: HandshakeError) -> Self {
        Self::new(error, None)
    }
}

/// A connection was accepted; HELLO must come.
#[derive(Debug)]
pub struct ExpectHello<'c> {
    config: &'c ListenerConfig,
    now: UnixTime,
}

impl<'c> ExpectHello<'c> {
    /// A new handshake. `now` decides which keys are valid.
    #[must_use]
    pub fn new(config: &'c ListenerConfig, now: UnixTime) -> Self {
        Self { config, now }
    }

    /// Takes the dialler's frame (without its length prefix); gives the CHALLENGE frame to send.
    ///
    /// `nonce` must be random and used once. An unknown key id, or one whose key is not valid now, is
    /// not refused here: it fails at PROOF, after the same work as a wrong key.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub fn handle(
        self,
        frame: &[u8],
        nonce: [u8; 32],
        binding: ChannelBinding<'_>,
        extensions: Extensions<'_>,
    ) -> Result<(Bytes, ExpectProof), Refusal> {
        let config = self.config;
        let message =
            v3::decode(frame).map_err(|error| Refusal::silent(HandshakeError::Malformed(error)))?;
        let Message::Hello(hello) = message else {
            let (found, expected) = (message.kind(), "hello");
            return Err(Refusal::silent(HandshakeError::Unexpected { found, expected }));
        };
        if !(hello.min_version..=hello.max_version).contains(&v3::VERSION) {
            let reject = Some((RejectCode::Version, 0));
            return Err(Refusal::new(HandshakeError::Version, reject));
        }
        if hello.instance == config.instance {
            return Err(Refusal::new(HandshakeError::SelfConnection, Some((RejectCode::Self_, 0))));
        }
        let suite = if config.keys.is_empty() { SUITE_ANONYMOUS } else { SUITE_HMAC_SHA256 };
        if !hello.suites.contains(&suite) {
            return Err(Refusal::new(HandshakeError::Suite, Some((RejectCode::Suite, 0))));
        }
        let (prk, key) = if suite == SUITE_ANONYMOUS {
            (Prk::extract(&[]), Key::None { open_to: config.keys.roles_without_key() })
        } else {
            let (prk, found) = config.keys.find(hello.key_id, &config.decoys, self.now);
            (prk, found.map_or_else(Key::Decoy, Key::Held))
        };
        let max_frame = match hello.role {
            Role::Client => config.max_frame,
            Role::Router => config.max_router_frame,
        };
        let challenge = encode(&Message::Challenge(Challenge {
            version: v3::VERSION,
            suite,
            instance: config.instance,
            nonce,
            max_frame,
            auth_timeout_s: config.auth_timeout_s,
            ping_s: config.ping_s,
            extensions,
        }))
        .map_err(Refusal::silent)?;
        let prefix = prefix_of(frame);
        let th1 = schedule::th1(binding, &[&prefix, frame], &[&challenge]);
        let next = ExpectProof {
            prk,
            key,
            th1,
            role: hello.role,
            node_name: node_name(hello.role, hello.extensions),
            server_name: server_name(extensions),
            // Without a key nobody has shown that the id is his.
            key_id: if suite == SUITE_ANONYMOUS { String::new() } else { hello.key_id.to_owned() },
            max_frame,
            ping_s: config.ping_s,
        };
        Ok((challenge, next))
    }
}

/// CHALLENGE is sent; PROOF must come.
pub struct ExpectProof {
    prk: Prk,
    key: Key,
    th1: Hash,
    role: Role,
    node_name: Option<String>,
    server_name: Option<String>,
    key_id: String,
    max_frame: u32,
    ping_s: u16,
}

/// Where the `prk` of a handshake is from.
enum Key {
    /// The listener is open to these.
    None { open_to: Roles },
    /// The key ring.
    Held(Arc<Held>),
    /// Nowhere: whatever the proof is, it is refused.
    Decoy(KeyFault),
}

impl std::fmt::Debug for ExpectProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExpectProof").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl ExpectProof {
    /// Takes the dialler's frame (without its length prefix); gives the ACCEPT frame to send. The
    /// session begins.
    ///
    /// `session_id` must be random.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub fn handle(
        self,
        frame: &[u8],
        session_id: SocketId,
        extensions: Extensions<'_>,
    ) -> Result<(Bytes, Established), Refusal> {
        let message =
            v3::decode(frame).map_err(|error| Refusal::silent(HandshakeError::Malformed(error)))?;
        let Message::Proof(proof) = message else {
            let (found, expected) = (message.kind(), "proof");
            return Err(Refusal::silent(HandshakeError::Unexpected { found, expected }));
        };
        let mac = self.prk.client_mac(&self.th1, proof.extensions.as_bytes());
        let proven = mac.verify_slice(&proof.mac).map_err(|_| HandshakeError::Proof);
        let grant = self.grant(proven)?;
        let prefix = prefix_of(frame);
        let th2 = schedule::th2(&self.th1, &[&prefix, frame]);
        let id = session_id.to_bytes();
        let mac =
            self.prk.server_mac(&th2, &id, extensions.as_bytes()).finalize().into_bytes().into();
        let accept = encode(&Message::Accept(Accept { session_id: id, extensions, mac }))
            .map_err(Refusal::silent)?;
        let established = Established {
            session_id,
            role: self.role,
            node_name: self.node_name,
            server_name: self.server_name,
            key_id: self.key_id,
            grant,
            max_frame: self.max_frame,
            ping_s: self.ping_s,
            resume_secret: self.prk.resume_secret(&th2, &[&accept]),
        };
        Ok((accept, established))
    }
    /// What the key gives, once the proof has been looked at. Only who has proven to know the key
    /// learns that it is the role or the name that is not allowed.
    fn grant(&self, proven: Result<(), HandshakeError>) -> Result<Arc<Grant>, Refusal> {
        let unproven = |error| Refusal::new(error, Some((RejectCode::Auth, 0)));
        let forbidden = |error| Refusal::new(error, Some((RejectCode::NotAllowed, 0)));
        match &self.key {
            Key::Decoy(fault) => Err(unproven(HandshakeError::Key(*fault))),
            Key::None { open_to } => {
                proven.map_err(unproven)?;
                let open = open_to.contain(self.role);
                open.then(Arc::default).ok_or_else(|| forbidden(HandshakeError::Role))
            }
            Key::Held(key) => {
                proven.map_err(unproven)?;
                key.admit(self.role, self.node_name.as_deref()).map_err(forbidden)
            }
        }
    }
}
