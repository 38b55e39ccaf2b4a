//! The frames of streams in version 3: their bytes, and what is refused on either side.

use bytes::BytesMut;
use gatewire_codec::{
    DecodeError, EncodeError, Field, LENGTH_PREFIX, Message, NackCode, Names, ReceiverOutcome,
    StreamCode, Target, ValueRef, Version, legacy, split_frame, v3,
};

#[test]
fn an_open_for_the_peer_itself_has_no_lists() {
    let (event, info) = ("up", ValueRef::Integer(1));
    let open = |ack| Message::StreamOpen { id: 300, target: None, event, info, ack };
    check(&open(false), b"\x03\x18\x00\xac\x02\x02up\x03\x02");
    check(&open(true), b"\x03\x18\x40\xac\x02\x02up\x03\x02");
}

#[test]
fn an_open_for_others_says_for_whom_as_a_publish_does() {
    let (event, info) = ("up", ValueRef::Empty);
    let nobody = Some(Target::default());
    check(
        &Message::StreamOpen { id: 1, target: nobody, event, info, ack: false },
        b"\x03\x18\x80\x01\x02up\x07",
    );
    let target = Some(Target {
        everyone: true,
        rooms: Names::from_slice(&["r"]),
        sockets: Names::from_slice(&["s", ""]),
        except_rooms: Names::from_slice(&["er"]),
        except_sockets: Names::from_slice(&["es"]),
        include_self: true,
    });
    check(
        &Message::StreamOpen { id: 1, target, event, info, ack: true },
        b"\x03\x18\xff\x01\x01\x01r\x02\x01s\x00\x01\x02er\x01\x02es\x02up\x07",
    );
}

#[test]
fn the_frames_of_an_open_stream_are_their_id_and_little_more() {
    let id = 7;
    check(&Message::StreamChunk { id, event: "", bytes: b"abc" }, b"\x03\x20\x07abc");
    check(
        &Message::StreamFinish { id, event: "", length: Some(u64::MAX) },
        b"\x03\x19\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    );
    check(&Message::StreamFinish { id, event: "", length: Some(0) }, b"\x03\x19\x07\x00");
    check(
        &Message::StreamReset { id, code: StreamCode::Cancelled, text: "why" },
        b"\x03\x1a\x07\x02why",
    );
    check(&Message::StreamStop { id, code: StreamCode::Enough, text: "" }, b"\x03\x1b\x07\x00");
    check(&Message::StreamCredit { id, limit: 512 << 10 }, b"\x03\x1c\x07\x80\x80\x20");
}

#[test]
fn an_outcome_is_an_answer_a_refusal_a_stop_or_a_beginning() {
    let outcome = |outcome| Message::Outcome { id: 7, socket_id: "ab", outcome };
    check(
        &outcome(ReceiverOutcome::Answered(ValueRef::String("ok"))),
        b"\x03\x1d\x07\x02ab\x00\x01ok",
    );
    let (code, value) = (NackCode::Rejected, ValueRef::Bool(true));
    check(
        &outcome(ReceiverOutcome::Refused { code, value }),
        b"\x03\x1d\x07\x02ab\x01\x02\x06\x01",
    );
    let code = StreamCode::SlowReceiver;
    check(&outcome(ReceiverOutcome::Stopped { code }), b"\x03\x1d\x07\x02ab\x02\x03");
    check(&outcome(ReceiverOutcome::Asked), b"\x03\x1d\x07\x02ab\x03");
    check(&outcome(ReceiverOutcome::Unreachable), b"\x03\x1d\x07\x02ab\x04");
}

#[test]
fn a_chunk_has_1_to_65536_bytes() {
    let bytes = vec![9; v3::MAX_CHUNK + 1];
    for (length, longest_id) in [(1, 127), (v3::MAX_CHUNK, u32::MAX)] {
        let mut frame = vec![3, 32];
        let mut id = longest_id;
        while id >= 0x80 {
            frame.push(0x80 | id.to_le_bytes()[0]);
            id >>= 7;
        }
        frame.push(id.to_le_bytes()[0]);
        frame.extend(&bytes[..length]);
        let chunk = Message::StreamChunk { id: longest_id, event: "", bytes: &bytes[..length] };
        check(&chunk, &frame);
    }
    let error = |length| Err(DecodeError::BadLength { field: Field::Data, length });
    assert_eq!(v3::decode(b"\x03\x20\x01"), error(0));
    assert_eq!(v3::decode(&[&[3, 32, 1][..], &bytes].concat()), error(65_537));

    let empty = Message::StreamChunk { id: 1, event: "", bytes: b"" };
    check_refused(&empty, EncodeError::Unsupported { version: 3, what: "an empty chunk" });
    let error = EncodeError::TooLong { field: Field::Data, length: 65_537, limit: 65_536 };
    check_refused(&Message::StreamChunk { id: 1, event: "", bytes: &bytes }, error);
}

#[test]
fn the_header_of_a_chunk_is_the_chunk_without_its_bytes() {
    let bytes = [5; 200];
    for id in [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, u32::MAX] {
        let (mut header, mut whole) = (BytesMut::new(), BytesMut::new());
        v3::encode_chunk_header(id, bytes.len(), &mut header).expect("within bounds");
        assert_eq!(header.len(), v3::chunk_header_len(id));
        let chunk = Message::StreamChunk { id, event: "", bytes: &bytes };
        v3::encode(&chunk, &mut whole).expect("within bounds");
        header.extend_from_slice(&bytes);
        assert_eq!(header, whole);
    }
}

#[test]
fn no_stream_has_the_id_0() {
    let (event, info, text) = ("", ValueRef::Empty, "");
    let (id, code) = (0, StreamCode::Dropped);
    let outcome = ReceiverOutcome::Stopped { code };
    for message in [
        Message::StreamOpen { id, target: None, event, info, ack: false },
        Message::StreamFinish { id, event, length: Some(0) },
        Message::StreamReset { id, code, text },
        Message::StreamStop { id, code, text },
        Message::StreamCredit { id, limit: 1 },
        Message::Outcome { id, socket_id: "a", outcome },
        Message::StreamChunk { id, event, bytes: b"a" },
    ] {
        let what = "a stream with the id 0";
        check_refused(&message, EncodeError::Unsupported { version: 3, what });
    }
    let error = Err(DecodeError::BadValue { field: Field::Id });
    assert_eq!(v3::decode(b"\x03\x18\x00\x00\x00\x07"), error);
    for kind in [25, 26, 27, 28, 29, 32] {
        assert_eq!(v3::decode(&[3, kind, 0, 1, 0, 7]), error);
    }
}

#[test]
fn flags_of_a_target_without_a_target_are_refused() {
    for flags in 0..=u8::MAX {
        let found = v3::decode(&[3, 24, flags, 1, 0, 7]).map(|_| ());
        let bad = flags & 0x80 == 0 && flags & 0x3f != 0;
        assert_eq!(found == Err(DecodeError::BadValue { field: Field::Flags }), bad, "{flags:02x}");
    }
    // A list that is there and empty.
    let error = Err(DecodeError::BadValue { field: Field::Names });
    assert_eq!(v3::decode(b"\x03\x18\x84\x01\x00\x00\x07"), error);
}

#[test]
fn an_outcome_of_no_known_status_is_refused() {
    for status in 5..=u8::MAX {
        let error = Err(DecodeError::BadValue { field: Field::Code });
        assert_eq!(v3::decode(&[3, 29, 1, 0, status, 7]), error);
    }
    let error = Err(DecodeError::TrailingBytes { count: 1 });
    assert_eq!(v3::decode(b"\x03\x1d\x01\x00\x02\x03\x00"), error);
    for status in [3, 4] {
        assert_eq!(v3::decode(&[3, 29, 1, 0, status, 0]), error);
    }
}

#[test]
fn the_end_of_a_stream_has_a_length_in_version_3_only() {
    let end = |length| Message::StreamFinish { id: 9, event: "s", length };
    let what = "the end of a stream without its length";
    check_refused(&end(None), EncodeError::Unsupported { version: 3, what });
    for version in [Version::V1, Version::V2] {
        let (mut with, mut without) = (BytesMut::new(), BytesMut::new());
        legacy::encode(&end(Some(70_000)), version, 2, &mut with).expect("it is ignored");
        legacy::encode(&end(None), version, 2, &mut without).expect("within bounds");
        assert_eq!(with, without);
        let packet = legacy::Packet::decode(&with[LENGTH_PREFIX..]).expect("it was written");
        assert_eq!(packet.to_message(), Ok(end(None)));
    }
}

#[test]
fn versions_1_and_2_have_neither_credit_nor_reasons() {
    let (id, code, text) = (1, StreamCode::Dropped, "");
    let outcome = ReceiverOutcome::Stopped { code };
    for (message, what) in [
        (Message::StreamReset { id, code, text }, "a reason for the end of a stream"),
        (Message::StreamStop { id, code, text }, "a reason for the end of a stream"),
        (Message::StreamCredit { id, limit: 1 }, "the credit of a stream"),
        (
            Message::Outcome { id, socket_id: "a", outcome },
            "the outcome of a stream for one receiver",
        ),
    ] {
        for version in [Version::V1, Version::V2] {
            let mut out = BytesMut::from(&b"before"[..]);
            let error = EncodeError::Unsupported { version: version as u8, what };
            assert_eq!(legacy::encode(&message, version, 2, &mut out), Err(error));
            assert_eq!(out, b"before"[..]);
        }
    }
}

/// `message` is written as `frame` behind its length, and read from it.
#[track_caller]
fn check(message: &Message<'_>, frame: &[u8]) {
    let mut out = BytesMut::from(&b"before"[..]);
    v3::encode(message, &mut out).expect("within bounds");
    assert_eq!(out[..6], *b"before");
    assert_eq!(split_frame(&out[6..], u32::MAX), Ok(Some((frame, &[][..]))));
    assert_eq!(v3::decode(frame).as_ref(), Ok(message));
}

#[track_caller]
fn check_refused(message: &Message<'_>, error: EncodeError) {
    let mut out = BytesMut::from(&b"before"[..]);
    assert_eq!(v3::encode(message, &mut out), Err(error));
    assert_eq!(out, b"before"[..]);
}
