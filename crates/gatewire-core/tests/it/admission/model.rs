//! Random arrivals against the limits said in the plainest way.

use gatewire_core::admission::{Connection, Failure, PendingId};
use proptest::prelude::*;

use super::*;
use crate::property;

/// What happens next, after a pause in seconds. The `usize` chooses one of those that are there.
#[derive(Debug, Clone, Copy)]
enum Step {
    Arrive(u32),
    Fail(usize),
    Release(usize),
    Establish(usize, bool),
    Leave(usize),
}

/// All that has happened, in lists.
#[derive(Default)]
struct Model {
    pending: Vec<(u32, Pending)>,
    clients: Vec<Connection>,
    routers: Vec<Connection>,
    /// Of each source: when its failures count from, how many, and until when it is shut out.
    failures: Vec<(u32, Time, u32, Option<Time>)>,
}

const WINDOW: Duration = Duration::from_secs(60);

impl Model {
    /// Whether somebody is let in, and whose place that takes.
    fn expected(&self, source: u32, now: Time) -> Result<Option<PendingId>, Refused> {
        let shut_out = self
            .failures
            .iter()
            .any(|(of, _, _, until)| *of == source && until.is_some_and(|until| now < until));
        let of = |source| self.pending.iter().filter(|(of, _)| *of == source).count();
        if shut_out {
            return Err(Refused::Failures);
        }
        if of(source) >= 4 {
            return Err(Refused::PendingOfSource);
        }
        if self.pending.len() < 10 {
            return Ok(None);
        }
        // The oldest of those whose sources have the most is the oldest of its source too.
        let most = self.pending.iter().map(|(source, _)| of(*source)).max().unwrap_or(0);
        if of(source) >= most {
            return Err(Refused::Pending);
        }
        let heaviest = self.pending.iter().filter(|(source, _)| of(*source) == most);
        Ok(heaviest.map(|(_, pending)| pending.id()).min())
    }

    fn fail(&mut self, source: u32, now: Time) {
        self.failures.retain(|(_, since, _, until)| now < until.unwrap_or(*since + WINDOW));
        if !self.failures.iter().any(|(of, ..)| *of == source) {
            self.failures.push((source, now, 0, None));
        }
        for (of, _, count, until) in &mut self.failures {
            if *of == source && until.is_none() {
                *count += 1;
                *until = (*count >= 3).then(|| now + WINDOW);
            }
        }
    }
}

#[test]
fn arrivals_agree_with_the_plain_rules() {
    let step = prop_oneof![
        6 => (0_u32..5).prop_map(Step::Arrive),
        2 => any::<usize>().prop_map(Step::Fail),
        2 => any::<usize>().prop_map(Step::Release),
        4 => any::<(usize, bool)>().prop_map(|(which, router)| Step::Establish(which, router)),
        1 => any::<usize>().prop_map(Step::Leave),
    ];
    let steps = prop::collection::vec((0_u64..12, step), 1..300);
    property::check(200, &steps, |steps| {
        let mut admission = admission(|limits| {
            limits.pending = 10;
            limits.pending_per_source = 4;
            limits.failures = 3;
            limits.connections = 32;
            limits.kept_for_routers = 2;
        });
        let mut model = Model::default();
        let mut seconds = 0;
        for (pause, step) in steps {
            seconds += pause;
            run(&mut admission, &mut model, at(seconds), step);
            assert_eq!(admission.pending(), model.pending.len());
            assert_eq!(admission.connections(), model.clients.len() + model.routers.len());
            assert_eq!(admission.is_full(), admission.connections() >= 32);
        }
    });
}

fn run(admission: &mut Admission, model: &mut Model, now: Time, step: Step) {
    match step {
        Step::Arrive(source) => {
            let arrival = admission.arrive(address(source), now);
            let evicted = arrival.as_ref().map(|arrival| arrival.evicted).map_err(|error| *error);
            assert_eq!(evicted, model.expected(source, now));
            if let Ok(Some(evicted)) = evicted {
                let mut others = model.pending.iter();
                let place = others.position(|(_, pending)| pending.id() == evicted);
                let (_, pending) = model.pending.swap_remove(place.expect("it was there"));
                admission.release(pending);
            }
            if let Ok(arrival) = arrival {
                model.pending.push((source, arrival.pending));
            }
        }
        Step::Fail(which) => {
            if let Some((source, pending)) = choose(&mut model.pending, which) {
                admission.fail(&pending, Failure::Proof, now);
                admission.release(pending);
                model.fail(source, now);
            }
        }
        Step::Release(which) => {
            if let Some((_, pending)) = choose(&mut model.pending, which) {
                admission.release(pending);
            }
        }
        Step::Establish(which, router) => {
            let Some((_, pending)) = choose(&mut model.pending, which) else { return };
            let all = model.clients.len() + model.routers.len();
            let full = all >= 32 || (!router && model.clients.len() >= 30);
            let (role, list) = if router {
                (Role::Router, &mut model.routers)
            } else {
                (Role::Client, &mut model.clients)
            };
            match admission.establish(pending, &session(role, "key", None)) {
                Ok(connection) => {
                    assert!(!full);
                    list.push(connection);
                }
                Err(refused) => assert!(full && refused == Refused::Connections),
            }
        }
        Step::Leave(which) => {
            let list = if which % 2 == 0 { &mut model.clients } else { &mut model.routers };
            if let Some(connection) = choose(list, which / 2) {
                admission.leave(connection);
            }
        }
    }
}

fn choose<T>(list: &mut Vec<T>, which: usize) -> Option<T> {
    if list.is_empty() { None } else { Some(list.swap_remove(which % list.len())) }
}
