//! Keys that change while the server runs, and keys whose time is over.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gatewire_codec::GoAwayCode;
use gatewire_codec::v3::handshake::Role;
use gatewire_core::handshake::{Bearer, Grant, KeyRing, ListenerConfig};
use gatewire_core::{SocketId, Time, UnixTime};
use tokio::time::sleep;

use super::{Inner, Server, Socket, SocketInner};
use crate::clock::unix_now;
use crate::error::DisconnectReason;
use crate::net::link::HasLink;
use crate::wire::Wire;

/// How long a session may go on when its key does not uphold it any more, unless the builder says otherwise:
/// `docs/decisions.md`, "A key that is gone leaves its sessions 30 s".
pub(crate) const REAUTH_GRACE: Duration = Duration::from_secs(30);

impl Server {
    /// Replaces the keys: who connects from now on has to know one of these.
    ///
    /// A session goes on as it is while its key is among them, valid, with the same secret and permissions, and still
    /// admits its role (and, if it is a router's, its name); without a key, while nobody needs one for it. All others
    /// are asked to authenticate anew (GOAWAY 1), which a [`Client`](crate::Client) does by itself, and
    /// are closed after the [grace](crate::ServerBuilder::reauth_grace). Links of other routers that are not upheld
    /// are closed at once: they dial again by themselves.
    ///
    /// An empty ring opens the server to everybody.
    ///
    /// # Panics
    ///
    /// Outside a runtime, if there are such sessions.
    pub fn set_keys(&self, keys: &KeyRing) {
        self.inner.set_keys(keys);
    }
}

/// What was given under a key, for the time that these keys give it. `None`: for the same time, or it is another
/// key.
pub(crate) fn prolonged(
    given: &Grant,
    key_id: &str,
    keys: &KeyRing,
    now: UnixTime,
) -> Option<Grant> {
    let grant = keys.grant(key_id, now).ok()?;
    let other = grant.is_of_the_same_key(given) && grant.not_after != given.not_after;
    other.then(|| {
        let mut prolonged = given.clone();
        prolonged.not_after = grant.not_after;
        prolonged
    })
}

impl Inner {
    /// What handshakes go by now.
    pub(super) fn listener(&self) -> Arc<ListenerConfig> {
        Arc::clone(&self.listener.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_keys(self: &Arc<Self>, keys: &KeyRing) {
        let before = {
            let mut listener = self.listener.write().unwrap_or_else(PoisonError::into_inner);
            let changed = Arc::new(ListenerConfig { keys: keys.clone(), ..(**listener).clone() });
            std::mem::replace(&mut *listener, changed)
        };
        let now = unix_now();
        let leaving = self.all_sockets().into_iter().filter_map(|socket| {
            // It may have been given more time since.
            let given = prolonged(&socket.grant, socket.key_id(), &before.keys, now);
            let given = given.map_or_else(|| Arc::clone(&socket.grant), Arc::new);
            (!socket.is_upheld(keys, &given, now)).then_some((socket, given))
        });
        self.send_away(leaving.collect());
        if let Some(router) = self.router() {
            router.check_keys(self, &before.keys);
        }
    }

    /// The keys that are accepted now.
    pub(crate) fn keys(&self) -> KeyRing {
        self.listener().keys.clone()
    }

    /// For a socket that has just come into the hub: its handshake may have begun under older keys than those
    /// by which [`set_keys`](Self::set_keys) chose whom to send away.
    pub(super) fn check_key(self: &Arc<Self>, socket: &Arc<SocketInner>) {
        if !socket.is_upheld(&self.listener().keys, &socket.grant, unix_now()) {
            self.send_away(vec![(Arc::clone(socket), Arc::clone(&socket.grant))]);
        }
    }

    /// Asks sessions to authenticate anew, and closes those that have not gone after the grace, unless what they had
    /// until now is upheld again.
    fn send_away(self: &Arc<Self>, leaving: Vec<(Arc<SocketInner>, Arc<Grant>)>) {
        if leaving.is_empty() {
            return;
        }
        for (socket, _) in &leaving {
            socket.ask_to_authenticate();
        }
        let ids = leaving.into_iter().map(|(socket, given)| (socket.id, given));
        let ids: Vec<(SocketId, Arc<Grant>)> = ids.collect();
        let server = Arc::clone(self);
        tokio::spawn(async move {
            // `None`: the server was closed, and they with it.
            if server.while_open(sleep(server.reauth_grace)).await.is_none() {
                return;
            }
            let (keys, now) = (server.listener().keys.clone(), unix_now());
            for (id, given) in ids {
                let Some(Socket { inner }) = server.socket(id) else { continue };
                // The key may be back: the operator had left it out by mistake.
                if !inner.is_upheld(&keys, &given, now) {
                    inner.link.end_for(DisconnectReason::KeyExpired);
                }
            }
        });
    }
}

impl SocketInner {
    /// Whether these keys let the session go on as it is, with what it was given.
    fn is_upheld(&self, keys: &KeyRing, given: &Grant, now: UnixTime) -> bool {
        if self.link.wire() != Wire::V3 {
            // It has shown none of these keys, and cannot be asked to show one.
            return true;
        }
        let bearer = Bearer { key_id: self.key_id(), role: Role::Client, node_name: None };
        keys.upholds(&bearer, given, now)
    }

    /// When the key that the session began with is no longer valid.
    pub(super) fn expires(&self) -> Time {
        self.until(&self.grant)
    }

    /// When it is, if the key was given more time since.
    pub(super) fn prolonged(&self) -> Option<Time> {
        let listener = self.server.listener();
        let grant = prolonged(&self.grant, self.key_id(), &listener.keys, unix_now())?;
        Some(self.until(&grant))
    }

    fn until(&self, grant: &Grant) -> Time {
        let Some(last) = grant.not_after else { return Time::NEVER };
        let left = last.as_secs().saturating_add(1).saturating_sub(unix_now().as_secs());
        self.server.clock.now() + Duration::from_secs(left)
    }

    /// Tells the client that it is to come again; how long it has for that.
    pub(super) fn ask_to_authenticate(self: &Arc<Self>) -> Duration {
        let grace = self.server.reauth_grace;
        let window_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
        let code = GoAwayCode::Reauthenticate;
        let told = self.link().command(self, |outbound| outbound.go_away(code, window_ms, ""));
        if let Err(error) = told {
            tracing::debug!(socket = %self.id, %error, "a client was not told that its key expired");
        }
        grace
    }
}
