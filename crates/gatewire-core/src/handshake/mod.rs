//! The version 3 handshake: four frames that prove to each side that the other knows the key.
//!
//! ```text
//! dialler (client or router)                     listener (server)
//!   start() ---------- HELLO ------------------>   ExpectHello
//!   ExpectChallenge <- CHALLENGE ---------------   ExpectProof
//!                   -- PROOF ------------------>
//!   ExpectAccept    <- ACCEPT (or REJECT) ------   Established
//!   Established
//! ```
//!
//! Each state is consumed by the frame that it expects, so frames out of order are an error and a
//! state machine in the wrong state does not compile. After an error nothing is left to go on with:
//! close the connection.
//!
//! What the proofs are made of stands in `docs/protocol/v3.md`; the values are those of RFC 5869
//! (HKDF) and RFC 2104 (HMAC) over SHA-256.

mod dialler;
mod keys;
mod listener;
mod resume;
mod schedule;

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::SocketId;
use gatewire_codec::v3::handshake::{Extensions, Role, extension};
use gatewire_codec::{DecodeError, EncodeError, Message, RejectCode, v3};

pub use dialler::{DiallerConfig, ExpectAccept, ExpectChallenge};
pub use keys::{
    Bearer, Decoys, Grant, KeyChanges, KeyEntry, KeyFault, KeyRing, Psk, Roles, WeakKey,
};
pub use listener::{ExpectHello, ExpectProof, ListenerConfig, Refusal};
pub use resume::ResumeSecret;
pub use schedule::ChannelBinding;

/// What both sides know when the handshake is over.
#[derive(Clone, PartialEq, Eq)]
pub struct Established {
    /// The session's id, drawn by the listener.
    pub session_id: SocketId,
    /// What the dialler is.
    pub role: Role,
    /// The name that a dialling router told, if it did. What it may be called, its key says.
    pub node_name: Option<String>,
    /// The name that the listener told, if it did: in a cluster, its node's.
    pub server_name: Option<String>,
    /// Which key was used; empty without one.
    pub key_id: String,
    /// What the key gives to the session, on the listener's side. A dialler is told nothing of it and
    /// has a default one.
    pub grant: Arc<Grant>,
    /// The longest frame that the peer will read. (The dialler tells none: the listener's limit
    /// holds in both directions.)
    pub max_frame: u32,
    /// Seconds of silence after which the listener sends a ping.
    pub ping_s: u16,
    /// For resuming the session later.
    pub resume_secret: ResumeSecret,
}

impl fmt::Debug for Established {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Established")
            .field("session_id", &self.session_id)
            .field("role", &self.role)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// Why a handshake failed. The connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer sent something that is not a frame of version 3.
    Malformed(DecodeError),
    /// The peer sent a frame of the wrong kind.
    Unexpected {
        /// What it sent.
        found: &'static str,
        /// What was its turn.
        expected: &'static str,
    },
    /// The listener refused.
    Rejected {
        /// Why.
        code: RejectCode,
        /// Do not try again for this long.
        retry_after_s: u16,
    },
    /// No version in common; or the listener chose one that was not offered.
    Version,
    /// No suite in common (one side has a key, the other none), or one that was not offered.
    Suite,
    /// The peer is this very endpoint.
    SelfConnection,
    /// The peer does not know the key.
    Proof,
    /// There is no valid key with the id that the peer named. The peer is told what is told of a
    /// wrong proof.
    Key(KeyFault),
    /// The peer knows the key, which does not allow its role; or there are no keys, and the listener is not
    /// open to its role.
    Role,
    /// The peer knows the key, which does not allow its node name.
    NodeName,
    /// This side's extensions do not fit a handshake frame (512 bytes).
    Encode(EncodeError),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "handshake frame: {error}"),
            Self::Unexpected { found, expected } => {
                write!(f, "the peer sent {found} where {expected} was expected")
            }
            Self::Rejected { code, retry_after_s: 0 } => write!(f, "refused: {code}"),
            Self::Rejected { code, retry_after_s } => {
                write!(f, "refused: {code}; try again after {retry_after_s} s")
            }
            Self::Version => f.write_str("no wire version in common"),
            Self::Suite => f.write_str("one side has a key and the other has none"),
            Self::SelfConnection => f.write_str("connected to itself"),
            Self::Proof => f.write_str("the peer does not know the key"),
            Self::Key(fault) => write!(f, "{fault}"),
            Self::Role => f.write_str("this role is not allowed"),
            Self::NodeName => f.write_str("the key does not allow this node name"),
            Self::Encode(error) => write!(f, "handshake frame: {error}"),
        }
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Encode(error) => Some(error),
            Self::Key(fault) => Some(fault),
            _ => None,
        }
    }
}

/// Encodes a handshake frame with its length prefix.
fn encode(message: &Message<'_>) -> Result<Bytes, HandshakeError> {
    let mut out = BytesMut::with_capacity(128);
    v3::encode(message, &mut out).map_err(HandshakeError::Encode)?;
    Ok(out.freeze())
}

/// The length prefix that stood before `frame` on the wire: the transcript covers whole frames.
fn prefix_of(frame: &[u8]) -> [u8; 4] {
    u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// The name in a listener's CHALLENGE. One that is not UTF-8 is none.
fn server_name(extensions: Extensions<'_>) -> Option<String> {
    let name = extensions.find(extension::SERVER_NAME)?;
    std::str::from_utf8(name).ok().map(str::to_owned)
}

/// The name in a router's HELLO. One that is not UTF-8 is none.
fn node_name(role: Role, extensions: Extensions<'_>) -> Option<String> {
    let name = extensions.find(extension::NODE_NAME).filter(|_| role == Role::Router)?;
    std::str::from_utf8(name).ok().map(str::to_owned)
}
