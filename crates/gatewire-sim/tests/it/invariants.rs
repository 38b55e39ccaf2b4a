//! What is checked, when, and how a run ends that fails.

use std::cell::Cell;
use std::rc::Rc;

use gatewire_sim::{
    Boot, Config, Context, Fault, LinkIndex, Loss, Node, Simulation, Time, Topology,
};

use crate::probe::{A, B, LINK, Probe, exact, ms, pair, probe, send};

fn fresh() -> Simulation<Probe> {
    let config = Config { link: exact(), ..Config::default() };
    Simulation::new(1, &Topology::line(2), config, probe)
}

#[test]
fn invariants_are_checked_once_each_time_that_it_becomes_quiet() {
    let mut simulation = fresh();
    let checks = Rc::new(Cell::new(Vec::new()));
    let log = Rc::clone(&checks);
    simulation.check_when_quiet("a log", move |view| {
        let mut times = log.take();
        times.push(view.now().elapsed());
        log.set(times);
        Ok(())
    });
    // Up at 110 ms, so quiet at 1,110 ms.
    simulation.run_until(Time::ZERO + ms(10_000)).expect("nothing fails");
    send(&mut simulation, A, [1]);
    simulation.run_for(ms(1_005)).expect("nothing fails");
    // Not quiet yet: the message came after 10 ms.
    send(&mut simulation, A, [2]);
    simulation.run_for(ms(10_000)).expect("nothing fails");
    assert_eq!(checks.take(), [ms(1_110), ms(10_000 + 1_005 + 10 + 1_000)]);
    assert_eq!(simulation.report().checks, 2);
}

#[test]
fn what_comes_later_does_not_keep_it_from_being_quiet() {
    let mut simulation = fresh();
    simulation.schedule(Time::ZERO + ms(60_000), Fault::Cut { link: LINK, loss: Loss::Reset });
    let settled = simulation.run_until_quiet(ms(5_000)).expect("it is quiet between");
    assert_eq!((settled, simulation.now()), (Time::ZERO + ms(110), Time::ZERO + ms(1_110)));
    simulation.run_until(Time::ZERO + ms(60_000)).expect("nothing is checked");
    let settled = simulation.run_until_quiet(ms(5_000)).expect("it is quiet after");
    assert_eq!(settled, Time::ZERO + ms(60_010));
}

#[test]
fn an_end_that_does_not_know_of_a_loss_keeps_it_from_being_quiet() {
    let mut simulation = pair(exact());
    let cut = simulation.now();
    simulation.inject(&Fault::Cut { link: LINK, loss: Loss::Silent });
    assert_eq!(simulation.run_until_quiet(ms(10_000)).expect("they find out"), cut + ms(3_000));
}

#[test]
fn periodic_checks_happen_in_their_period() {
    let mut simulation = fresh();
    let count = Rc::new(Cell::new(0));
    let counter = Rc::clone(&count);
    simulation.check_every(ms(300), "a counter", move |_| {
        counter.set(counter.get() + 1);
        Ok(())
    });
    simulation.run_until(Time::ZERO + ms(1_500)).expect("nothing fails");
    assert_eq!(count.get(), 5);
}

#[test]
fn a_violation_names_invariant_time_seed_and_what_came_before() {
    let mut simulation = fresh();
    simulation.check_when_quiet("there is no third message", |view| {
        match view.node(B).map(|node| node.got().len()) {
            Some(3..) => Err("there are three".to_owned()),
            _ => Ok(()),
        }
    });
    simulation.run_until_quiet(ms(5_000)).expect("there is none yet");
    let sent = simulation.now();
    send(&mut simulation, A, [1, 2, 3]);
    let violation = simulation.run_until_quiet(ms(5_000)).expect_err("there are three");
    assert_eq!((violation.seed, violation.at), (1, sent + ms(1_010)));
    assert_eq!(violation.invariant, "there is no third message");
    assert_eq!(violation.what, "there are three");
    assert_eq!(violation.trace.len(), 2 + 2 + 1 + 3);
    assert_eq!(violation.trace[4], "1.110000000 s  node 0: call `send`");
    assert_eq!(violation.trace[7], "1.120000000 s  0 -> 1 (link 0): odd, 100 B");
    assert!(violation.to_string().ends_with("replay with SEED=1"));
    // Nothing goes on after that.
    assert_eq!(simulation.run_for(ms(5_000)), Err(violation.clone()));
    assert_eq!(simulation.now(), violation.at);
}

#[test]
fn a_check_by_hand_ends_the_run_too() {
    let mut simulation = pair(exact());
    assert!(simulation.check_now("fails", |_| Err("so".to_owned())).is_err());
    assert!(simulation.run_for(ms(1)).is_err());
}

/// Does something wrong at its second message.
struct Wrong {
    heard: u32,
    wrong: fn(&mut Context<'_, Vec<u8>>),
}

impl Node for Wrong {
    type Message = Vec<u8>;

    fn handle_link_up(&mut self, link: LinkIndex, cx: &mut Context<'_, Vec<u8>>) {
        cx.send(link, vec![1]);
        cx.send(link, vec![2]);
    }

    fn handle_message(&mut self, _: LinkIndex, _: Vec<u8>, cx: &mut Context<'_, Vec<u8>>) {
        self.heard += 1;
        if self.heard == 2 {
            (self.wrong)(cx);
        }
    }

    fn handle_wake(&mut self, cx: &mut Context<'_, Vec<u8>>) {
        cx.wake_at(Time::ZERO);
    }
}

fn wrong(wrong: fn(&mut Context<'_, Vec<u8>>)) -> gatewire_sim::Violation {
    let make = move |_: Boot<Wrong>| Wrong { heard: 0, wrong };
    let config = Config { max_events: 1_000, ..Config::default() };
    let mut simulation = Simulation::new(1, &Topology::line(2), config, make);
    *simulation.run_for(ms(10_000)).expect_err("it does something wrong")
}

#[test]
fn a_node_can_report_a_violation() {
    let violation = wrong(|cx| cx.violation("this is wrong"));
    assert_eq!(violation.invariant, "reported by a node");
    assert!(violation.what.ends_with("this is wrong"));
}

#[test]
fn a_panic_is_a_violation_with_its_trace() {
    let violation = wrong(|_| panic!("a panic on purpose"));
    assert_eq!(violation.invariant, "does not panic");
    assert_eq!(violation.what, "a panic on purpose");
    assert!(violation.trace.last().is_some_and(|last| last.ends_with("message, 1 B")));
}

#[test]
fn a_run_without_end_is_a_violation() {
    let violation = wrong(|cx| cx.wake_at(cx.now()));
    assert_eq!(violation.invariant, "comes to an end");
    assert_eq!(violation.report.events, 1_001);
}
