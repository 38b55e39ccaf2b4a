//! Which actions a message consists of, in the order in which they are asked for.

use gatewire_codec::{Names, SocketAddress, SocketId, Target};
use gatewire_core::session::Incoming;

use super::Action;

/// The actions of a message. None: it needs no decision.
pub(crate) fn questions<'f>(incoming: &Incoming<'f>) -> impl Iterator<Item = Action<'f>> + use<'f> {
    let mut parts = Parts::default();
    match *incoming {
        Incoming::Event { event, .. } | Incoming::Request { event, .. } => {
            parts.server = Some(event);
        }
        Incoming::Publish { target, event, .. } => parts.address(target, event),
        Incoming::StreamOpen { target, event, .. } => {
            parts.stream = Some(event);
            match target {
                Some(target) => parts.address(target, event),
                None => parts.server = Some(event),
            }
        }
        Incoming::Join { rooms, .. } => parts.joins = rooms,
        _ => {}
    }
    parts.actions()
}

/// What a message does, in the order of its questions.
#[derive(Default)]
struct Parts<'f> {
    stream: Option<&'f str>,
    server: Option<&'f str>,
    everyone: Option<&'f str>,
    /// What the rooms and sockets are sent.
    event: &'f str,
    rooms: Names<'f>,
    sockets: Names<'f>,
    joins: Names<'f>,
}

impl<'f> Parts<'f> {
    fn address(&mut self, target: Target<'f>, event: &'f str) {
        self.everyone = target.everyone.then_some(event);
        (self.event, self.rooms, self.sockets) = (event, target.rooms, target.sockets);
    }

    fn actions(self) -> impl Iterator<Item = Action<'f>> {
        let Self { stream, server, everyone, event, rooms, sockets, joins } = self;
        let stream = stream.map(|event| Action::Stream { event });
        let server = server.map(|event| Action::Emit { event });
        let everyone = everyone.map(|event| Action::Broadcast { event });
        // What is no address is nobody's.
        let ids = sockets.iter().filter_map(session_of);
        stream
            .into_iter()
            .chain(server)
            .chain(everyone)
            .chain(rooms.iter().map(move |room| Action::EmitRoom { room, event }))
            .chain(ids.map(move |socket| Action::EmitSocket { socket, event }))
            .chain(joins.iter().map(|room| Action::Join { room }))
    }
}

/// The session that an address names, at whatever node: an id is drawn at random, and no two sessions have one.
fn session_of(address: &str) -> Option<SocketId> {
    // A bare id first, which costs no allocation.
    address.parse().ok().or_else(|| Some(address.parse::<SocketAddress>().ok()?.session()))
}

#[cfg(test)]
mod tests;
