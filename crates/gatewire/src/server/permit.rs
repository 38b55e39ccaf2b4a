//! What a socket may do: whether it is checked at all, and what its key permits.

use std::sync::PoisonError;

use gatewire_codec::Target;
use gatewire_core::permissions::{Action, Denied, Meter};
use gatewire_core::session::Incoming;

use super::hub::is_short;
use super::{Socket, SocketInner};
use crate::net::guard::Guard;

impl Socket {
    /// `None`: the socket may do everything.
    pub(super) fn guard(&self) -> Option<Guard> {
        let (permissions, server) = (&self.inner.grant.permissions, &self.inner.server);
        let decisions = self.decisions();
        if permissions.is_open() && decisions.is_none() {
            return None;
        }
        Some(Guard { meter: Meter::new(permissions.rates(), server.clock.now()), decisions })
    }
}

impl SocketInner {
    /// Whether the key permits what came. Rooms to join are asked for one by one, where they are joined.
    pub(super) fn permit(&self, incoming: &Incoming<'_>) -> Result<(), Denied> {
        let permissions = &self.grant.permissions;
        match incoming {
            Incoming::Event { event, .. } | Incoming::Request { event, .. } => {
                permissions.check(&Action::Emit { event })
            }
            Incoming::Publish { target, event, .. } => self.permit_target(target, event),
            Incoming::StreamOpen { target, event, .. } => {
                permissions.check(&Action::Stream)?;
                match target {
                    None => permissions.check(&Action::Emit { event }),
                    Some(target) => self.permit_target(target, event),
                }
            }
            _ => Ok(()),
        }
    }

    fn permit_target(&self, target: &Target<'_>, event: &str) -> Result<(), Denied> {
        let permissions = &self.grant.permissions;
        if !is_short(target) {
            // It is refused for that.
            return Ok(());
        }
        if target.everyone {
            permissions.check(&Action::Broadcast { event })?;
        }
        for room in target.rooms {
            permissions.check(&Action::EmitRoom { room, event })?;
        }
        for id in target.sockets {
            let shares_room = permissions.asks_for_shared_room() && self.shares_room(id);
            permissions.check(&Action::EmitSocket { shares_room, event })?;
        }
        // Nobody is addressed, and the event is sent nowhere.
        Ok(())
    }

    /// Whether a socket is in a room with this one. Itself is.
    fn shares_room(&self, address: &str) -> bool {
        let hub = self.server.hub.read().unwrap_or_else(PoisonError::into_inner);
        match (self.key(), hub.find_address(address)) {
            (Some(key), Some((other, _))) => other == key || hub.share_room(key, other),
            _ => false,
        }
    }
}
