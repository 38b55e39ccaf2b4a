//! A cluster on one queue of events: links with a latency, faults, and a count of all frames.
//!
//! Links carry frames in order; what is on its way when a link is cut is lost. The same calls give the
//! same run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use bytes::Bytes;
use gatewire_cluster::{
    Boot, Config, Event, LinkId, NodeId, NodeName, Output, RoomKey, Router, State,
};

pub(crate) const CLUSTER: &str = "test";

/// What becomes of the memory of a node that crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restart {
    CounterKept,
    CounterLost,
    /// The counter is lost, and the clock is a day behind.
    ClockBack,
}

/// One cable. Both ends use the number of the cable for the link.
#[derive(Debug, Clone)]
pub(crate) struct Cable {
    pub(crate) ends: [usize; 2],
    pub(crate) costs: [u16; 2],
    pub(crate) plugged: bool,
    /// Which connection over this cable is up.
    connection: Option<u64>,
    /// The end that has not learned yet that the connection is gone.
    unaware: Option<usize>,
    latency: Duration,
    last_arrival: [Duration; 2],
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Connected { cable: usize, connection: u64 },
    Arrival { cable: usize, connection: u64, end: usize, frame: Bytes },
    Wake { node: usize },
    Noticed { cable: usize },
}

/// A node's place: it stays when the router in it crashes.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) router: Option<Router>,
    pub(crate) events: Vec<Event>,
    kept_counter: Option<u32>,
    wake: Option<Duration>,
    pub(crate) members: BTreeMap<String, u32>,
}

pub(crate) struct Network {
    pub(crate) now: Duration,
    pub(crate) places: Vec<Place>,
    pub(crate) cables: Vec<Cable>,
    queue: BinaryHeap<Reverse<(Duration, u64, Happening)>>,
    next: u64,
    random: u64,
    /// Of all that was sent.
    frames: u64,
    pub(crate) bytes: u64,
}

const UNIX_START: u64 = 1_700_000_000;

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: Duration::ZERO,
            places: Vec::new(),
            cables: Vec::new(),
            queue: BinaryHeap::new(),
            next: 0,
            random: seed,
            frames: 0,
            bytes: 0,
        }
    }

    /// A number below `bound`.
    pub(crate) fn random(&mut self, bound: usize) -> usize {
        // SplitMix64, as in any textbook.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound as u64).expect("the bound is a usize")
    }

    pub(crate) fn add_node(&mut self, name: &str) -> usize {
        self.places.push(Place {
            name: name.to_owned(),
            router: None,
            events: Vec::new(),
            kept_counter: None,
            wake: None,
            members: BTreeMap::new(),
        });
        let node = self.places.len() - 1;
        self.boot(node, Restart::CounterKept);
        node
    }

    pub(crate) fn add_cable(&mut self, one: usize, other: usize, cost: u16) -> usize {
        // 0.2 to 5 ms.
        let latency = Duration::from_micros(200 + self.random(4_800) as u64);
        self.cables.push(Cable {
            ends: [one, other],
            costs: [cost; 2],
            plugged: false,
            connection: None,
            unaware: None,
            latency,
            last_arrival: [Duration::ZERO; 2],
        });
        let cable = self.cables.len() - 1;
        self.plug(cable);
        cable
    }

    pub(crate) fn plug(&mut self, cable: usize) {
        self.cables[cable].plugged = true;
        self.connect(cable);
    }

    pub(crate) fn cut(&mut self, cable: usize) {
        self.cables[cable].plugged = false;
        self.disconnect(cable);
    }

    /// Cuts the cable in such a way that its second end notices three seconds later.
    pub(crate) fn cut_half_open(&mut self, cable: usize) {
        let Some(node) = self.cables[cable].connection.map(|_| self.cables[cable].ends[0]) else {
            return;
        };
        self.cables[cable].plugged = false;
        self.cables[cable].connection = None;
        self.cables[cable].unaware = Some(self.cables[cable].ends[1]);
        self.tell_down(cable, node);
        self.push(self.now + Duration::from_secs(3), Happening::Noticed { cable });
    }

    pub(crate) fn crash(&mut self, node: usize) {
        let place = &mut self.places[node];
        let Some(router) = place.router.take() else { return };
        place.kept_counter = Some(router.incarnation().counter());
        place.members.clear();
        for cable in 0..self.cables.len() {
            if self.cables[cable].ends.contains(&node) {
                self.disconnect(cable);
            }
            self.cables[cable].unaware = self.cables[cable].unaware.filter(|end| *end != node);
        }
    }

    /// A crash that others learn of, and a new life at once.
    pub(crate) fn restart(&mut self, node: usize, how: Restart) {
        self.crash(node);
        self.boot(node, how);
        for cable in 0..self.cables.len() {
            self.connect(cable);
        }
    }

    fn boot(&mut self, node: usize, how: Restart) {
        let nonce = u32::try_from(self.random(1 << 32)).expect("below 2^32");
        let seed = self.random(usize::MAX) as u64;
        let clock = UNIX_START + self.now.as_secs();
        let place = &mut self.places[node];
        let boot = match how {
            Restart::CounterKept => {
                Boot { unix_seconds: clock, last_counter: place.kept_counter, nonce }
            }
            Restart::CounterLost => Boot { unix_seconds: clock, last_counter: None, nonce },
            Restart::ClockBack => Boot { unix_seconds: clock - 86_400, last_counter: None, nonce },
        };
        let config = Config::new(CLUSTER, &place.name, RoomKey::new([7; 16]), seed);
        place.router = Some(Router::new(config, boot, self.now).expect("the names are good"));
        self.settle(node);
    }

    pub(crate) fn leave_cluster(&mut self, node: usize) {
        let now = self.now;
        self.router(node).leave_cluster(now);
        self.settle(node);
        // What was said arrives; then the connections end.
        self.run(Duration::from_millis(10));
        self.crash(node);
    }

    pub(crate) fn join(&mut self, node: usize, room: &str) {
        let now = self.now;
        self.router(node).join(now, room).expect("there is room for a room");
        *self.places[node].members.entry(room.to_owned()).or_default() += 1;
        self.settle(node);
    }

    pub(crate) fn leave(&mut self, node: usize, room: &str) {
        let now = self.now;
        assert!(self.router(node).leave(now, room), "there was a member");
        let members = &mut self.places[node].members;
        let count = members.get_mut(room).expect("there was a member");
        *count -= 1;
        members.retain(|_, count| *count > 0);
        self.settle(node);
    }

    pub(crate) fn router(&mut self, node: usize) -> &mut Router {
        self.places[node].router.as_mut().expect("the node is alive")
    }

    pub(crate) fn id(&self, node: usize) -> NodeId {
        NodeName::new(CLUSTER, &self.places[node].name).expect("the name is good").id()
    }

    /// Whether the cable carries frames.
    pub(crate) fn carries(&self, cable: &Cable) -> bool {
        let alive = |&node: &usize| {
            self.places[node].router.as_ref().is_some_and(|r| r.state() == State::Running)
        };
        cable.connection.is_some() && cable.ends.iter().all(alive)
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(Reverse((at, ..))) = self.queue.peek()
            && *at <= end
        {
            let Some(Reverse((at, _, happening))) = self.queue.pop() else { break };
            self.now = at;
            self.handle(happening);
        }
        self.now = end;
    }

    /// Forgets what was counted.
    pub(crate) fn count_anew(&mut self) {
        self.frames = 0;
        self.bytes = 0;
    }

    pub(crate) fn messages(&self) -> u64 {
        self.frames
    }

    fn handle(&mut self, happening: Happening) {
        match happening {
            Happening::Connected { cable, connection } => {
                if self.cables[cable].connection == Some(connection) {
                    for end in 0..2 {
                        self.link_up(cable, end);
                    }
                }
            }
            Happening::Arrival { cable, connection, end, frame } => {
                if self.cables[cable].connection == Some(connection) {
                    self.deliver(cable, end, &frame);
                }
            }
            Happening::Noticed { cable } => {
                if let Some(node) = self.cables[cable].unaware.take() {
                    self.tell_down(cable, node);
                    self.connect(cable);
                }
            }
            Happening::Wake { node } => {
                let now = self.now;
                let place = &mut self.places[node];
                if place.wake.is_some_and(|wake| wake <= now) {
                    place.wake = None;
                    if let Some(router) = &mut place.router {
                        router.handle_timeout(now);
                        self.settle(node);
                    }
                }
            }
        }
    }

    fn link_up(&mut self, cable: usize, end: usize) {
        let Cable { ends, costs, .. } = self.cables[cable];
        let neighbour = NodeName::new(CLUSTER, &self.places[ends[1 - end]].name);
        let neighbour = neighbour.expect("the name is good");
        let link = link_of(cable);
        if self.router(ends[end]).state() != State::Running {
            return;
        }
        self.router(ends[end]).link_up(link, &neighbour, costs[end]).expect("the link is free");
        self.settle(ends[end]);
    }

    fn deliver(&mut self, cable: usize, end: usize, frame: &Bytes) {
        let node = self.cables[cable].ends[end];
        let now = self.now;
        // Without the length prefix.
        if self.router(node).state() != State::Running {
            return;
        }
        let taken = self.router(node).handle_frame(now, link_of(cable), &frame[4..]);
        taken.unwrap_or_else(|error| panic!("a router broke the protocol: {error}"));
        self.settle(node);
    }

    /// Carries out what all routers want, after they were called by hand.
    pub(crate) fn settle_all(&mut self) {
        for node in 0..self.places.len() {
            self.settle(node);
        }
    }

    /// Carries out what the router at `node` wants.
    fn settle(&mut self, node: usize) {
        loop {
            let Some(router) = &mut self.places[node].router else { return };
            match router.poll_output() {
                Some(Output::Send { link, frame }) => self.carry(usize::from(link.0), node, frame),
                Some(Output::Event(event)) => self.places[node].events.push(event),
                None => break,
            }
        }
        let Some(router) = &self.places[node].router else { return };
        if router.state() == State::NameTaken {
            return self.crash(node);
        }
        let due = router.poll_timeout();
        if due != self.places[node].wake {
            self.places[node].wake = due;
            if let Some(due) = due {
                self.push(due.max(self.now), Happening::Wake { node });
            }
        }
    }

    fn carry(&mut self, number: usize, sender: usize, frame: Bytes) {
        self.frames += 1;
        self.bytes += frame.len() as u64;
        let now = self.now;
        let cable = &mut self.cables[number];
        let end = usize::from(cable.ends[0] == sender);
        let arrival = (now + cable.latency).max(cable.last_arrival[end]);
        cable.last_arrival[end] = arrival;
        let Some(connection) = cable.connection else { return };
        self.push(arrival, Happening::Arrival { cable: number, connection, end, frame });
    }

    fn connect(&mut self, number: usize) {
        let connection = self.next;
        let cable = &mut self.cables[number];
        let alive = |&node: &usize| self.places[node].router.is_some();
        let free = cable.connection.is_none() && cable.unaware.is_none();
        if cable.plugged && free && cable.ends.iter().all(alive) {
            cable.connection = Some(connection);
            let at = self.now + cable.latency;
            self.push(at, Happening::Connected { cable: number, connection });
        }
    }

    fn disconnect(&mut self, number: usize) {
        if self.cables[number].connection.take().is_none() {
            return;
        }
        for node in self.cables[number].ends {
            self.tell_down(number, node);
        }
    }

    fn tell_down(&mut self, number: usize, node: usize) {
        let now = self.now;
        if let Some(router) = &mut self.places[node].router {
            router.link_down(now, link_of(number));
            self.settle(node);
        }
    }

    fn push(&mut self, at: Duration, happening: Happening) {
        self.next += 1;
        self.queue.push(Reverse((at, self.next, happening)));
    }
}

/// The number of a cable as that of a link.
fn link_of(cable: usize) -> LinkId {
    LinkId(u8::try_from(cable).expect("a network here has 256 cables at most"))
}
