//! Requests between two sessions: each ends once, and in one way.

use gatewire_codec::NackCode;

use super::*;

#[test]
fn both_sides_ask_and_are_answered() {
    let mut pair = Pair::new();
    assert_eq!(ask(&mut pair.client, Time::NEVER, 70), Ok(1));
    assert_eq!(ask(&mut pair.server, Time::NEVER, 80), Ok(1), "each side counts for itself");
    pair.settle();
    assert_eq!(pair.server_saw(), [asked(1)]);
    assert_eq!(pair.client_saw(), [asked(1)]);
    pair.server.session.outbound.ack(1, ValueRef::Integer(7)).expect("queued");
    pair.client.session.outbound.ack(1, ValueRef::Integer(8)).expect("queued");
    pair.settle();
    assert_eq!(pair.client_saw(), [Ok(Seen::Answer(Some(70), Ok(Value::Integer(7))))]);
    assert_eq!(pair.server_saw(), [Ok(Seen::Answer(Some(80), Ok(Value::Integer(8))))]);
    assert_eq!(pair.client.session.outbound.pending_requests(), 0);
}

#[test]
fn a_refusal_carries_its_code_and_what_the_handler_says() {
    let codes = [
        NackCode::NoHandler,
        NackCode::Rejected,
        NackCode::Decode,
        NackCode::Denied,
        NackCode::Busy,
        NackCode::Other(200),
    ];
    for code in codes {
        let mut pair = Pair::new();
        ask(&mut pair.client, Time::NEVER, 70).expect("queued");
        let text = ValueRef::String("sorry");
        pair.server.session.outbound.nack(1, code, text).expect("queued");
        pair.settle();
        let refused = Err((code, Value::String("sorry".to_owned())));
        assert_eq!(pair.client_saw(), [Ok(Seen::Answer(Some(70), refused))]);
    }
}

#[test]
fn answers_in_any_order_reach_who_asked() {
    let mut pair = Pair::new();
    for waiter in 100..110 {
        ask(&mut pair.client, Time::NEVER, waiter).expect("queued");
    }
    pair.settle();
    for id in [3_u32, 10, 1, 9, 2, 8, 4, 7, 5, 6] {
        pair.server.session.outbound.ack(id, ValueRef::Integer(id.into())).expect("queued");
        pair.settle();
        let answer = Ok(Seen::Answer(Some(99 + id), Ok(Value::Integer(id.into()))));
        assert_eq!(pair.client_saw(), [answer]);
    }
}

#[test]
fn a_request_ends_at_its_deadline() {
    let mut pair = Pair::new();
    ask(&mut pair.client, at(5 * SECOND), 70).expect("queued");
    ask(&mut pair.client, at(3 * SECOND), 71).expect("queued");
    ask(&mut pair.client, Time::NEVER, 72).expect("queued");
    pair.advance(4 * SECOND);
    assert_eq!(pair.client.expired, [(at(3 * SECOND), 71)]);
    pair.advance(4 * SECOND);
    assert_eq!(pair.client.expired[1..], [(at(5 * SECOND), 70)]);
    assert_eq!(pair.client.session.outbound.pending_requests(), 1);
}

#[test]
fn late_ack_is_ignored() {
    let mut pair = Pair::new();
    pair.down.delay = 6 * SECOND;
    ask(&mut pair.client, at(5 * SECOND), 70).expect("queued");
    pair.settle();
    pair.server.session.outbound.ack(1, ValueRef::Bool(true)).expect("queued");
    pair.advance(7 * SECOND);
    assert_eq!(pair.client.expired, [(at(5 * SECOND), 70)]);
    assert_eq!(pair.client_saw(), [Ok(Seen::Answer(None, Ok(Value::Bool(true))))]);
    // The next request has an id of its own, so that the late answer never meets it.
    assert_eq!(ask(&mut pair.client, Time::NEVER, 71), Ok(2));
}

#[test]
fn an_ack_before_the_deadline_stops_the_clock() {
    let mut pair = Pair::new();
    pair.down.delay = 4 * SECOND;
    ask(&mut pair.client, at(5 * SECOND), 70).expect("queued");
    pair.settle();
    pair.server.session.outbound.ack(1, ValueRef::Bool(true)).expect("queued");
    pair.advance(60 * SECOND);
    assert_eq!(pair.client.expired, []);
    assert_eq!(pair.client_saw(), [Ok(Seen::Answer(Some(70), Ok(Value::Bool(true))))]);
}

#[test]
fn an_unknown_ack_id_is_ignored() {
    let mut pair = Pair::new();
    ask(&mut pair.client, Time::NEVER, 70).expect("queued");
    for id in [0, 2, u32::MAX] {
        pair.server.session.outbound.ack(id, ValueRef::Empty).expect("queued");
        pair.server.session.outbound.nack(id, NackCode::Rejected, ValueRef::Empty).expect("queued");
    }
    pair.settle();
    for seen in pair.client_saw() {
        assert!(matches!(seen, Ok(Seen::Answer(None, _))), "{seen:?}");
    }
    assert_eq!(pair.client.session.outbound.pending_requests(), 1, "the request still waits");
}

#[test]
fn a_second_ack_is_ignored() {
    let mut pair = Pair::new();
    ask(&mut pair.client, Time::NEVER, 70).expect("queued");
    let outbound = &mut pair.server.session.outbound;
    outbound.ack(1, ValueRef::Integer(1)).expect("queued");
    outbound.ack(1, ValueRef::Integer(2)).expect("queued");
    outbound.nack(1, NackCode::Panicked, ValueRef::Empty).expect("queued");
    pair.settle();
    assert_eq!(
        pair.client_saw(),
        [
            Ok(Seen::Answer(Some(70), Ok(Value::Integer(1)))),
            Ok(Seen::Answer(None, Ok(Value::Integer(2)))),
            Ok(Seen::Answer(None, Err((NackCode::Panicked, Value::Empty)))),
        ]
    );
}

#[test]
fn a_forgotten_request_is_answered_to_nobody() {
    let mut pair = Pair::new();
    ask(&mut pair.client, at(5 * SECOND), 70).expect("queued");
    assert_eq!(pair.client.session.outbound.forget(1), Some(70));
    assert_eq!(pair.client.session.outbound.forget(1), None);
    pair.server.session.outbound.ack(1, ValueRef::Empty).expect("queued");
    pair.advance(6 * SECOND);
    assert_eq!(pair.client_saw(), [Ok(Seen::Answer(None, Ok(Value::Empty)))]);
    assert_eq!(pair.client.expired, []);
}

#[test]
fn a_peers_request_with_id_0_is_answered_with_0() {
    let mut pair = Pair::new();
    pair.up.send(Time::ZERO, b"\x07\0\0\0\x03\x11\x00\x02hi\x07");
    pair.settle();
    assert_eq!(pair.server_saw(), [Ok(Seen::Request(0, "hi".to_owned(), Value::Empty))]);
    pair.server.session.outbound.ack(0, ValueRef::Empty).expect("queued");
    pair.settle();
    assert_eq!(pair.client_saw(), [Ok(Seen::Answer(None, Ok(Value::Empty)))]);
}

#[test]
fn no_more_than_65536_requests_wait() {
    let mut pair = Pair::new();
    // The queue in front of the kernel has a bound of its own: it is emptied on the way.
    for waiter in 0..65_536 {
        ask(&mut pair.client, Time::NEVER, waiter).expect("below the bound");
        if waiter % 8192 == 0 {
            pair.settle();
            pair.server_saw();
        }
    }
    assert_eq!(ask(&mut pair.client, Time::NEVER, 9), Err((SendError::TooManyRequests, 9)));
    assert_eq!(pair.client.session.outbound.pending_requests(), 65_536);
    let queued = pair.client.session.outbound.outbox().ledger().accepted;
    assert_eq!(queued, 65_536, "the refused request was not queued");

    pair.server.session.outbound.ack(500, ValueRef::Empty).expect("queued");
    pair.settle();
    assert_eq!(ask(&mut pair.client, Time::NEVER, 9), Ok(65_537), "one answer, one place");
}

#[test]
fn a_request_that_does_not_fit_the_queue_gives_its_waiter_back() {
    let mut pair = Pair::new();
    pair.up.window = 0;
    for waiter in 0..16_384 {
        ask(&mut pair.client, Time::NEVER, waiter).expect("below the bound");
    }
    assert_eq!(ask(&mut pair.client, Time::NEVER, 9), Err((SendError::SlowConsumer, 9)));
    assert_eq!(pair.client.session.outbound.pending_requests(), 16_384);
}

fn ask(endpoint: &mut Endpoint, deadline: Time, waiter: u32) -> Result<u32, (SendError, u32)> {
    endpoint.session.outbound.request("ask", ValueRef::Empty, deadline, waiter)
}

fn asked(id: u32) -> Result<Seen, ProtocolError> {
    Ok(Seen::Request(id, "ask".to_owned(), Value::Empty))
}
