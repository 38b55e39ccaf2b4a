//! Publishes that are taken together, against the same publishes one by one.

use bytes::BytesMut;
use gatewire_codec::{LENGTH_PREFIX, Message, Value, ValueRef, split_frame, v3};
use gatewire_core::hub::PublishRun;
use proptest::prelude::*;

use super::*;
use crate::property;

const NAMES: [&str; 3] = ["", "news", "a longer name of an event"];

/// A frame without its length prefix.
fn frame_of(message: &Message<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    v3::encode(message, &mut out).expect("encodes");
    out[LENGTH_PREFIX..].to_vec()
}

fn publish(target: Target<'_>, event: &str, value: ValueRef<'_>) -> Vec<u8> {
    frame_of(&Message::Publish { request: None, target, event, value })
}

/// What a receiver would see: the target that it was found by, and each event.
type Delivered = (String, Vec<(String, Value)>);

fn deliver(run: &mut PublishRun) -> Option<Delivered> {
    let delivered = run.deliver(|target, events| {
        let mut seen = Vec::new();
        let mut rest = events.bytes();
        let mut longest = 0;
        while let Some((frame, behind)) = split_frame(rest, u32::MAX).expect("whole frames") {
            rest = behind;
            longest = longest.max(frame.len());
            match v3::decode(frame) {
                Ok(Message::Event { event, value }) => {
                    seen.push((event.to_owned(), value.to_value()));
                }
                other => panic!("{other:?} is no event"),
            }
        }
        assert!(rest.is_empty());
        assert_eq!((events.count(), events.longest()), (seen.len() as u64, longest));
        (format!("{target:?}"), seen)
    });
    assert!(run.is_empty());
    delivered
}

/// Does with a frame what a server does. `None`: it is no publish that goes to the hub alone.
fn take(run: &mut PublishRun, frame: &[u8], out: &mut Vec<Delivered>) -> Option<()> {
    if !run.has_room(frame.len()) {
        out.extend(deliver(run));
    }
    if run.follow(frame) {
        return Some(());
    }
    out.extend(deliver(run));
    match v3::decode(frame) {
        Ok(Message::Publish { request: None, target, event, value }) => {
            run.begin(&target, event, value).expect("it was decoded");
            Some(())
        }
        _ => None,
    }
}

fn target() -> impl Strategy<Value = (bool, bool, Vec<&'static str>, Vec<&'static str>)> {
    let names = || prop::collection::vec(prop::sample::select(vec!["red", "blue", ""]), 0..3);
    (any::<bool>(), any::<bool>(), names(), names())
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Empty),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        Just(Value::Decimal(0.5)),
        ".{0,8}".prop_map(Value::String),
        prop::collection::vec(any::<u8>(), 0..2000).prop_map(|bytes| Value::Binary(bytes.into())),
    ]
}

/// Few targets and many frames, so that runs come about; some frames are damaged.
#[test]
fn a_run_is_its_publishes_one_by_one() {
    let targets = prop::collection::vec(target(), 1..3);
    let damage = prop::option::weighted(0.1, (any::<prop::sample::Index>(), any::<u8>()));
    let frame = (any::<prop::sample::Index>(), 0..NAMES.len(), value(), damage);
    let frames = prop::collection::vec(frame, 1..200);
    property::check(200, &(targets, frames), |(targets, frames)| {
        let (mut run, mut delivered, mut expected) = (PublishRun::default(), vec![], vec![]);
        for (index, name, value, damage) in frames {
            let (everyone, include_self, rooms, except) = index.get(&targets);
            let target = Target {
                everyone: *everyone,
                include_self: *include_self,
                rooms: Names::from_slice(rooms),
                except_rooms: Names::from_slice(except),
                ..Target::default()
            };
            let mut frame = publish(target, NAMES[name], value.as_ref());
            if let Some((place, byte)) = damage {
                *place.get_mut(&mut frame) = byte;
            }
            let taken = take(&mut run, &frame, &mut delivered);
            let found = match v3::decode(&frame) {
                Ok(Message::Publish { request: None, target, event, value }) => {
                    expected.push((format!("{target:?}"), event.to_owned(), value.to_value()));
                    Some(())
                }
                _ => None,
            };
            assert_eq!(taken, found, "taken although it is damaged, or the other way round");
        }
        delivered.extend(deliver(&mut run));
        let each = delivered.into_iter().flat_map(|(target, events)| {
            events.into_iter().map(move |(event, value)| (target.clone(), event, value))
        });
        assert!(each.eq(expected));
    });
}

#[test]
fn what_does_not_follow_leaves_the_run_as_it_was() {
    let (red, value) = (to_rooms(&["red"]), ValueRef::String("text"));
    let mut run = PublishRun::default();
    let first = publish(red, "news", value);
    assert!(!run.follow(&first), "nothing was begun");
    assert!(!run.follow(&[]));
    run.begin(&red, "news", value).expect("a short name");

    let include_self = Target { include_self: true, ..red };
    let mut not_utf8 = first.clone();
    *not_utf8.last_mut().expect("not empty") = 0xff;
    let others = [
        publish(to_rooms(&["blue"]), "news", value),
        publish(to_rooms(&["red", "blue"]), "news", value),
        publish(include_self, "news", value),
        frame_of(&Message::Publish { request: Some(1), target: red, event: "news", value }),
        frame_of(&Message::Event { event: "news", value }),
        frame_of(&Message::Join { id: 1, rooms: Names::from_slice(&["red"]) }),
        [&first[..], &[0x80]].concat(),
        first[..10].to_vec(),
        not_utf8,
        Vec::new(),
    ];
    for other in &others {
        assert!(!run.follow(other), "{other:?}");
    }
    let event = || ("news".to_owned(), Value::String("text".to_owned()));
    let room = format!("{red:?}");
    assert_eq!(deliver(&mut run), Some((room.clone(), vec![event()])));
    assert_eq!(deliver(&mut run), None);
    // The target is still known.
    assert!(run.follow(&first) && run.follow(&first));
    assert_eq!(deliver(&mut run), Some((room, vec![event(), event()])));
}

#[test]
fn a_run_has_a_longest_length_but_takes_one_event_of_any() {
    let (red, bytes) = (to_rooms(&["red"]), vec![7; PublishRun::MAX_BYTES]);
    let mut run = PublishRun::default();
    assert!(run.has_room(usize::MAX));
    run.begin(&red, "news", ValueRef::Binary(&bytes)).expect("a short name");
    assert!(!run.has_room(1));
    deliver(&mut run).expect("one event");

    let frame = publish(red, "news", ValueRef::Binary(&bytes[..1000]));
    let mut length = 0;
    while run.has_room(frame.len()) {
        assert!(run.follow(&frame));
        length += 4 + frame.len();
    }
    assert!(length <= PublishRun::MAX_BYTES && length + 2 * frame.len() > PublishRun::MAX_BYTES);
    assert_eq!(deliver(&mut run).expect("a run").1.len(), length / (4 + frame.len()));
}

/// A name that no frame can carry is refused, and the next run is not confused by it.
#[test]
fn a_name_that_is_too_long_begins_nothing() {
    let (red, name) = (to_rooms(&["red"]), "x".repeat(v3::MAX_EVENT + 1));
    let mut run = PublishRun::default();
    assert!(run.begin(&red, &name, ValueRef::Empty).is_err());
    assert_eq!(deliver(&mut run), None);
    run.begin(&red, "news", ValueRef::Empty).expect("a short name");
    assert_eq!(deliver(&mut run).expect("one event").1.len(), 1);
}
