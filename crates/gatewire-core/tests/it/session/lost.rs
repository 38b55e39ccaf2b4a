//! The end of a connection that nobody told, and the one that follows.

use gatewire_codec::{CloseCode, Message, Names, v3};
use gatewire_core::DropReason;
use gatewire_core::session::OutboxLimits;

use super::*;

#[test]
fn requests_end_when_the_connection_ends() {
    let mut pair = Pair::new();
    for waiter in 70..75 {
        let outbound = &mut pair.client.session.outbound;
        outbound.request("ask", ValueRef::Empty, at(5 * SECOND), waiter).expect("queued");
    }
    pair.settle();
    pair.server.session.outbound.ack(2, ValueRef::Empty).expect("queued");
    pair.settle();
    assert_eq!(pair.disconnect(|_| false), [70, 72, 73, 74], "the oldest first");
    assert_eq!(pair.client.session.outbound.pending_requests(), 0);
    pair.advance(60 * SECOND);
    assert_eq!(pair.client.expired, [], "each ends once");
}

#[test]
fn an_answer_from_before_does_not_meet_a_request_of_the_next_connection() {
    let mut pair = Pair::new();
    let ask = |pair: &mut Pair, waiter| {
        let outbound = &mut pair.client.session.outbound;
        outbound.request("ask", ValueRef::Empty, Time::NEVER, waiter)
    };
    assert_eq!(ask(&mut pair, 70), Ok(1));
    assert_eq!(pair.disconnect(|_| false), [70]);
    reconnect(&mut pair);
    assert_eq!(ask(&mut pair, 71), Ok(2), "ids go on");
}

#[test]
fn a_frame_that_was_cut_is_not_finished_on_the_next_connection() {
    let long = vec![5; 9000];
    // Where the connection is lost, and the frame that it cuts. The first two have 10 bytes.
    let cuts = [(0, None), (8, Some(0)), (10, None), (15, Some(1)), (20, None), (5000, Some(2))];
    for (window, cut) in cuts {
        let mut pair = Pair::new();
        pair.up.window = window;
        emit(&mut pair.client, "a", 1).expect("queued");
        emit(&mut pair.client, "b", 2).expect("queued");
        let outbound = &mut pair.client.session.outbound;
        outbound.emit(Class::Normal, "long", ValueRef::Binary(&long)).expect("queued");
        emit(&mut pair.client, "c", 3).expect("queued");
        pair.settle();
        let mut seen = pair.server_saw();

        assert_eq!(pair.disconnect(is_event), [0; 0]);
        reconnect(&mut pair);
        pair.settle();
        seen.extend(pair.server_saw());
        let long = Ok(Seen::Event("long".to_owned(), Value::Binary(long.clone().into())));
        let mut expected = vec![event("a", 1), event("b", 2), long, event("c", 3)];
        if let Some(cut) = cut {
            let _lost = expected.remove(cut);
        }
        assert!(seen == expected, "window {window}");
        let ledger = pair.client.session.outbound.outbox().ledger();
        assert!(ledger.is_balanced());
        assert_eq!(ledger.dropped(DropReason::Disconnected), u64::from(cut.is_some()));
    }
}

#[test]
fn half_a_frame_at_the_receiver_is_nothing() {
    let mut pair = Pair::new();
    pair.up.window = 5;
    emit(&mut pair.client, "a", 1).expect("queued");
    pair.settle();
    assert_eq!(pair.server_saw(), []);
}

#[test]
fn what_waited_follows_the_rooms() {
    let mut pair = Pair::new();
    pair.up.window = 0;
    emit(&mut pair.client, "a", 1).expect("queued");
    pair.settle();
    assert_eq!(pair.disconnect(is_event), [0; 0]);
    emit(&mut pair.client, "while away", 2).expect("queued");
    reconnect(&mut pair);
    let rooms = Names::from_slice(&["red", "blue"]);
    pair.client.session.outbound.rejoin(rooms).expect("short names");
    emit(&mut pair.client, "after", 3).expect("queued");
    pair.settle();
    let join = Ok(Seen::Join(0, vec!["red".to_owned(), "blue".to_owned()]));
    let expected = [join, event("a", 1), event("while away", 2), event("after", 3)];
    assert_eq!(pair.server_saw(), expected);
}

#[test]
fn a_closed_session_speaks_again_after_a_reconnect() {
    let mut pair = Pair::new();
    pair.client.session.outbound.close(CloseCode::Normal, "");
    assert_eq!(emit(&mut pair.client, "a", 1), Err(SendError::Closed));
    assert_eq!(pair.disconnect(is_event), [0; 0]);
    assert_eq!(emit(&mut pair.client, "a", 1), Err(SendError::Closed), "not before");
    reconnect(&mut pair);
    emit(&mut pair.client, "a", 1).expect("queued");
    pair.settle();
    assert_eq!(pair.server_saw(), [event("a", 1)], "the close was for the old connection");
}

fn reconnect(pair: &mut Pair) {
    pair.client.session.outbound.reconnect(1 << 20, OutboxLimits::default());
}

/// What a client keeps: events, not what belongs to the connection.
fn is_event(frame: &[u8]) -> bool {
    matches!(v3::decode(&frame[4..]), Ok(Message::Event { .. }))
}
