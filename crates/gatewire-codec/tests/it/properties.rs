//! What holds for every input. Each function panics where it does not.
//!
//! Called with random messages and bytes by the tests here, with the stored inputs by the
//! corpus test, and with millions of inputs by the targets in `fuzz/`, which include this file.

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{self, Packet};
use gatewire_codec::{
    DecodeError, FrameError, Framer, LENGTH_PREFIX, Message, ReceiverOutcome, ValueRef, Version,
    split_frame, v3,
};

/// A stream gives the same frames and the same end whatever the chunks in which it arrives, and
/// no more memory is reserved than bytes have arrived.
///
/// The first byte of `input` chooses the size of the chunks, the second one the limit.
pub fn framer(input: &[u8]) {
    let [chunk, limit, stream @ ..] = input else {
        return;
    };
    let chunk = usize::from(*chunk) + 1;
    let limit = u32::from(*limit) * 17 + 2;
    let (whole, whole_end) = split_whole(stream, limit);

    let mut framer = Framer::new(limit);
    let mut buffer = BytesMut::with_capacity(stream.len());
    let capacity = buffer.capacity();
    let mut frames: Vec<Bytes> = Vec::new();
    let mut end = Ok(());
    for arrived in stream.chunks(chunk) {
        buffer.extend_from_slice(arrived);
        loop {
            let missing = framer.missing(&buffer);
            match framer.next_frame(&mut buffer) {
                Ok(Some(frame)) => {
                    assert_eq!(missing, Ok(Some(0)));
                    assert!((2..=limit as usize).contains(&frame.len()));
                    frames.push(frame);
                }
                Ok(None) => {
                    assert_ne!(missing, Ok(Some(0)));
                    break;
                }
                Err(error) => {
                    assert_eq!(missing, Err(error));
                    end = Err(error);
                    break;
                }
            }
            assert!(buffer.capacity() <= capacity);
        }
        if end.is_err() {
            break;
        }
    }
    assert_eq!(end, whole_end);
    assert_eq!(frames, whole);
    for frame in &frames {
        // Each is a message, or a typed error.
        let _ = Version::of(frame);
        let _ = v3::decode(frame);
        let _ = Packet::decode(frame);
    }
}

/// An event or a request is taken apart into what decoding it gives. Where that fails it is for the
/// name, which nobody knows then, or for the value, which gives the same error.
fn named(frame: &[u8]) {
    let decoded = v3::decode(frame);
    match (v3::Named::of(frame), decoded) {
        (Some(named), Ok(Message::Event { event, value })) => {
            assert_eq!((named.name, named.request), (event.as_bytes(), None));
            assert_eq!(
                format!("{:?}", named.value()),
                format!("{:?}", Ok::<_, DecodeError>(value))
            );
        }
        (Some(named), Ok(Message::Request { id, event, value })) => {
            assert_eq!((named.name, named.request), (event.as_bytes(), Some(id)));
            assert_eq!(
                format!("{:?}", named.value()),
                format!("{:?}", Ok::<_, DecodeError>(value))
            );
        }
        (Some(named), Err(error)) => {
            let valid = str::from_utf8(named.name).is_ok() && named.name.len() <= v3::MAX_EVENT;
            assert!(!valid || named.value() == Err(error), "{error}: {frame:?}");
        }
        (Some(_), Ok(other)) => panic!("{} is neither an event nor a request", other.kind()),
        (None, decoded) => {
            let named = matches!(decoded, Ok(Message::Event { .. } | Message::Request { .. }));
            assert!(!named, "{decoded:?}");
        }
    }
}

fn split_whole(stream: &[u8], limit: u32) -> (Vec<&[u8]>, Result<(), FrameError>) {
    let mut frames = Vec::new();
    let mut rest = stream;
    loop {
        match split_frame(rest, limit) {
            Ok(Some((frame, behind))) => {
                assert_eq!(LENGTH_PREFIX + frame.len() + behind.len(), rest.len());
                frames.push(frame);
                rest = behind;
            }
            Ok(None) => return (frames, Ok(())),
            Err(error) => return (frames, Err(error)),
        }
    }
}

/// A version 3 frame is refused with an error, or it is the one encoding of its message.
pub fn v3_decode(frame: &[u8]) {
    named(frame);
    let Ok(message) = v3::decode(frame) else {
        return;
    };
    let mut out = BytesMut::new();
    v3::encode(&message, &mut out).expect("what was read can be written");
    assert_eq!(out[LENGTH_PREFIX..], *frame, "{message:?} has two encodings");
    assert_eq!(split_frame(&out, u32::MAX), Ok(Some((frame, &[][..]))));
    walk(&message);
    if let Message::StreamChunk { id, bytes, .. } = message {
        let mut header = BytesMut::new();
        v3::encode_chunk_header(id, bytes.len(), &mut header)
            .expect("what was read can be written");
        assert_eq!(header.len(), v3::chunk_header_len(id));
        assert_eq!(header, out[..header.len()]);
        assert_eq!(out[header.len()..], *bytes);
    }
    for version in [Version::V1, Version::V2] {
        let mut out = BytesMut::from(&b"before"[..]);
        match legacy::encode(&message, version, 2, &mut out) {
            Ok(()) => {
                let packet = Packet::decode_as(version, &out[6 + LENGTH_PREFIX..]);
                let written = packet.expect("what was written can be read").to_message();
                written.expect("and has a meaning");
            }
            Err(_) => assert_eq!(out, b"before"[..]),
        }
    }
}

/// A frame of version 1 or 2 is refused with an error, or it comes back as it was, apart from the
/// few bytes that have several spellings. What it means survives as well.
pub fn legacy_decode(frame: &[u8]) {
    let Ok(packet) = Packet::decode(frame) else {
        return;
    };
    let out = written(&packet);
    let again = Packet::decode(&out[LENGTH_PREFIX..]).expect("what was written can be read");
    assert_eq!(written(&again), out);
    match normal_form(frame, &packet) {
        Some(normal) => assert_eq!(out[LENGTH_PREFIX..], normal),
        None => assert_ne!(out.len(), LENGTH_PREFIX + frame.len()),
    }
    let Ok(message) = packet.to_message() else {
        return;
    };
    walk(&message);
    let mut first = BytesMut::new();
    if legacy::encode(&message, packet.version, packet.id, &mut first).is_err() {
        // A list with an empty name, or an event with `|`: read, and never written.
        assert_eq!(first.len(), 0);
        return;
    }
    let packet = Packet::decode(&first[LENGTH_PREFIX..]).expect("what was written can be read");
    let message = packet.to_message().expect("and has a meaning");
    let mut second = BytesMut::new();
    legacy::encode(&message, packet.version, packet.id, &mut second).expect("still");
    assert_eq!(first, second);
}

fn written(packet: &Packet<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    packet.encode(&mut out).expect("what was read can be written");
    out
}

/// The frame as the encoder spells it; `None`: it has another length then.
fn normal_form(frame: &[u8], packet: &Packet<'_>) -> Option<Vec<u8>> {
    let mut normal = frame.to_vec();
    if packet.version == Version::V2 && normal[4] != 2 {
        normal[4] = 1;
    }
    let header = if packet.version == Version::V1 { 14 } else { 16 };
    let length = frame.len() - header - packet.cells.len() - packet.event.len();
    match packet.value {
        ValueRef::Integer(_) if length != 6 => return None,
        ValueRef::Empty if length != 0 => return None,
        ValueRef::Bool(value) => *normal.last_mut()? = u8::from(value),
        _ => {}
    }
    Some(normal)
}

/// Walks the parts that are read late.
fn walk(message: &Message<'_>) {
    let names = match message {
        Message::Publish { target, .. } | Message::StreamOpen { target: Some(target), .. } => {
            vec![target.rooms, target.sockets, target.except_rooms, target.except_sockets]
        }
        Message::Join { rooms, .. } | Message::Leave { rooms, .. } => vec![*rooms],
        _ => Vec::new(),
    };
    for names in names {
        assert_eq!(names.iter().count(), names.len());
        assert_eq!(names.is_empty(), names.iter().next().is_none());
    }
    if let Message::Event { value, .. }
    | Message::StreamOpen { info: value, .. }
    | Message::Outcome { outcome: ReceiverOutcome::Answered(value), .. } = message
    {
        let owned = value.to_value();
        assert_eq!(format!("{:?}", owned.as_ref()), format!("{value:?}"));
    }
    if let Message::Hello(hello) = message {
        assert!(hello.extensions.iter().all(|(tag, _)| hello.extensions.find(tag).is_some()));
    }
}

/// A frame between routers is a typed error, or has one encoding.
pub fn routers(frame: &[u8]) {
    let mut out = BytesMut::new();
    if let Ok(control) = v3::control::decode(frame) {
        v3::control::encode(&control, &mut out).expect("what was read can be written");
        assert_eq!(&out[LENGTH_PREFIX..], frame);
        out.clear();
    }
    if let Ok(routed) = v3::routed::decode_routed(frame) {
        let numbers: Vec<u32> = routed.destinations.iter().collect();
        assert_eq!(numbers.len(), routed.destinations.count());
        assert!(numbers.is_sorted_by(|one, next| one < next));
        let payload = [routed.payload];
        v3::routed::encode_routed(&routed.header, &numbers, &payload, &mut out)
            .expect("what was read can be written");
        // The set of nodes has two forms: the shorter one is written.
        let again = v3::routed::decode_routed(&out[LENGTH_PREFIX..]).expect("it was just written");
        assert_eq!((again.header, again.payload), (routed.header, routed.payload));
        assert!(again.destinations.iter().eq(numbers));
        if let Ok((target, events)) = v3::routed::decode_target(routed.payload) {
            out.clear();
            v3::routed::encode_target(&target, &mut out);
            out.extend_from_slice(events);
            assert_eq!(&out[..], routed.payload);
        }
    }
}
