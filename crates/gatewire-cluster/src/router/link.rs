//! The links of a router: how they come up and go down.

use std::time::Duration;

use gatewire_codec::v3::control::{Control, Hello, Incarnation, NodeId};

use super::{Router, State};
use crate::error::{LinkError, LinkUpError};
use crate::identity::NodeName;
use crate::link_set::LinkId;
use crate::link_state::{Digests, Record};
use crate::numbers::{Incoming, Outgoing};
use crate::rules::AGREED_COST;

/// The version of the frames. Another one would be agreed on here.
pub(super) const VERSION: u8 = 1;

/// One connection to a neighbour.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) neighbour: NodeName,
    /// As this side sees it.
    pub(super) cost: u16,
    /// As the other side does, from its hello on.
    pub(super) their_cost: Option<u16>,
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
    /// The snapshot of which the last part has not come.
    pub(super) partial: Option<Partial>,
}

/// A snapshot that comes in parts.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) node: NodeId,
    pub(super) incarnation: Incarnation,
    pub(super) version: u64,
    pub(super) rooms: Vec<u64>,
}

impl Link {
    /// Whether both sides have said hello.
    pub(super) fn is_adjacent(&self) -> bool {
        self.their_cost.is_some()
    }

    /// What the way over it costs: the larger of what the two ends say, once both have. Records tell
    /// this one. Of parallel links nobody else could know which costs at the two ends belong together,
    /// and who takes the cheapest of each end finds a way for less than any of them costs.
    pub(super) fn agreed_cost(&self) -> Option<u16> {
        self.their_cost.map(|theirs| if AGREED_COST { theirs.max(self.cost) } else { self.cost })
    }
}

impl Router {
    /// A connection to the router `neighbour` of the same cluster is there, and authenticated.
    /// `cost` is what the way over it costs; 0 counts as 1. All that comes from it is for
    /// [`handle_frame`](Self::handle_frame).
    ///
    /// # Errors
    ///
    /// [`LinkUpError`]; then the connection is to be closed, and the router is as before.
    pub fn link_up(
        &mut self,
        link: LinkId,
        neighbour: &NodeName,
        cost: u16,
    ) -> Result<(), LinkUpError> {
        self.may_link(link, neighbour)?;
        let cost = cost.max(1);
        let fresh = Link {
            neighbour: neighbour.clone(),
            cost,
            their_cost: None,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            partial: None,
        };
        self.links.insert(link, fresh);
        let hello = Hello {
            area: 0,
            cost,
            oldest_version: VERSION,
            newest_version: VERSION,
            digest: Digests::of(&self.database).root(),
            pacing_ms: 0,
        };
        self.send(link, &Control::Hello(hello));
        Ok(())
    }

    /// Whether [`link_up`](Self::link_up) would take a link.
    ///
    /// # Errors
    ///
    /// [`LinkUpError`], as there.
    pub fn may_link(&self, link: LinkId, neighbour: &NodeName) -> Result<(), LinkUpError> {
        if self.state != State::Running {
            return Err(LinkUpError::Stopped);
        }
        if *neighbour == self.name {
            return Err(LinkUpError::OwnName);
        }
        if self.links.contains_key(&link) {
            return Err(LinkUpError::InUse { link });
        }
        Ok(())
    }

    /// What the way over a link costs: the larger of what the two ends say. `None`: it is not up.
    #[must_use]
    pub fn link_cost(&self, link: LinkId) -> Option<u16> {
        self.links.get(&link)?.agreed_cost()
    }

    /// The connection is gone. Nothing when there was none.
    pub fn link_down(&mut self, now: Duration, link: LinkId) {
        let Some(gone) = self.links.remove(&link) else { return };
        self.adjacent.remove(link);
        if self.state != State::Running {
            return;
        }
        self.ask_others(link);
        if gone.is_adjacent() {
            // A link that was not told of since it came up is missed by nobody.
            if self.lists(link) {
                self.origination.lose(now);
            } else {
                self.origination.change(now);
            }
            self.calculation.change(now);
        }
    }

    /// Whether the own record has a link.
    fn lists(&self, link: LinkId) -> bool {
        let record = self.database.get(self.name.id()).and_then(|node| node.record.as_ref());
        let links = record.and_then(Record::links);
        links.is_some_and(|links| links.neighbours().iter().any(|told| told.link == link.0))
    }

    /// What the way over a link costs has changed, as this side sees it; 0 counts as 1. Told to all: let it be for
    /// a reason. Nothing when there is no such link.
    pub fn set_cost(&mut self, now: Duration, link: LinkId, cost: u16) {
        let Some(known) = self.links.get_mut(&link) else { return };
        let cost = cost.max(1);
        if std::mem::replace(&mut known.cost, cost) != cost {
            if known.is_adjacent() {
                self.origination.change(now);
                self.calculation.change(now);
            }
            self.send(link, &Control::Cost(cost));
        }
    }

    /// What the way over a link costs has changed, as the other side sees it.
    pub(super) fn handle_cost(
        &mut self,
        now: Duration,
        id: LinkId,
        cost: u16,
    ) -> Result<(), LinkError> {
        let link = self.links.get_mut(&id).ok_or(LinkError::UnknownLink { link: id })?;
        if link.their_cost.replace(cost) != Some(cost) {
            self.origination.change(now);
            self.calculation.change(now);
        }
        Ok(())
    }

    /// The neighbour's first frame: from here on the link can be used.
    pub(super) fn handle_hello(
        &mut self,
        now: Duration,
        id: LinkId,
        hello: &Hello,
    ) -> Result<(), LinkError> {
        let link = self.links.get_mut(&id).ok_or(LinkError::UnknownLink { link: id })?;
        if link.is_adjacent() {
            return Err(LinkError::HelloTwice);
        }
        if hello.oldest_version > VERSION || hello.newest_version < VERSION {
            return Err(LinkError::NoCommonVersion);
        }
        link.their_cost = Some(hello.cost);
        let begins = self.name.id() > link.neighbour.id();
        self.origination.change(now);
        self.calculation.change(now);
        if begins {
            self.compare(id, hello.digest);
        }
        Ok(())
    }
}
