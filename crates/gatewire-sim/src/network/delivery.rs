//! Messages on their way.
//!
//! Each direction of a link is a row in the order of arrival, of which only the first message is in
//! the event queue. The queue stays as short as there are links, however many messages travel.

use super::connection::narrow;
use super::{Event, Network};
use crate::link::{Flying, State};
use crate::node::{Message, Sent};
use crate::topology::{LinkIndex, NodeIndex};
use crate::trace::What;

impl<M: Message> Network<M> {
    pub(crate) fn send(&mut self, index: LinkIndex, from: NodeIndex, message: M) -> Sent {
        let link = &mut self.links[index.at()];
        let side = link.side(from);
        if link.state != State::Connected || link.ends[side].sees != Some(link.epoch) {
            self.accounts.refused += 1;
            return Sent::NotConnected;
        }
        let size = message.size() as u64;
        let way = &mut link.ways[1 - side];
        let Some(departure) = way.depart(self.now, size, &link.config) else {
            self.accounts.refused += 1;
            return Sent::Full;
        };
        way.sent.add(size);
        self.accounts.sent(message.kind(), size);
        if link.config.loss > 0 && self.rng.chance(link.config.loss) {
            self.accounts.lost += 1;
            return Sent::Queued;
        }
        let arrival = departure + self.rng.duration(&link.config.latency);
        let arrival = arrival.max(way.not_before);
        way.not_before = arrival;
        let turn = self.queue.take_turn();
        way.row.push_back(Flying { arrival, turn, message });
        self.schedule_first(index, 1 - side);
        Sent::Queued
    }

    /// The first message of a row, if this entry of the queue is not void: the node that gets it,
    /// and the message.
    pub(crate) fn arrive(
        &mut self,
        index: LinkIndex,
        side: u8,
        epoch: u32,
    ) -> Option<(NodeIndex, M)> {
        let link = &mut self.links[index.at()];
        let way = &mut link.ways[usize::from(side)];
        if link.epoch != epoch {
            return None;
        }
        way.scheduled = false;
        if way.stalled {
            return None;
        }
        let Flying { message, .. } = way.row.pop_front()?;
        let (to, from) = (link.ends[usize::from(side)].node, link.ends[usize::from(1 - side)].node);
        self.schedule_first(index, usize::from(side));
        let size = message.size() as u64;
        let what = What::Message { from, to, link: index, kind: message.kind(), size };
        self.trace.message(self.now, what, &message);
        let first = u64::from(index.0) << 1 | u64::from(side);
        self.accounts.event(self.now, [first, size]);
        self.accounts.delivered += 1;
        self.accounts.last_delivery = self.now;
        Some((to, message))
    }

    /// Holds or frees one direction; returns whether that is a change.
    pub(super) fn stall(&mut self, index: LinkIndex, deaf: NodeIndex, stalled: bool) -> bool {
        let link = &mut self.links[index.at()];
        let side = link.side(deaf);
        let way = &mut link.ways[side];
        if way.stalled == stalled {
            return false;
        }
        way.stalled = stalled;
        if !stalled {
            for flying in &mut way.row {
                flying.arrival = flying.arrival.max(self.now);
                flying.turn = self.queue.take_turn();
            }
            self.schedule_first(index, side);
        }
        true
    }

    /// Puts the arrival of the first message of a way into the queue, unless it is there or held.
    fn schedule_first(&mut self, index: LinkIndex, side: usize) {
        let link = &mut self.links[index.at()];
        let way = &mut link.ways[side];
        let Some(first) = way.row.front().filter(|_| !way.scheduled && !way.stalled) else {
            return;
        };
        let event = Event::Arrival { link: index, side: narrow(side), epoch: link.epoch };
        self.queue.push_in_turn(first.arrival, first.turn, event);
        way.scheduled = true;
        self.under_way += 1;
    }
}
