//! Why somebody was not let in, and how often.

use crate::handshake::{HandshakeError, KeyFault};

/// A limit that keeps somebody out who may be honest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// Its source has failed too often.
    Failures,
    /// There are too many connections; for clients, too many but for those kept for routers.
    Connections,
    /// Too many handshakes from its source are under way.
    PendingOfSource,
    /// Too many handshakes are under way, and no source has more of them than its own.
    Pending,
    /// Its key has as many sessions as it may have.
    SessionsOfKey,
}

impl Refused {
    /// All of them, in the order of [`AdmissionCounters`].
    pub const ALL: [Self; 5] = [
        Self::Failures,
        Self::Connections,
        Self::PendingOfSource,
        Self::Pending,
        Self::SessionsOfKey,
    ];

    /// The standard name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Connections => "connections",
            Self::PendingOfSource => "pending_of_source",
            Self::Pending => "pending",
            Self::SessionsOfKey => "sessions_of_key",
        }
    }
}

/// How a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// No key has the id.
    UnknownKey,
    /// The key is not valid yet.
    KeyNotYetValid,
    /// The key has expired.
    KeyExpired,
    /// The proof is wrong.
    Proof,
    /// The key does not allow the role.
    Role,
    /// The key does not allow the node name.
    NodeName,
    /// No version or no suite in common, or a connection to itself.
    Incompatible,
    /// What came is not the protocol.
    Malformed,
    /// It took too long.
    Timeout,
    /// The connection ended first.
    Closed,
    /// This side had reasons of its own: it is closing, or the node's name is taken.
    Declined,
}

impl Failure {
    /// All of them, in the order of [`AdmissionCounters`].
    pub const ALL: [Self; 11] = [
        Self::UnknownKey,
        Self::KeyNotYetValid,
        Self::KeyExpired,
        Self::Proof,
        Self::Role,
        Self::NodeName,
        Self::Incompatible,
        Self::Malformed,
        Self::Timeout,
        Self::Closed,
        Self::Declined,
    ];

    /// Whether it counts against its source, and its REJECT is delayed: that are guesses at keys, all of
    /// which look the same from outside. What is slow or no client does not count. It takes a place for
    /// no more than the deadline; and when this side is too slow, or a scanner shares the address with
    /// others, all of these would be shut out.
    #[must_use]
    pub fn counts(self) -> bool {
        match self {
            Self::UnknownKey | Self::KeyNotYetValid | Self::KeyExpired | Self::Proof => true,
            Self::Role
            | Self::NodeName
            | Self::Incompatible
            | Self::Malformed
            | Self::Timeout
            | Self::Closed
            | Self::Declined => false,
        }
    }

    /// The standard name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownKey => "unknown_key",
            Self::KeyNotYetValid => "key_not_yet_valid",
            Self::KeyExpired => "key_expired",
            Self::Proof => "proof",
            Self::Role => "role",
            Self::NodeName => "node_name",
            Self::Incompatible => "incompatible",
            Self::Malformed => "malformed",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Declined => "declined",
        }
    }
}

impl From<&HandshakeError> for Failure {
    fn from(error: &HandshakeError) -> Self {
        match error {
            HandshakeError::Key(KeyFault::Unknown) => Self::UnknownKey,
            HandshakeError::Key(KeyFault::NotYetValid) => Self::KeyNotYetValid,
            HandshakeError::Key(KeyFault::Expired) => Self::KeyExpired,
            HandshakeError::Proof => Self::Proof,
            HandshakeError::Role => Self::Role,
            HandshakeError::NodeName => Self::NodeName,
            HandshakeError::Version | HandshakeError::Suite | HandshakeError::SelfConnection => {
                Self::Incompatible
            }
            HandshakeError::Malformed(_) | HandshakeError::Unexpected { .. } => Self::Malformed,
            HandshakeError::Rejected { .. } | HandshakeError::Encode(_) => Self::Declined,
        }
    }
}

/// What has been counted since the server began, and who is there at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AdmissionCounters {
    /// Handshakes that are under way.
    pub pending: usize,
    /// Sessions that are established.
    pub connections: usize,
    /// Handshakes that began.
    pub arrived: u64,
    /// Sessions that began.
    pub established: u64,
    /// Times that the system gave no connection to accept, as when it is out of file descriptors.
    pub accept_errors: u64,
    /// Handshakes that had to make room for others. Those that had failed, and waited for their answer, are
    /// counted as failed too.
    pub evicted: u64,
    /// Times that a source was shut out for its failures.
    pub shut_out: u64,
    /// Sources that were forgotten early, because too many others failed.
    pub forgotten: u64,
    refused: [u64; Refused::ALL.len()],
    failed: [u64; Failure::ALL.len()],
}

impl AdmissionCounters {
    /// How many were refused for this.
    #[must_use]
    pub fn refused(&self, refused: Refused) -> u64 {
        self.refused[refused as usize]
    }

    /// How many handshakes failed so.
    #[must_use]
    pub fn failed(&self, failure: Failure) -> u64 {
        self.failed[failure as usize]
    }

    /// Connections that came to no session, for whatever reason.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.evicted + self.refused.iter().sum::<u64>() + self.failed.iter().sum::<u64>()
    }

    pub(super) fn refuse(&mut self, refused: Refused) -> Refused {
        self.refused[refused as usize] += 1;
        refused
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.failed[failure as usize] += 1;
    }
}
