//! What one side alone could make the translator do.

use std::sync::Arc;

use bytes::BytesMut;
use gatewire_codec::legacy::{self, Kind, Packet};
use gatewire_codec::{FormatId, LENGTH_PREFIX, Message, ValueRef, Version, split_frame, v3};
use gatewire_legacy::downlink::{
    JsonOnly, Settings, Side, Translator, ValueRules, longest_near_frame,
};

/// More than any answer to one frame, and much less than what a side could bring about.
const BOUND: usize = 128 << 10;

pub(crate) fn settings(version: Version, side: Side) -> Settings {
    Settings {
        version,
        side,
        max_frame: 1 << 20,
        stream_buffer: 1 << 20,
        pad_streams: true,
        values: ValueRules::default(),
        objects: Arc::new(JsonOnly),
    }
}

pub(super) fn translator(version: Version, side: Side) -> Translator {
    Translator::new(settings(version, side), 3)
}

pub(super) fn say(translator: &mut Translator, message: &Message<'_>) {
    let mut frame = BytesMut::new();
    v3::encode(message, &mut frame).expect("a session says what there is");
    translator.handle_near(&frame[LENGTH_PREFIX..]);
}

pub(super) fn from_peer(version: Version, packet: Packet<'_>) -> BytesMut {
    let mut frame = BytesMut::new();
    Packet { version, ..packet }.encode(&mut frame).expect("a packet");
    frame
}

/// What the session gets, in words.
pub(super) fn near(translator: &mut Translator) -> Vec<String> {
    let bytes = translator.near_output().split();
    let (mut rest, mut said) = (&bytes[..], Vec::new());
    while let Some((frame, behind)) = split_frame(rest, u32::MAX).expect("whole frames") {
        said.push(format!("{:?}", v3::decode(frame).expect("version 3")));
        rest = behind;
    }
    said
}

#[test]
fn a_peer_that_does_not_read_what_it_did_wrong_is_told_less() {
    for version in [Version::V1, Version::V2] {
        let mut translator = translator(version, Side::Server);
        let value = ValueRef::Bool(true);
        let mut frame = from_peer(version, Packet { value, ..Packet::new(version, Kind::Data, 2) });
        // No boolean has this length: the last byte goes, and both lengths say so.
        let at = frame.len() - 1;
        frame.truncate(at);
        frame[0] -= 1;
        frame[at - 4] = 0;
        for _ in 0..20_000 {
            translator.handle_peer(&frame).unwrap();
        }
        let told = translator.peer_output().len();
        assert!(0 < told && told <= BOUND, "{told} bytes wait");
        translator.peer_output().clear();
        translator.handle_peer(&frame).unwrap();
        assert!(!translator.peer_output().is_empty(), "a peer that reads is told again");
    }
}

#[test]
fn a_session_that_does_not_read_its_refusals_is_told_less() {
    let mut translator = translator(Version::V1, Side::Server);
    let value = ValueRef::Object { format: FormatId::JSON, bytes: b"{" };
    for _ in 0..20_000 {
        say(&mut translator, &Message::Event { event: "e", value });
    }
    let told = translator.near_output().len();
    assert!(0 < told && told <= BOUND, "{told} bytes wait");
    say(&mut translator, &Message::Request { id: 9, event: "e", value });
    assert!(near(&mut translator).last().unwrap().starts_with("Nack"), "who waits is told");
}

#[test]
fn a_stream_with_a_chunk_that_cannot_be_read_is_given_up() {
    for version in [Version::V1, Version::V2] {
        // A text that is no UTF-8, and a type that nobody knows.
        for data_type in [1, 9] {
            let mut translator = translator(version, Side::Server);
            let open = Packet { event: "up", ..Packet::new(version, Kind::StreamOpen, 7) };
            translator.handle_peer(&from_peer(version, open)).unwrap();
            let value = ValueRef::Binary(&[0xff]);
            let chunk = Packet { event: "up", value, ..Packet::new(version, Kind::Stream, 7) };
            let mut chunk = from_peer(version, chunk);
            chunk[6] = data_type;
            translator.handle_peer(&chunk).unwrap();
            let value = ValueRef::String("");
            let close = Packet { event: "up", value, ..Packet::new(version, Kind::StreamClose, 7) };
            translator.handle_peer(&from_peer(version, close)).unwrap();
            let said = near(&mut translator);
            assert_eq!(said.len(), 2, "{said:?}");
            assert!(said[1].starts_with("StreamReset"), "type {data_type}: {said:?}");
        }
    }
}

/// As at Node, which does not look at what it carries.
#[test]
fn the_end_of_a_stream_is_one_whatever_it_carries() {
    for version in [Version::V1, Version::V2] {
        // A text that is no UTF-8, and a type that nobody knows.
        for data_type in [1, 9] {
            let mut translator = translator(version, Side::Server);
            let open = Packet { event: "up", ..Packet::new(version, Kind::StreamOpen, 7) };
            translator.handle_peer(&from_peer(version, open)).unwrap();
            let value = ValueRef::Binary(&[0xff]);
            let close = Packet { event: "up", value, ..Packet::new(version, Kind::StreamClose, 7) };
            let mut close = from_peer(version, close);
            close[6] = data_type;
            translator.handle_peer(&close).unwrap();
            let said = near(&mut translator);
            assert_eq!(said.len(), 2, "{said:?}");
            assert!(said[1].starts_with("StreamFinish"), "type {data_type}: {said:?}");
            assert!(translator.peer_output().is_empty(), "nothing was wrong with it");
            translator.handle_peer(&close).unwrap();
            assert_eq!(translator.ignored(), 1, "it is not open");
        }
    }
}

#[test]
fn the_end_of_a_stream_is_padded_with_short_frames() {
    for version in [Version::V1, Version::V2] {
        let mut translator = translator(version, Side::Client);
        let info = ValueRef::Empty;
        say(
            &mut translator,
            &Message::StreamOpen { id: 1, target: None, event: "e", info, ack: true },
        );
        say(&mut translator, &Message::StreamChunk { id: 1, event: "", bytes: &[1; 16 << 10] });
        translator.peer_output().clear();
        say(&mut translator, &Message::StreamFinish { id: 1, event: "", length: Some(16 << 10) });
        let out = translator.peer_output().split();
        assert!(out.len() > 64 << 10);
        let mut rest = &out[..];
        while let Some((_, behind)) = split_frame(rest, 1024).expect("for any limit") {
            rest = behind;
        }
    }
}

#[test]
fn when_ids_begin_anew_the_oldest_request_is_forgotten_first() {
    const MAX_ASKED: u32 = 1 << 16;
    let first = u32::MAX - MAX_ASKED + 2;
    let mut translator = Translator::new(settings(Version::V1, Side::Client), first);
    let ask = |translator: &mut Translator, id| {
        say(translator, &Message::Request { id, event: "e", value: ValueRef::Empty });
    };
    for id in 1..=MAX_ASKED + 1 {
        ask(&mut translator, id);
    }
    translator.peer_output().clear();
    for (peer_id, id) in [(1, MAX_ASKED), (2, MAX_ASKED + 1)] {
        let mut ack = BytesMut::new();
        let value = ValueRef::Empty;
        legacy::encode(&Message::Ack { id: peer_id, value }, Version::V1, 0, &mut ack).unwrap();
        translator.handle_peer(&ack).unwrap();
        assert_eq!(near(&mut translator), [format!("{:?}", Message::Ack { id, value })]);
    }
}

/// Streams that no answer comes to do not go away, and requests need not search among them.
#[test]
fn requests_and_streams_that_wait_for_an_answer_are_bounded_apart() {
    const MAX_STREAMS: u32 = 1 << 16;
    let mut translator = translator(Version::V1, Side::Client);
    let ask = |translator: &mut Translator, id| {
        say(translator, &Message::Request { id, event: "e", value: ValueRef::Empty });
    };
    let open = |translator: &mut Translator, id| {
        let (target, info) = (None, ValueRef::Empty);
        say(translator, &Message::StreamOpen { id, target, event: "e", info, ack: true });
        say(translator, &Message::StreamFinish { id, event: "", length: Some(0) });
    };
    // The ids there are greater by two.
    ask(&mut translator, 1);
    for id in 2..MAX_STREAMS + 2 {
        open(&mut translator, id);
    }
    ask(&mut translator, MAX_STREAMS + 2);
    let answered = |translator: &mut Translator, id| {
        translator.near_output().clear();
        let ack = Packet::new(Version::V1, Kind::Ack, id + 2);
        translator.handle_peer(&from_peer(Version::V1, ack)).unwrap();
        let value = ValueRef::Empty;
        near(translator) == [format!("{:?}", Message::Ack { id, value })]
    };
    for id in [1, 2, 3, MAX_STREAMS + 2] {
        assert!(answered(&mut translator, id), "{id} was forgotten");
    }
    for id in MAX_STREAMS + 3..MAX_STREAMS + 6 {
        open(&mut translator, id);
    }
    let oldest = [4, 5].map(|id| answered(&mut translator, id));
    assert_eq!(oldest, [false, true], "the oldest one is forgotten");
}

#[test]
fn a_chunk_behind_the_end_of_a_stream_harms_nothing_of_it() {
    let mut translator = translator(Version::V1, Side::Server);
    let length = v3::INITIAL_CREDIT + 1000;
    let bytes = vec![1; usize::try_from(length).unwrap()];
    let said = [
        (Kind::StreamOpen, ValueRef::Empty),
        (Kind::Stream, ValueRef::Binary(&bytes)),
        (Kind::StreamClose, ValueRef::String("")),
        (Kind::Stream, ValueRef::Bool(true)),
    ];
    for (kind, value) in said {
        let packet = Packet { event: "up", value, ..Packet::new(Version::V1, kind, 7) };
        translator.handle_peer(&from_peer(Version::V1, packet)).unwrap();
    }
    say(&mut translator, &Message::StreamCredit { id: 7, limit: length });
    let finish = Message::StreamFinish { id: 7, event: "", length: Some(length) };
    assert_eq!(near(&mut translator).last(), Some(&format!("{finish:?}")));
}

#[test]
fn a_frame_of_the_peer_grows_by_no_more_than_the_bound_says() {
    for (max_frame, length) in [
        (300, 1),
        (1 << 20, 1),
        (1 << 20, 127),
        (1 << 20, 128),
        (16 << 20, 128),
        (16 << 20, 16 << 10),
    ] {
        let settings = Settings { max_frame, ..settings(Version::V1, Side::Server) };
        let mut translator = Translator::new(settings, 3);
        let name = "n".repeat(length);
        let join = |names| {
            let packet = Packet::new(Version::V1, Kind::JoinRoom, 2);
            from_peer(Version::V1, Packet { value: ValueRef::String(names), ..packet })
        };
        // As many as fit.
        let room = max_frame as usize + LENGTH_PREFIX - join("").len();
        let count = (room + 1) / (length + 1);
        let frame = join(&vec![&*name; count].join(","));
        translator.handle_peer(&frame).expect("it is not too long");
        let near = translator.near_output();
        let (frame, _) = split_frame(near, u32::MAX).expect("a frame").expect("a whole one");
        let Ok(Message::Join { rooms, .. }) = v3::decode(frame) else { panic!("no JOIN") };
        assert_eq!(rooms.iter().count(), count, "{length}");
        assert!(frame.len() <= longest_near_frame(max_frame) as usize, "{} bytes", frame.len());
    }
}
