//! One event after the other: the clock moves to it, and the node that it concerns is called.

use std::time::Duration;

use super::Simulation;
use crate::clock::Time;
use crate::fault::{Fault, Loss, Memory};
use crate::network::Event;
use crate::node::{Boot, Context, Node};
use crate::topology::NodeIndex;
use crate::trace::What;
use crate::view::{Slot, View};

impl<N: Node> Simulation<N> {
    /// Until `limit`, or the first violation; or until it is quiet, if that is wanted.
    pub(super) fn run(&mut self, limit: Time, stop_when_quiet: bool) {
        while self.network.broken.is_none() {
            let next = self.network.queue.next_time();
            let quiet_at = self.last_activity + self.config.settle;
            if !self.was_quiet && next.min(limit) > quiet_at && self.network.is_calm() {
                self.network.now = self.network.now.max(quiet_at);
                self.was_quiet = true;
                self.check(None);
                continue;
            }
            if stop_when_quiet && self.was_quiet {
                return;
            }
            if next > limit {
                self.network.now = self.network.now.max(limit);
                return;
            }
            let Some((at, event)) = self.network.queue.pop() else { return };
            debug_assert!(at >= self.network.now, "time does not go back");
            self.network.now = at;
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Arrival { link, side, epoch } => {
                self.network.took_for_link();
                if let Some((node, message)) = self.network.arrive(link, side, epoch) {
                    self.with(node, |node, cx| node.handle_message(link, message, cx));
                }
            }
            Event::Connect { link, epoch } => {
                self.network.took_for_link();
                self.network.connect(link, epoch);
            }
            Event::Up { link, side, epoch } => {
                self.network.took_for_link();
                let Some((node, stale)) = self.network.learn_up(link, side, epoch) else { return };
                if stale {
                    self.with(node, |node, cx| node.handle_link_down(link, cx));
                }
                if self.network.see(link, side, epoch) {
                    self.with(node, |node, cx| node.handle_link_up(link, cx));
                }
            }
            Event::Down { link, side, epoch } => {
                self.network.took_for_link();
                if let Some(node) = self.network.learn_down(link, side, epoch) {
                    self.with(node, |node, cx| node.handle_link_down(link, cx));
                }
            }
            Event::Wake { node } => {
                if self.network.wakes(node) {
                    self.with(node, N::handle_wake);
                }
            }
            Event::Fault(number) => {
                let fault = self.faults[number].clone();
                self.apply(&fault);
            }
            Event::Check(number) => {
                if let Some(period) = self.invariants[number].period {
                    self.network.queue.push(self.network.now + period, Event::Check(number));
                }
                self.check(Some(number));
            }
        }
    }

    /// Calls a node that runs.
    pub(super) fn with<R>(
        &mut self,
        node: NodeIndex,
        call: impl FnOnce(&mut N, &mut Context<'_, N::Message>) -> R,
    ) -> Option<R> {
        self.note_activity();
        let Slot::Running(machine) = &mut self.nodes[node.at()] else { return None };
        Some(call(machine, &mut Context { node, network: &mut self.network }))
    }

    pub(super) fn apply(&mut self, fault: &Fault) {
        let changed = match fault {
            Fault::Crash { node, .. } => self.network.hosts[node.at()].running,
            Fault::Restart { node, .. } => !self.network.hosts[node.at()].running,
            _ => self.network.apply_to_links(fault),
        };
        if !changed {
            return;
        }
        self.network.trace.fault(self.network.now, fault);
        self.network.accounts.faults += u64::from(!fault.is_repair());
        self.network.accounts.event(self.network.now, [u64::MAX, 0]);
        self.note_activity();
        match fault {
            Fault::Crash { node, loss } => self.crash(*node, *loss),
            Fault::Restart { node, memory, clock_back } => {
                let slot = &mut self.nodes[node.at()];
                let Slot::Down(previous) = std::mem::replace(slot, Slot::Down(None)) else {
                    return;
                };
                let previous = previous.filter(|_| *memory == Memory::Kept);
                self.start(*node, previous, *clock_back);
            }
            _ => {}
        }
    }

    fn crash(&mut self, node: NodeIndex, loss: Loss) {
        self.network.hosts[node.at()].running = false;
        let slot = &mut self.nodes[node.at()];
        if let Slot::Running(machine) = std::mem::replace(slot, Slot::Down(None)) {
            *slot = Slot::Down(Some(machine));
        }
        self.network.forget_connections_of(node);
        self.network.settle_links_of(node, loss);
    }

    pub(super) fn start(&mut self, node: NodeIndex, previous: Option<N>, clock_back: Duration) {
        let rng = self.network.hosts[node.at()].boot(clock_back);
        let boot = Boot {
            node,
            restarts: self.network.hosts[node.at()].boots - 1,
            now: self.network.now,
            calendar: self.network.calendar(node),
            previous,
            rng,
        };
        self.nodes[node.at()] = Slot::Running((self.factory)(boot));
        self.network.note(What::Start(node), 1, node.0, 0);
        self.with(node, N::start);
        self.network.settle_links_of(node, Loss::Reset);
    }

    /// Checks one invariant, or all that hold when quiet.
    fn check(&mut self, only: Option<usize>) {
        let view = View { nodes: &self.nodes, network: &self.network };
        let mut checked = 0;
        let mut found = None;
        for (number, invariant) in self.invariants.iter_mut().enumerate() {
            let due = only.map_or(invariant.period.is_none(), |only| only == number);
            if due && found.is_none() {
                checked += 1;
                let result = (invariant.holds)(&view);
                found = result.err().map(|what| (invariant.name.clone(), what));
            }
        }
        self.network.accounts.checks += checked;
        if let Some((name, what)) = found {
            self.network.violation(&name, what);
        }
    }

    fn note_activity(&mut self) {
        self.last_activity = self.network.now;
        self.was_quiet = false;
        if self.network.accounts.events > self.config.max_events {
            let what = format!("more than {} events", self.config.max_events);
            self.network.violation("comes to an end", what);
        }
    }
}
