//! The keys of wire version 2.

use std::sync::Arc;

use gatewire_core::handshake::{Grant, Roles};
use gatewire_core::permissions::Permissions;
use gatewire_legacy::handshake::V2Secret;

/// A key of version 2, who may use it and for what. By default: clients, for everything.
#[derive(Debug, Clone)]
#[must_use = "a key does nothing until it is among others"]
pub struct V2Key {
    pub(crate) id: String,
    pub(crate) secret: V2Secret,
    pub(crate) roles: Roles,
    pub(crate) grant: Arc<Grant>,
}

impl V2Key {
    /// A key with a name of this side's: version 2 does not tell one. It is [`Socket::key_id`](crate::Socket::key_id).
    pub fn new(id: impl Into<String>, secret: V2Secret) -> Self {
        let grant = Arc::new(Grant::default());
        Self { id: id.into(), secret, roles: Roles::CLIENT, grant }
    }

    /// Who may use it. Only who has a key with the router's role may come as a router.
    pub fn roles(mut self, roles: Roles) -> Self {
        self.roles = roles;
        self
    }

    /// What its clients may do.
    pub fn permissions(mut self, permissions: Permissions) -> Self {
        self.grant = granting(permissions);
        self
    }
}

/// The keys that a listener of version 2 takes. Without any it takes everybody as a client, as the old packages do.
///
/// They are not those of version 3, and none should be both: who plays a server of version 2 gets answers under
/// them.
#[derive(Debug, Clone, Default)]
pub struct V2Keys(pub(crate) Vec<V2Key>);

impl V2Keys {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more. All are tried in turn, each for some microseconds.
    #[must_use]
    pub fn with(mut self, key: V2Key) -> Self {
        self.0.push(key);
        self
    }
}

/// What a session with these permissions has.
pub(crate) fn granting(permissions: Permissions) -> Arc<Grant> {
    let mut grant = Grant::default();
    grant.permissions = permissions;
    Arc::new(grant)
}
