//! One router as a node of the simulation: it carries frames, timers and the members of rooms. Its events are in
//! [`crate::events`].

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use gatewire_cluster::{Config, Event, LinkUpError, NodeId, Output, RoomKey, Router, State};
use gatewire_sim::{Boot, Context, LinkIndex, Node, Time};

use crate::cluster::{CLUSTER, Cluster, Room};
use crate::events::Events;
use crate::frame::{Frame, Kind};
use crate::mutant::Mutant;

/// A router with what surrounds it in a server: links, a clock, and members of rooms.
pub struct Station {
    pub(crate) router: Router,
    pub(crate) cluster: Rc<Cluster>,
    pub(crate) events: Events,
    members: BTreeMap<Room, u32>,
    /// The nodes that can be reached, as the router's events tell.
    told: BTreeSet<NodeId>,
    /// What its queues to some links throw away, until the links are made anew.
    shedding: BTreeMap<LinkIndex, Shedding>,
    /// When its links end, after it has left the cluster.
    farewell: Option<Time>,
    /// When it learned last that a link is down.
    lost_link: Option<Time>,
    /// When it heard last of something that was new to it.
    heard_news: Time,
}

/// A queue to a link that overflows.
#[derive(Debug, Clone, Copy)]
struct Shedding {
    /// Frames of these kinds are lost, as bits.
    kinds: u16,
    until: Time,
    /// Whether something was lost.
    has_lost: bool,
}

pub(crate) type Cx<'a> = Context<'a, Frame>;

impl Station {
    /// A router at its start. What a disk holds of its last life is the counter.
    ///
    /// # Panics
    ///
    /// Never: the names of a [`Cluster`] are good.
    #[must_use]
    pub fn boot(cluster: &Rc<Cluster>, mut boot: Boot<Self>) -> Self {
        let nonce =
            if cluster.mutant == Some(Mutant::ConstantNonce) { 1 } else { boot.rng.below(1 << 32) };
        let start = gatewire_cluster::Boot {
            unix_seconds: boot.calendar.as_secs(),
            last_counter: boot.previous.as_ref().map(|last| last.router.incarnation().counter()),
            nonce: u32::try_from(nonce).expect("it is below 2^32"),
        };
        let name = cluster.name(boot.node).as_str();
        let config = Config::new(CLUSTER, name, RoomKey::new([7; 16]), boot.rng.next_u64());
        let router = Router::new(config, start, boot.now.elapsed());
        Self {
            router: router.expect("the name was checked when the cluster was made"),
            cluster: Rc::clone(cluster),
            events: Events::new(&cluster.ledger),
            members: BTreeMap::new(),
            told: BTreeSet::new(),
            shedding: BTreeMap::new(),
            farewell: None,
            lost_link: None,
            heard_news: boot.now,
        }
    }

    /// The router.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Whether the router takes part in the cluster.
    #[must_use]
    pub fn takes_part(&self) -> bool {
        self.router.state() == State::Running
    }

    /// The rooms with members here.
    pub fn rooms(&self) -> impl Iterator<Item = Room> {
        self.members.keys().copied()
    }

    /// Whether a room has members here.
    #[must_use]
    pub fn has_members(&self, room: Room) -> bool {
        self.members.contains_key(&room)
    }

    /// The nodes that can be reached, as the router's events tell.
    #[must_use]
    pub fn told(&self) -> &BTreeSet<NodeId> {
        &self.told
    }

    /// When it learned last that a link is down.
    #[must_use]
    pub fn lost_link(&self) -> Option<Time> {
        self.lost_link
    }

    /// When it heard last of something that was new to it.
    #[must_use]
    pub fn heard_news(&self) -> Time {
        self.heard_news
    }

    /// A member joins a room.
    pub fn join(&mut self, room: Room, cx: &mut Cx<'_>) {
        if self.router.join(now(cx), &self.cluster.rooms()[room]).is_err() {
            cx.violation("there is no place for a room");
        }
        *self.members.entry(room).or_default() += 1;
        self.flush(cx);
    }

    /// A member leaves a room, if there is one.
    pub fn leave(&mut self, room: Room, cx: &mut Cx<'_>) {
        let Some(count) = self.members.get_mut(&room) else { return };
        *count -= 1;
        self.members.retain(|_, count| *count > 0);
        if !self.router.leave(now(cx), &self.cluster.rooms()[room]) {
            cx.violation("a member that joined cannot leave");
        }
        self.flush(cx);
    }

    /// Leaves the cluster for good. What it says last is written before the links end.
    pub fn leave_cluster(&mut self, cx: &mut Cx<'_>) {
        if !self.takes_part() {
            return;
        }
        self.router.leave_cluster(now(cx));
        self.farewell = Some(cx.now() + FAREWELL);
        self.flush(cx);
    }

    /// For so long the queue to a link is too full for frames of some kinds, given as bits from
    /// [`Kind::HELLO`] on; then the link is reset, as after each loss.
    pub fn shed(&mut self, link: LinkIndex, kinds: u16, lasts: Duration, cx: &mut Cx<'_>) {
        let until = cx.now() + lasts;
        let has_lost = self.shedding.get(&link).is_some_and(|before| before.has_lost);
        self.shedding.insert(link, Shedding { kinds, until, has_lost });
        self.flush(cx);
    }

    /// Carries out what the router wants, and asks to be woken.
    pub(crate) fn flush(&mut self, cx: &mut Cx<'_>) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Send { link, frame } => match self.cluster.link_at(cx.node(), link) {
                    Some(link) => self.carry(link, Frame::control(frame), cx),
                    None => cx.violation(format!("it sends to {link:?}, which it does not have")),
                },
                Output::Event(event) => self.note(event, cx),
            }
        }
        let due = self.router.poll_timeout().map(Time::from_elapsed);
        let reset = self.shedding.values().map(|shedding| shedding.until).min();
        let next = due.into_iter().chain(reset).chain(self.farewell);
        let next = next.chain(self.events.due.iter().copied()).min();
        cx.wake_at(next.unwrap_or(Time::NEVER));
    }

    fn carry(&mut self, link: LinkIndex, mut frame: Frame, cx: &mut Cx<'_>) {
        let kind = frame.kind();
        if self.is_lost(kind) {
            return;
        }
        let sheds = self.sheds(link, kind);
        if let Some(shedding) = self.shedding.get_mut(&link) {
            if sheds {
                shedding.has_lost = true;
                return;
            }
            frame.after_gap = shedding.has_lost;
        }
        // A write into a connection that is gone is nobody's fault.
        let _sent = cx.send(link, frame);
    }

    /// Whether the queue to a link throws frames of a kind away now.
    pub(crate) fn sheds(&self, link: LinkIndex, kind: Kind) -> bool {
        let shedding = self.shedding.get(&link);
        shedding.is_some_and(|shedding| shedding.kinds >> (kind.0 - Kind::HELLO.0) & 1 == 1)
    }

    /// Whether something that was to be said on a link was thrown away.
    pub(crate) fn has_lost(&self, link: LinkIndex) -> bool {
        self.shedding.get(&link).is_some_and(|shedding| shedding.has_lost)
    }

    /// How much of what it heard was new.
    fn taken(&self) -> u64 {
        let statistics = self.router.statistics();
        statistics.records_taken + statistics.rooms_taken
    }

    /// Whether the mutant takes such frames away.
    fn is_lost(&self, kind: Kind) -> bool {
        match self.cluster.mutant {
            Some(Mutant::NoDigests) => matches!(kind, Kind::BUCKETS | Kind::SUMMARY),
            Some(Mutant::NoRequests) => kind == Kind::REQUEST,
            Some(Mutant::NoPurges) => kind == Kind::PURGE,
            _ => false,
        }
    }

    fn note(&mut self, event: Event, cx: &mut Cx<'_>) {
        match event {
            Event::NodeUp(node) => self.learn(node.id(), true, cx),
            Event::NodeDown(node) => self.learn(node.id(), false, cx),
            Event::NameTaken => {
                self.cluster.names_taken.set(self.cluster.names_taken.get() + 1);
                self.close_links(cx);
            }
            Event::LinkExhausted(link) => {
                cx.violation(format!("{link:?} has no numbers left in so small a cluster"));
            }
            // Each looks at them when it is quiet; what is published now others may see otherwise.
            Event::RoutesChanged => self.be_moved(cx),
            // Kept by `boot`, which asks the router itself.
            _ => {}
        }
    }

    /// A node can be reached now, or not any more; before it was the other way round.
    fn learn(&mut self, node: NodeId, reached: bool, cx: &mut Cx<'_>) {
        let changed = if reached { self.told.insert(node) } else { self.told.remove(&node) };
        if !changed {
            cx.violation(format!("its events tell twice that {node:?} is reached: {reached}"));
        }
    }

    /// Ends all connections. The simulation makes them anew; a router that has stopped takes no part.
    fn close_links(&mut self, cx: &mut Cx<'_>) {
        let links: Vec<LinkIndex> = cx.links().collect();
        for link in links {
            self.drop_link(link, cx);
            cx.reset(link);
        }
    }

    /// Ends one connection, as after a loss.
    fn reset(&mut self, link: LinkIndex, cx: &mut Cx<'_>) {
        self.drop_link(link, cx);
        cx.reset(link);
    }

    fn drop_link(&mut self, link: LinkIndex, cx: &Cx<'_>) {
        self.shedding.remove(&link);
        if let Some(id) = self.cluster.link_id(cx.node(), link) {
            self.router.link_down(now(cx), id);
        }
    }

    /// Ends what was to end by now.
    fn end_what_is_over(&mut self, cx: &mut Cx<'_>) {
        if self.farewell.is_some_and(|at| at <= cx.now()) {
            self.farewell = None;
            self.close_links(cx);
        }
        let over: Vec<(LinkIndex, Shedding)> = self
            .shedding
            .iter()
            .filter(|(_, shedding)| shedding.until <= cx.now())
            .map(|(link, shedding)| (*link, *shedding))
            .collect();
        for (link, shedding) in over {
            self.shedding.remove(&link);
            if shedding.has_lost && self.cluster.mutant != Some(Mutant::NoReset) {
                self.reset(link, cx);
            }
        }
    }
}

impl Node for Station {
    type Message = Frame;

    fn start(&mut self, cx: &mut Cx<'_>) {
        self.flush(cx);
    }

    fn handle_link_up(&mut self, link: LinkIndex, cx: &mut Cx<'_>) {
        let neighbour = self.cluster.name(cx.peer(link)).clone();
        let Some(id) = self.cluster.link_id(cx.node(), link) else { return };
        let cost = self.cluster.cost_at(cx.node(), link);
        match self.router.link_up(id, &neighbour, cost) {
            // Nobody says hello over such a link, so nobody uses it: as if it were refused.
            Ok(()) | Err(LinkUpError::Stopped | LinkUpError::OwnName) => {}
            Err(error) => cx.violation(error.to_string()),
        }
        self.be_moved(cx);
        self.flush(cx);
    }

    fn handle_link_down(&mut self, link: LinkIndex, cx: &mut Cx<'_>) {
        self.drop_link(link, cx);
        self.lost_link = Some(cx.now());
        self.be_moved(cx);
        self.flush(cx);
    }

    fn handle_message(&mut self, link: LinkIndex, mut frame: Frame, cx: &mut Cx<'_>) {
        let Some(id) = self.cluster.link_id(cx.node(), link) else { return };
        // The router refused this link, and its server would have closed the connection.
        if self.cluster.is_between_namesakes(link) {
            return;
        }
        let taken = self.taken();
        let handled = match frame.copy.take() {
            Some(copy) => self.take_copy(id, frame.body(), copy, cx).unwrap_or_else(|what| {
                cx.violation(what);
                Ok(())
            }),
            None => self.router.handle_frame(now(cx), id, frame.body()),
        };
        if let Err(error) = handled {
            if frame.after_gap {
                self.reset(link, cx);
            } else {
                cx.violation(format!("its neighbour broke the protocol: {error}"));
            }
        }
        if self.taken() != taken {
            self.heard_news = cx.now();
        }
        self.flush(cx);
    }

    fn handle_wake(&mut self, cx: &mut Cx<'_>) {
        self.end_what_is_over(cx);
        self.router.handle_timeout(now(cx));
        self.flush(cx);
        self.publish_what_is_due(cx);
    }
}

fn now(cx: &Cx<'_>) -> Duration {
    cx.now().elapsed()
}

/// From the last word of a router that leaves to the end of its connections: longer than any latency
/// here, so that the word arrives.
const FAREWELL: Duration = Duration::from_millis(100);
