//! Arbitrary bytes from a peer: a message or an error, never a panic, and nothing without a bound.

use bytes::BytesMut;
use gatewire_codec::{
    CloseCode, Framer, Message, NackCode, Names, ReceiverOutcome, StreamCode, Target, ValueRef, v3,
};
use gatewire_core::Time;
use gatewire_core::session::{Inbound, Incoming, Outbound, OutboxLimits, Session, SessionConfig};
use proptest::prelude::*;

use crate::property;

#[test]
fn arbitrary_frames_are_messages_or_errors() {
    let frame = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        // With a header that is right, so that the bodies are reached.
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(kind, body)| [
            &[3, kind % 34][..],
            &body
        ]
        .concat()),
    ];
    property::check(20_000, &frame, |frame| {
        let mut session: Session<u32> = Session::new(&SessionConfig::default(), Time::ZERO);
        check_frame(&mut session, &frame);
        let outcome = Inbound::new().handle(&frame);
        assert_eq!(
            outcome.is_ok(),
            v3::decode(&frame).is_ok_and(has_a_place) || is_skipped(&frame)
        );
    });
}

#[test]
fn damaged_messages_are_messages_or_errors() {
    let damage = prop::collection::vec((any::<u16>(), any::<u8>()), 0..6);
    let cut = prop::option::of(any::<u16>());
    let message = 0..messages().len();
    property::check(5_000, &(message, damage, cut), |(message, damage, cut)| {
        let mut frame = messages().swap_remove(message);
        for (position, byte) in damage {
            let position = usize::from(position) % frame.len();
            frame[position] = byte;
        }
        if let Some(cut) = cut {
            frame.truncate(usize::from(cut) % (frame.len() + 1));
        }
        let mut session: Session<u32> = Session::new(&SessionConfig::default(), Time::ZERO);
        check_frame(&mut session, &frame);
    });
}

#[test]
fn a_long_stream_of_arbitrary_frames_leaves_the_session_in_order() {
    let bodies =
        prop::collection::vec((0_u8..34, prop::collection::vec(any::<u8>(), 0..60)), 200..400);
    let chunks = prop::collection::vec(1_usize..300, 1..10);
    property::check(60, &(bodies, chunks), |(bodies, chunks)| {
        let mut stream = Vec::new();
        for (kind, body) in &bodies {
            let length = u32::try_from(body.len() + 2).expect("short");
            stream.extend(length.to_le_bytes());
            stream.extend([3, *kind]);
            stream.extend(body);
        }
        let mut session: Session<u32> = Session::new(&SessionConfig::default(), Time::ZERO);
        let mut handled = 0;
        feed(&stream, &chunks, |frame| {
            handled += 1;
            if !check_frame(&mut session, frame) {
                // A connection would end here; the next one reads on.
                session = Session::new(&SessionConfig::default(), Time::ZERO);
            }
        })
        .expect("each length is right");
        assert_eq!(handled, bodies.len());
    });
}

#[test]
fn a_long_stream_of_arbitrary_bytes_is_refused_or_waits() {
    let chunks = prop::collection::vec(1_usize..3000, 1..10);
    let stream = prop::collection::vec(any::<u8>(), 10_000..20_000);
    // Without a first length that announces too much, at least some frames are read.
    let small = any::<bool>();
    property::check(100, &(stream, chunks, small), |(mut stream, chunks, small)| {
        if small {
            for position in (0..stream.len()).step_by(16) {
                stream[position] = 12;
                for byte in stream.iter_mut().skip(position + 1).take(3) {
                    *byte = 0;
                }
            }
        }
        let mut session: Session<u32> = Session::new(&SessionConfig::default(), Time::ZERO);
        let mut handled = 0;
        let result = feed(&stream, &chunks, |frame| {
            handled += 1;
            check_frame(&mut session, frame);
        });
        assert!(!small || (result.is_ok() && handled >= stream.len() / 16));
    });
}

#[test]
fn a_flood_of_pings_from_a_peer_that_reads_nothing_is_bounded() {
    let mut session: Session<u32> = Session::new(&SessionConfig::default(), Time::ZERO);
    let ping = [3, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    for _ in 0..400_000 {
        assert_eq!(session.handle_frame(&ping, Time::ZERO), Ok(None));
    }
    let outbox = session.outbound.outbox();
    let bound = OutboxLimits::default().max_bytes + (64 << 10);
    assert!(outbox.queued_bytes() <= bound && outbox.queued_bytes() > bound - 20);
    assert!(outbox.ledger().is_balanced());
    assert_eq!(outbox.ledger().accepted, 400_000, "each answer was queued or counted");
}

#[test]
fn answers_that_nobody_waits_for_cost_nothing() {
    let mut outbound: Outbound<u32> = Outbound::new(1 << 20, OutboxLimits::default());
    property::check(50, &any::<[u32; 32]>(), |ids| {
        let mut inbound = Inbound::new();
        for id in ids {
            let ack = encode(&Message::Ack { id, value: ValueRef::Empty });
            assert!(matches!(inbound.handle(&ack), Ok(Incoming::Answer { .. })));
        }
    });
    assert_eq!((0..1000).find_map(|id| outbound.answered(id)), None);
    assert_eq!(outbound.pending_requests(), 0);
}

/// Hands a frame to a session as a driver would; `false`: the connection must be closed.
fn check_frame(session: &mut Session<u32>, frame: &[u8]) -> bool {
    let outcome = session.handle_frame(frame, Time::ZERO);
    let alive = match &outcome {
        Ok(Some(Incoming::Closed { .. })) => false,
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            !error.is_fatal()
        }
    };
    if let Ok(Some(incoming)) = outcome {
        assert!(!matches!(incoming, Incoming::Control(_)), "{incoming:?}");
        assert!(!format!("{incoming:?}").is_empty());
    }
    assert!(session.outbound.outbox().ledger().is_balanced());
    assert_eq!(session.outbound.pending_requests(), 0);
    alive
}

/// Cuts a stream that arrives in pieces into frames.
fn feed(
    stream: &[u8],
    chunks: &[usize],
    mut each: impl FnMut(&[u8]),
) -> Result<(), gatewire_codec::FrameError> {
    let mut framer = Framer::new(SessionConfig::MAX_FRAME);
    let mut buffer = BytesMut::new();
    let mut rest = stream;
    for chunk in chunks.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (arrived, behind) = rest.split_at(rest.len().min(*chunk));
        buffer.extend_from_slice(arrived);
        rest = behind;
        while let Some(frame) = framer.next_frame(&mut buffer)? {
            each(&frame);
        }
    }
    Ok(())
}

/// Whether a message may come in an established session.
fn has_a_place(message: Message<'_>) -> bool {
    !matches!(
        message,
        Message::Hello(_)
            | Message::Challenge(_)
            | Message::Proof(_)
            | Message::Accept(_)
            | Message::Reject { .. }
    )
}

fn is_skipped(frame: &[u8]) -> bool {
    matches!(frame, [3, 128..=255, ..])
}

/// One frame of each kind that a session knows.
fn messages() -> Vec<Vec<u8>> {
    let rooms = Names::from_slice(&["red", "blue"]);
    let target = Target { rooms, except_sockets: Names::from_slice(&["x"]), ..Target::default() };
    let value = ValueRef::String("wörld");
    let (id, event) = (300, "hello");
    [
        Message::Event { event, value },
        Message::Event { event, value: ValueRef::Integer(-5_000_000) },
        Message::Event { event, value: ValueRef::Decimal(1.5) },
        Message::Request { id, event, value },
        Message::Ack { id, value: ValueRef::Bool(true) },
        Message::Nack { id, code: NackCode::Rejected, value },
        Message::Publish { request: Some(id), target, event, value },
        Message::Join { id, rooms },
        Message::Leave { id, rooms },
        Message::LeaveAll { id },
        Message::Ping { token: 1 << 40 },
        Message::Pong { token: 1 << 40 },
        Message::Close { code: CloseCode::Normal, text: "bye" },
        Message::StreamOpen { id, target: None, event, info: value, ack: true },
        Message::StreamOpen { id, target: Some(target), event, info: value, ack: false },
        Message::StreamChunk { id, event: "", bytes: b"bytes" },
        Message::StreamFinish { id, event: "", length: Some(300) },
        Message::StreamReset { id, code: StreamCode::Cancelled, text: "why" },
        Message::StreamStop { id, code: StreamCode::Enough, text: "" },
        Message::StreamCredit { id, limit: 1 << 40 },
        Message::Outcome { id, socket_id: "x", outcome: ReceiverOutcome::Answered(value) },
    ]
    .iter()
    .map(|message| encode(message).to_vec())
    .collect()
}

/// A frame without its length prefix.
fn encode(message: &Message<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    v3::encode(message, &mut out).expect("encodes");
    out.split_off(4)
}
