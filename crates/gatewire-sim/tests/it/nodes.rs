//! When nodes are called, and what they can ask for.

use gatewire_sim::{Config, Fault, Loss, Memory, Simulation, Time, Topology};

use crate::probe::{A, Number, Seen, at, exact, ms, pair, probe};

#[test]
fn a_node_wakes_once_at_the_time_that_it_asked_for_last() {
    let mut simulation = pair(exact());
    let now = simulation.now();
    simulation.call(A, "wake", |_, cx| {
        cx.wake_at(now + ms(10));
        cx.wake_at(now + ms(50));
    });
    simulation.run_for(ms(20)).expect("nothing is checked");
    simulation.call(A, "wake", |_, cx| cx.wake_at(now + ms(30)));
    simulation.run_for(ms(1000)).expect("nothing is checked");
    let view = simulation.view();
    let wakes: Vec<_> = at(&view, A).diary.iter().filter(|(_, s)| *s == Seen::Woke).collect();
    assert_eq!(wakes, [&(now + ms(30), Seen::Woke)]);
}

#[test]
fn a_time_that_is_past_wakes_now_and_never_does_not_wake() {
    let mut simulation = pair(exact());
    let now = simulation.now();
    simulation.call(A, "wake", |_, cx| cx.wake_at(Time::ZERO));
    simulation.run_for(ms(1)).expect("nothing is checked");
    assert_eq!(at(&simulation.view(), A).when(Seen::Woke), Some(now));
    simulation.call(A, "wake", |_, cx| {
        cx.wake_at(now + ms(20));
        cx.wake_at(Time::NEVER);
    });
    simulation.run_for(ms(1000)).expect("nothing is checked");
    assert_eq!(at(&simulation.view(), A).when(Seen::Woke), Some(now));
}

#[test]
fn a_crash_forgets_when_to_wake() {
    let mut simulation = pair(exact());
    let now = simulation.now();
    simulation.call(A, "wake", |_, cx| cx.wake_at(now + ms(50)));
    simulation.inject(&Fault::Crash { node: A, loss: Loss::Reset });
    let restart = Fault::Restart { node: A, memory: Memory::Lost, clock_back: ms(0) };
    simulation.inject(&restart);
    simulation.run_for(ms(1000)).expect("nothing is checked");
    assert_eq!(at(&simulation.view(), A).seen(), [Seen::Start, Seen::Up(0)]);
}

#[test]
fn nodes_draw_numbers_of_their_own_that_differ_after_a_restart() {
    let mut simulation = Simulation::new(3, &Topology::line(2), Config::default(), probe);
    let draw = |simulation: &mut Simulation<_>| {
        simulation
            .call(A, "draw", |_, cx: &mut gatewire_sim::Context<'_, Number>| cx.rng().next_u64())
    };
    let first = draw(&mut simulation);
    simulation.inject(&Fault::Crash { node: A, loss: Loss::Reset });
    assert_eq!(draw(&mut simulation), None, "a node that is down cannot be called");
    let restart = Fault::Restart { node: A, memory: Memory::Lost, clock_back: ms(0) };
    simulation.inject(&restart);
    assert_ne!(draw(&mut simulation), first);
}
