//! Frames that are none, are too long, or are cut.

use gatewire::{Client, CloseCode, DisconnectReason, ProtocolError};
use gatewire_codec::{DecodeError, Field, FrameError, Message, ValueRef};

use super::bystander::Scene;
use crate::raw::{RawListener, frame, frame_of};
use crate::rig::{connect, limits, record, within};

const LIMIT: u32 = 1 << 20;

/// These bytes end the connection, with this code and for this reason.
async fn check(bytes: &[u8], code: CloseCode, reason: DisconnectReason) {
    let mut scene = Scene::new().await;
    let mut raw = scene.intruder().await;
    raw.try_write(bytes).await;
    assert_eq!(raw.expect_close(code).await, reason.to_string());
    let id = raw.id();
    drop(raw);
    scene.expect_end(id, reason).await;
}

async fn check_frame(body: &[u8], error: ProtocolError) {
    check(&frame_of(body), CloseCode::Protocol, DisconnectReason::Protocol(error)).await;
}

#[tokio::test]
async fn a_length_above_the_limit_ends_the_connection_from_its_four_bytes() {
    for length in [LIMIT + 1, u32::MAX] {
        let reason = DisconnectReason::Frame(FrameError::TooLarge { length, limit: LIMIT });
        check(&length.to_le_bytes(), CloseCode::TooLarge, reason).await;
    }
}

#[tokio::test]
async fn a_length_below_two_ends_the_connection() {
    for length in [0_u32, 1] {
        let reason = DisconnectReason::Frame(FrameError::TooShort { length });
        check(&length.to_le_bytes(), CloseCode::Protocol, reason).await;
    }
}

#[tokio::test]
async fn a_frame_of_another_version_ends_the_connection() {
    for found in [0, 1, 2, 4] {
        let error = DecodeError::WrongVersion { found, expected: 3 };
        check_frame(&[found, 16, 1, b'x', 7], ProtocolError::Malformed(error)).await;
    }
}

#[tokio::test]
async fn a_frame_that_ends_too_early_or_too_late_ends_the_connection() {
    let event = Field::Event;
    let truncated = ProtocolError::Malformed(DecodeError::Truncated { field: event });
    check_frame(&[3, 16, 5, b'x'], truncated).await;
    let trailing = ProtocolError::Malformed(DecodeError::TrailingBytes { count: 2 });
    check_frame(&[3, 8, 1, 1, 1], trailing).await;
}

#[tokio::test]
async fn a_kind_that_nobody_knows_ends_the_connection_unless_it_may_be_skipped() {
    for kind in [0, 6, 30, 127] {
        let error = DecodeError::UnknownKind { kind };
        check_frame(&[3, kind, 1, 2, 3], ProtocolError::Malformed(error)).await;
    }
    let mut scene = Scene::new().await;
    let mut raw = scene.intruder().await;
    for kind in [128, 200, 255] {
        raw.write(&frame_of(&[3, kind, 1, 2, 3])).await;
    }
    raw.send(&Message::Ping { token: 5 }).await;
    raw.expect(&Message::Pong { token: 5 }).await;
    scene.expect_undisturbed().await;
    let id = raw.id();
    drop(raw);
    scene.expect_end(id, DisconnectReason::Lost).await;
}

#[tokio::test]
async fn a_frame_that_is_cut_by_the_end_is_nothing() {
    let whole = frame(&Message::Event { event: "add", value: ValueRef::Integer(1) });
    for length in 1..whole.len() {
        let mut scene = Scene::new().await;
        let (seen, mut events) = record();
        scene.server.on("add", move |number: i64| seen.note(number));
        let mut raw = scene.intruder().await;
        raw.write(&whole[..length]).await;
        raw.finish().await;
        raw.expect_end().await;
        let id = raw.id();
        drop(raw);
        scene.expect_end(id, DisconnectReason::Lost).await;
        // The bystander's own.
        assert!(events.so_far().iter().all(|number| *number == 1));
        assert_eq!(scene.server.counters().inbound.dropped_total(), 0);
    }
}

/// The longest frame goes through, in both directions; one byte more does not.
#[tokio::test]
async fn the_limit_is_the_longest_frame() {
    let scene =
        Scene::with(|builder| builder.limits(limits(|limits| limits.max_frame = 100_000))).await;
    scene.server.on("length", |bytes: Vec<u8>| bytes.len());
    let mut raw = scene.intruder().await;
    let bytes = vec![7; 100_000];
    // Version, kind, id, the name with its length, and the type of the value.
    let longest = 100_000 - 2 - 1 - 7 - 1;
    let request = |length: usize| {
        let value = ValueRef::Binary(&bytes[..length]);
        frame(&Message::Request { id: 1, event: "length", value })
    };
    assert_eq!(request(longest).len(), 4 + 100_000);
    raw.write(&request(longest)).await;
    raw.expect(&Message::Ack { id: 1, value: ValueRef::Integer(99_989) }).await;
    raw.try_write(&request(longest + 1)).await;
    let error = FrameError::TooLarge { length: 100_001, limit: 100_000 };
    let reason = DisconnectReason::Frame(error);
    assert_eq!(raw.expect_close(CloseCode::TooLarge).await, reason.to_string());
    let id = raw.id();
    drop(raw);
    let mut scene = scene;
    scene.expect_end(id, reason).await;
}

#[tokio::test]
async fn what_comes_after_the_close_is_not_handled() {
    let mut scene = Scene::new().await;
    let (seen, mut events) = record();
    scene.server.on("event", move |number: i64| seen.note(number));
    let mut raw = scene.intruder().await;
    let event =
        |number| frame(&Message::Event { event: "event", value: ValueRef::Integer(number) });
    let close = frame(&Message::Close { code: CloseCode::Normal, text: "done" });
    raw.write(&[event(1), close, event(2)].concat()).await;
    raw.expect_end().await;
    let id = raw.id();
    drop(raw);
    let (code, text) = (CloseCode::Normal, "done".to_owned());
    scene.expect_end(id, DisconnectReason::ClosedByPeer { code, text }).await;
    assert_eq!(events.so_far(), [1]);
}

/// A client guards itself in the same way.
#[tokio::test]
async fn a_server_that_breaks_the_rules_is_left() {
    let large = frame_of(&vec![3; 2_000_000]);
    let faults: [(&[u8], CloseCode, DisconnectReason); 4] = [
        (
            &large[..4],
            CloseCode::TooLarge,
            DisconnectReason::Frame(FrameError::TooLarge { length: 2_000_000, limit: LIMIT }),
        ),
        (
            &frame_of(&[2, 16, 1, b'x', 7]),
            CloseCode::Protocol,
            DisconnectReason::Protocol(ProtocolError::Malformed(DecodeError::WrongVersion {
                found: 2,
                expected: 3,
            })),
        ),
        (
            &frame(&Message::LeaveAll { id: 1 }),
            CloseCode::Protocol,
            DisconnectReason::Protocol(ProtocolError::Unexpected("leave-all")),
        ),
        (
            &frame(&Message::Reject { code: gatewire::RejectCode::Busy, retry_after_s: 0 }),
            CloseCode::Protocol,
            DisconnectReason::Protocol(ProtocolError::Unexpected("reject")),
        ),
    ];
    for (bytes, code, reason) in faults {
        let listener = RawListener::bind().await;
        let client = Client::builder().no_reconnect().build(listener.address());
        let (ended, mut ends) = record();
        client.on_disconnect(move |reason| ended.note(reason.clone()));
        let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
        raw.write(bytes).await;
        assert_eq!(raw.expect_close(code).await, reason.to_string());
        drop(raw);
        assert_eq!(ends.next().await, reason);
        within(client.closed()).await;
    }
}
