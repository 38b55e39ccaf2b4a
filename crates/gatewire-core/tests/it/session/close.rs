//! The end of a connection that is told.

use gatewire_codec::{CloseCode, GoAwayCode};

use super::*;

#[test]
fn a_close_with_its_reason_is_the_last_message() {
    let mut pair = Pair::new();
    emit(&mut pair.client, "before", 1).expect("queued");
    pair.client.session.outbound.close(CloseCode::GoingAway, "see you");
    assert!(pair.client.session.outbound.is_closing());
    pair.settle();
    let closed = Ok(Seen::Closed(CloseCode::GoingAway, "see you".to_owned()));
    assert_eq!(pair.server_saw(), [event("before", 1), closed]);
    assert_eq!(pair.up.kinds(), ["event", "close"]);
}

#[test]
fn nothing_is_sent_after_a_close() {
    use gatewire_codec::{ErrorCode, NackCode, Names, Target};
    let mut pair = Pair::new();
    pair.client.session.outbound.close(CloseCode::Normal, "");
    let outbound = &mut pair.client.session.outbound;
    let closed = Err(SendError::Closed);
    let refused = Err((SendError::Closed, 7));
    let (value, rooms) = (ValueRef::Empty, Names::from_slice(&["red"]));
    let frame = b"\x02\0\0\0\x03\x08"[..].into();
    assert_eq!(outbound.emit(Class::Normal, "e", value), closed);
    assert_eq!(outbound.emit(Class::Volatile, "e", value), closed);
    assert_eq!(outbound.emit_encoded(Class::Normal, &Frames::one(&frame)), closed);
    assert_eq!(outbound.publish(Class::Normal, Target::default(), "e", value), closed);
    assert_eq!(outbound.request("e", value, Time::NEVER, 7), refused);
    assert_eq!(outbound.request_from(Target::default(), "e", value, Time::NEVER, 7), refused);
    assert_eq!(outbound.join(rooms, Time::NEVER, 7), refused);
    assert_eq!(outbound.leave(rooms, Time::NEVER, 7), refused);
    assert_eq!(outbound.leave_all(Time::NEVER, 7), refused);
    assert_eq!(outbound.ack(1, value), closed);
    assert_eq!(outbound.nack(1, NackCode::Rejected, value), closed);
    assert_eq!(outbound.refuse(1, ErrorCode::Denied, ""), closed);
    assert_eq!(outbound.go_away(GoAwayCode::Shutdown, 0, ""), closed);
    outbound.ping(1);
    outbound.close(CloseCode::Kicked, "a second time");
    assert_eq!(outbound.pending_requests(), 0);
    pair.settle();
    let kinds = pair.up.kinds();
    assert_eq!(kinds, ["close"]);
    let closed = Ok(Seen::Closed(CloseCode::Normal, String::new()));
    assert_eq!(pair.server_saw(), [closed], "the first reason counts");
}

#[test]
fn a_message_after_a_close_is_an_error() {
    let mut pair = Pair::new();
    pair.client.session.outbound.close(CloseCode::Normal, "bye");
    pair.settle();
    assert_eq!(pair.server_saw().len(), 1);
    for frame in [&b"\x03\0\0\0\x03\x08\x01"[..], b"\x02\0\0\0\xff\xff", b"\x03\0\0\0\x03\x0b\x00"]
    {
        pair.up.send(Time::ZERO, frame);
        pair.settle();
        assert_eq!(pair.server_saw(), [Err(ProtocolError::AfterClose)]);
    }
    assert!(ProtocolError::AfterClose.is_fatal());
    assert_eq!(pair.down.kinds(), [""; 0], "no ping is answered after the close");
}

#[test]
fn each_code_of_a_close_arrives() {
    for byte in 0..=u8::MAX {
        let mut pair = Pair::new();
        pair.server.session.outbound.close(CloseCode::from_u8(byte), "why");
        pair.settle();
        let closed = Seen::Closed(CloseCode::from_u8(byte), "why".to_owned());
        assert_eq!(pair.client_saw(), [Ok(closed)]);
    }
}

#[test]
fn the_other_side_can_still_finish_what_it_says() {
    let mut pair = Pair::new();
    pair.client.session.outbound.close(CloseCode::Normal, "");
    pair.settle();
    emit(&mut pair.server, "last words", 1).expect("the server did not close");
    pair.settle();
    assert_eq!(pair.client_saw(), [event("last words", 1)]);
}

#[test]
fn a_close_passes_a_full_queue() {
    let mut pair = Pair::new();
    while emit(&mut pair.client, "flood", 0).is_ok() {}
    pair.client.session.outbound.close(CloseCode::SlowConsumer, "too slow");
    pair.settle();
    let seen = pair.server_saw();
    let closed = Seen::Closed(CloseCode::SlowConsumer, "too slow".to_owned());
    assert_eq!(seen.last(), Some(&Ok(closed)));
    assert_eq!(seen.len(), 16_384 + 1);
}
