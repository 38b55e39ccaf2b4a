//! What a router says of itself: its record, its claim to its name, its farewell.

use std::collections::VecDeque;
use std::time::Duration;

use gatewire_codec::v3::control::Incarnation;

use super::{Event, Router, State};
use crate::link_state::{Accepted, Adjacency, LIFETIME, Links, Record};
use crate::rules::OUT_BIDDING;

/// When a record is renewed, but for the jitter of a tenth to either side.
const REFRESH: Duration = Duration::from_secs(30 * 60);
/// How many fights over a name are borne, and within which time they count. The own last life is
/// met once, or a few times when several neighbours know different ones.
const FIGHTS: usize = 3;
const FIGHT_TIME: Duration = Duration::from_secs(60);
/// How many fights are remembered: more foreign nonces than this in a minute are no accident.
const MOST_FIGHTS: usize = 64;

/// No life counts so far by itself. Who tells of such a record leaves no numbers for the next ones, so a new life begins.
const NO_SEQUENCE: u64 = 1 << 63;

/// When this router met a newer record of its own name, and with which boot nonce.
#[derive(Debug, Default)]
pub(super) struct Fights(VecDeque<(Duration, u32)>);

impl Fights {
    /// Notes one more; whether there are too many now.
    fn add(&mut self, now: Duration, nonce: u32) -> bool {
        let recent = |(at, _): &(Duration, u32)| now.saturating_sub(*at) <= FIGHT_TIME;
        self.0.retain(recent);
        if self.0.len() == MOST_FIGHTS {
            self.0.pop_front();
        }
        self.0.push_back((now, nonce));
        self.0.iter().filter(|(_, other)| *other == nonce).count() > FIGHTS
    }
}

impl Router {
    /// Writes a record of the links that are up, and hands it to all.
    pub(super) fn originate(&mut self, now: Duration) {
        self.sequence += 1;
        self.statistics.originated += 1;
        let up = self.links.iter().filter_map(|(id, link)| Some((id, link, link.agreed_cost()?)));
        let neighbours =
            up.map(|(id, link, cost)| Adjacency { node: link.neighbour.clone(), link: id.0, cost });
        let links = Links::new(self.flags(), 0, neighbours.collect());
        self.put_own(now, Some(links));
        if self.restamp {
            self.restamp = false;
            self.restamp_rooms();
        }
        self.flood_record(now, self.name.id(), None);
        let tenth = u64::try_from(REFRESH.as_millis() / 10).unwrap_or(u64::MAX);
        let jitter = Duration::from_millis(self.random.below(2 * tenth + 1));
        self.refresh = now + REFRESH - REFRESH / 10 + jitter;
    }

    /// Leaves the cluster for good: the others forget this node at once, not when they miss it.
    /// What [`poll_output`](Self::poll_output) gives is to be written before the links are closed.
    pub fn leave_cluster(&mut self, now: Duration) {
        if self.state != State::Running {
            return;
        }
        self.sequence += 1;
        self.put_own(now, None);
        self.flood_record(now, self.name.id(), None);
        self.stop(State::Left);
    }

    /// Somebody tells of this name, as of (`incarnation`, `sequence`); maybe that this life is over.
    pub(super) fn meet_own(
        &mut self,
        now: Duration,
        (incarnation, sequence): (Incarnation, u64),
        purged: bool,
    ) {
        if (incarnation, sequence) <= (self.incarnation, self.sequence) || !OUT_BIDDING {
            return;
        }
        // With a purge the others have forgotten the rooms of this life: it takes a new one to tell them.
        if incarnation == self.incarnation && sequence < NO_SEQUENCE && !purged {
            self.sequence = sequence;
            self.origination.change(now);
            return;
        }
        let (own, other) = (self.incarnation.nonce(), incarnation.nonce());
        let fight = own != other && self.fights.add(now, other);
        let Some(counter) =
            incarnation.counter().checked_add(1).filter(|_| !(fight && own > other))
        else {
            self.emit(Event::NameTaken);
            self.stop(State::NameTaken);
            return;
        };
        self.incarnation = Incarnation::new(counter, own);
        self.sequence = 0;
        self.restamp = true;
        self.emit(Event::OutBid(self.incarnation));
        self.origination.change(now);
    }

    /// Puts the own record, or purge, into the database.
    fn put_own(&mut self, now: Duration, links: Option<Links>) {
        let (incarnation, sequence, expires) = (self.incarnation, self.sequence, now + LIFETIME);
        let record = Record { incarnation, sequence, expires, links };
        let name = self.name.clone();
        let accepted = self.database.accept(now, &name, record);
        debug_assert_eq!(accepted, Accepted::Newer, "the own record is the newest of its name");
    }

    /// Tells the own rooms under the new incarnation: before the record, which would clear the old ones.
    fn restamp_rooms(&mut self) {
        let own = self.name.id();
        let incarnation = self.incarnation;
        let node = self.database.get_mut(own).expect("the own record was just put there");
        node.rooms.restamp(incarnation);
        self.flood_rooms(own, (incarnation, 0), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fights_with_one_nonce_within_a_minute_count() {
        let mut fights = Fights::default();
        let second = Duration::from_secs;
        for at in 0..3 {
            assert!(!fights.add(second(at), 7));
            assert!(!fights.add(second(at), 8));
        }
        assert!(fights.add(second(60), 7));
        assert!(!fights.add(second(62), 8));
        assert!(!fights.add(second(200), 7));
    }
}
