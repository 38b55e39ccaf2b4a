//! What a connection does with the frames of streams.

use std::sync::Arc;

use gatewire_codec::{NackCode, StreamCode, ValueRef};
use gatewire_core::session::{Incoming, ProtocolError};

use super::assembly::Frame;
use super::link::HasLink;
use super::pipes::{OpenError, reset};
use super::receiver::Receiver;
use super::run::Received;
use super::side::Side;
use super::waiter::Waiter;
use crate::error::DisconnectReason;
use crate::stream::StreamReader;

impl<S: Side> Receiver<S> {
    /// Handles one frame of a stream. `Err`: the connection is to end.
    pub(super) fn handle_stream(
        &mut self,
        incoming: Incoming<'_>,
        frame: &Frame<'_>,
    ) -> Result<(), DisconnectReason> {
        let owner = self.side.owner();
        let link = owner.link();
        match incoming {
            Incoming::StreamOpen { id, target: None, event, info, ack } => {
                self.open(id, Received { event, value: &info, request: ack.then_some(id) }, frame)?;
            }
            Incoming::StreamChunk { id, bytes } => {
                // One that is not open any more: the writer does not know yet.
                let Some(stream) = link.find_pipe(id) else { return Ok(()) };
                // Not a long one, if it were longer than a frame can be.
                self.chunk_frame = u32::try_from(frame.bytes().len()).unwrap_or(0);
                let kept = frame.owned();
                if stream.handle_data(bytes, kept).map_err(broken)? {
                    link.with_outbound(|outbound| outbound.probe_stream(id));
                }
            }
            Incoming::StreamFinish { id, length } => {
                if let Some(stream) = link.find_pipe(id) {
                    stream.handle_finish(length).map_err(broken)?;
                }
            }
            Incoming::StreamReset { id, code, text } => {
                if let Some(stream) = link.find_pipe(id) {
                    stream.handle_failure(reset(code, text));
                }
            }
            Incoming::StreamProbed { id } => {
                if let Some(stream) = link.find_pipe(id) {
                    stream.handle_probed();
                }
            }
            Incoming::StreamStop { id, code, text } => {
                // Told without the lock. `None`: it is sent whole, or gone.
                let watcher = link.with_outbound(|outbound| outbound.end_stream(id));
                if let Some(watcher) = watcher {
                    watcher.stopped(code, text);
                }
            }
            Incoming::Outcome { id, socket_id, outcome } => {
                // Of a stream that this end writes, or of a request; each is told without the lock.
                let (watcher, asking) =
                    link.with_outbound(|outbound| match outbound.stream_handle(id) {
                        Some(watcher) => (Some(watcher), None),
                        None => (None, outbound.waiter(id).and_then(Waiter::receiver)),
                    });
                if let Some(watcher) = watcher {
                    watcher.outcome(socket_id, outcome);
                }
                if let Some(asking) = asking {
                    asking.outcome(socket_id, outcome);
                }
            }
            Incoming::StreamCredit { id, limit } => link.with_outbound(|outbound| {
                if outbound.open_streams() > 0 {
                    outbound.streams_mut().handle_credit(id, limit);
                }
            }),
            other => debug_assert!(false, "no frame of a stream: {other:?}"),
        }
        Ok(())
    }

    /// The peer opens a stream to be read here.
    fn open(
        &mut self,
        id: u32,
        received: Received<'_>,
        frame: &Frame<'_>,
    ) -> Result<(), DisconnectReason> {
        let owner = self.side.owner();
        let link = owner.link();
        match link.open_pipe(owner.stream_limits(), id) {
            Ok((pipe, slot)) => {
                let answered = received.request.is_some();
                let owner = Arc::clone(owner);
                let stream = StreamReader::new(pipe, slot, owner, self.inbox.session(), answered);
                self.inbox.receive_stream(&self.side, received, stream, frame);
                Ok(())
            }
            Err(OpenError::TooMany) => {
                let refused = link.command(owner, |outbound| match received.request {
                    Some(id) => outbound.nack(id, NackCode::Busy, ValueRef::Empty),
                    None => outbound.stop_stream(id, StreamCode::TooMany, ""),
                });
                if let Err(error) = refused {
                    tracing::debug!(%error, "the refusal of a stream was not sent");
                }
                Ok(())
            }
            Err(OpenError::IdInUse) => {
                Err(DisconnectReason::Protocol(ProtocolError::StreamIdInUse(id)))
            }
        }
    }
}

fn broken(error: gatewire_core::session::FlowError) -> DisconnectReason {
    DisconnectReason::Protocol(error.into())
}
