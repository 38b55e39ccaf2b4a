//! The frames of the version 3 handshake. Who sends which, and what the proofs are made of, is
//! the session layer's business; here are only their bytes.
//!
//! ```text
//! 1 HELLO     magic "GW3\0" | u8 min_version | u8 max_version | u8 role | lv8 key_id
//!             | instance[16] | nonce[32] | lv8 suites (1 byte each) | lv16 extensions
//! 2 CHALLENGE u8 version | u8 suite | instance[16] | nonce[32] | u32 max_frame
//!             | u16 auth_timeout_s | u16 ping_s | lv16 extensions
//! 3 PROOF     lv16 extensions | mac[32]
//! 4 ACCEPT    session_id[16] | lv16 extensions | mac[32]
//! 5 REJECT    u8 code | u16 retry_after_s
//! ```

use core::fmt;

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError, Field};
use crate::read::Reader;
use crate::write::check_len;

/// First bytes of a HELLO's body.
pub const MAGIC: [u8; 4] = *b"GW3\0";

/// Suite 0: no key; the same flow with an empty key.
pub const SUITE_ANONYMOUS: u8 = 0;
/// Suite 1: HMAC-SHA256 with a pre-shared key.
pub const SUITE_HMAC_SHA256: u8 = 1;

/// Tags of [`Extensions`]. Unknown tags are skipped.
pub mod extension {
    /// The dialling router's node name.
    pub const NODE_NAME: u8 = 1;
    /// The server's name and the cluster's id.
    pub const SERVER_NAME: u8 = 2;
    /// A session to resume.
    pub const RESUME: u8 = 3;
    /// Whether the session was resumed.
    pub const RESUMED: u8 = 4;
    /// The endpoint's default object format.
    pub const FORMAT: u8 = 5;
}

/// What the dialling side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// An endpoint that emits and listens.
    Client,
    /// A node of the cluster.
    Router,
}

/// A list of `tag u8 | length u16 | value`, checked when the frame is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// No extension.
    pub const NONE: Self = Self(&[]);

    /// Takes an encoded list, as [`put_extension`] writes it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`]: a length runs past the end.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            take_extension(&mut reader)?;
        }
        Ok(Self(bytes))
    }

    /// The list as it stands on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// `(tag, value)` in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.0);
        core::iter::from_fn(
            move || {
                if reader.is_empty() { None } else { take_extension(&mut reader).ok() }
            },
        )
    }

    /// The first value with this tag.
    #[must_use]
    pub fn find(&self, tag: u8) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let length = reader.u16(Field::Extensions)?;
        Self::new(reader.bytes(usize::from(length), Field::Extensions)?)
    }

    fn put(self, out: &mut BytesMut) -> Result<(), EncodeError> {
        check_len(Field::Extensions, self.0.len(), u16::MAX as usize)?;
        out.put_u16_le(u16::try_from(self.0.len()).unwrap_or(u16::MAX));
        out.put_slice(self.0);
        Ok(())
    }
}

impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

fn take_extension<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), DecodeError> {
    let tag = reader.u8(Field::Extensions)?;
    let length = reader.u16(Field::Extensions)?;
    Ok((tag, reader.bytes(usize::from(length), Field::Extensions)?))
}

/// Appends one extension to a list that is being built.
///
/// # Errors
///
/// [`EncodeError::TooLong`]: the value is longer than 65,535 bytes.
pub fn put_extension(out: &mut BytesMut, tag: u8, value: &[u8]) -> Result<(), EncodeError> {
    check_len(Field::Extensions, value.len(), u16::MAX as usize)?;
    out.put_u8(tag);
    out.put_u16_le(u16::try_from(value.len()).unwrap_or(u16::MAX));
    out.put_slice(value);
    Ok(())
}

/// HELLO: who dials, and what it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The oldest version that the dialler speaks.
    pub min_version: u8,
    /// The newest one.
    pub max_version: u8,
    /// What the dialler is.
    pub role: Role,
    /// Which key it holds; empty without a key.
    pub key_id: &'a str,
    /// Random per process: an endpoint that meets its own is connected to itself.
    pub instance: [u8; 16],
    /// Random per connection.
    pub nonce: [u8; 32],
    /// The suites that the dialler accepts, best first.
    pub suites: &'a [u8],
    /// More about the dialler.
    pub extensions: Extensions<'a>,
}

impl<'a> Hello<'a> {
    pub(super) fn take(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        const BAD: DecodeError = DecodeError::BadValue { field: Field::Handshake };
        if *reader.array(Field::Handshake)? != MAGIC {
            return Err(BAD);
        }
        let [min_version, max_version, role] = *reader.array(Field::Handshake)?;
        let role = match role {
            0 => Role::Client,
            1 => Role::Router,
            _ => return Err(BAD),
        };
        let length = reader.u8(Field::Handshake)?;
        let key_id = reader.str(usize::from(length), Field::Handshake)?;
        let instance = *reader.array(Field::Handshake)?;
        let nonce = *reader.array(Field::Handshake)?;
        let length = reader.u8(Field::Handshake)?;
        let suites = reader.bytes(usize::from(length), Field::Handshake)?;
        let extensions = Extensions::take(&mut reader)?;
        reader.finish()?;
        Ok(Self { min_version, max_version, role, key_id, instance, nonce, suites, extensions })
    }

    pub(super) fn put(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_slice(&MAGIC);
        out.put_slice(&[self.min_version, self.max_version, u8::from(self.role == Role::Router)]);
        put_lv8(out, self.key_id.as_bytes())?;
        out.put_slice(&self.instance);
        out.put_slice(&self.nonce);
        put_lv8(out, self.suites)?;
        self.extensions.put(out)
    }
}

/// CHALLENGE: what the listener chose, and its half of the freshness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The version that the connection will speak. Handshake frames are version 3's in any case.
    pub version: u8,
    /// The suite that the proofs use.
    pub suite: u8,
    /// The listener's instance id.
    pub instance: [u8; 16],
    /// Random per connection.
    pub nonce: [u8; 32],
    /// The longest frame after ACCEPT, in both directions.
    pub max_frame: u32,
    /// Seconds that the dialler has to finish the handshake.
    pub auth_timeout_s: u16,
    /// Seconds of silence after which the listener sends a ping.
    pub ping_s: u16,
    /// More about the listener.
    pub extensions: Extensions<'a>,
}

impl<'a> Challenge<'a> {
    pub(super) fn take(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let [version, suite] = *reader.array(Field::Handshake)?;
        let instance = *reader.array(Field::Handshake)?;
        let nonce = *reader.array(Field::Handshake)?;
        let max_frame = reader.u32(Field::Handshake)?;
        let auth_timeout_s = reader.u16(Field::Handshake)?;
        let ping_s = reader.u16(Field::Handshake)?;
        let extensions = Extensions::take(&mut reader)?;
        reader.finish()?;
        Ok(Self { version, suite, instance, nonce, max_frame, auth_timeout_s, ping_s, extensions })
    }

    pub(super) fn put(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_slice(&[self.version, self.suite]);
        out.put_slice(&self.instance);
        out.put_slice(&self.nonce);
        out.put_u32_le(self.max_frame);
        out.put_u16_le(self.auth_timeout_s);
        out.put_u16_le(self.ping_s);
        self.extensions.put(out)
    }
}

/// PROOF: the dialler knows the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof<'a> {
    /// More about the dialler, covered by the proof.
    pub extensions: Extensions<'a>,
    /// The proof.
    pub mac: [u8; 32],
}

impl<'a> Proof<'a> {
    pub(super) fn take(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let extensions = Extensions::take(&mut reader)?;
        let mac = *reader.array(Field::Handshake)?;
        reader.finish()?;
        Ok(Self { extensions, mac })
    }

    pub(super) fn put(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.extensions.put(out)?;
        out.put_slice(&self.mac);
        Ok(())
    }
}

/// ACCEPT: the listener knows the key too; the session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept<'a> {
    /// The id of the new session.
    pub session_id: [u8; 16],
    /// More about the session, covered by the proof.
    pub extensions: Extensions<'a>,
    /// The proof.
    pub mac: [u8; 32],
}

impl<'a> Accept<'a> {
    pub(super) fn take(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let session_id = *reader.array(Field::Handshake)?;
        let extensions = Extensions::take(&mut reader)?;
        let mac = *reader.array(Field::Handshake)?;
        reader.finish()?;
        Ok(Self { session_id, extensions, mac })
    }

    pub(super) fn put(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_slice(&self.session_id);
        self.extensions.put(out)?;
        out.put_slice(&self.mac);
        Ok(())
    }
}

fn put_lv8(out: &mut BytesMut, bytes: &[u8]) -> Result<(), EncodeError> {
    check_len(Field::Handshake, bytes.len(), u8::MAX as usize)?;
    out.put_u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.put_slice(bytes);
    Ok(())
}
