//! A lost connection, and the next one.

use gatewire_codec::{EncodeError, Field, Names};
use gatewire_core::session::Outbound;

use super::*;

#[test]
fn a_frame_that_is_half_written_is_lost_and_the_others_are_kept() {
    let frames = [event("a", 100), event("b", 5000), event("c", 100)];
    // How much was written, and how many frames the peer may have.
    for (written, done, lost) in
        [(0, 0, 0), (1, 0, 1), (99, 0, 1), (100, 1, 0), (101, 1, 1), (5099, 1, 1), (5101, 2, 1)]
    {
        let mut outbox = Outbox::new(OutboxLimits::default());
        push_all(&mut outbox, &frames);
        if written > 0 {
            write(&mut outbox, written);
        }
        outbox.disconnect(|_| true);
        check_ledger(&outbox, 3, done, &[(DropReason::Disconnected, lost)]);
        assert!(!outbox.is_blocked());
        let kept = usize::try_from(done + lost).expect("at most three");
        assert!(drain(&mut outbox) == frames[kept..].concat(), "{written} bytes written");
    }
}

#[test]
fn frames_that_are_not_to_be_kept_are_lost_and_counted() {
    let frames = [event("a", 100), request(1), event("b", 5000), request(2)];
    let mut outbox = Outbox::new(OutboxLimits::default());
    push_all(&mut outbox, &frames);
    let mut asked = Vec::new();
    outbox.disconnect(|frame| {
        asked.push(frame.to_vec());
        matches!(v3::decode(&frame[4..]), Ok(Message::Event { .. }))
    });
    assert_eq!(asked, frames, "each frame once, in order, with its length prefix");
    check_ledger(&outbox, 4, 0, &[(DropReason::Disconnected, 2)]);
    assert_eq!(drain(&mut outbox), [&frames[0][..], &frames[2]].concat());
}

#[test]
fn frames_that_come_while_there_is_no_connection_follow_those_that_were_kept() {
    let frames = [event("a", 100), event("b", 5000), event("c", 100)];
    let mut outbox = Outbox::new(OutboxLimits::default());
    push_all(&mut outbox, &frames[..2]);
    write(&mut outbox, 50);
    outbox.disconnect(|_| true);
    push_all(&mut outbox, &frames[2..]);
    assert_eq!(drain(&mut outbox), frames[1..].concat());
}

#[test]
fn a_frame_pushed_to_the_front_precedes_all_others() {
    let frames = [event("a", 100), event("b", 5000)];
    let mut outbox = Outbox::new(OutboxLimits::default());
    push_all(&mut outbox, &frames);
    outbox.disconnect(|_| true);
    let (second, first) = (event("second", 100), event("first", 9000));
    outbox.push_front(second.clone());
    outbox.push_front(first.clone());
    check_ledger(&outbox, 4, 0, &[]);
    let expected = [&first[..], &second, &frames[0], &frames[1]].concat();
    assert_eq!(drain(&mut outbox), expected);
}

#[test]
fn a_frame_can_be_pushed_to_the_front_of_an_empty_queue() {
    let mut outbox = Outbox::new(OutboxLimits::default());
    outbox.push_front(event("first", 100));
    push_all(&mut outbox, &[event("second", 100)]);
    assert_eq!(drain(&mut outbox), [&event("first", 100)[..], &event("second", 100)].concat());
}

#[test]
fn rooms_are_joined_again_before_anything_else_is_said() {
    let mut outbound = outbound(1 << 20);
    outbound.emit(Class::Normal, "hello", ValueRef::Empty).expect("queued");
    assert!(outbound.disconnect(|_| true).is_empty());
    outbound.reconnect(1 << 20, OutboxLimits::default());
    outbound.rejoin(Names::from_slice(&["news", "sports"])).expect("short names");
    let rooms = Names::from_slice(&["news", "sports"]);
    let join = frame_of(&Message::Join { id: 0, rooms });
    let hello = frame_of(&Message::Event { event: "hello", value: ValueRef::Empty });
    assert_eq!(drain(outbound.outbox_mut()), [&join[..], &hello].concat());
}

#[test]
fn no_rooms_are_joined_again_by_no_frame() {
    let mut outbound = outbound(1 << 20);
    outbound.rejoin(Names::EMPTY).expect("nothing to say");
    assert!(outbound.outbox().is_empty());
}

#[test]
fn rooms_that_the_peer_does_not_read_at_once_are_joined_in_parts() {
    // Joined one by one, 128 names of 255 bytes are possible whatever the peer's limit is; a JOIN
    // with all of them would have 32 KiB.
    let names: Vec<String> = (0..128).map(|number| format!("{number:a>255}")).collect();
    let mut outbound = outbound(1024);
    outbound.rejoin(Names::from_strings(&names)).expect("each name is short enough");
    let wire = drain(outbound.outbox_mut());
    let mut joined = Vec::new();
    let mut rest = &wire[..];
    while let Some((frame, behind)) = gatewire_codec::split_frame(rest, 1024).expect("short") {
        let Ok(Message::Join { id: 0, rooms }) = v3::decode(frame) else { panic!("a JOIN") };
        joined.extend(rooms.iter().map(str::to_owned));
        rest = behind;
    }
    assert_eq!(rest, b"");
    assert_eq!(joined, names, "all of them, in order");
}

#[test]
fn a_room_that_the_peer_never_reads_is_not_joined_again() {
    let mut outbound = outbound(100);
    let long = "a".repeat(255);
    let names = ["short", &long];
    assert_eq!(
        outbound.rejoin(Names::from_slice(&names)),
        Err(EncodeError::TooLong { field: Field::Names, length: 261, limit: 100 })
    );
}

#[test]
fn what_waited_and_is_longer_than_the_new_peer_reads_is_dropped() {
    let mut outbound = outbound(1 << 20);
    let frames = [event("a", 104), event("b", 105), event("c", 5000)];
    for frame in &frames {
        outbound.emit_encoded(Class::Normal, &Frames::one(frame)).expect("queued");
    }
    assert!(outbound.disconnect(|_| true).is_empty());
    outbound.reconnect(100, OutboxLimits::default());
    check_ledger(outbound.outbox(), 3, 0, &[(DropReason::TooLarge, 2)]);
    assert_eq!(drain(outbound.outbox_mut()), frames[0]);
    let error = SendError::TooLarge { length: 101, limit: 100 };
    assert_eq!(outbound.emit_encoded(Class::Normal, &Frames::one(&frames[1])), Err(error));
}

fn outbound(max_frame: u32) -> Outbound<u32> {
    Outbound::new(max_frame, OutboxLimits::default())
}
