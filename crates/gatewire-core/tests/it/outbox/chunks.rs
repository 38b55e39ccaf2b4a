//! Chunks of streams, whose frames lie in several pieces: cut anywhere, kept or dropped as one.

use gatewire_core::session::Outbound;

use super::*;

/// An event, two chunks of 2,900 bytes together, and a request. The chunks lie in shared and in copied
/// pieces. What stands on the wire, and where each frame ends.
fn chunks() -> (Outbound<()>, Vec<u8>, Vec<usize>) {
    let mut outbound = Outbound::new(2_000, OutboxLimits::default());
    let id = outbound.open_stream(None, "file", ValueRef::Empty, (), ()).expect("queued");
    drain(outbound.outbox_mut());
    push_all(outbound.outbox_mut(), &[event("before", 60)]);
    for (number, length) in (0_u8..).zip([300, 1100, 200, 1, 1200, 99]) {
        assert!(outbound.write_stream(id, vec![number; length].into()));
    }
    let batch = outbound.take().expect("two chunks and more");
    outbound.outbox_mut().give_back(batch);
    push_all(outbound.outbox_mut(), &[request(7)]);
    let wire = peek_all(&mut outbound);
    let mut ends = Vec::new();
    let mut end = 0;
    while end < wire.len() {
        end += 4 + u32::from_le_bytes([wire[end], wire[end + 1], wire[end + 2], wire[end + 3]])
            as usize;
        ends.push(end);
    }
    assert_eq!(ends.len(), 4, "the longest chunk is as long as the peer's limit allows");
    (outbound, wire, ends)
}

/// All that waits; it still does then.
fn peek_all(outbound: &mut Outbound<()>) -> Vec<u8> {
    let length = outbound.outbox().queued_bytes();
    let Some(batch) = outbound.outbox_mut().take() else { return Vec::new() };
    let bytes = peek(&batch, length);
    outbound.outbox_mut().give_back(batch);
    bytes
}

fn is_chunk(frame: &[u8]) -> bool {
    frame[5] == 32
}

/// The numbers of the frames that end behind `offset`, and of the one that it cuts.
fn cut(ends: &[usize], offset: usize) -> (usize, Option<usize>) {
    let whole = ends.iter().filter(|end| **end <= offset).count();
    let begin = if whole == 0 { 0 } else { ends[whole - 1] };
    (whole, (begin < offset).then_some(whole))
}

#[test]
fn chunks_are_written_in_parts_of_any_length() {
    let (_, wire, ends) = chunks();
    for offset in 0..=wire.len() {
        let (mut outbound, ..) = chunks();
        let outbox = outbound.outbox_mut();
        let mut written = if offset == 0 { Vec::new() } else { write(outbox, offset) };
        assert_eq!(outbox.ledger().done, 1 + cut(&ends, offset).0 as u64);
        written.extend(drain(outbox));
        assert!(written == wire, "{offset} bytes first");
    }
}

#[test]
fn a_chunk_is_kept_or_dropped_as_one_wherever_it_is_cut() {
    let (_, wire, ends) = chunks();
    for offset in 0..=wire.len() {
        for keep_chunks in [true, false] {
            let (mut outbound, ..) = chunks();
            let outbox = outbound.outbox_mut();
            if offset > 0 {
                write(outbox, offset);
            }
            let (_, begun) = cut(&ends, offset);
            outbox.retain(DropReason::NoHandler, |frame| is_chunk(frame) == keep_chunks);
            check_balance(outbox);
            let mut expected = Vec::new();
            let mut start = 0;
            for (number, &end) in ends.iter().enumerate() {
                let frame = &wire[start..end];
                if begun == Some(number) || is_chunk(frame) == keep_chunks {
                    expected.extend_from_slice(&wire[start.max(offset).min(end)..end]);
                }
                start = end;
            }
            assert!(drain(outbox) == expected, "{offset} bytes written, {keep_chunks}");
        }
    }
}

#[test]
fn a_chunk_that_is_cut_is_lost_with_the_connection() {
    let (_, wire, ends) = chunks();
    for offset in 0..=wire.len() {
        let (mut outbound, ..) = chunks();
        let outbox = outbound.outbox_mut();
        if offset > 0 {
            write(outbox, offset);
        }
        let (whole, begun) = cut(&ends, offset);
        outbox.disconnect(|_| true);
        let lost = whole + usize::from(begun.is_some());
        check_balance(outbox);
        assert_eq!(outbox.queued_frames(), ends.len() - lost);
        let rest = if lost == 0 { 0 } else { ends[lost - 1] };
        assert!(drain(outbox) == wire[rest..], "{offset} bytes written");
    }
}

#[test]
fn chunks_make_no_room_for_events() {
    for overflow in [Overflow::DropOldest, Overflow::Latest] {
        let mut outbound: Outbound<()> = Outbound::new(MAX_FRAME, limits(20_000, 100, overflow));
        let id = outbound.open_stream(None, "file", ValueRef::Empty, (), ()).expect("queued");
        drain(outbound.outbox_mut());
        assert!(outbound.write_stream(id, vec![7; 4000].into()));
        let batch = outbound.take().expect("a chunk");
        outbound.outbox_mut().give_back(batch);
        let chunk = peek_all(&mut outbound);
        let news = [event("news", 5000), event("news", 5001), event("news", 5002)];
        push_all(outbound.outbox_mut(), &news);
        let newest = event("news", 5003);
        push_all(outbound.outbox_mut(), std::slice::from_ref(&newest));
        let kept = if overflow == Overflow::Latest { &[][..] } else { &news[2..] };
        let expected = [&chunk, &kept.concat(), &newest[..]].concat();
        assert!(drain(outbound.outbox_mut()) == expected, "{overflow:?}");
    }
}
