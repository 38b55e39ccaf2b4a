//! What clients ask of the hub: to relay a request, to join and leave.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gatewire_codec::{ErrorCode, NackCode, Names, Target, ValueRef};
use gatewire_core::hub::JoinError;
use gatewire_core::permissions::{Action, Denied};
use gatewire_core::session::SendError;

use super::{Inner, SocketInner};
use crate::error::EmitError;
use crate::net::link::{HasLink, LinkOutbound};
use crate::net::waiter::Waiter;

/// Why a client is not in a room.
enum NotJoined {
    /// Its key does not permit it.
    Denied(Denied),
    /// The hub does not take it.
    Refused(JoinError),
}

impl From<JoinError> for NotJoined {
    fn from(error: JoinError) -> Self {
        Self::Refused(error)
    }
}

/// How long an answer of one socket to another is waited for. The asking side has its own deadline;
/// this only bounds what the server keeps.
const RELAY_TIMEOUT: Duration = Duration::from_secs(60);

/// The most names of one list: eight times the rooms that a socket may be in by default. Each name
/// is looked up under the hub's lock, so a longer list of one client would delay all others.
pub(super) const MAX_NAMES: usize = 1024;

/// Whether a client may address so many rooms and sockets with one message.
pub(super) fn is_short(target: &Target<'_>) -> bool {
    let Target { rooms, sockets, except_rooms, except_sockets, .. } = target;
    [rooms, sockets, except_rooms, except_sockets].iter().all(|names| names.len() <= MAX_NAMES)
}

impl Inner {
    /// Asks one socket on behalf of another.
    pub(super) fn relay(
        &self,
        origin: &Arc<SocketInner>,
        id: u32,
        target: &Target<'_>,
        event: &str,
        value: ValueRef<'_>,
    ) {
        let Some(socket) = single(target).and_then(|id| self.socket(id.parse().ok()?)) else {
            origin.refuse_request(id, NackCode::NoSuchSocket, "");
            return;
        };
        let origin_link: Arc<dyn HasLink> = origin.clone();
        let waiter = Waiter::Relay { origin: Arc::downgrade(&origin_link), id };
        let deadline = self.clock.now() + RELAY_TIMEOUT;
        let asked = socket.inner.link().request(&socket.inner, deadline, |outbound, deadline| {
            outbound.request(event, value, deadline, waiter)
        });
        match asked {
            Ok(_) => {}
            Err(EmitError::QueueFull | EmitError::SlowConsumer) => {
                origin.refuse_request(id, NackCode::Busy, "");
            }
            Err(EmitError::TooLarge { .. }) => {
                origin.refuse_request(id, NackCode::TooLarge, "");
            }
            Err(_) => origin.refuse_request(id, NackCode::NoSuchSocket, ""),
        }
    }

    /// Refuses to join or leave more rooms at once than a socket could be in; whether it did.
    fn refuse_long(&self, socket: &Arc<SocketInner>, id: u32, rooms: Names<'_>) -> bool {
        let most = MAX_NAMES.max(self.limits.rooms.max_rooms);
        let long = rooms.len() > most;
        if long {
            let text = format!("{most} rooms at most can be named at once");
            match id {
                0 => socket.send_control(|out| out.refuse(0, ErrorCode::TooManyRooms, &text)),
                id => socket.refuse_request(id, NackCode::Denied, &text),
            }
        }
        long
    }

    /// A client joins rooms.
    pub(super) fn join(&self, socket: &Arc<SocketInner>, id: u32, rooms: Names<'_>) {
        if self.refuse_long(socket, id, rooms) {
            return;
        }
        let permissions = &socket.grant.permissions;
        let result = socket.with_key(|key| {
            let mut hub = self.hub.write().unwrap_or_else(PoisonError::into_inner);
            let mut result = Ok(());
            for room in rooms {
                let permitted = if permissions.is_open() || hub.is_member(key, room) {
                    Ok(())
                } else {
                    let joined = hub.rooms_of(key).count();
                    permissions.check(&Action::Join { room, joined }).map_err(NotJoined::Denied)
                };
                let joined = permitted
                    .and_then(|()| hub.join(key, room).map(drop).map_err(NotJoined::Refused));
                // One that is refused does not keep the socket out of the others.
                result = result.and(joined);
            }
            result
        });
        let (code, text) = match result.unwrap_or(Err(JoinError::NoSuchSocket.into())) {
            Ok(()) => return socket.confirm(id),
            Err(NotJoined::Denied(denied)) => (ErrorCode::Denied, denied.to_string()),
            Err(NotJoined::Refused(error @ JoinError::TooManyRooms { .. })) => {
                (ErrorCode::TooManyRooms, error.to_string())
            }
            Err(NotJoined::Refused(error)) => (ErrorCode::BadRoomName, error.to_string()),
        };
        if id == 0 {
            socket.send_control(|outbound| outbound.refuse(0, code, &text));
        } else {
            socket.refuse_request(id, NackCode::Denied, &text);
        }
    }

    /// A client leaves rooms.
    pub(super) fn leave(&self, socket: &Arc<SocketInner>, id: u32, rooms: Names<'_>) {
        if self.refuse_long(socket, id, rooms) {
            return;
        }
        socket.with_key(|key| {
            let mut hub = self.hub.write().unwrap_or_else(PoisonError::into_inner);
            for room in rooms {
                hub.leave(key, room);
            }
        });
        socket.confirm(id);
    }

    /// A client leaves all its rooms.
    pub(super) fn leave_all(&self, socket: &Arc<SocketInner>, id: u32) {
        socket.with_key(|key| {
            self.hub.write().unwrap_or_else(PoisonError::into_inner).leave_all(key);
        });
        socket.confirm(id);
    }
}

/// The one socket that a target names, if it names nothing else.
pub(super) fn single<'a>(target: &Target<'a>) -> Option<&'a str> {
    let only_sockets = Target { sockets: target.sockets, ..Target::default() } == *target;
    let mut sockets = target.sockets.iter();
    match (only_sockets, sockets.next(), sockets.next()) {
        (true, Some(id), None) => Some(id),
        _ => None,
    }
}

impl SocketInner {
    /// Answers a join or a leave, if an answer is wanted.
    fn confirm(self: &Arc<Self>, id: u32) {
        if id != 0 {
            self.send_control(|outbound| outbound.ack(id, ValueRef::Empty));
        }
    }

    pub(super) fn refuse_request(self: &Arc<Self>, id: u32, code: NackCode, text: &str) {
        let value = if text.is_empty() { ValueRef::Empty } else { ValueRef::String(text) };
        self.send_control(|outbound| outbound.nack(id, code, value));
    }

    pub(super) fn send_control(
        self: &Arc<Self>,
        push: impl FnOnce(&mut LinkOutbound) -> Result<(), SendError>,
    ) {
        if let Err(error) = self.link().command(self, push) {
            tracing::debug!(socket = %self.id, %error, "an answer was not sent");
        }
    }
}
