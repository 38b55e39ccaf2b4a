//! Streams to others: who receives, and what a client asks for.

use std::sync::{Arc, PoisonError};

use futures_util::task::AtomicWaker;
use gatewire_codec::{NackCode, SocketAddress, StreamCode, Target, ValueRef};
use gatewire_core::fanout::SlowReceivers;
use gatewire_core::session::ProtocolError;
use gatewire_format::{EncodeContext, IntoValue};

use super::group::{Group, Relay, Source};
use super::hub::{MAX_NAMES, is_short, single};
use super::{Inner, SocketInner};
use crate::clock::Clock;
use crate::error::EmitError;
use crate::net::link::{HasLink, with_scratch};
use crate::net::pipes::OpenError;
use crate::router::{flow_of_socket, readers};
use crate::stream::{FanoutWriter, StreamError};

/// The longest value that may come with a stream or a request to many: it is encoded for each receiver.
pub(crate) const MAX_INFO: u32 = 64 << 10;

/// Bytes that a value takes.
pub(crate) fn length(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::String(text) => text.len(),
        ValueRef::Binary(bytes) | ValueRef::Object { bytes, .. } => bytes.len(),
        _ => size_of::<u64>(),
    }
}

/// A stream that a client opens to others.
pub(super) struct Opened<'f> {
    pub(super) id: u32,
    pub(super) target: Target<'f>,
    pub(super) event: &'f str,
    pub(super) info: ValueRef<'f>,
    pub(super) ack: bool,
}

impl Inner {
    /// Who is addressed at this node, at this moment.
    pub(crate) fn receivers(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
    ) -> Vec<Arc<SocketInner>> {
        match self.router() {
            Some(router) => router.receivers(target, sender),
            None => self.receivers_here(target, sender),
        }
    }

    /// Who is addressed at this server.
    pub(crate) fn receivers_here(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
    ) -> Vec<Arc<SocketInner>> {
        let sender = sender.and_then(SocketInner::key);
        let mut receivers = Vec::new();
        let hub = self.hub.read().unwrap_or_else(PoisonError::into_inner);
        hub.deliver(target, sender, |_, socket| receivers.push(Arc::clone(socket)));
        receivers
    }

    /// Opens a stream to a target, for the server itself or one of its sockets.
    pub(crate) fn open_fanout(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
        event: &str,
        info: &impl IntoValue,
    ) -> Result<FanoutWriter, StreamError> {
        let here = self.receivers(target, sender);
        let readers = readers(self.router(), &here, target, flow_of_socket(sender));
        let group = with_scratch(info.uses_scratch(), |scratch| {
            let info = info.to_value(EncodeContext::new(&self.formats, event, scratch));
            let info = info.map_err(EmitError::from)?;
            let length = length(info);
            if length > MAX_INFO as usize {
                return Err(EmitError::TooLarge { length, limit: MAX_INFO });
            }
            let source = (Source::Local(AtomicWaker::new()), None);
            Ok(Group::open(self.pace(), readers, source, target, event, info))
        });
        Ok(FanoutWriter::here(group?))
    }

    /// Passes a client's stream on.
    pub(super) fn relay_stream(
        &self,
        socket: &Arc<SocketInner>,
        opened: &Opened<'_>,
    ) -> Result<(), ProtocolError> {
        let Opened { id, target, event, info, ack } = *opened;
        let refuse = |nack, stop| {
            if ack {
                socket.refuse_request(id, nack, "");
            } else {
                socket.send_control(|outbound| outbound.stop_stream(id, stop, ""));
            }
            Ok(())
        };
        let link = socket.link();
        let place = match link.reserve_pipe(self.limits.streams, id) {
            Ok(place) => place,
            Err(OpenError::TooMany) => return refuse(NackCode::Busy, StreamCode::TooMany),
            Err(OpenError::IdInUse) => return Err(ProtocolError::StreamIdInUse(id)),
        };
        if !is_short(&target) {
            let text = format!("a stream may name {MAX_NAMES} rooms or sockets at most");
            if ack {
                socket.refuse_request(id, NackCode::Denied, &text);
                return Ok(());
            }
            return refuse(NackCode::Denied, StreamCode::NotTaken);
        }
        let receiver = single(&target);
        if receiver.is_none() && length(info) > MAX_INFO as usize {
            return refuse(NackCode::TooLarge, StreamCode::NotTaken);
        }
        let flow = flow_of_socket(Some(socket));
        let readers = match receiver {
            None => readers(self.router(), &self.receivers(&target, Some(socket)), &target, flow),
            Some(address) => {
                let Ok(address) = address.parse::<SocketAddress>() else {
                    return refuse(NackCode::NoSuchSocket, StreamCode::NotTaken);
                };
                let here: Vec<_> =
                    self.find_here(&address).into_iter().map(|socket| socket.inner).collect();
                let router = self.router().filter(|router| router.other_node(&address).is_some());
                let there = router.is_some();
                let found = readers(router, &here, &target, flow);
                if found.0.is_empty() && there {
                    return refuse(NackCode::Unreachable, StreamCode::PathLost);
                } else if found.0.is_empty() {
                    return refuse(NackCode::NoSuchSocket, StreamCode::NotTaken);
                }
                found
            }
        };
        let owner: Arc<dyn HasLink> = Arc::<SocketInner>::clone(socket);
        let (session, single) = (link.session(), receiver.is_some());
        let source = Source::Relay(Relay { owner, id, session, ack, single, routed: false });
        Group::open(self.pace(), readers, (source, Some(place)), &target, event, info);
        Ok(())
    }

    /// What a stream to many goes by.
    fn pace(&self) -> (Clock, SlowReceivers) {
        (self.clock, self.limits.slow_receivers)
    }
}
