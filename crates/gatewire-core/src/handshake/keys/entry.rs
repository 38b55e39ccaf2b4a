//! A key with what is said about it.

use std::num::NonZeroU32;

use super::{KeyTag, Psk};
use crate::UnixTime;
use crate::handshake::HandshakeError;
use crate::permissions::{Patterns, Permissions};
use gatewire_codec::v3::handshake::Role;

/// A key, who may use it, when, and for what. By default: clients, at any time, for everything.
///
/// ```
/// use gatewire_core::UnixTime;
/// use gatewire_core::handshake::{KeyEntry, KeyRing, Psk, Roles};
/// use gatewire_core::permissions::{Patterns, Profile};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guests = KeyEntry::new("guests", Psk::new(*b"32 random bytes that both hold..")?)
///     .not_after(UnixTime::from_secs(1_798_761_599)) // the last second of 2026
///     .permissions(Profile::Restricted.into());
/// let node = KeyEntry::new("node-1", Psk::new(*b"32 other random bytes, for one..")?)
///     .roles(Roles::ROUTER)
///     .node_names(Patterns::new(["eu.node-1"])?);
/// let keys = KeyRing::new().with_entry(guests).with_entry(node);
/// assert_eq!(keys.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an entry does nothing until it is in a key ring"]
pub struct KeyEntry {
    pub(super) id: String,
    pub(super) secret: Psk,
    pub(super) terms: Terms,
    pub(super) grant: Grant,
}

/// What is asked of a dialler, the proof aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) not_before: Option<UnixTime>,
    pub(super) roles: Roles,
    /// `None`: any name, or none.
    pub(super) node_names: Option<Patterns>,
}

impl Terms {
    /// Whether a dialler that has proven to know the key may be what it says.
    pub(super) fn admit(&self, role: Role, node_name: Option<&str>) -> Result<(), HandshakeError> {
        if !self.roles.contain(role) {
            return Err(HandshakeError::Role);
        }
        let named = |names: &Patterns| node_name.is_some_and(|name| names.matches(name));
        if role == Role::Router && !self.node_names.as_ref().is_none_or(named) {
            return Err(HandshakeError::NodeName);
        }
        Ok(())
    }
}

impl KeyEntry {
    /// A key under an id. Diallers name the key by its id, in the clear. Ids longer than 255 bytes never
    /// match.
    pub fn new(id: impl Into<String>, secret: Psk) -> Self {
        let terms = Terms { not_before: None, roles: Roles::CLIENT, node_names: None };
        Self { id: id.into(), secret, terms, grant: Grant::default() }
    }

    /// The first second in which the key is valid.
    pub fn not_before(mut self, first: UnixTime) -> Self {
        self.terms.not_before = Some(first);
        self
    }

    /// The last second in which the key is valid.
    pub fn not_after(mut self, last: UnixTime) -> Self {
        self.grant.not_after = Some(last);
        self
    }

    /// Who may use it: by default clients only.
    pub fn roles(mut self, roles: Roles) -> Self {
        self.terms.roles = roles;
        self
    }

    /// The names that a router with this key may have; one without a name is then refused. By default
    /// any.
    pub fn node_names(mut self, names: Patterns) -> Self {
        self.terms.node_names = Some(names);
        self
    }

    /// What its sessions may do: by default everything.
    pub fn permissions(mut self, permissions: Permissions) -> Self {
        self.grant.permissions = permissions;
        self
    }

    /// How many sessions it may have at once: by default as many as the server.
    pub fn max_sessions(mut self, sessions: NonZeroU32) -> Self {
        self.grant.max_sessions = Some(sessions);
        self
    }
}

/// Who may use a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Endpoints that emit and listen.
    pub client: bool,
    /// Nodes of the cluster.
    pub router: bool,
}

impl Roles {
    /// Clients only.
    pub const CLIENT: Self = Self { client: true, router: false };
    /// Routers only.
    pub const ROUTER: Self = Self { client: false, router: true };
    /// Both.
    pub const BOTH: Self = Self { client: true, router: true };

    /// Whether this role is among them.
    #[must_use]
    pub fn contain(self, role: Role) -> bool {
        match role {
            Role::Client => self.client,
            Role::Router => self.router,
        }
    }
}

/// What a key gives to a session: fixed when the session begins, and its own from then on, whatever
/// becomes of the key ring. The default is what a session without a key has: everything, for ever. Two are
/// equal that give the same, of whichever keys they are.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Grant {
    /// The last second in which the key is valid. After it the peer has to authenticate anew.
    pub not_after: Option<UnixTime>,
    /// What the session may do.
    pub permissions: Permissions,
    /// How many sessions the key may have at once.
    pub max_sessions: Option<NonZeroU32>,
    /// Of which key it is.
    pub(in crate::handshake) tag: KeyTag,
}

impl Grant {
    /// Whether both are of keys with the same secret, or both of none.
    #[must_use]
    pub fn is_of_the_same_key(&self, other: &Self) -> bool {
        self.tag == other.tag
    }

    /// Whether the key is no longer valid.
    #[must_use]
    pub fn has_expired(&self, now: UnixTime) -> bool {
        self.not_after.is_some_and(|last| last < now)
    }
}

impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        let Self { not_after, permissions, max_sessions, tag: _ } = self;
        *not_after == other.not_after
            && *permissions == other.permissions
            && *max_sessions == other.max_sessions
    }
}

impl Eq for Grant {}
