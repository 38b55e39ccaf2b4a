//! What the peer says.

use std::fmt;

use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{DecodeError, FrameError, Message, NackCode, Version, v3};

use super::input::{Piece, kind_and_id};
use super::{MAX_TOLD, Side, Translator};
use crate::handshake::error_frame;

/// The peer broke the protocol: the connection is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerError {
    /// A frame is too long or too short.
    Frame(FrameError),
    /// A frame does not hold what its lengths say, or is of another version.
    Malformed(DecodeError),
    /// A stream was opened under the id of another that is open, or under 0.
    StreamId(u32),
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::Malformed(error) => error.fmt(f),
            Self::StreamId(id) => write!(f, "the id {id} of a stream is in use, or is none"),
        }
    }
}

impl std::error::Error for PeerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Frame(error) => Some(error),
            Self::Malformed(error) => Some(error),
            Self::StreamId(_) => None,
        }
    }
}

impl From<FrameError> for PeerError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl Translator {
    /// Takes bytes that were read from the peer, cut anywhere.
    ///
    /// # Errors
    ///
    /// [`PeerError`]: the connection is to end. If the peer speaks another version, it is told so in that version.
    pub fn handle_peer(&mut self, mut bytes: &[u8]) -> Result<(), PeerError> {
        while let Some(piece) = self.input.next(&mut bytes)? {
            match piece {
                Piece::Frame(frame) => self.handle_frame(frame.bytes())?,
                Piece::Chunk { id, bytes } => self.handle_chunk(id, bytes),
            }
        }
        Ok(())
    }

    fn handle_frame(&mut self, frame: &[u8]) -> Result<(), PeerError> {
        let packet = match Packet::decode_as(self.settings.version, frame) {
            Ok(packet) => packet,
            Err(error) => return self.handle_malformed(frame, error),
        };
        match packet.to_message() {
            Ok(message) => self.handle_message(message),
            Err(DecodeError::UnknownKind { .. }) => {
                self.ignored += 1;
                Ok(())
            }
            // A chunk that is neither binary nor a text: bytes are missing, so it is no stream any more.
            Err(DecodeError::WrongType { .. })
                if self.reading.is_written(packet.id) && is_chunk(&packet) =>
            {
                self.reading.give_up(packet.id, "a chunk was no bytes", &mut self.near);
                Ok(())
            }
            Err(error) => {
                self.complain(&error);
                Ok(())
            }
        }
    }

    /// What is wrong inside a value costs that message; what is wrong with lengths, or another version, all.
    fn handle_malformed(&mut self, frame: &[u8], error: DecodeError) -> Result<(), PeerError> {
        match error {
            DecodeError::UnknownType { .. }
            | DecodeError::InvalidUtf8 { .. }
            | DecodeError::BadLength { .. }
            | DecodeError::BadValue { .. } => {
                match kind_and_id(self.settings.version, frame) {
                    // Without these bytes it would look whole.
                    Some((Kind::Stream, id)) if self.reading.is_written(id) => {
                        self.reading.give_up(id, "a chunk was no bytes", &mut self.near);
                    }
                    // Nobody looks at what it carries.
                    Some((Kind::StreamClose, id)) => {
                        self.handle_end(id);
                        return Ok(());
                    }
                    _ => {}
                }
                self.complain(&error);
                Ok(())
            }
            DecodeError::WrongVersion { found, .. } => {
                let ours = self.settings.version as u8;
                let text = format!("this connection speaks version {ours}, not {found}");
                let theirs = if found == 2 { Version::V2 } else { Version::V1 };
                let frame = error_frame(theirs, self.next_id, &text);
                self.peer.extend_from_slice(&frame);
                self.told = true;
                Err(PeerError::Malformed(error))
            }
            error => Err(PeerError::Malformed(error)),
        }
    }

    fn handle_message(&mut self, message: Message<'_>) -> Result<(), PeerError> {
        let values = self.settings.values;
        match message {
            Message::Event { event, value } => {
                let value = values.inward(value);
                self.pass_on(&Message::Event { event, value });
            }
            Message::Request { id, event, value } => {
                let value = values.inward(value);
                self.pass_on(&Message::Request { id, event, value });
            }
            Message::Ack { id, value } => match self.owed.take(id) {
                Some(id) => {
                    let value = values.inward(value);
                    if !self.pass_on(&Message::Ack { id, value }) {
                        self.tell_near(&Message::Nack {
                            id,
                            code: NackCode::TooLarge,
                            value: gatewire_codec::ValueRef::Empty,
                        });
                    }
                }
                None => self.ignored += 1,
            },
            Message::StreamOpen { id, target, event, info, ack } => {
                if target.is_some() && self.settings.side == Side::Client {
                    self.ignored += 1;
                    return Ok(());
                }
                if id == 0 || !self.reading.open(id, target.is_some()) {
                    return Err(PeerError::StreamId(id));
                }
                let info = values.inward(info);
                if !self.pass_on(&Message::StreamOpen { id, target, event, info, ack }) {
                    self.reading.close(id);
                }
            }
            Message::StreamChunk { id, bytes, .. } => self.handle_chunk(id, bytes),
            Message::StreamFinish { id, .. } => self.handle_end(id),
            Message::Error { text, .. } => {
                self.tell_near(&Message::Error {
                    id: 0,
                    code: gatewire_codec::ErrorCode::Other(0),
                    text,
                });
            }
            other if self.settings.side == Side::Server => self.handle_command(other),
            _ => self.ignored += 1,
        }
        Ok(())
    }

    /// What only clients say.
    fn handle_command(&mut self, message: Message<'_>) {
        match message {
            Message::Publish { request: None, target, event, value } => {
                let value = self.settings.values.inward(value);
                self.pass_on(&Message::Publish { request: None, target, event, value });
            }
            Message::Join { rooms, .. } => {
                self.pass_on(&Message::Join { id: 0, rooms });
            }
            Message::Leave { rooms, .. } => {
                self.pass_on(&Message::Leave { id: 0, rooms });
            }
            Message::LeaveAll { .. } => {
                self.pass_on(&Message::LeaveAll { id: 0 });
            }
            // A handshake that is over, or what routers say.
            _ => self.ignored += 1,
        }
    }

    fn handle_chunk(&mut self, id: u32, bytes: &[u8]) {
        if !self.reading.chunk(id, bytes, &mut self.near) {
            self.ignored += 1;
        }
    }

    fn handle_end(&mut self, id: u32) {
        if !self.reading.finish(id, &mut self.near) {
            self.ignored += 1;
        }
    }

    /// Passes a message to the session; `false`: it is longer there than a frame may be, and the peer is told.
    fn pass_on(&mut self, message: &Message<'_>) -> bool {
        match v3::encode(message, &mut self.near) {
            Ok(()) => true,
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    /// Tells the peer that a frame of it was ignored, unless it does not read what it was told before.
    fn complain(&mut self, error: &dyn fmt::Display) {
        if self.peer.len() < MAX_TOLD {
            self.tell_error(&format!("ignored: {error}"));
        }
    }
}

fn is_chunk(packet: &Packet<'_>) -> bool {
    packet.kind == Kind::Stream
}
