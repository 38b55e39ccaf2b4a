//! What a server does with its connections' messages.

use std::sync::Arc;
use std::time::Duration;

use gatewire_codec::GoAwayCode;
use gatewire_core::Time;
use gatewire_core::permissions::Denied;
use gatewire_core::session::{Incoming, ProtocolError};

use super::streams::Opened;
use super::{Inner, Socket, SocketInner, fanout};
use crate::handler::Handlers;
use crate::net::guard::Guard;
use crate::net::side::Side;

pub(super) struct ServerSide {
    pub(super) socket: Socket,
}

impl Side for ServerSide {
    type Owner = SocketInner;
    type Context = Socket;
    const HOLDS: bool = true;

    fn owner(&self) -> &Arc<SocketInner> {
        &self.socket.inner
    }

    fn context(&self) -> &Socket {
        &self.socket
    }

    fn handlers(&self) -> &Handlers<Socket> {
        &self.socket.inner.server.handlers
    }

    fn own_handlers(&self) -> Option<&Handlers<Socket>> {
        self.socket.inner.own.get()
    }

    fn hub(&self, incoming: Incoming<'_>) -> Result<(), ProtocolError> {
        let socket = &self.socket.inner;
        let server = &socket.server;
        match incoming {
            Incoming::Publish { request: None, target, event, value } => {
                Inner::publish_for(socket, &target, event, value);
            }
            Incoming::Publish { request: Some(id), target, event, value } => {
                server.relay(socket, id, &target, event, value);
            }
            Incoming::StreamOpen { id, target: Some(target), event, info, ack } => {
                server.relay_stream(socket, &Opened { id, target, event, info, ack })?;
            }
            Incoming::Join { id, rooms } => server.join(socket, id, rooms),
            Incoming::Leave { id, rooms } => server.leave(socket, id, rooms),
            Incoming::LeaveAll { id } => server.leave_all(socket, id),
            // The driver deals with all others.
            _ => return Err(ProtocolError::Unexpected("message")),
        }
        Ok(())
    }

    fn guard(&self) -> Option<Guard> {
        self.socket.guard()
    }

    fn permit(&self, incoming: &Incoming<'_>) -> Result<(), Denied> {
        self.socket.inner.permit(incoming)
    }

    fn expires(&self) -> Time {
        self.socket.inner.expires()
    }

    fn prolonged(&self) -> Option<Time> {
        self.socket.inner.prolonged()
    }

    fn ask_to_authenticate(&self) -> Duration {
        self.socket.inner.ask_to_authenticate()
    }

    fn follow(&self, frame: &[u8]) -> bool {
        fanout::follow(&self.socket.inner, frame)
    }

    fn deliver_publishes(&self) {
        fanout::deliver();
    }

    fn go_away(&self, _: GoAwayCode, _: Duration) {
        // A client that announces its end needs no preparation.
    }
}
