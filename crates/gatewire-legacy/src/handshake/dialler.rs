//! The side that dials.

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{LENGTH_PREFIX, Message, SocketAddress, SocketId, ValueRef, Version};
use sha2::{Digest, Sha256};

use super::{HandshakeError, Role, V2Secret, decode, encode, frame};

/// The first id of a dialler; see `register`.
const FIRST_ID: u32 = 2;

/// The most bytes of frames that a server may send before REGISTER, and that are kept: those of an application which
/// emits as soon as somebody connects. So a dialler reads frames up to this length.
pub const MAX_EARLY: u32 = 64 << 10;

/// What a dialler brings to a connection.
#[derive(Debug, Clone)]
pub struct Dialler {
    /// `V1` or `V2`.
    pub version: Version,
    /// The key of version 2.
    pub secret: Option<V2Secret>,
    /// What it is. In version 1 there are clients only.
    pub role: Role,
}

/// A dialler that waits.
#[derive(Debug)]
pub enum Step {
    /// For the server's seed.
    Seed(ExpectSeed),
    /// For its id.
    Register(ExpectRegister),
}

/// What a frame has brought.
#[derive(Debug)]
pub enum Progress {
    /// This is to be sent, if it is anything, and more is waited for.
    Waits(Bytes, Step),
    /// The dialler is registered.
    Done(Registered),
}

/// Waits for `AUTH_SEED`.
#[derive(Debug)]
pub struct ExpectSeed {
    secret: V2Secret,
    register: ExpectRegister,
}

/// Waits for REGISTER, and as a router for UPLINK before.
#[derive(Debug)]
pub struct ExpectRegister {
    version: Version,
    role: Role,
    next_id: u32,
    peer_host: Option<String>,
    early: BytesMut,
}

/// The server has given an id.
#[derive(Debug, PartialEq, Eq)]
pub struct Registered {
    /// It, as the server writes it.
    pub id: String,
    /// The name of the router that was dialled, by a router.
    pub host: Option<String>,
    /// The id of the next frame to be sent.
    pub next_id: u32,
    /// Frames that came before, to be handled now, each with its length prefix.
    pub early: Bytes,
}

impl Registered {
    /// The id as one of version 3: what a gatewire server gives, maybe behind the name of its node, is one; of any
    /// other it is a digest.
    #[must_use]
    pub fn socket_id(&self) -> SocketId {
        if let Ok(address) = self.id.parse::<SocketAddress>() {
            return address.session();
        }
        let digest = Sha256::digest(self.id.as_bytes());
        SocketId::from_bytes(std::array::from_fn(|index| digest[index]))
    }
}

impl Dialler {
    /// What is sent at once, if anything, and what is waited for.
    #[must_use]
    pub fn start(self) -> (Bytes, Step) {
        let Self { version, secret, role } = self;
        let (peer_host, early) = (None, BytesMut::new());
        let register = ExpectRegister { version, role, next_id: FIRST_ID, peer_host, early };
        match (version, secret) {
            (Version::V2, Some(secret)) => {
                (Bytes::new(), Step::Seed(ExpectSeed { secret, register }))
            }
            (Version::V2, None) => {
                let (frame, register) = register.introduce();
                (frame, Step::Register(register))
            }
            _ => (Bytes::new(), Step::Register(register)),
        }
    }
}

impl Step {
    /// Takes one frame (without its length prefix).
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]: the connection is to be closed.
    pub fn handle(self, frame: &[u8]) -> Result<Progress, HandshakeError> {
        if let Ok(Packet { kind: Kind::Unassigned(_), version, .. }) = Packet::decode(frame)
            && version == self.version()
        {
            // The Node packages ignore what they do not know.
            return Ok(Progress::Waits(Bytes::new(), self));
        }
        match self {
            Self::Seed(step) => step.handle(frame),
            Self::Register(step) => step.handle(frame),
        }
    }

    fn version(&self) -> Version {
        match self {
            Self::Seed(step) => step.register.version,
            Self::Register(step) => step.version,
        }
    }
}

impl ExpectSeed {
    /// Takes one frame. One seed is answered, and no other after it.
    fn handle(mut self, frame: &[u8]) -> Result<Progress, HandshakeError> {
        match decode(Version::V2, frame)? {
            Message::AuthSeed { seed } => {
                let hmac = self.secret.proof(seed);
                let proof = self.register.proof(&hmac);
                let (role, register) = self.register.introduce();
                Ok(Progress::Waits([proof, role].concat().into(), Step::Register(register)))
            }
            Message::Error { text, .. } => Err(HandshakeError::Refused(text.to_owned())),
            message if is_early(&message) => {
                self.register.keep(frame)?;
                Ok(Progress::Waits(Bytes::new(), Step::Seed(self)))
            }
            other => Err(HandshakeError::Unexpected { found: other.kind(), expected: "auth-seed" }),
        }
    }
}

impl ExpectRegister {
    fn handle(mut self, frame: &[u8]) -> Result<Progress, HandshakeError> {
        match decode(self.version, frame)? {
            Message::Register { socket_id } => {
                if matches!(self.role, Role::Router { .. }) && self.peer_host.is_none() {
                    return Err(HandshakeError::Unexpected {
                        found: "register",
                        expected: "uplink",
                    });
                }
                let (id, host) = (socket_id.to_owned(), self.peer_host);
                let early = self.early.freeze();
                Ok(Progress::Done(Registered { id, host, next_id: self.next_id, early }))
            }
            Message::Uplink { host } if matches!(self.role, Role::Router { .. }) => {
                if !super::is_host_name(host) {
                    return Err(HandshakeError::HostName);
                }
                self.peer_host = Some(host.to_owned());
                Ok(Progress::Waits(Bytes::new(), Step::Register(self)))
            }
            Message::Error { text, .. } => Err(HandshakeError::Refused(text.to_owned())),
            // Of a server without keys, to a client that has spoken by itself; it is not answered.
            Message::AuthSeed { .. } => Ok(Progress::Waits(Bytes::new(), Step::Register(self))),
            message if is_early(&message) => {
                self.keep(frame)?;
                Ok(Progress::Waits(Bytes::new(), Step::Register(self)))
            }
            other => Err(HandshakeError::Unexpected { found: other.kind(), expected: "register" }),
        }
    }

    /// DOWNLINK or UPLINK. A router's frames carry its name also as the hosts that have seen them.
    fn introduce(mut self) -> (Bytes, Self) {
        let frame_id = self.take_id();
        let introduction = match &self.role {
            Role::Client => encode(&Message::Downlink, self.version, frame_id),
            Role::Router { host } => {
                let value = ValueRef::String(host);
                let packet = Packet::new(Version::V2, Kind::Uplink, frame_id);
                frame(|out| Packet { cells: host, value, ..packet }.encode(out))
            }
        };
        (introduction, self)
    }

    fn proof(&mut self, hmac: &str) -> Bytes {
        let frame_id = self.take_id();
        let cells = match &self.role {
            Role::Client => "",
            Role::Router { host } => host,
        };
        let packet = Packet::new(Version::V2, Kind::AuthHmac, frame_id);
        frame(|out| Packet { cells, value: ValueRef::String(hmac), ..packet }.encode(out))
    }

    fn take_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn keep(&mut self, frame: &[u8]) -> Result<(), HandshakeError> {
        if self.early.len() + LENGTH_PREFIX + frame.len() > MAX_EARLY as usize {
            return Err(HandshakeError::Unexpected {
                found: "64 KiB of events",
                expected: "register",
            });
        }
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.early.extend_from_slice(&length.to_le_bytes());
        self.early.extend_from_slice(frame);
        Ok(())
    }
}

/// Whether a server's application may send this to somebody who is not registered yet.
fn is_early(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::Event { .. }
            | Message::Request { .. }
            | Message::StreamOpen { target: None, .. }
            | Message::StreamChunk { .. }
            | Message::StreamFinish { .. }
    )
}
