//! Connections come and go; see [`crate::link`] for their states.

use std::time::Duration;

use super::{Event, Network};
use crate::fault::{Fault, Loss};
use crate::link::{State, Way};
use crate::node::Message;
use crate::topology::{LinkIndex, NodeIndex};
use crate::trace::What;

impl<M: Message> Network<M> {
    /// Begins to connect if nothing is in the way, or breaks the connection if something is.
    pub(crate) fn settle_link(&mut self, index: LinkIndex, loss: Loss) {
        let link = &mut self.links[index.at()];
        let nodes_run = link.ends.iter().all(|end| self.hosts[end.node.at()].running);
        match (nodes_run && !link.cut && !link.parted, link.state) {
            (true, State::Apart) => {
                link.state = State::Connecting;
                let at = self.now + self.rng.duration(&link.config.connect);
                let event = Event::Connect { link: index, epoch: link.epoch };
                self.push_for_link(at, event);
            }
            (false, State::Connecting | State::Connected) => self.part(index, loss),
            (true, _) | (false, State::Apart) => {}
        }
    }

    pub(crate) fn settle_links_of(&mut self, node: NodeIndex, loss: Loss) {
        for at in 0..self.hosts[node.at()].links.len() {
            self.settle_link(self.hosts[node.at()].links[at], loss);
        }
    }

    /// The connection is made: one end learns of it now, the other one latency later.
    pub(crate) fn connect(&mut self, index: LinkIndex, epoch: u32) {
        let link = &mut self.links[index.at()];
        if link.epoch != epoch {
            return;
        }
        link.state = State::Connected;
        let first = self.rng.index(2);
        let later = self.now + self.rng.duration(&link.config.latency);
        for (side, at) in [(first, self.now), (1 - first, later)] {
            self.links[index.at()].ways[side].not_before = at;
            self.push_for_link(at, Event::Up { link: index, side: narrow(side), epoch });
        }
    }

    /// The node that has to learn that connection `epoch` is there, if it still is; and whether it
    /// has to learn first that an older one is not.
    pub(crate) fn learn_up(
        &mut self,
        index: LinkIndex,
        side: u8,
        epoch: u32,
    ) -> Option<(NodeIndex, bool)> {
        let link = &mut self.links[index.at()];
        if link.epoch != epoch {
            return None;
        }
        let end = &mut link.ends[usize::from(side)];
        let (node, old) = (end.node, end.sees.take());
        if old.is_some() {
            self.note(What::Down(node, index), 3, node.0, index.0);
        }
        Some((node, old.is_some()))
    }

    /// The end knows the connection from now on; false when that is over already.
    pub(crate) fn see(&mut self, index: LinkIndex, side: u8, epoch: u32) -> bool {
        let link = &mut self.links[index.at()];
        if link.epoch != epoch {
            return false;
        }
        let end = &mut link.ends[usize::from(side)];
        end.sees = Some(epoch);
        let node = end.node;
        self.note(What::Up(node, index), 2, node.0, index.0);
        true
    }

    /// The node that has to learn that connection `epoch` is lost, if it does not know yet.
    pub(crate) fn learn_down(
        &mut self,
        index: LinkIndex,
        side: u8,
        epoch: u32,
    ) -> Option<NodeIndex> {
        let end = &mut self.links[index.at()].ends[usize::from(side)];
        if end.sees != Some(epoch) {
            return None;
        }
        end.sees = None;
        let node = end.node;
        self.note(What::Down(node, index), 3, node.0, index.0);
        Some(node)
    }

    /// One end of the link ends the connection that it sees.
    pub(crate) fn reset(&mut self, index: LinkIndex, node: NodeIndex) {
        let link = &mut self.links[index.at()];
        let side = link.side(node);
        let seen = link.ends[side].sees.take();
        if seen == Some(link.epoch) && link.state == State::Connected {
            self.part(index, Loss::Reset);
            self.settle_link(index, Loss::Reset);
        }
    }

    /// Nodes that stop learn nothing.
    pub(crate) fn forget_connections_of(&mut self, node: NodeIndex) {
        for index in &self.hosts[node.at()].links {
            let link = &mut self.links[index.at()];
            let side = link.side(node);
            link.ends[side].sees = None;
        }
    }

    /// Does what concerns links alone; returns whether something has changed.
    pub(crate) fn apply_to_links(&mut self, fault: &Fault) -> bool {
        match fault {
            Fault::Cut { link, loss } => {
                let changed = !std::mem::replace(&mut self.links[link.at()].cut, true);
                self.settle_link(*link, *loss);
                changed
            }
            Fault::Restore { link } => {
                let changed = std::mem::replace(&mut self.links[link.at()].cut, false);
                self.settle_link(*link, Loss::Reset);
                changed
            }
            Fault::Reset { link, loss } => {
                let connected = self.links[link.at()].state == State::Connected;
                if connected {
                    self.part(*link, *loss);
                    self.settle_link(*link, *loss);
                }
                connected
            }
            Fault::Stall { link, deaf } => self.stall(*link, *deaf, true),
            Fault::Resume { link, deaf } => self.stall(*link, *deaf, false),
            Fault::Partition { island, loss } => self.partition(island, *loss),
            Fault::Heal => self.heal(),
            Fault::Crash { .. } | Fault::Restart { .. } => false,
        }
    }

    fn partition(&mut self, island: &[NodeIndex], loss: Loss) -> bool {
        let mut inside = vec![false; self.hosts.len()];
        for node in island {
            inside[node.at()] = true;
        }
        let mut changed = false;
        for index in (0..).map(LinkIndex).take(self.links.len()) {
            let link = &mut self.links[index.at()];
            let [one, other] = [&link.ends[0], &link.ends[1]].map(|end| inside[end.node.at()]);
            if one != other && !link.parted {
                link.parted = true;
                changed = true;
                self.settle_link(index, loss);
            }
        }
        changed
    }

    fn heal(&mut self) -> bool {
        let mut changed = false;
        for index in (0..).map(LinkIndex).take(self.links.len()) {
            if std::mem::take(&mut self.links[index.at()].parted) {
                changed = true;
                self.settle_link(index, Loss::Reset);
            }
        }
        changed
    }

    /// Ends the epoch. Whoever sees the connection learns of its end in its own time.
    fn part(&mut self, index: LinkIndex, loss: Loss) {
        let link = &mut self.links[index.at()];
        let ended = link.epoch;
        link.epoch += 1;
        link.state = State::Apart;
        let under_way: usize = link.ways.iter_mut().map(Way::clear).sum();
        self.accounts.lost += under_way as u64;
        for side in 0..2 {
            let link = &self.links[index.at()];
            if link.ends[side].sees == Some(ended) {
                let delay: Duration = match loss {
                    Loss::Reset => self.rng.duration(&link.config.latency),
                    Loss::Silent => self.rng.duration(&link.config.detect),
                };
                let event = Event::Down { link: index, side: narrow(side), epoch: ended };
                self.push_for_link(self.now + delay, event);
            }
        }
    }
}

/// A side of a link as it stands in an event.
pub(super) fn narrow(side: usize) -> u8 {
    u8::from(side != 0)
}
