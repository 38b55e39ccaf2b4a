//! What travels on the links: whole frames, of control and of events.

use std::fmt;

use bytes::Bytes;
use gatewire_codec::v3::control::decode;
use gatewire_codec::v3::routed::decode_routed;
use gatewire_sim::Message;

use crate::ledger::Copy;

/// A frame with its length prefix.
pub struct Frame {
    /// All of it.
    pub bytes: Bytes,
    /// Whether something that was said before it on this connection was thrown away. Only then may
    /// it make no sense to its receiver.
    pub after_gap: bool,
    /// What it carries of a publish, if it is a routed one.
    pub(crate) copy: Option<Copy>,
}

/// What a frame is, by its second byte behind the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(pub u8);

impl Kind {
    /// `ADJ_HELLO`
    pub const HELLO: Self = Self(48);
    /// `NODE_DEF`
    pub const NODE_DEF: Self = Self(49);
    /// `LSA`
    pub const LSA: Self = Self(50);
    /// `SUMMARY`, the digests of buckets.
    pub const BUCKETS: Self = Self(51);
    /// `SUMMARY`, the nodes of a bucket.
    pub const SUMMARY: Self = Self(52);
    /// `REQ`
    pub const REQUEST: Self = Self(53);
    /// `INT_DELTA`
    pub const DELTA: Self = Self(54);
    /// `INT_SNAP`
    pub const SNAPSHOT: Self = Self(55);
    /// `PURGE`
    pub const PURGE: Self = Self(56);
    /// `DATA`
    pub const ROUTED: Self = Self(57);

    /// Under what it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HELLO => "hello",
            Self::NODE_DEF => "definition",
            Self::LSA => "record",
            Self::BUCKETS => "buckets",
            Self::SUMMARY => "summary",
            Self::REQUEST => "request",
            Self::DELTA => "delta",
            Self::SNAPSHOT => "snapshot",
            Self::PURGE => "purge",
            Self::ROUTED => "event",
            Self(_) => "other",
        }
    }
}

impl Frame {
    /// A frame of a router to its neighbour.
    pub(crate) fn control(bytes: Bytes) -> Self {
        Self { bytes, after_gap: false, copy: None }
    }

    /// A copy of a publish.
    pub(crate) fn routed(bytes: Bytes, after_gap: bool, copy: Copy) -> Self {
        Self { bytes, after_gap, copy: Some(copy) }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind(self.bytes.get(KIND).copied().unwrap_or_default())
    }

    /// Without the length prefix, as a router takes it.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.bytes.get(PREFIX..).unwrap_or_default()
    }
}

impl Message for Frame {
    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn kind(&self) -> &'static str {
        self.kind().name()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind() == Kind::ROUTED {
            return match decode_routed(self.body()) {
                Ok(routed) => {
                    write!(f, "{:?}, {:?} for ", self.copy, routed.header)?;
                    f.debug_list().entries(routed.destinations.iter()).finish()
                }
                Err(error) => write!(f, "{error}"),
            };
        }
        match decode(self.body()) {
            Ok(control) => write!(f, "{control:?}"),
            Err(error) => write!(f, "{error}"),
        }
    }
}

/// The bytes of the length, and where the kind stands behind the version.
const PREFIX: usize = 4;
const KIND: usize = 5;
