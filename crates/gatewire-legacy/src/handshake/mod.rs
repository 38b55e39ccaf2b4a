//! How a connection of version 1 or 2 begins: what is sent, what is waited for, who is let in.
//!
//! ```text
//!  version 1      server                                    client
//!                    --- REGISTER id ----------------------->            the client may send before it
//!
//!  version 2      server                                    client or router
//!   ExpectProof      --- AUTH_SEED seed -------------------->  ExpectSeed
//!                    <-- AUTH_HMAC hmac ---------------------
//!   ExpectRole       <-- DOWNLINK (a client) ----------------  ExpectRegister
//!                        UPLINK own host (a router)
//!   Admitted         --- UPLINK own host (to a router) ----->
//!                    --- REGISTER id ----------------------->
//! ```
//!
//! Each state is consumed by the frame that it waits for: after a wrong proof there is nothing that could read
//! another. A listener sends a seed also without keys, since the Node packages' client says nothing before it has one;
//! a dialler without a key speaks by itself, since the Node packages' server sends none without.
//!
//! The proof is HMAC-SHA256 of the seed's text under the key, in 64 lower-case hexadecimal digits. It protects
//! against neither a relay nor who reads along (`docs/protocol/v2.md`): version 3 is for that.

mod dialler;
mod error;
mod listener;
mod secret;

pub use dialler::{Dialler, ExpectRegister, ExpectSeed, MAX_EARLY, Progress, Registered, Step};
pub use error::HandshakeError;
pub use listener::{Admitted, ExpectProof, ExpectRole, Seed, register};
pub use secret::V2Secret;

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{EncodeError, Message, ValueRef, Version, legacy};

/// The longest frame of a version 2 handshake that a listener takes: the same as in version 3. Node's frames have 90 bytes.
pub const MAX_HANDSHAKE_FRAME: u32 = 512;

/// What a dialler of version 2 is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A client (`MT_DOWNLINK`).
    Client,
    /// A router, with its host name (`MT_UPLINK`).
    Router {
        /// Its name.
        host: String,
    },
}

/// Whether a router may have this name: it stands in lists and in addresses, so it has 1 to 255 bytes and holds no
/// `|`, `/` or `,`.
#[must_use]
pub fn is_host_name(name: &str) -> bool {
    (1..=legacy::MAX_CELLS).contains(&name.len()) && !name.contains(['|', '/', ','])
}

/// The frame that tells a peer what it did wrong (`MT_ERROR`).
#[must_use]
pub fn error_frame(version: Version, frame_id: u32, text: &str) -> Bytes {
    let value = ValueRef::String(text);
    let packet = Packet { value, ..Packet::new(version, Kind::Error, frame_id) };
    frame(|out| packet.encode(out))
}

/// A frame of the handshake, all of whose parts are short.
fn encode(message: &Message<'_>, version: Version, frame_id: u32) -> Bytes {
    frame(|out| legacy::encode(message, version, frame_id, out))
}

fn frame(encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>) -> Bytes {
    let mut out = BytesMut::with_capacity(128);
    encode(&mut out)
        .expect("names of a handshake are checked, and its frames exist in their version");
    out.freeze()
}

/// Reads a frame of a handshake.
fn decode(version: Version, frame: &[u8]) -> Result<Message<'_>, HandshakeError> {
    let packet = Packet::decode_as(version, frame)?;
    Ok(packet.to_message()?)
}
