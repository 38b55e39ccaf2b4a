//! Between what a packet says and what it means.

use alloc::borrow::Cow;
use alloc::string::String;
use bytes::BytesMut;

use super::{Kind, MAX_EVENT, Packet, Policy, is_prototype_name};
use crate::Version;
use crate::code::{ErrorCode, NackCode};
use crate::error::{DecodeError, EncodeError, Field};
use crate::message::{Message, Target};
use crate::names::Names;
use crate::value::{ValueRef, tag};
use crate::write::check_len;

impl<'a> Packet<'a> {
    /// What the packet means.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnknownKind`] for an unassigned message type (the Node packages ignore
    /// those), [`DecodeError::WrongType`] where the data cannot be of its type, and
    /// [`DecodeError::BadValue`] for targets without `|`.
    #[inline]
    pub fn to_message(&self) -> Result<Message<'a>, DecodeError> {
        if self.has_route() {
            return Ok(Message::RouterLink(*self));
        }
        // Most packets are events, and the rest of the match is long: a third of `V1/decode` in
        // `benches/codec.rs`.
        if self.kind == Kind::Data {
            return Ok(Message::Event { event: self.event, value: self.value });
        }
        self.other_message()
    }

    fn other_message(&self) -> Result<Message<'a>, DecodeError> {
        let Self { id, event, value, .. } = *self;
        Ok(match self.kind {
            Kind::Error => Message::Error { id: 0, code: ErrorCode::Other(0), text: self.text()? },
            Kind::AuthSeed => Message::AuthSeed { seed: self.text()? },
            Kind::AuthHmac => Message::AuthHmac { hmac: self.text()? },
            Kind::Uplink => Message::Uplink { host: self.text()? },
            // The data of DOWNLINK is not looked at: Node sends the empty string by a defect.
            Kind::Downlink => Message::Downlink,
            Kind::Register => Message::Register { socket_id: self.text()? },
            Kind::Data => Message::Event { event, value },
            Kind::DataToSocket | Kind::DataToRoom | Kind::DataBroadcast => {
                let (target, event) = self.target()?;
                Message::Publish { request: None, target, event, value }
            }
            Kind::DataWithAck => Message::Request { id, event, value },
            Kind::Ack => Message::Ack { id, value },
            Kind::JoinRoom => Message::Join { id: 0, rooms: self.names()? },
            Kind::LeaveRoom => Message::Leave { id: 0, rooms: self.names()? },
            // Node sends EMPTY, the Java client an empty string: accept anything.
            Kind::LeaveAllRooms => Message::LeaveAll { id: 0 },
            Kind::StreamOpen | Kind::StreamOpenWithAck => Message::StreamOpen {
                id,
                target: None,
                event,
                info: value,
                ack: self.kind == Kind::StreamOpenWithAck,
            },
            Kind::StreamOpenToSocket | Kind::StreamOpenToRoom | Kind::StreamOpenBroadcast => {
                let (target, event) = self.target()?;
                Message::StreamOpen { id, target: Some(target), event, info: value, ack: false }
            }
            Kind::Stream => match value {
                ValueRef::Binary(bytes) => Message::StreamChunk { id, event, bytes },
                // Node's Writable turns a string into its bytes when it reads one.
                ValueRef::String(text) => {
                    Message::StreamChunk { id, event, bytes: text.as_bytes() }
                }
                _ => return Err(self.wrong_type()),
            },
            Kind::StreamClose => Message::StreamFinish { id, event, length: None },
            Kind::NewLink | Kind::DelLink | Kind::LinkJoinRoom | Kind::LinkLeaveRoom => {
                Message::RouterLink(*self)
            }
            Kind::Unassigned(kind) => return Err(DecodeError::UnknownKind { kind }),
        })
    }

    /// Whether this is to be routed by its host list, which no client sends.
    ///
    /// Routers forward a `CELL_SUB` frame of any kind by its host list, before they look at the
    /// kind. A list without `CELL_SUB` says nothing on other kinds: the dialling router's
    /// handshake frames carry its own name there.
    fn has_route(&self) -> bool {
        match self.kind {
            Kind::DataToSocket | Kind::DataToRoom | Kind::DataBroadcast => {
                self.policy == Policy::Sub || !self.cells.is_empty()
            }
            _ => self.policy == Policy::Sub && !self.cells.is_empty(),
        }
    }

    /// `targets|event`. Everything behind the first `|` is the event.
    fn target(&self) -> Result<(Target<'a>, &'a str), DecodeError> {
        if matches!(self.kind, Kind::DataBroadcast | Kind::StreamOpenBroadcast) {
            return Ok((Target { everyone: true, ..Target::default() }, self.event));
        }
        let (list, event) =
            self.event.split_once('|').ok_or(DecodeError::BadValue { field: Field::Event })?;
        let names = Names::from_comma_list(list);
        let target = match self.kind {
            Kind::DataToSocket | Kind::StreamOpenToSocket => {
                Target { sockets: names, ..Target::default() }
            }
            _ => Target { rooms: names, ..Target::default() },
        };
        Ok((target, event))
    }

    fn text(&self) -> Result<&'a str, DecodeError> {
        match self.value {
            ValueRef::String(text) => Ok(text),
            _ => Err(self.wrong_type()),
        }
    }

    fn names(&self) -> Result<Names<'a>, DecodeError> {
        self.text().map(Names::from_comma_list)
    }

    fn wrong_type(&self) -> DecodeError {
        let tag = match self.value {
            ValueRef::Empty => tag::EMPTY,
            ValueRef::Bool(_) => tag::BOOLEAN,
            ValueRef::Integer(_) => tag::INTEGER,
            ValueRef::Decimal(_) => tag::DECIMAL,
            ValueRef::String(_) => tag::STRING,
            ValueRef::Binary(_) => tag::BINARY,
            ValueRef::Object { .. } => tag::OBJECT,
        };
        DecodeError::WrongType { kind: self.kind.code(self.version).unwrap_or_default(), tag }
    }
}

/// Appends `message` to `out` as a version 1 or 2 frame, length prefix included.
///
/// Each frame of these versions has an id: `frame_id` is written where the message has none of its
/// own (requests, answers and streams do). The Node packages count from 2 up.
///
/// # Errors
///
/// [`EncodeError`], `out` is as before: the version cannot say this, a name holds `,` or `|`, an
/// integer needs more than 48 bits, an event name is longer than 65,535 bytes.
pub fn encode(
    message: &Message<'_>,
    version: Version,
    frame_id: u32,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let no = |what| Err(EncodeError::Unsupported { version: version as u8, what });
    let packet = |kind, id| Packet::new(version, kind, id);
    match *message {
        Message::Error { text, .. } => {
            Packet { value: ValueRef::String(text), ..packet(Kind::Error, frame_id) }.encode(out)
        }
        Message::Event { event, value } => {
            Packet { event, value, ..packet(Kind::Data, frame_id) }.encode(out)
        }
        Message::Request { id, event, value } => {
            Packet { event, value, ..packet(Kind::DataWithAck, id) }.encode(out)
        }
        Message::Ack { id, value } => Packet { value, ..packet(Kind::Ack, id) }.encode(out),
        // A rejection has no frame of its own: its value is the answer, as Node users do it.
        Message::Nack { id, code: NackCode::Rejected, value } => {
            Packet { value, ..packet(Kind::Ack, id) }.encode(out)
        }
        Message::Nack { .. } => no("a refusal"),
        Message::Publish { request: Some(_), .. } => no("a request to other sockets"),
        Message::Publish { request: None, target, event, value } => {
            let (kind, event) = addressed(&target, event, version, false)?;
            Packet { event: &event, value, ..packet(kind, frame_id) }.encode(out)
        }
        Message::Join { rooms, .. } => {
            let list = comma_list(rooms)?;
            Packet { value: ValueRef::String(&list), ..packet(Kind::JoinRoom, frame_id) }
                .encode(out)
        }
        Message::Leave { rooms, .. } => {
            let list = comma_list(rooms)?;
            Packet { value: ValueRef::String(&list), ..packet(Kind::LeaveRoom, frame_id) }
                .encode(out)
        }
        Message::LeaveAll { .. } => packet(Kind::LeaveAllRooms, frame_id).encode(out),
        Message::Register { socket_id } => {
            Packet { value: ValueRef::String(socket_id), ..packet(Kind::Register, frame_id) }
                .encode(out)
        }
        Message::AuthSeed { seed } => {
            Packet { value: ValueRef::String(seed), ..packet(Kind::AuthSeed, frame_id) }.encode(out)
        }
        Message::AuthHmac { hmac } => {
            Packet { value: ValueRef::String(hmac), ..packet(Kind::AuthHmac, frame_id) }.encode(out)
        }
        Message::Uplink { host } => {
            Packet { value: ValueRef::String(host), ..packet(Kind::Uplink, frame_id) }.encode(out)
        }
        Message::Downlink => {
            Packet { value: ValueRef::String(""), ..packet(Kind::Downlink, frame_id) }.encode(out)
        }
        Message::StreamOpen { id, target: None, event, info, ack } => {
            let kind = if ack { Kind::StreamOpenWithAck } else { Kind::StreamOpen };
            Packet { event, value: info, ..packet(kind, id) }.encode(out)
        }
        Message::StreamOpen { target: Some(_), ack: true, .. } => {
            no("a relayed stream with an ack")
        }
        Message::StreamOpen { id, target: Some(target), event, info, ack: false } => {
            let (kind, event) = addressed(&target, event, version, true)?;
            Packet { event: &event, value: info, ..packet(kind, id) }.encode(out)
        }
        Message::StreamChunk { id, event, bytes } => {
            Packet { event, value: ValueRef::Binary(bytes), ..packet(Kind::Stream, id) }.encode(out)
        }
        Message::StreamFinish { id, event, .. } => {
            Packet { event, value: ValueRef::String(""), ..packet(Kind::StreamClose, id) }
                .encode(out)
        }
        Message::StreamReset { .. } | Message::StreamStop { .. } => {
            no("a reason for the end of a stream")
        }
        Message::StreamCredit { .. } => no("the credit of a stream"),
        Message::Outcome { .. } => no("the outcome of a stream for one receiver"),
        Message::RouterLink(link) if link.version == version => link.encode(out),
        Message::RouterLink(_) => no("router traffic of version 2"),
        Message::Hello(_)
        | Message::Challenge(_)
        | Message::Proof(_)
        | Message::Accept(_)
        | Message::Reject { .. } => no("a version 3 handshake"),
        Message::Ping { .. } | Message::Pong { .. } => no("a heartbeat"),
        Message::GoAway { .. } | Message::Close { .. } => no("a reason for closing"),
    }
}

/// Whether versions 1 and 2 can express a target, for this event, and a server of these versions lives with it.
///
/// # Errors
///
/// [`EncodeError::Unsupported`]: a mix, an exception, or nobody; [`EncodeError::Separator`]: a name with `,` or `|`, or
/// an empty one, or an event with `|`; [`EncodeError::Prototype`]: a name that JavaScript objects have;
/// [`EncodeError::TooLong`]: an event that does not fit a frame with even one of the names.
pub fn check_target(target: &Target<'_>, event: &str, version: Version) -> Result<(), EncodeError> {
    addressed(target, event, version, false)?;
    check_prototype(target.rooms)?;
    check_prototype(target.sockets)?;
    let names = target.rooms.iter().chain(target.sockets.iter());
    let longest = names.map(|name| name.len() + 1).max().unwrap_or_default();
    check_len(Field::Event, longest + event.len(), MAX_EVENT)
}

/// Whether the names may stand in a list that goes to a server of version 1 or 2.
///
/// # Errors
///
/// [`EncodeError::Separator`]: one has a `,` or a `|`, or is empty; [`EncodeError::Prototype`]: one is a name that
/// JavaScript objects have.
pub fn check_names(names: Names<'_>) -> Result<(), EncodeError> {
    comma_list(names)?;
    check_prototype(names)
}

/// Only for who sends to a server: frames with such names are read, and what they say is written again.
fn check_prototype(names: Names<'_>) -> Result<(), EncodeError> {
    if names.iter().any(is_prototype_name) { Err(EncodeError::Prototype) } else { Ok(()) }
}

/// The kind and the `targets|event` string for a target that versions 1 and 2 can express.
fn addressed<'e>(
    target: &Target<'_>,
    event: &'e str,
    version: Version,
    stream: bool,
) -> Result<(Kind, Cow<'e, str>), EncodeError> {
    let no = |what| Err(EncodeError::Unsupported { version: version as u8, what });
    // Who is addressed by its id receives in any case.
    if target.include_self && (target.everyone || !target.rooms.is_empty()) {
        return no("a message that includes its sender");
    }
    if !target.except_rooms.is_empty() || !target.except_sockets.is_empty() {
        return no("exceptions");
    }
    let (kind, names) =
        match (target.everyone, target.rooms.is_empty(), target.sockets.is_empty(), stream) {
            (true, true, true, false) => return Ok((Kind::DataBroadcast, Cow::Borrowed(event))),
            (true, true, true, true) => {
                return Ok((Kind::StreamOpenBroadcast, Cow::Borrowed(event)));
            }
            (false, false, true, false) => (Kind::DataToRoom, target.rooms),
            (false, false, true, true) => (Kind::StreamOpenToRoom, target.rooms),
            (false, true, false, false) => (Kind::DataToSocket, target.sockets),
            (false, true, false, true) => (Kind::StreamOpenToSocket, target.sockets),
            (false, true, true, _) => return no("a message for nobody"),
            _ => return no("a mix of rooms, sockets and everyone"),
        };
    if event.contains('|') {
        return Err(EncodeError::Separator { field: Field::Event });
    }
    let mut text = comma_list(names)?;
    text.push('|');
    text.push_str(event);
    Ok((kind, Cow::Owned(text)))
}

fn comma_list(names: Names<'_>) -> Result<String, EncodeError> {
    let mut list = String::new();
    for (index, name) in names.iter().enumerate() {
        // An empty name would vanish from the list, or make one entry out of none.
        if name.is_empty() || name.contains([',', '|']) {
            return Err(EncodeError::Separator { field: Field::Names });
        }
        if index > 0 {
            list.push(',');
        }
        list.push_str(name);
    }
    Ok(list)
}
