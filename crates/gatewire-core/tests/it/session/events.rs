//! Messages in order, whatever the pieces in which they arrive.

use gatewire_codec::{ErrorCode, GoAwayCode, Names, Target};
use gatewire_core::session::SessionConfig;
use proptest::prelude::*;

use super::*;
use crate::property;

#[test]
fn events_arrive_in_order_in_both_directions() {
    let mut pair = Pair::new();
    for number in 0..100 {
        emit(&mut pair.client, "up", number).expect("queued");
        emit(&mut pair.server, "down", number).expect("queued");
    }
    pair.settle();
    assert_eq!(pair.server_saw(), (0..100).map(|number| event("up", number)).collect::<Vec<_>>());
    assert_eq!(pair.client_saw(), (0..100).map(|number| event("down", number)).collect::<Vec<_>>());
}

#[test]
fn events_arrive_in_order_through_pieces_of_any_size() {
    let sizes = prop::collection::vec(0_usize..6000, 1..20);
    let chunks = prop::collection::vec(1_usize..5000, 1..10);
    let windows = prop::collection::vec(1_usize..9000, 1..10);
    property::check(100, &(sizes, chunks, windows), |(sizes, chunks, windows)| {
        let mut pair = Pair::new();
        pair.up.chunks = chunks;
        pair.up.window = 0;
        let mut expected = Vec::new();
        for (index, size) in sizes.iter().enumerate() {
            let bytes = vec![u8::try_from(index).expect("few"); *size];
            let outbound = &mut pair.client.session.outbound;
            outbound.emit(Class::Normal, "file", ValueRef::Binary(&bytes)).expect("queued");
            expected.push(Ok(Seen::Event("file".to_owned(), Value::Binary(bytes.into()))));
        }
        // The kernel takes a little at a time.
        for window in windows.iter().cycle() {
            if pair.client.session.outbound.outbox().is_empty() {
                break;
            }
            pair.up.window = *window;
            pair.settle();
        }
        assert!(pair.server_saw() == expected);
        assert!(pair.client.session.outbound.outbox().ledger().is_balanced());
    });
}

#[test]
fn one_byte_at_a_time_is_enough() {
    let mut pair = Pair::new();
    (pair.up.chunks, pair.down.chunks) = (vec![1], vec![1]);
    emit(&mut pair.client, "a", 1).expect("queued");
    pair.client.session.outbound.request("b", ValueRef::Empty, Time::NEVER, 7).expect("queued");
    pair.settle();
    let request = Ok(Seen::Request(1, "b".to_owned(), Value::Empty));
    assert_eq!(pair.server_saw(), [event("a", 1), request]);
    pair.server.session.outbound.ack(1, ValueRef::Bool(true)).expect("queued");
    pair.settle();
    assert_eq!(pair.client_saw(), [Ok(Seen::Answer(Some(7), Ok(Value::Bool(true))))]);
}

#[test]
fn each_kind_of_message_reaches_the_application() {
    let mut pair = Pair::new();
    let target = Target { rooms: Names::from_slice(&["red", "blue"]), ..Target::default() };
    let client = &mut pair.client.session.outbound;
    let rooms = Names::from_slice(&["red"]);
    client.join(rooms, Time::NEVER, 1).expect("queued");
    client.publish(Class::Normal, target, "news", ValueRef::Decimal(0.5)).expect("queued");
    client.request_from(target, "ask", ValueRef::Empty, Time::NEVER, 2).expect("queued");
    client.leave(rooms, Time::NEVER, 3).expect("queued");
    client.leave_all(Time::NEVER, 4).expect("queued");
    client.refuse(9, ErrorCode::Denied, "no").expect("queued");
    pair.server.session.outbound.go_away(GoAwayCode::Shutdown, 5000, "restart").expect("queued");
    pair.settle();

    let red = || vec!["red".to_owned()];
    let both = || vec!["red".to_owned(), "blue".to_owned()];
    let expected = [
        Ok(Seen::Join(1, red())),
        Ok(Seen::Publish(None, both(), "news".to_owned(), Value::Decimal(0.5))),
        Ok(Seen::Publish(Some(2), both(), "ask".to_owned(), Value::Empty)),
        Ok(Seen::Leave(3, red())),
        Ok(Seen::LeaveAll(4)),
        Ok(Seen::Error(9, ErrorCode::Denied, "no".to_owned())),
    ];
    assert_eq!(pair.server_saw(), expected);
    assert_eq!(pair.client_saw(), [Ok(Seen::GoAway(GoAwayCode::Shutdown, 5000))]);
    assert_eq!(pair.client.session.outbound.pending_requests(), 4);
}

#[test]
fn a_frame_that_is_shared_by_many_arrives_at_each() {
    let mut frame = bytes::BytesMut::new();
    let value = ValueRef::Binary(&[7; 10_000]);
    gatewire_codec::v3::encode_event("file", value, &mut frame).expect("encodes");
    let frame = frame.freeze();
    for _ in 0..3 {
        let mut pair = Pair::new();
        pair.down.chunks = vec![4096];
        pair.server
            .session
            .outbound
            .emit_encoded(Class::Normal, &Frames::one(&frame))
            .expect("queued");
        emit(&mut pair.server, "after", 1).expect("queued");
        pair.settle();
        let file = Ok(Seen::Event("file".to_owned(), value.to_value()));
        assert_eq!(pair.client_saw(), [file, event("after", 1)]);
    }
}

#[test]
fn a_message_longer_than_the_peer_reads_is_refused_where_it_is_made() {
    let config = SessionConfig { max_frame: 1000, ..SessionConfig::default() };
    let mut pair = Pair::with_config(&config);
    let bytes = [0; 1000];
    let value = |length: usize| ValueRef::Binary(&bytes[..length]);
    let error = SendError::TooLarge { length: 1001, limit: 1000 };
    let outbound = &mut pair.client.session.outbound;
    // What a frame adds: 5 bytes to an event with this name, 6 to a request, 4 to an answer.
    assert_eq!(outbound.emit(Class::Normal, "e", value(995)), Ok(()));
    assert_eq!(outbound.emit(Class::Normal, "e", value(996)), Err(error.clone()));
    assert_eq!(outbound.request("e", value(994), Time::NEVER, 7), Ok(1));
    assert_eq!(outbound.request("e", value(995), Time::NEVER, 8), Err((error.clone(), 8)));
    assert_eq!(outbound.ack(1, value(996)), Ok(()));
    assert_eq!(outbound.ack(1, value(997)), Err(error));
    assert_eq!(outbound.pending_requests(), 1, "a refused request waits for nothing");
    pair.settle();
    assert_eq!(pair.up.kinds(), ["event", "request", "ack"]);
}
