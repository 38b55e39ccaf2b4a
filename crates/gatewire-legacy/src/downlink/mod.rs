//! A client's connection of version 1 or 2, seen as one of version 3.
//!
//! ```text
//!              the session of this end                          the peer
//!   handle_near  ---- frames of version 3 ---> Translator ---- frames of 1 or 2 --->  peer_output
//!   near_output  <----------------------------            <------------------------   handle_peer
//! ```
//!
//! A [`Translator`] stands between a session, which knows version 3 alone, and a peer which knows nothing of it, on
//! either side: the peer may be a client or a server. Most messages have a counterpart. For what the peer cannot say
//! the translator speaks: it answers pings, confirms joins, grants streams that the session writes all credit, and
//! keeps within the session's credit what the peer streams. What cannot be said to the peer is refused to the session,
//! as a peer of version 3 would refuse it.
//!
//! Ids: the peer's requests and streams keep theirs. What the session sends gets ids of one counter, as the Node
//! packages count.
//!
//! # Invariants
//!
//! * The peer gets at most one ACK for each request that it sent, and none that it did not wait for. There is no refusal
//!   in these versions: one that is no answer of the handler is told by an ERROR, and the peer waits as with Node.
//! * The peer gets a chunk or a CLOSE for open streams only, objects that are JSON, and integers of 6 bytes.
//! * What is kept of streams that the peer writes is bounded; so is all else but the two outputs, which are to be
//!   taken before more is handled.

mod input;
mod memo;
mod near;
mod owed;
mod peer;
mod reading;
mod rooms;
mod values;
mod writing;

use std::sync::Arc;

use bytes::BytesMut;
use gatewire_codec::{ErrorCode, Message, NackCode, ValueRef, Version, legacy, v3};

pub use memo::EventMemo;
pub use peer::PeerError;
pub use values::{JsonOnly, Objects, Untranslatable, ValueRules, WideIntegers};

use input::Input;
use owed::Owed;
use reading::Reading;
use rooms::Rooms;
use writing::Writing;

/// What may wait for a side that is told of something that it did, and that nobody waits for: above it, it is not
/// told. A side that reads has taken it long before; one that does not could bring about any amount.
const MAX_TOLD: usize = 64 << 10;

/// How long the frames of version 3 may be, without their length prefix, that a peer brings about whose own have at most
/// `max_frame` bytes.
///
/// What grows are lists of names: a name takes a length, of two bytes from 128 bytes on and of three from 16 KiB on, in the place
/// of a comma. All else is shorter there, but for what a message may have in front of it. Chunks of streams are cut to
/// [`v3::MAX_CHUNK`].
#[must_use]
pub const fn longest_near_frame(max_frame: u32) -> u32 {
    /// What stands in front of names, or of a chunk; and the text of a refusal.
    const FRONT: u32 = 1024;
    #[expect(clippy::cast_possible_truncation, reason = "64 KiB")]
    const CHUNK: u32 = v3::MAX_CHUNK as u32 + FRONT;

    let longest = max_frame.saturating_add(max_frame / 128).saturating_add(FRONT);
    if longest < CHUNK { CHUNK } else { longest }
}

/// Which side this end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The peer is a client.
    Server,
    /// The peer is a server.
    Client,
}

/// How one connection is translated.
#[derive(Clone)]
pub struct Settings {
    /// `V1` or `V2`.
    pub version: Version,
    /// Which side this end is.
    pub side: Side,
    /// The longest frame of the peer, without its length prefix. A chunk of a stream may be longer.
    pub max_frame: u32,
    /// How many bytes of the peer's streams may wait for their readers before the peer is not to be read: see
    /// [`Translator::wants_input`].
    pub stream_buffer: usize,
    /// Whether 64 KiB that mean nothing go before the end of a stream of 16 KiB or more. Node stops reading the
    /// connection for ever when it finds the end in one read with 16 KiB that its application has not read.
    pub pad_streams: bool,
    /// How values go.
    pub values: ValueRules,
    /// How objects in other formats become JSON.
    pub objects: Arc<dyn Objects>,
}

/// See the [module's documentation](self).
pub struct Translator {
    settings: Settings,
    input: Input,
    /// The id of the next frame to the peer.
    next_id: u32,
    owed: Owed,
    reading: Reading,
    writing: Writing,
    rooms: Rooms,
    near: BytesMut,
    peer: BytesMut,
    /// Whether the peer was told what it did wrong.
    told: bool,
    ignored: u64,
}

impl Translator {
    /// For a connection whose handshake is over; `next_id` is that of the next frame to the peer.
    #[must_use]
    pub fn new(settings: Settings, next_id: u32) -> Self {
        Self {
            input: Input::new(settings.version, settings.max_frame),
            settings,
            next_id,
            owed: Owed::default(),
            reading: Reading::default(),
            writing: Writing::default(),
            rooms: Rooms::default(),
            near: BytesMut::new(),
            peer: BytesMut::new(),
            told: false,
            ignored: 0,
        }
    }

    /// Frames of version 3 for the session, to be taken from here.
    pub fn near_output(&mut self) -> &mut BytesMut {
        &mut self.near
    }

    /// Frames for the peer, to be taken from here.
    pub fn peer_output(&mut self) -> &mut BytesMut {
        &mut self.peer
    }

    /// Whether the peer is to be read. It is not while its streams hold more than
    /// [`stream_buffer`](Settings::stream_buffer).
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.reading.buffered() < self.settings.stream_buffer
    }

    /// Bytes of the peer's streams that wait for their readers. While the peer is not read it only falls.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.reading.buffered()
    }

    /// Gives up the stream of the peer that holds most, so that the peer can be read again: its reader gets an
    /// error behind what it has, and what else comes of the stream is thrown away. A stream to others is not given up.
    pub fn give_up_stream(&mut self) {
        self.reading.give_up_largest(&mut self.near);
    }

    /// Gives up all streams of the peer that hold something, those to others too: the peer is gone.
    pub fn give_up_streams(&mut self) {
        self.reading.give_up_all(&mut self.near);
    }

    /// Frames of the peer that had no meaning here and were ignored: answers that nobody waits for, chunks of
    /// streams that are not open, message types that nobody has assigned.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The id for a frame to the peer; 0 is never one.
    fn take_id(&mut self) -> u32 {
        loop {
            let id = self.next_id;
            self.next_id = id.checked_add(1).unwrap_or(1);
            // What waits or is open since before the ids began anew keeps its own.
            if !self.owed.has(id) && !self.writing.has(id) {
                return id;
            }
        }
    }

    /// A frame to the session. All that is put there is short, or was a frame before.
    fn tell_near(&mut self, message: &Message<'_>) {
        if let Err(error) = v3::encode(message, &mut self.near) {
            debug_assert!(false, "a frame of version 3: {error}");
        }
    }

    /// Refuses something that the session sent and that wants no answer.
    fn refuse_near(&mut self, text: &str) {
        if self.near.len() >= MAX_TOLD {
            return;
        }
        self.tell_near(&Message::Error { id: 0, code: ErrorCode::Untranslatable, text });
    }

    /// Refuses a request or a stream of the session.
    fn refuse_near_request(&mut self, id: u32, text: &str) {
        let value = ValueRef::String(text);
        self.tell_near(&Message::Nack { id, code: NackCode::Untranslatable, value });
    }

    /// Tells the peer, if it is one that shows such texts: a client.
    fn tell_error(&mut self, text: &str) {
        if self.settings.side == Side::Server {
            let id = self.take_id();
            let version = self.settings.version;
            let error = Message::Error { id: 0, code: ErrorCode::Other(0), text };
            // A text that is too long for a frame is longer than any that is made here.
            let _told = legacy::encode(&error, version, id, &mut self.peer);
        }
    }
}

impl std::fmt::Debug for Translator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Translator")
            .field("version", &self.settings.version)
            .field("side", &self.settings.side)
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use gatewire_codec::legacy::Packet;
    use gatewire_codec::{LENGTH_PREFIX, Names, Target};

    use super::*;

    fn say(translator: &mut Translator, message: &Message<'_>) {
        let mut frame = BytesMut::new();
        v3::encode(message, &mut frame).expect("a message");
        translator.handle_near(&frame[LENGTH_PREFIX..]);
    }

    #[test]
    fn when_ids_begin_anew_those_of_open_streams_are_passed_over() {
        let settings = Settings {
            version: Version::V2,
            side: Side::Client,
            max_frame: 1 << 20,
            stream_buffer: 1 << 20,
            pad_streams: true,
            values: ValueRules::default(),
            objects: Arc::new(JsonOnly),
        };
        let mut translator = Translator::new(settings, 3);
        let rooms = Target { rooms: Names::from_slice(&["r"]), ..Target::default() };
        // Neither of the first two is answered.
        for (id, target, ack) in [(1, None, false), (2, Some(rooms), true), (3, None, true)] {
            let info = ValueRef::Empty;
            say(&mut translator, &Message::StreamOpen { id, target, event: "e", info, ack });
        }
        translator.next_id = u32::MAX;
        translator.peer.clear();
        let mut ids = || {
            say(&mut translator, &Message::Event { event: "e", value: ValueRef::Empty });
            let frame = translator.peer.split();
            Packet::decode(&frame[LENGTH_PREFIX..]).expect("a frame").id
        };
        assert_eq!([(); 4].map(|()| ids()), [u32::MAX, 1, 2, 6]);
        say(&mut translator, &Message::StreamFinish { id: 1, event: "", length: Some(0) });
        translator.next_id = 3;
        assert_eq!(translator.take_id(), 3, "the first stream is over");
    }
}
