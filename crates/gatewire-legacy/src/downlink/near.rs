//! What the session of this end says.

use gatewire_codec::legacy::{self, Kind, Packet};
use gatewire_codec::{
    CloseCode, EncodeError, Field, Message, NackCode, Names, Target, ValueRef, v3,
};

use super::writing::Answer;
use super::{Translator, Untranslatable};

impl Translator {
    /// Takes one frame of version 3 (without its length prefix) from the session. What cannot be said to the peer
    /// is refused: the session gets a NACK, or an ERROR for what wants no answer.
    pub fn handle_near(&mut self, frame: &[u8]) {
        match v3::decode(frame) {
            Ok(message) => self.say(message),
            Err(error) => debug_assert!(false, "the session writes frames of version 3: {error}"),
        }
    }

    fn say(&mut self, message: Message<'_>) {
        match message {
            Message::Event { .. } => {
                let frame_id = self.take_id();
                let said = self.write(message, frame_id);
                self.or_refuse(said);
            }
            Message::Publish { request: None, target, event, value } => {
                let said = self.say_publish(target, event, value);
                self.or_refuse(said);
            }
            Message::Request { id, event, value } => {
                let frame_id = self.take_id();
                match self.write(Message::Request { id: frame_id, event, value }, frame_id) {
                    Ok(()) => self.owed.request(frame_id, id),
                    Err(error) => self.refuse_near_request(id, &error.to_string()),
                }
            }
            Message::Publish { request: Some(id), .. } => {
                self.refuse_near_request(id, "this wire version has no requests to other sockets");
            }
            Message::Ack { id, .. } => {
                if let Err(error) = self.write(message, id) {
                    self.refuse_near(&error.to_string());
                    self.tell_error(&format!("request {id}: {}", NackCode::Unanswered));
                }
            }
            Message::Nack { id, code, value } => self.say_refusal(id, code, value),
            Message::Join { id, rooms } => self.say_rooms(id, rooms, Kind::JoinRoom),
            Message::Leave { id, rooms } => self.say_rooms(id, rooms, Kind::LeaveRoom),
            // Always: the server may have put it into rooms too.
            Message::LeaveAll { id } => {
                let frame_id = self.take_id();
                let said = self.write(message, frame_id);
                self.or_refuse(said);
                self.rooms.clear();
                self.confirm(id);
            }
            Message::Ping { token } => self.tell_near(&Message::Pong { token }),
            Message::Error { code, text, .. } => self.tell_error(&format!("{code}: {text}")),
            Message::Close { code, text } => self.say_close(code, text),
            other => self.say_of_stream(other),
        }
    }

    fn say_of_stream(&mut self, message: Message<'_>) {
        let (version, pad) = (self.settings.version, self.settings.pad_streams);
        match message {
            Message::StreamOpen { id, target, event, info, ack } => {
                if let Err(error) = self.say_open(id, target, event, info, ack) {
                    self.refuse_near_request(id, &error.to_string());
                }
            }
            Message::StreamChunk { id, bytes, .. } => {
                self.writing.chunk(id, bytes, version, &mut self.peer);
            }
            Message::StreamFinish { id, .. } => {
                let closed = self.writing.close(id, version, pad, &mut self.peer);
                if let Some(answer) = closed.and_then(|stream| stream.answer) {
                    self.tell_near(&Message::Ack { id, value: answer.value() });
                }
            }
            Message::StreamReset { id, .. } => {
                if let Some(stream) = self.writing.close(id, version, pad, &mut self.peer) {
                    self.owed.take(stream.id);
                }
            }
            Message::StreamStop { id, .. } => self.reading.close(id),
            Message::StreamCredit { id, limit } => self.reading.credit(id, limit, &mut self.near),
            // PONG, GOAWAY, OUTCOME: the peer has no use for them. A session sends no others.
            _ => {}
        }
    }

    /// Writes a message with its value as the peer can read it.
    pub(super) fn write(
        &mut self,
        message: Message<'_>,
        frame_id: u32,
    ) -> Result<(), Untranslatable> {
        let Self { settings, peer, .. } = self;
        let mut scratch = Vec::new();
        let mut message = message;
        if let Some(value) = value_of(&mut message) {
            *value = settings.values.outward(*value, &*settings.objects, &mut scratch)?;
        }
        Ok(legacy::encode(&message, settings.version, frame_id, peer)?)
    }

    /// Refuses what was not said and wants no answer.
    fn or_refuse(&mut self, said: Result<(), Untranslatable>) {
        if let Err(error) = said {
            self.refuse_near(&error.to_string());
        }
    }

    /// An event for others. A list of rooms or sockets that is too long for one frame goes in several.
    fn say_publish(
        &mut self,
        target: Target<'_>,
        event: &str,
        value: ValueRef<'_>,
    ) -> Result<(), Untranslatable> {
        let frame_id = self.take_id();
        let said = self.write(Message::Publish { request: None, target, event, value }, frame_id);
        let too_long = |error: &Untranslatable| {
            matches!(
                error,
                Untranslatable::Encode(EncodeError::TooLong { field: Field::Event, .. })
            )
        };
        let names: Vec<&str> = target.rooms.iter().chain(target.sockets.iter()).collect();
        if names.len() < 2 || !said.as_ref().is_err_and(too_long) {
            return said;
        }
        let (first, second) = names.split_at(names.len() / 2);
        for half in [first, second] {
            let half = Names::from_slice(half);
            let target = if target.rooms.is_empty() {
                Target { sockets: half, ..target }
            } else {
                Target { rooms: half, ..target }
            };
            self.say_publish(target, event, value)?;
        }
        Ok(())
    }

    /// What a handler refuses is its answer there; for any other refusal there is a text, and no answer.
    fn say_refusal(&mut self, id: u32, code: NackCode, value: ValueRef<'_>) {
        self.reading.close(id);
        if code == NackCode::Rejected && self.write(Message::Nack { id, code, value }, id).is_ok() {
            return;
        }
        let text = match value {
            ValueRef::String(text) => format!("request {id}: {code}: {text}"),
            _ => format!("request {id}: {code}"),
        };
        self.tell_error(&text);
    }

    pub(super) fn confirm(&mut self, id: u32) {
        if id != 0 {
            self.tell_near(&Message::Ack { id, value: ValueRef::Empty });
        }
    }

    /// Opens a stream. It may be written at once, all of it: what holds it back is the connection.
    fn say_open(
        &mut self,
        id: u32,
        target: Option<Target<'_>>,
        event: &str,
        info: ValueRef<'_>,
        ack: bool,
    ) -> Result<(), Untranslatable> {
        let frame_id = self.take_id();
        let answered = ack && target.is_none();
        let start = self.peer.len();
        self.write(
            Message::StreamOpen { id: frame_id, target, event, info, ack: answered },
            frame_id,
        )?;
        // Each frame of the stream repeats the event as it stands in the first.
        let frame = self.peer.get(start + gatewire_codec::LENGTH_PREFIX..).unwrap_or_default();
        let event = Packet::decode(frame).map_or(event, |packet| packet.event);
        let unasked = if target.is_some() { Answer::NoReaders } else { Answer::Empty };
        let answer = (!answered).then_some(unasked);
        self.writing.open(id, frame_id, event, answer);
        if answered {
            self.owed.stream(frame_id, id);
        }
        self.tell_near(&Message::StreamCredit { id, limit: u64::MAX });
        Ok(())
    }

    /// The session ends the connection: the peer is told if it is its fault. It is read until it has ended too, so that
    /// nothing of what it was sent is lost; what its streams hold must not stand in the way.
    fn say_close(&mut self, code: CloseCode, text: &str) {
        self.reading.close_all();
        if self.told || matches!(code, CloseCode::Normal | CloseCode::GoingAway) {
            return;
        }
        self.told = true;
        let text = if text.is_empty() { code.to_string() } else { format!("{code}: {text}") };
        self.tell_error(&text);
    }
}

/// Where a message has its value, if it has one.
fn value_of<'m, 'f>(message: &'m mut Message<'f>) -> Option<&'m mut ValueRef<'f>> {
    match message {
        Message::Event { value, .. }
        | Message::Request { value, .. }
        | Message::Ack { value, .. }
        | Message::Nack { value, .. }
        | Message::Publish { value, .. }
        | Message::StreamOpen { info: value, .. } => Some(value),
        _ => None,
    }
}
