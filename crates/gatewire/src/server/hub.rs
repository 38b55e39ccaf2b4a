//! What clients ask of the hub: to relay a request, to join and leave.

use std::sync::Arc;
use std::time::Duration;

use gatewire_codec::{ErrorCode, NackCode, Names, SocketAddress, Target, ValueRef};
use gatewire_core::hub::{Hub, JoinError, SocketKey};
use gatewire_core::permissions::{Action, Denied};
use gatewire_core::session::SendError;

use super::{Inner, SocketInner};
use crate::error::EmitError;
use crate::net::decisions::Refusal;
use crate::net::link::{HasLink, LinkOutbound};
use crate::net::waiter::Waiter;
use crate::router::flow_of_socket;

/// Why a client is not in a room.
pub(super) enum NotJoined {
    /// Its key does not permit it.
    Denied(Denied),
    /// The hub does not take it.
    Refused(JoinError),
}

impl From<Denied> for NotJoined {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<JoinError> for NotJoined {
    fn from(error: JoinError) -> Self {
        Self::Refused(error)
    }
}

impl From<NotJoined> for Refusal {
    fn from(reason: NotJoined) -> Self {
        let (code, text) = match reason {
            NotJoined::Denied(denied) => (ErrorCode::Denied, denied.to_string()),
            NotJoined::Refused(error @ JoinError::TooManyRooms { .. }) => {
                (ErrorCode::TooManyRooms, error.to_string())
            }
            NotJoined::Refused(error) => (ErrorCode::BadRoomName, error.to_string()),
        };
        Self { code, text: text.into() }
    }
}

/// How long an answer of one socket to another is waited for. The asking side has its own deadline;
/// this only bounds what the server keeps.
pub(crate) const RELAY_TIMEOUT: Duration = Duration::from_secs(60);

/// The most names of one list: eight times the rooms that a socket may be in by default. Each name
/// is looked up under the hub's lock, so a longer list of one client would delay all others.
pub(super) const MAX_NAMES: usize = 1024;

/// Whether a client may address so many rooms and sockets with one message.
pub(super) fn is_short(target: &Target<'_>) -> bool {
    let Target { rooms, sockets, except_rooms, except_sockets, .. } = target;
    [rooms, sockets, except_rooms, except_sockets].iter().all(|names| names.len() <= MAX_NAMES)
}

impl Inner {
    /// Asks one socket, or many, on behalf of another.
    pub(super) fn relay(
        &self,
        origin: &Arc<SocketInner>,
        id: u32,
        target: &Target<'_>,
        event: &str,
        value: ValueRef<'_>,
    ) {
        let Some(address) = single(target) else {
            return self.ask_many_for(origin, id, target, event, value);
        };
        let Ok(address) = address.parse::<SocketAddress>() else {
            return origin.refuse_request(id, NackCode::NoSuchSocket, "");
        };
        let origin_link: Arc<dyn HasLink> = origin.clone();
        let waiter = Waiter::Relay { origin: Arc::downgrade(&origin_link), id };
        if let Some(router) = self.router()
            && router.other_node(&address).is_some()
        {
            let (deadline, flow) = (router.now() + RELAY_TIMEOUT, flow_of_socket(Some(origin)));
            let asked = router.ask((&address, flow), event, value, deadline, waiter, Some(origin));
            if let Err(error) = asked {
                let (code, _) = error.to_nack();
                origin.refuse_request(id, code, "");
            }
            return;
        }
        let Some(socket) = self.find_here(&address) else {
            return origin.refuse_request(id, NackCode::NoSuchSocket, "");
        };
        let deadline = socket.inner.link().clock.now() + RELAY_TIMEOUT;
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

    /// The most rooms that a client may name to join or leave at once: more than it could be in.
    fn most_names(&self) -> usize {
        MAX_NAMES.max(self.limits.rooms.max_rooms)
    }

    /// Whether a client may join or leave so many rooms at once.
    pub(super) fn may_name(&self, rooms: Names<'_>) -> bool {
        rooms.len() <= self.most_names()
    }

    /// Refuses to join or leave more rooms at once than a socket could be in; whether it did.
    fn refuse_long(&self, socket: &Arc<SocketInner>, id: u32, rooms: Names<'_>) -> bool {
        let long = !self.may_name(rooms);
        if long {
            let text = format!("{} rooms at most can be named at once", self.most_names());
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
        let result = self.change_rooms(|hub| {
            let mut result = Ok(());
            for room in rooms {
                // One that is refused does not keep the socket out of the others.
                result = result.and(socket.join(hub, room));
            }
            result
        });
        socket.answer_join(id, result.err().map(Refusal::from));
    }

    /// A client leaves rooms.
    pub(super) fn leave(&self, socket: &Arc<SocketInner>, id: u32, rooms: Names<'_>) {
        if self.refuse_long(socket, id, rooms) {
            return;
        }
        socket.with_key(|key| {
            self.change_rooms(|hub| {
                for room in rooms {
                    hub.leave(key, room);
                }
            });
        });
        socket.confirm(id);
    }

    /// A client leaves all its rooms.
    pub(super) fn leave_all(&self, socket: &Arc<SocketInner>, id: u32) {
        socket.with_key(|key| {
            self.change_rooms(|hub| hub.leave_all(key));
        });
        socket.confirm(id);
    }
}

/// The one socket that a target names, if it names nothing else.
pub(crate) fn single<'a>(target: &Target<'a>) -> Option<&'a str> {
    let only_sockets = Target { sockets: target.sockets, ..Target::default() } == *target;
    let mut sockets = target.sockets.iter();
    match (only_sockets, sockets.next(), sockets.next()) {
        (true, Some(id), None) => Some(id),
        _ => None,
    }
}

impl SocketInner {
    /// Whether a join would put the socket into a room. `false`: it is in it already.
    pub(super) fn may_join(&self, hub: &Hub<Arc<Self>>, room: &str) -> Result<bool, NotJoined> {
        let key = self.permit_join(hub, room)?;
        Ok(hub.may_join(key, room)?)
    }

    /// Puts the socket into a room, if its key permits it.
    pub(super) fn join(&self, hub: &mut Hub<Arc<Self>>, room: &str) -> Result<(), NotJoined> {
        let key = self.permit_join(hub, room)?;
        hub.join(key, room)?;
        Ok(())
    }

    /// Whether the key of the socket permits a join. A room that it is in is not joined again.
    fn permit_join(&self, hub: &Hub<Arc<Self>>, room: &str) -> Result<SocketKey, NotJoined> {
        let key = self.key().ok_or(JoinError::NoSuchSocket)?;
        let permissions = &self.grant.permissions;
        if !permissions.is_open() && !hub.is_member(key, room) {
            let joined = hub.rooms_of(key).count();
            permissions.check(&Action::Join { room, joined })?;
        }
        Ok(key)
    }

    /// Answers a join: with the first refusal, if a room was not joined.
    pub(super) fn answer_join(self: &Arc<Self>, id: u32, refused: Option<Refusal>) {
        match (id, refused) {
            (id, None) => self.confirm(id),
            (0, Some(Refusal { code, text })) => {
                self.send_control(|outbound| outbound.refuse(0, code, &text));
            }
            (id, Some(Refusal { text, .. })) => self.refuse_request(id, NackCode::Denied, &text),
        }
    }

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
