//! The list of requests that wait.

use std::collections::BTreeMap;
use std::time::Duration;

use gatewire_core::Time;
use gatewire_core::session::{Requests, TooManyRequests};
use proptest::prelude::*;

use crate::property;

/// An answer that comes no earlier than this after the last look may be found late by as much.
const GRANULARITY: Duration = Duration::from_millis(10);

#[test]
fn ids_count_up_from_1() {
    let mut requests = Requests::default();
    for expected in 1..100 {
        assert_eq!(add(&mut requests, Time::NEVER), expected);
    }
}

#[test]
fn ids_begin_behind_any_number() {
    for (last, expected) in [(0, 1), (76, 77), (u32::MAX - 1, u32::MAX), (u32::MAX, 1)] {
        let mut requests = Requests::behind(last);
        assert_eq!(add(&mut requests, Time::NEVER), expected);
    }
}

#[test]
fn ids_are_not_used_again_at_once() {
    let mut requests = Requests::default();
    for expected in 1..100 {
        let id = add(&mut requests, Time::NEVER);
        assert_eq!(id, expected);
        assert_eq!(requests.remove(id), Some(id));
    }
}

#[test]
fn ids_wrap_around_0_and_around_those_that_still_wait() {
    let mut requests = Requests::default();
    for expected in 1..=3 {
        assert_eq!(add(&mut requests, Time::NEVER), expected);
    }
    requests.insert(u32::MAX - 1, 0, Time::NEVER);
    assert_eq!(add(&mut requests, Time::NEVER), u32::MAX);
    assert_eq!(add(&mut requests, Time::NEVER), 4, "0 is no id, and 1 to 3 still wait");
    assert_eq!(requests.remove(2), Some(2));
    assert_eq!(add(&mut requests, Time::NEVER), 5, "a gap is left alone");
}

#[test]
fn the_bound_is_65536() {
    let mut requests = Requests::default();
    for _ in 0..65_536 {
        assert_eq!(requests.check_room(), Ok(()));
        add(&mut requests, Time::NEVER);
    }
    assert_eq!(requests.check_room(), Err(TooManyRequests));
    assert_eq!(requests.remove(77), Some(77));
    assert_eq!(requests.check_room(), Ok(()));
}

#[test]
fn the_deadline_is_that_of_the_earliest() {
    let mut requests = Requests::default();
    assert_eq!(requests.next_deadline(), Time::NEVER);
    add(&mut requests, at(50));
    add(&mut requests, at(30));
    add(&mut requests, at(40));
    assert_eq!(requests.next_deadline(), at(30));
    assert!(requests.expire(at(29)).is_empty());
    assert_eq!(requests.expire(at(30)), [(2, 2)]);
    assert_eq!(requests.next_deadline(), at(40));
    assert_eq!(requests.expire(at(60)), [(1, 1), (3, 3)], "the oldest first");
    assert_eq!(requests.next_deadline(), Time::NEVER);
    assert!(requests.is_empty());
}

#[test]
fn an_empty_list_has_no_deadline() {
    let mut requests = Requests::default();
    let id = add(&mut requests, at(50));
    assert_eq!(requests.remove(id), Some(id));
    assert_eq!(requests.next_deadline(), Time::NEVER);
    add(&mut requests, at(50));
    assert_eq!(requests.drain(), [2]);
    assert_eq!(requests.next_deadline(), Time::NEVER);
    assert!(requests.expire(Time::NEVER).is_empty());
}

#[test]
fn a_request_without_a_deadline_waits_for_ever() {
    let mut requests = Requests::default();
    add(&mut requests, Time::NEVER);
    add(&mut requests, at(10));
    assert_eq!(requests.expire(at(1_000_000)), [(2, 2)]);
    assert_eq!(requests.next_deadline(), Time::NEVER);
    assert_eq!(requests.len(), 1);
}

#[test]
fn many_deadlines_close_together_are_looked_at_100_times_a_second() {
    let mut requests = Requests::default();
    for millis in 1..=1000 {
        add(&mut requests, at(millis));
    }
    let mut looks = 0;
    while !requests.is_empty() {
        let now = requests.next_deadline();
        requests.expire(now);
        looks += 1;
    }
    assert!(looks <= 101, "{looks} looks in one second");
}

#[derive(Debug, Clone)]
enum Operation {
    /// With a deadline so many milliseconds from now.
    Ask(Option<u64>),
    Answer(prop::sample::Index),
    AnswerUnknown(u32),
    Wait(u64),
}

#[test]
fn each_request_ends_once_and_in_its_time() {
    let operation = prop_oneof![
        5 => prop::option::weighted(0.9, 0_u64..500).prop_map(Operation::Ask),
        3 => any::<prop::sample::Index>().prop_map(Operation::Answer),
        1 => any::<u32>().prop_map(Operation::AnswerUnknown),
        3 => (0_u64..200).prop_map(Operation::Wait),
    ];
    property::check(500, &prop::collection::vec(operation, 1..100), |operations| {
        let mut requests: Requests<u32> = Requests::default();
        let mut waiting: BTreeMap<u32, Time> = BTreeMap::new();
        let mut now = Time::ZERO;
        for operation in operations {
            match operation {
                Operation::Ask(millis) => {
                    let deadline =
                        millis.map_or(Time::NEVER, |millis| now + Duration::from_millis(millis));
                    let id = add(&mut requests, deadline);
                    assert!(id != 0 && waiting.insert(id, deadline).is_none());
                }
                Operation::Answer(index) if !waiting.is_empty() => {
                    let ids: Vec<u32> = waiting.keys().copied().collect();
                    let id = *index.get(&ids);
                    assert_eq!(requests.remove(id), Some(id));
                    assert_eq!(requests.remove(id), None);
                    waiting.remove(&id);
                }
                Operation::Answer(_) => {}
                Operation::AnswerUnknown(id) => {
                    if !waiting.contains_key(&id) {
                        assert_eq!(requests.remove(id), None);
                    }
                }
                Operation::Wait(millis) => {
                    let end = now + Duration::from_millis(millis);
                    wait(&mut requests, &mut waiting, now, end);
                    now = end;
                }
            }
            assert_eq!(requests.len(), waiting.len());
            let earliest = waiting.values().min().copied().unwrap_or(Time::NEVER);
            assert!(requests.next_deadline() <= earliest + GRANULARITY);
        }
        let rest: Vec<u32> = waiting.into_keys().collect();
        assert_eq!(requests.drain(), rest, "the connection ends: all that wait, the oldest first");
    });
}

/// Lets time pass from deadline to deadline; who expires does so in its time.
fn wait(requests: &mut Requests<u32>, waiting: &mut BTreeMap<u32, Time>, start: Time, end: Time) {
    let mut now = start;
    while requests.next_deadline() <= end {
        now = now.max(requests.next_deadline());
        let before = requests.next_deadline();
        for (id, _) in requests.expire(now) {
            let deadline = waiting.remove(&id).expect("it waited");
            assert!(deadline <= now && now <= deadline.max(start) + GRANULARITY);
        }
        assert!(requests.next_deadline() > before, "each look makes progress");
    }
    assert!(requests.expire(end).is_empty());
}

/// Adds a request whose waiter is its own id.
fn add(requests: &mut Requests<u32>, deadline: Time) -> u32 {
    let id = requests.next_id();
    requests.insert(id, id, deadline);
    id
}

fn at(millis: u64) -> Time {
    Time::from_elapsed(Duration::from_millis(millis))
}
