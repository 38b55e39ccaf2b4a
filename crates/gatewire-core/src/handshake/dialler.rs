//! The side that connects.

use std::sync::Arc;

use bytes::Bytes;
use hmac::Mac;

use super::schedule::{self, ChannelBinding, Hash, Prk};
use super::{Established, Grant, HandshakeError, Psk, encode, node_name, prefix_of, server_name};
use crate::SocketId;
use gatewire_codec::v3::handshake::{
    Extensions, Hello, Proof, Role, SUITE_ANONYMOUS, SUITE_HMAC_SHA256,
};
use gatewire_codec::{Message, v3};

/// What a dialler brings to a handshake.
#[derive(Debug, Clone)]
pub struct DiallerConfig {
    /// Client or router.
    pub role: Role,
    /// A key and its id, or none: then the listener must have none either.
    pub key: Option<(String, Psk)>,
    /// Random per process.
    pub instance: [u8; 16],
}

impl DiallerConfig {
    /// The HELLO frame to send (with its length prefix) and the state that waits for the answer.
    ///
    /// `nonce` must be random and used once.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Encode`]: the key id is longer than 255 bytes, or it and the extensions are
    /// longer than 450 together; no listener reads such a frame.
    pub fn start<'b>(
        self,
        nonce: [u8; 32],
        binding: ChannelBinding<'b>,
        extensions: Extensions<'_>,
    ) -> Result<(Bytes, ExpectChallenge<'b>), HandshakeError> {
        let suite = if self.key.is_some() { SUITE_HMAC_SHA256 } else { SUITE_ANONYMOUS };
        let key_id = self.key.as_ref().map_or("", |(id, _)| id.as_str());
        let hello = encode(&Message::Hello(Hello {
            min_version: v3::VERSION,
            max_version: v3::VERSION,
            role: self.role,
            key_id,
            instance: self.instance,
            nonce,
            suites: &[suite],
            extensions,
        }))?;
        let node_name = node_name(self.role, extensions);
        Ok((hello.clone(), ExpectChallenge { config: self, node_name, suite, hello, binding }))
    }
}

/// HELLO is sent; CHALLENGE must come.
#[derive(Debug)]
pub struct ExpectChallenge<'b> {
    config: DiallerConfig,
    node_name: Option<String>,
    suite: u8,
    hello: Bytes,
    binding: ChannelBinding<'b>,
}

impl ExpectChallenge<'_> {
    /// Takes the listener's frame (without its length prefix); gives the PROOF frame to send.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]: refused, or not what was offered.
    pub fn handle(
        self,
        frame: &[u8],
        extensions: Extensions<'_>,
    ) -> Result<(Bytes, ExpectAccept), HandshakeError> {
        let challenge = match v3::decode(frame).map_err(HandshakeError::Malformed)? {
            Message::Challenge(challenge) => challenge,
            other => return Err(refused(&other, "challenge")),
        };
        if challenge.version != v3::VERSION {
            return Err(HandshakeError::Version);
        }
        if challenge.suite != self.suite {
            return Err(HandshakeError::Suite);
        }
        if challenge.instance == self.config.instance {
            return Err(HandshakeError::SelfConnection);
        }
        let psk = self.config.key.as_ref().map_or(&[][..], |(_, key)| key.expose());
        let prk = Prk::extract(psk);
        let prefix = prefix_of(frame);
        let th1 = schedule::th1(self.binding, &[&self.hello], &[&prefix, frame]);
        let mac = prk.client_mac(&th1, extensions.as_bytes()).finalize().into_bytes().into();
        let proof = encode(&Message::Proof(Proof { extensions, mac }))?;
        let th2 = schedule::th2(&th1, &[&proof]);
        let next = ExpectAccept {
            prk,
            th2,
            role: self.config.role,
            node_name: self.node_name,
            server_name: server_name(challenge.extensions),
            key_id: self.config.key.map(|(id, _)| id).unwrap_or_default(),
            max_frame: challenge.max_frame,
            ping_s: challenge.ping_s,
        };
        Ok((proof, next))
    }
}

/// PROOF is sent; ACCEPT must come.
pub struct ExpectAccept {
    prk: Prk,
    th2: Hash,
    role: Role,
    node_name: Option<String>,
    server_name: Option<String>,
    key_id: String,
    max_frame: u32,
    ping_s: u16,
}

impl std::fmt::Debug for ExpectAccept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExpectAccept").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl ExpectAccept {
    /// Takes the listener's frame (without its length prefix). The session begins.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]: refused, or the listener does not know the key.
    pub fn handle(self, frame: &[u8]) -> Result<Established, HandshakeError> {
        let accept = match v3::decode(frame).map_err(HandshakeError::Malformed)? {
            Message::Accept(accept) => accept,
            other => return Err(refused(&other, "accept")),
        };
        self.prk
            .server_mac(&self.th2, &accept.session_id, accept.extensions.as_bytes())
            .verify_slice(&accept.mac)
            .map_err(|_| HandshakeError::Proof)?;
        let prefix = prefix_of(frame);
        Ok(Established {
            session_id: SocketId::from_bytes(accept.session_id),
            role: self.role,
            node_name: self.node_name,
            server_name: self.server_name,
            key_id: self.key_id,
            grant: Arc::new(Grant::default()),
            max_frame: self.max_frame,
            ping_s: self.ping_s,
            resume_secret: self.prk.resume_secret(&self.th2, &[&prefix, frame]),
        })
    }
}

fn refused(message: &Message<'_>, expected: &'static str) -> HandshakeError {
    match *message {
        Message::Reject { code, retry_after_s } => HandshakeError::Rejected { code, retry_after_s },
        _ => HandshakeError::Unexpected { found: message.kind(), expected },
    }
}
