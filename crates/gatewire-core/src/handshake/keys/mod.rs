//! The keys that a listener knows.
//!
//! A lookup tells the outside nothing: for an id that is unknown, or whose key is not valid now, the
//! handshake goes on with a [decoy](Decoys) that nobody can know, and fails where a wrong key does. The
//! decoy is made for known ids too, so that both take the same work. Inside, a [`KeyFault`] says what
//! it was.

mod changes;
mod decoys;
mod entry;
mod psk;
mod tag;

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::HandshakeError;
use super::schedule::Prk;
use crate::UnixTime;
use entry::Terms;
use gatewire_codec::v3::handshake::Role;

pub use changes::KeyChanges;
pub use decoys::Decoys;
pub use entry::{Grant, KeyEntry, Roles};
pub use psk::{Psk, WeakKey};
pub(in crate::handshake) use tag::KeyTag;

/// The keys that a listener accepts, by id. Empty: anybody may connect, without a key, as a client; who else
/// may, [`open_to`](Self::open_to) says.
///
/// A clone is cheap and shares the keys; adding a key does not change other clones. So keys are
/// replaced while a server runs by giving a new ring to the handshakes that begin from now on: sessions
/// and handshakes under way keep what they have. A ring that once had keys must not be replaced by an
/// empty one, which would let everybody in.
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<FxHashMap<Box<str>, Arc<Held>>>,
    /// Who may connect while there is no key.
    open_to: Roles,
}

/// Who has a session, as its handshake has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer<'a> {
    /// The id of the key. Empty without one.
    pub key_id: &'a str,
    /// What the dialler is.
    pub role: Role,
    /// The name that a dialling router told, if it did.
    pub node_name: Option<&'a str>,
}

/// A key in a ring: not the secret itself, but the HMAC state that is made of it.
pub(super) struct Held {
    prk: Prk,
    terms: Terms,
    grant: Arc<Grant>,
}

impl KeyRing {
    /// No key: a listener that is open to clients.
    #[must_use]
    pub fn new() -> Self {
        Self::open_to(Roles::CLIENT)
    }

    /// No key: a listener that is open to these. Whoever reaches a listener that is open to routers can be
    /// one, and what a router says about others is believed: that is for tests, and for networks where all are
    /// trusted. With the first key that is added it is over.
    #[must_use]
    pub fn open_to(roles: Roles) -> Self {
        Self { keys: Arc::default(), open_to: roles }
    }

    /// Adds a key for clients that may do everything, or replaces the one with this id. Ids longer than
    /// 255 bytes never match.
    #[must_use]
    pub fn with(self, id: impl Into<String>, key: Psk) -> Self {
        self.with_entry(KeyEntry::new(id, key))
    }

    /// Adds a key, or replaces the one with its id.
    #[must_use]
    pub fn with_entry(mut self, entry: KeyEntry) -> Self {
        let KeyEntry { id, secret, terms, grant } = entry;
        let prk = Prk::extract(secret.expose());
        let grant = Grant { tag: prk.tag(), ..grant };
        let held = Arc::new(Held { prk, terms, grant: Arc::new(grant) });
        Arc::make_mut(&mut self.keys).insert(id.into(), held);
        self
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether a key has this id, valid now or not.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    /// What a session under this key would be given now. Whether one that began under other keys may go on,
    /// [`upholds`](Self::upholds) tells.
    ///
    /// # Errors
    ///
    /// [`KeyFault`]: there is no valid key with this id.
    pub fn grant(&self, id: &str, now: UnixTime) -> Result<&Arc<Grant>, KeyFault> {
        self.valid(id, now).map(|held| &held.grant)
    }

    /// Whether a session that was `given` this, by this ring or an earlier one, may go on as it is: its key is
    /// there, valid, and has the same secret; it admits who has it, and permits the same, for no shorter time.
    /// Without keys only those go on that began without, in a role that the ring is open to.
    #[must_use]
    pub fn upholds(&self, bearer: &Bearer<'_>, given: &Grant, now: UnixTime) -> bool {
        let lasts = |last: Option<UnixTime>| {
            last.is_none_or(|last| given.not_after.is_some_and(|old| last >= old))
        };
        match self.valid(bearer.key_id, now) {
            Ok(held) => {
                let Held { terms, grant, .. } = &**held;
                grant.is_of_the_same_key(given)
                    && terms.admit(bearer.role, bearer.node_name).is_ok()
                    && grant.permissions == given.permissions
                    && lasts(grant.not_after)
            }
            Err(_) => {
                let began_without = given.tag == KeyTag::default();
                self.is_empty() && began_without && self.open_to.contain(bearer.role)
            }
        }
    }

    /// Who may connect while there is no key.
    pub(super) fn roles_without_key(&self) -> Roles {
        self.open_to
    }

    /// The key with which a handshake goes on: the right one, or a decoy and why.
    pub(super) fn find(
        &self,
        id: &str,
        decoys: &Decoys,
        now: UnixTime,
    ) -> (Prk, Result<Arc<Held>, KeyFault>) {
        // Not left to the optimiser, which may move it to where it is needed.
        let decoy = black_box(decoys.for_id(id));
        let found = self.valid(id, now);
        // Copied in any case: what is left of the decoy is overwritten in any case.
        let prk = found.map_or(&decoy, |held| &held.prk).clone();
        (prk, found.map(Arc::clone))
    }

    fn valid(&self, id: &str, now: UnixTime) -> Result<&Arc<Held>, KeyFault> {
        let held = self.keys.get(id).ok_or(KeyFault::Unknown)?;
        if held.terms.not_before.is_some_and(|first| now < first) {
            return Err(KeyFault::NotYetValid);
        }
        if held.grant.has_expired(now) {
            return Err(KeyFault::Expired);
        }
        Ok(held)
    }
}

impl Default for KeyRing {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the ids, which are no secret.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ids: Vec<&str> = self.keys.keys().map(|id| &**id).collect();
        ids.sort_unstable();
        f.debug_tuple("KeyRing").field(&ids).finish()
    }
}

impl Held {
    /// What a dialler that has proven to know the key is given.
    pub(super) fn admit(
        &self,
        role: Role,
        node_name: Option<&str>,
    ) -> Result<Arc<Grant>, HandshakeError> {
        self.terms.admit(role, node_name)?;
        Ok(Arc::clone(&self.grant))
    }
}

/// Why there is no key for an id. For logs and counters: the peer is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// No key has the id.
    Unknown,
    /// Its time has not come yet.
    NotYetValid,
    /// Its time is over.
    Expired,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no key has this id",
            Self::NotYetValid => "the key is not valid yet",
            Self::Expired => "the key has expired",
        })
    }
}

impl std::error::Error for KeyFault {}
