//! What routers tell each other of links and rooms.

use std::sync::Arc;

use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{ValueRef, Version};

use super::cells::{self, Seen};
use super::error::{LinkRefused, RoomRefused};
use super::fact::{LinkFact, RoomFact, json};
use super::gateway::{Gateway, Link, LinkNumber, json_value};
use super::graph::{Cost, Edge, Told};
use super::name::check_room;
use super::rooms::{Counted, MAX_OWN_ROOMS};

/// How often a link is told again that others take for gone. One such word comes in a copy by each way, and each copy may have been
/// taken after the last answer; a second host of this name, which contradicts each answer, costs no more than that.
const MAX_TOLD_AGAIN: u8 = 8;

impl Gateway {
    /// Before a link to a host comes up: what the host tells on it is the whole truth, of its own rooms, and of the links
    /// of all hosts to which no way leads yet.
    pub(super) fn begin_afresh(&mut self, host: &str) {
        if !self.ways().contains_key(host) {
            let own = Arc::clone(&self.host);
            let reachable = self.ways().clone();
            self.graph.retain_sources(|source| *source == *own || reachable.contains_key(source));
            self.forget_ways();
        }
        self.rooms.forget(host);
    }

    pub(super) fn insert_own(&mut self, edge: &Edge, cost: Cost) -> Result<(), LinkRefused> {
        match self.graph.insert(edge.clone(), cost) {
            Told::News => {
                self.forget_ways();
                Ok(())
            }
            Told::OverBound => Err(LinkRefused::TooMany),
            // Ids are made at random: one that was there before is no id.
            Told::Known | Told::Late => Err(LinkRefused::LinkInUse),
        }
    }

    /// What the originals do once a link is up: the link is flooded, then all links are told to the new neighbour,
    /// the new one among them, then the rooms. (The originals tell all other neighbours of the rooms again, which
    /// know them.)
    pub(super) fn announce_link(&mut self, link: LinkNumber, edge: &Edge, cost: Cost) {
        let own = Seen::new(&self.host, [], |_| true);
        self.flood(Kind::NewLink, &json(&edge.fact(Some(cost))), &own, None);
        let edges = self.graph.edges().iter();
        let facts: Vec<_> = edges.map(|(edge, cost)| json(&edge.fact(Some(*cost)))).collect();
        for fact in facts {
            self.tell(link, Kind::NewLink, &fact, own.field());
        }
        let host = Arc::clone(&self.host);
        let own_rooms = self.own_rooms.iter().map(|(room, members)| (room, &host, *members));
        let others = self.rooms.counts().filter(|(_, of, _)| **of != edge.destination);
        let counts = own_rooms.chain(others);
        let facts: Vec<_> = counts
            .map(|(room, of, members)| (Arc::clone(of), room_json(of, room, members)))
            .collect();
        for (of, fact) in facts {
            let seen = Seen::new(&host, [&*of], |_| true);
            self.tell(link, Kind::LinkJoinRoom, &fact, seen.field());
        }
    }

    /// A link of this host has ended: both its directions are gone, and all neighbours hear of those that were known.
    pub(super) fn announce_loss(&mut self, peer: &str, id: &str) {
        let own = Seen::new(&self.host, [], |_| true);
        let directions = [Edge::new(&self.host, peer, id), Edge::new(peer, &self.host, id)];
        for edge in directions {
            if self.graph.remove(&edge) {
                self.flood(Kind::DelLink, &json(&edge.fact(None)), &own, None);
            }
        }
        self.forget_ways();
        self.forget_lost_hosts();
    }

    /// A frame of discovery has come.
    pub(super) fn handle_fact(&mut self, link: LinkNumber, frame: &Packet<'_>) {
        let Some(bytes) = self.object(frame) else { return };
        match frame.kind {
            Kind::NewLink | Kind::DelLink => match serde_json::from_slice::<LinkFact<'_>>(bytes) {
                Ok(fact) if fact.check().is_err() => self.counters.bad_names += 1,
                Ok(fact) if frame.kind == Kind::DelLink => self.link_is_gone(link, frame, &fact),
                Ok(fact) => match fact.checked_cost() {
                    Some(cost) => self.link_is_there(link, frame, &fact, cost),
                    None => self.counters.malformed += 1,
                },
                Err(_) => self.counters.malformed += 1,
            },
            _ => match serde_json::from_slice::<RoomFact<'_>>(bytes) {
                Ok(fact) if fact.check().is_err() => self.counters.bad_names += 1,
                Ok(fact) => self.room_has(link, frame, &fact),
                Err(_) => self.counters.malformed += 1,
            },
        }
    }

    fn link_is_there(
        &mut self,
        link: LinkNumber,
        frame: &Packet<'_>,
        fact: &LinkFact<'_>,
        cost: Cost,
    ) {
        let edge = Edge::of(fact);
        if *edge.source == *self.host {
            if self.graph.edges().contains_key(&edge) {
                self.counters.known += 1;
            } else {
                // Somebody has missed that it is gone, or there is a second host of this name.
                self.counters.not_theirs += 1;
                let host = Arc::clone(&self.host);
                self.tell(link, Kind::DelLink, &json(&edge.fact(None)), &host);
            }
            return;
        }
        if self.is_ghost(link, &edge) {
            // The teller has missed the end of an earlier link, and would go on sending into it.
            self.counters.not_theirs += 1;
            let host = Arc::clone(&self.host);
            self.tell(link, Kind::DelLink, &json(&edge.fact(None)), &host);
            return;
        }
        match self.graph.insert(edge, cost) {
            Told::News => {
                self.forget_ways();
                self.pass_on(link, frame, &json(fact));
            }
            Told::Known => self.counters.known += 1,
            Told::Late => self.counters.late_links += 1,
            Told::OverBound => self.counters.over_bound += 1,
        }
    }

    fn link_is_gone(&mut self, link: LinkNumber, frame: &Packet<'_>, fact: &LinkFact<'_>) {
        let edge = Edge::of(fact);
        if *edge.source == *self.host && self.graph.edges().contains_key(&edge) {
            // This host knows best. If the other end has lost it, this one will.
            self.counters.not_theirs += 1;
            self.tell_again(&edge);
        } else if self.graph.remove(&edge) {
            self.forget_ways();
            self.pass_on(link, frame, &json(&edge.fact(None)));
            self.forget_lost_hosts();
        } else {
            self.counters.known += 1;
        }
    }

    /// An own link is up, and others were told that it is gone.
    fn tell_again(&mut self, edge: &Edge) {
        let Some(cost) = self.graph.edges().get(edge).copied() else { return };
        let mut links = self.links.values_mut();
        let Some(link) = links.find(|link| link.id == edge.link) else { return };
        if link.told_again < MAX_TOLD_AGAIN {
            link.told_again += 1;
            let own = Seen::new(&self.host, [], |_| true);
            self.flood(Kind::NewLink, &json(&edge.fact(Some(cost))), &own, None);
        }
    }

    /// Whether the neighbour at a link tells of another link between it and this host: there is but one.
    fn is_ghost(&self, link: LinkNumber, edge: &Edge) -> bool {
        let is_another = |teller: &Link| teller.peer == edge.source && teller.id != edge.link;
        edge.destination == self.host && self.links.get(&link).is_some_and(is_another)
    }

    /// `UL_LEAVE_ROOM` tells the same as `UL_JOIN_ROOM`: how many members there are.
    fn room_has(&mut self, link: LinkNumber, frame: &Packet<'_>, fact: &RoomFact<'_>) {
        let is_neighbour = self.is_neighbour(&fact.host);
        let tells_itself = self.links.get(&link).is_some_and(|link| *link.peer == *fact.host);
        if *fact.host == *self.host || is_neighbour && !tells_itself {
            self.counters.not_theirs += 1;
            if is_neighbour {
                let known = self.rooms.members(&fact.host, &fact.room);
                if !self.hearsay.set(&fact.host, &fact.room, fact.members, known) {
                    self.counters.over_bound += 1;
                }
            }
            return;
        }
        if !self.ways().contains_key(&*fact.host) {
            self.counters.lost_hosts += 1;
            return;
        }
        self.hearsay.confirm(&fact.host, &fact.room, fact.members);
        match self.rooms.set(&fact.host, &fact.room, fact.members) {
            Counted::News => self.pass_on(link, frame, &json(fact)),
            Counted::Known => self.counters.known += 1,
            Counted::OverBound => self.counters.over_bound += 1,
        }
    }

    /// Rooms of hosts to which no way leads any more: when they come back, they tell all of them.
    fn forget_lost_hosts(&mut self) {
        for host in self.lost_hosts() {
            self.rooms.forget(&host);
        }
    }

    /// The link to a host has ended, so what others have told of its rooms meanwhile counts, if another way leads there.
    pub(super) fn believe_others(&mut self, host: &str) {
        let said = self.hearsay.take(host);
        if !self.ways().contains_key(host) {
            return;
        }
        for (room, members) in said {
            match self.rooms.set(host, &room, members) {
                Counted::News => {
                    let kind = if members > 0 { Kind::LinkJoinRoom } else { Kind::LinkLeaveRoom };
                    let seen = Seen::new(&self.host, [host], |_| true);
                    self.flood(kind, &room_json(host, &room, members), &seen, None);
                }
                Counted::Known => {}
                Counted::OverBound => self.counters.over_bound += 1,
            }
        }
    }

    pub(super) fn change_own_room(&mut self, room: &str, members: u64) -> Result<(), RoomRefused> {
        check_room(room).map_err(RoomRefused::Name)?;
        let before = self.own_rooms.get(room).copied().unwrap_or_default();
        if members == before {
            return Ok(());
        }
        if members == 0 {
            self.own_rooms.remove(room);
        } else if before == 0 && self.own_rooms.len() >= MAX_OWN_ROOMS {
            return Err(RoomRefused::TooMany);
        } else {
            self.own_rooms.insert(room.into(), members);
        }
        let kind = if members > before { Kind::LinkJoinRoom } else { Kind::LinkLeaveRoom };
        if members == 0 && before > 1 {
            // Of "0" the originals make one less than they know, so they have to know one.
            self.flood_own_room(kind, room, 1);
        }
        self.flood_own_room(kind, room, members);
        Ok(())
    }

    fn flood_own_room(&mut self, kind: Kind, room: &str, members: u64) {
        let own = Seen::new(&self.host, [], |_| true);
        let fact = room_json(&self.host, room, members);
        self.flood(kind, &fact, &own, None);
    }

    /// Floods news that have come.
    fn pass_on(&mut self, from: LinkNumber, frame: &Packet<'_>, fact: &[u8]) {
        let seen = Seen::new(&self.host, cells::hosts(frame.cells), |host| self.is_neighbour(host));
        self.flood(frame.kind, fact, &seen, Some(from));
    }

    /// The JSON of a frame. `None`: it has none, which is counted.
    pub(super) fn object<'a>(&mut self, frame: &Packet<'a>) -> Option<&'a [u8]> {
        match frame.value {
            ValueRef::Object { bytes, .. } => return Some(bytes),
            ValueRef::Empty => self.counters.empty += 1,
            _ => self.counters.malformed += 1,
        }
        None
    }

    /// Sends a fact to the neighbours that have not seen it.
    fn flood(&mut self, kind: Kind, fact: &[u8], seen: &Seen, from: Option<LinkNumber>) {
        let unseen = |(number, link): &(&LinkNumber, &Link)| {
            Some(**number) != from && !seen.contains(&link.peer)
        };
        let to: Vec<_> = self.links.iter().filter(unseen).map(|(number, _)| *number).collect();
        for link in to {
            self.tell(link, kind, fact, seen.field());
        }
    }

    /// Sends a fact to one neighbour.
    fn tell(&mut self, link: LinkNumber, kind: Kind, fact: &[u8], seen: &str) {
        let value = json_value(fact);
        let packet = Packet { cells: seen, value, ..Packet::new(Version::V2, kind, 0) };
        // Names are bounded, and so are lists of them: it always fits.
        let sent = self.send(link, packet);
        debug_assert!(sent.is_ok(), "a fact fits a frame: {sent:?}");
    }
}

fn room_json(host: &str, room: &str, members: u64) -> Vec<u8> {
    json(&RoomFact { host: host.into(), room: room.into(), members })
}
