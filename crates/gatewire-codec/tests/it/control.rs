//! The frames between routers: one encoding each, and nothing that garbage can do.

use bytes::BytesMut;
use gatewire_codec::v3::control::{
    Control, Hello, Incarnation, InterestChange, InterestDelta, InterestSnapshot, LinkState,
    MAX_GROWTH, MAX_NEIGHBOURS, Neighbour, NodeFlags, NodeId, Purge, RequestItem, SummaryEntry,
    decode, encode, is_control,
};
use gatewire_codec::{DecodeError, EncodeError, Field, Message, v3};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

/// The frame of `control` without its length prefix.
fn bytes_of(control: &Control<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode(control, &mut out).expect("the frame can be written");
    let length = u32::from_le_bytes([out[0], out[1], out[2], out[3]]);
    assert_eq!(usize::try_from(length).ok(), Some(out.len() - 4));
    out[4..].to_vec()
}

fn incarnation() -> impl Strategy<Value = Incarnation> {
    any::<u64>().prop_map(Incarnation::from_bits)
}

fn neighbour() -> impl Strategy<Value = Neighbour> {
    (any::<u32>(), any::<u8>(), 1..=u16::MAX).prop_map(|(node, link, cost)| Neighbour {
        node,
        link,
        cost,
    })
}

fn link_state() -> impl Strategy<Value = LinkState> {
    let head = (any::<u32>(), incarnation(), any::<u64>(), any::<[bool; 3]>());
    let rest = (any::<u32>(), any::<u16>(), vec(neighbour(), 0..8));
    (head, rest).prop_map(
        |((node, incarnation, sequence, flags), (lifetime_s, area, neighbours))| {
            let [overload, area_border, v2_gateway] = flags;
            let flags = NodeFlags { overload, area_border, v2_gateway };
            LinkState { node, incarnation, sequence, flags, lifetime_s, area, neighbours }
        },
    )
}

fn hello() -> impl Strategy<Value = Hello> {
    (any::<u16>(), 1..=u16::MAX, any::<[u8; 2]>(), any::<u64>(), any::<u16>()).prop_map(
        |(area, cost, [oldest_version, newest_version], digest, pacing_ms)| Hello {
            area,
            cost,
            oldest_version,
            newest_version,
            digest,
            pacing_ms,
        },
    )
}

fn summary_entry() -> impl Strategy<Value = SummaryEntry> {
    (any::<u32>(), incarnation(), any::<u64>(), incarnation(), any::<u64>()).prop_map(
        |(node, incarnation, sequence, interest_incarnation, interest_version)| SummaryEntry {
            node,
            incarnation,
            sequence,
            interest_incarnation,
            interest_version,
        },
    )
}

fn request_item() -> impl Strategy<Value = RequestItem> {
    prop_oneof![
        any::<u32>().prop_map(|node| RequestItem::Record { node }),
        (any::<u32>(), incarnation(), any::<u64>()).prop_map(|(node, incarnation, version)| {
            RequestItem::Interest { node, incarnation, version }
        }),
    ]
}

fn delta() -> impl Strategy<Value = InterestDelta> {
    let change =
        (any::<bool>(), any::<u64>()).prop_map(|(joined, room)| InterestChange { joined, room });
    (any::<u32>(), incarnation(), 0..u64::MAX - 9, 1..9_u64, vec(change, 0..8)).prop_map(
        |(node, incarnation, from, step, changes)| InterestDelta {
            node,
            incarnation,
            from,
            to: from + step,
            changes,
        },
    )
}

fn snapshot() -> impl Strategy<Value = InterestSnapshot> {
    (any::<u32>(), incarnation(), any::<u64>(), any::<bool>(), btree_set(any::<u64>(), 0..8))
        .prop_map(|(node, incarnation, version, last, rooms)| InterestSnapshot {
            node,
            incarnation,
            version,
            last,
            rooms: rooms.into_iter().collect(),
        })
}

fn control() -> impl Strategy<Value = Control<'static>> {
    let names: &[&str] = &["a", "host1", "n\u{f6}rdlich"];
    prop_oneof![
        hello().prop_map(Control::Hello),
        (any::<u32>(), any::<u64>(), 0..names.len()).prop_map(move |(number, id, name)| {
            Control::NodeDef { number, id: NodeId::from_bits(id), name: names[name] }
        }),
        link_state().prop_map(Control::LinkState),
        proptest::collection::btree_map(any::<u8>(), any::<u64>(), 0..8)
            .prop_map(|buckets| Control::Buckets(buckets.into_iter().collect())),
        (any::<u8>(), vec(summary_entry(), 0..8))
            .prop_map(|(bucket, entries)| Control::Summary { bucket, entries }),
        vec(request_item(), 0..8).prop_map(Control::Request),
        delta().prop_map(Control::InterestDelta),
        snapshot().prop_map(Control::InterestSnapshot),
        (1..=u16::MAX).prop_map(Control::Cost),
        (any::<u32>(), incarnation(), any::<u64>(), any::<u32>()).prop_map(
            |(node, incarnation, sequence, lifetime_s)| {
                Control::Purge(Purge { node, incarnation, sequence, lifetime_s })
            }
        ),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(control in control()) {
        let bytes = bytes_of(&control);
        prop_assert_eq!(decode(&bytes), Ok(control));
    }

    #[test]
    fn a_cut_frame_is_refused_and_so_are_bytes_behind_it(control in control(), at in any::<prop::sample::Index>()) {
        let mut bytes = bytes_of(&control);
        prop_assert!(decode(&bytes[..at.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn garbage_is_refused_or_has_one_encoding(kind in 48..=58_u8, body in vec(any::<u8>(), 0..200)) {
        let frame = [&[3, kind], body.as_slice()].concat();
        if let Ok(control) = decode(&frame) {
            prop_assert_eq!(bytes_of(&control), frame);
        }
    }

    #[test]
    fn a_damaged_frame_is_refused_or_has_one_encoding(
        control in control(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut frame = bytes_of(&control);
        let at = at.index(frame.len());
        frame[at] = byte;
        if let Ok(control) = decode(&frame) {
            prop_assert_eq!(bytes_of(&control), frame);
        }
    }
}

#[test]
fn a_record_stands_as_the_protocol_shows_it() {
    let record = Control::LinkState(LinkState {
        node: 0,
        incarnation: Incarnation::new(1, 2),
        sequence: 3,
        flags: NodeFlags::default(),
        lifetime_s: 3600,
        area: 0,
        neighbours: vec![Neighbour { node: 1, link: 7, cost: 10 }],
    });
    let expected = [3, 50, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0x90, 0x1c, 0, 1, 1, 7, 10, 0];
    assert_eq!(bytes_of(&record), expected);
}

#[test]
fn a_count_above_what_has_arrived_is_refused() {
    for (kind, head) in [(51, 0), (52, 1), (53, 0)] {
        let mut frame = vec![3, kind];
        frame.extend(vec![0; head]);
        frame.extend([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]);
        assert!(matches!(decode(&frame), Err(DecodeError::Truncated { .. })), "kind {kind}");
    }
}

#[test]
fn lists_take_no_more_memory_than_is_promised() {
    assert!(size_of::<Neighbour>() <= 4 * MAX_GROWTH);
    assert!(size_of::<(u8, u64)>() <= 9 * MAX_GROWTH);
    assert!(size_of::<SummaryEntry>() <= 19 * MAX_GROWTH);
    assert!(size_of::<RequestItem>() <= 2 * MAX_GROWTH);
    assert!(size_of::<InterestChange>() <= 9 * MAX_GROWTH);
    assert!(size_of::<u64>() <= MAX_GROWTH);
}

#[test]
fn a_cost_of_nothing_is_refused() {
    let hello =
        Hello { area: 0, cost: 1, oldest_version: 1, newest_version: 1, digest: 0, pacing_ms: 0 };
    let mut frame = bytes_of(&Control::Hello(hello));
    frame[4] = 0;
    assert_eq!(decode(&frame), Err(DecodeError::BadValue { field: Field::Cost }));
}

#[test]
fn more_neighbours_than_links_are_refused_by_both_ends() {
    let neighbour = Neighbour { node: 0, link: 0, cost: 1 };
    let record = |count| {
        Control::LinkState(LinkState {
            node: 0,
            incarnation: Incarnation::default(),
            sequence: 1,
            flags: NodeFlags::default(),
            lifetime_s: 1,
            area: 0,
            neighbours: vec![neighbour; count],
        })
    };
    let mut out = BytesMut::new();
    let refused = EncodeError::TooLong {
        field: Field::Neighbours,
        length: MAX_NEIGHBOURS + 1,
        limit: MAX_NEIGHBOURS,
    };
    assert_eq!(encode(&record(MAX_NEIGHBOURS + 1), &mut out), Err(refused));
    assert!(out.is_empty());
    assert!(decode(&bytes_of(&record(MAX_NEIGHBOURS))).is_ok());
}

#[test]
fn a_message_and_a_control_frame_are_not_taken_for_each_other() {
    let bytes = bytes_of(&Control::Request(Vec::new()));
    assert!(is_control(bytes[1]));
    assert_eq!(v3::decode(&bytes), Err(DecodeError::UnknownKind { kind: 53 }));
    let mut event = BytesMut::new();
    v3::encode(&Message::Ping { token: 1 }, &mut event).expect("a ping can be written");
    assert_eq!(decode(&event[4..]), Err(DecodeError::UnknownKind { kind: event[5] }));
}
