//! Neighbours that break the protocol, and garbage.

use std::time::Duration;

use bytes::BytesMut;
use gatewire_cluster::{
    Boot, Config, LinkError, LinkId, LinkUpError, NodeId, NodeName, Output, RoomKey, Router, State,
};
use gatewire_codec::v3::control::{
    Control, Hello, Incarnation, InterestSnapshot, LinkState, Neighbour, NodeFlags, RequestItem,
    SummaryEntry, encode,
};
use proptest::prelude::*;

const LINK: LinkId = LinkId(0);
const NOW: Duration = Duration::ZERO;

fn name(text: &str) -> NodeName {
    NodeName::new("c", text).expect("the name is good")
}

fn router() -> Router {
    let boot = Boot { unix_seconds: 1_000, last_counter: None, nonce: 5 };
    Router::new(Config::new("c", "own", RoomKey::new([1; 16]), 1), boot, NOW)
        .expect("the names are good")
}

fn hello() -> Hello {
    Hello { area: 0, cost: 1, oldest_version: 1, newest_version: 1, digest: 0, pacing_ms: 0 }
}

/// A router with one link, on which both have said hello.
fn linked() -> Router {
    let mut router = router();
    router.link_up(LINK, &name("other"), 1).expect("the link is free");
    assert_eq!(give(&mut router, &Control::Hello(hello())), Ok(()));
    router
}

fn give(router: &mut Router, control: &Control<'_>) -> Result<(), LinkError> {
    let mut frame = BytesMut::new();
    encode(control, &mut frame).expect("the frame can be written");
    router.handle_frame(NOW, LINK, &frame[4..])
}

fn define(router: &mut Router, text: &str) -> Result<(), LinkError> {
    give(router, &Control::NodeDef { number: 0, id: name(text).id(), name: text })
}

#[test]
fn hello_comes_first_and_once() {
    let mut router = router();
    router.link_up(LINK, &name("other"), 1).unwrap();
    let request = Control::Request(Vec::new());
    assert_eq!(give(&mut router, &request), Err(LinkError::HelloExpected));
    assert_eq!(give(&mut router, &Control::Hello(hello())), Ok(()));
    assert_eq!(give(&mut router, &Control::Hello(hello())), Err(LinkError::HelloTwice));
}

#[test]
fn a_neighbour_of_another_time_is_refused() {
    let mut router = router();
    router.link_up(LINK, &name("other"), 1).unwrap();
    let later = Hello { oldest_version: 2, newest_version: 9, ..hello() };
    assert_eq!(give(&mut router, &Control::Hello(later)), Err(LinkError::NoCommonVersion));
}

#[test]
fn an_id_must_follow_from_its_name() {
    let mut router = linked();
    let id = NodeId::from_bits(7);
    let wrong = Control::NodeDef { number: 0, id, name: "other" };
    assert_eq!(give(&mut router, &wrong), Err(LinkError::WrongId { id }));
}

#[test]
fn numbers_must_be_defined() {
    let mut router = linked();
    let request = Control::Request(vec![RequestItem::Record { node: 3 }]);
    assert_eq!(give(&mut router, &request), Err(LinkError::UnknownNumber { number: 3 }));
}

#[test]
fn a_summary_keeps_to_its_bucket() {
    let mut router = linked();
    define(&mut router, "third").unwrap();
    let entry = SummaryEntry {
        node: 0,
        incarnation: Incarnation::new(1, 1),
        sequence: 1,
        interest_incarnation: Incarnation::default(),
        interest_version: 0,
    };
    let bucket = name("third").id().to_bits().to_le_bytes()[0].wrapping_add(1);
    let summary = Control::Summary { bucket, entries: vec![entry] };
    assert_eq!(give(&mut router, &summary), Err(LinkError::WrongBucket));
}

#[test]
fn a_frame_that_names_a_node_twice_is_answered_once_at_most() {
    let record = RequestItem::Record { node: 0 };
    let rooms = RequestItem::Interest { node: 0, incarnation: Incarnation::default(), version: 0 };
    let entry = SummaryEntry {
        node: 0,
        incarnation: Incarnation::default(),
        sequence: 0,
        interest_incarnation: Incarnation::default(),
        interest_version: 0,
    };
    let bucket = name("own").id().to_bits().to_le_bytes()[0];
    let twice = [
        Control::Request(vec![record, rooms, record]),
        Control::Request(vec![rooms, record, rooms]),
        Control::Summary { bucket, entries: vec![entry, entry] },
    ];
    for frame in twice {
        let mut router = linked();
        define(&mut router, "own").expect("the number is free");
        while router.poll_output().is_some() {}
        assert_eq!(give(&mut router, &frame), Err(LinkError::NamedTwice), "{frame:?}");
        let sent = std::iter::from_fn(|| router.poll_output()).count();
        assert!(sent <= 3, "{sent} frames in answer to {frame:?}");
    }
}

#[test]
fn a_link_does_not_inherit_the_ways_of_one_that_had_its_number() {
    let mut router = linked();
    for (number, text) in ["own", "other", "third"].iter().enumerate() {
        let number = u32::try_from(number).expect("it is small");
        let definition = Control::NodeDef { number, id: name(text).id(), name: text };
        give(&mut router, &definition).expect("the numbers follow each other");
    }
    let record = |node, neighbours| {
        Control::LinkState(LinkState {
            node,
            incarnation: Incarnation::new(1, 1),
            sequence: 1,
            flags: NodeFlags::default(),
            lifetime_s: 3_600,
            area: 0,
            neighbours,
        })
    };
    let to = |node, link| Neighbour { node, link, cost: 1 };
    give(&mut router, &record(1, vec![to(0, 0), to(2, 1)])).expect("a good record");
    give(&mut router, &record(2, vec![to(1, 0)])).expect("a good record");
    let later = NOW + Duration::from_secs(1);
    router.handle_timeout(later);
    let third = |router: &Router| router.next_hop(name("third").id(), name("own").id(), 0);
    assert_eq!(third(&router), Some(LINK));
    router.link_down(later, LINK);
    assert_eq!(third(&router), None);
    router.link_up(LINK, &name("stranger"), 1).expect("the number is free again");
    give(&mut router, &Control::Hello(hello())).expect("its first frame");
    assert_eq!(third(&router), None);
}

#[test]
fn the_parts_of_a_snapshot_go_on_from_each_other() {
    let mut router = linked();
    define(&mut router, "third").unwrap();
    let part = |version, rooms| {
        let incarnation = Incarnation::new(1, 1);
        Control::InterestSnapshot(InterestSnapshot {
            node: 0,
            incarnation,
            version,
            last: false,
            rooms,
        })
    };
    assert_eq!(give(&mut router, &part(1, vec![1, 5])), Ok(()));
    assert_eq!(give(&mut router, &part(1, vec![5])), Err(LinkError::SnapshotOutOfOrder));
    assert_eq!(give(&mut router, &part(2, vec![6])), Err(LinkError::SnapshotOutOfOrder));
    assert_eq!(give(&mut router, &part(1, vec![6])), Ok(()));
}

#[test]
fn links_that_cannot_be_are_refused() {
    let mut router = linked();
    let in_use = Err(LinkUpError::InUse { link: LINK });
    assert_eq!(router.link_up(LINK, &name("third"), 1), in_use);
    assert_eq!(router.link_up(LinkId(1), &name("own"), 1), Err(LinkUpError::OwnName));
    let unknown = Err(LinkError::UnknownLink { link: LinkId(9) });
    assert_eq!(router.handle_frame(NOW, LinkId(9), &[3, 48]), unknown);
    router.leave_cluster(NOW);
    assert_eq!(router.state(), State::Left);
    assert_eq!(router.link_up(LinkId(1), &name("third"), 1), Err(LinkUpError::Stopped));
}

#[test]
fn what_is_said_of_one_node_too_many_is_counted_and_not_taken() {
    let boot = Boot { unix_seconds: 1_000, last_counter: None, nonce: 5 };
    let config = Config { max_nodes: 1, ..Config::new("c", "own", RoomKey::new([1; 16]), 1) };
    let mut router = Router::new(config, boot, NOW).unwrap();
    router.link_up(LINK, &name("other"), 1).unwrap();
    give(&mut router, &Control::Hello(hello())).unwrap();
    define(&mut router, "third").unwrap();
    let snapshot = InterestSnapshot {
        node: 0,
        incarnation: Incarnation::new(1, 1),
        version: 1,
        last: true,
        rooms: vec![1],
    };
    assert_eq!(give(&mut router, &Control::InterestSnapshot(snapshot)), Ok(()));
    assert_eq!((router.known_nodes(), router.known_rooms()), (1, 0));
    assert_eq!(router.statistics().refused, 1);
}

proptest! {
    #[test]
    fn no_frame_makes_a_router_panic(
        frames in prop::collection::vec((48..=56_u8, prop::collection::vec(0..4_u8, 0..40)), 1..20),
    ) {
        let mut router = linked();
        define(&mut router, "third").unwrap();
        for (kind, body) in frames {
            let frame = [&[3, kind], body.as_slice()].concat();
            // Most are refused; here it only matters that the router lives on.
            let _taken = router.handle_frame(NOW, LINK, &frame);
            router.handle_timeout(Duration::from_secs(1));
            while let Some(output) = router.poll_output() {
                if let Output::Send { frame, .. } = output {
                    prop_assert!(gatewire_codec::v3::control::decode(&frame[4..]).is_ok());
                }
            }
        }
    }
}
