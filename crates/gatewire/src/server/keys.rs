//! Keys that change while the server runs, and keys whose time is over.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gatewire_codec::GoAwayCode;
use gatewire_core::Time;
use gatewire_core::handshake::{KeyRing, ListenerConfig};
use tokio::time::sleep;

use super::{Inner, SocketInner};
use crate::clock::unix_now;
use crate::error::DisconnectReason;
use crate::net::link::HasLink;

/// How long a session may go on after its key has expired or was taken away: it is asked to authenticate
/// anew at a random time within this, and closed then.
pub(crate) const REAUTH_GRACE: Duration = Duration::from_secs(30);

impl Inner {
    /// What handshakes go by now.
    pub(super) fn listener(&self) -> Arc<ListenerConfig> {
        Arc::clone(&self.listener.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_keys(self: &Arc<Self>, keys: &KeyRing) {
        {
            let mut listener = self.listener.write().unwrap_or_else(PoisonError::into_inner);
            *listener = Arc::new(ListenerConfig { keys: keys.clone(), ..(**listener).clone() });
        }
        let now = unix_now();
        let mut leaving = self.all_sockets();
        leaving.retain(|socket| {
            let open = keys.is_empty() && socket.key_id.is_none();
            !open && keys.grant(socket.key_id(), now).is_err()
        });
        if leaving.is_empty() {
            return;
        }
        for socket in &leaving {
            socket.ask_to_authenticate();
        }
        let server = Arc::clone(self);
        tokio::spawn(async move {
            // `None`: the server was closed, and they with it.
            if server.while_open(sleep(REAUTH_GRACE)).await.is_some() {
                for socket in leaving {
                    socket.link.end_for(DisconnectReason::KeyExpired);
                }
            }
        });
    }
}

impl SocketInner {
    /// When the key that the session began with is no longer valid.
    pub(super) fn expires(&self) -> Time {
        let Some(last) = self.grant.not_after else { return Time::NEVER };
        let left = last.as_secs().saturating_add(1).saturating_sub(unix_now().as_secs());
        self.server.clock.now() + Duration::from_secs(left)
    }

    /// Tells the client that it is to come again.
    pub(super) fn ask_to_authenticate(self: &Arc<Self>) {
        let window_ms = u32::try_from(REAUTH_GRACE.as_millis()).unwrap_or(u32::MAX);
        let code = GoAwayCode::Reauthenticate;
        let told = self.link().command(self, |outbound| outbound.go_away(code, window_ms, ""));
        if let Err(error) = told {
            tracing::debug!(socket = %self.id, %error, "a client was not told that its key expired");
        }
    }
}
