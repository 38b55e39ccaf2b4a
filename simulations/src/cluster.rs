//! The plan of a cluster: who is linked to whom, for what cost, and under which name.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gatewire_cluster::{LinkId, NodeId, NodeName};
use gatewire_sim::{LinkIndex, NodeIndex, Rng, Topology};

use crate::ledger::Ledger;
use crate::mutant::Mutant;

/// A room, by its number.
pub type Room = usize;

/// What stays the same during a run.
pub struct Cluster {
    topology: Topology,
    names: Vec<NodeName>,
    /// Of each link, as its two ends see it.
    costs: Vec<[u16; 2]>,
    /// The links of each node. The position of one is its [`LinkId`] there.
    incident: Vec<Vec<LinkIndex>>,
    rooms: Vec<String>,
    /// The rule that is broken.
    pub mutant: Option<Mutant>,
    /// How often a router told that another live node has its name.
    pub names_taken: Cell<u32>,
    /// Whether stations publish events when something changes.
    pub traffic: Cell<bool>,
    /// What became of the events.
    pub ledger: Rc<RefCell<Ledger>>,
}

/// The name of the cluster.
pub(crate) const CLUSTER: &str = "simulated";

impl Cluster {
    /// A cluster with this shape, in which each link costs 10.
    ///
    /// # Panics
    ///
    /// When a node has more than 256 links, which no router can have.
    #[must_use]
    pub fn new(topology: Topology, mutant: Option<Mutant>) -> Self {
        let mut incident = vec![Vec::new(); topology.node_count() as usize];
        for (link, ends) in (0..).map(LinkIndex).zip(topology.links()) {
            for end in ends {
                incident[end.0 as usize].push(link);
            }
        }
        assert!(incident.iter().all(|links| links.len() <= 256), "a router has 256 links at most");
        let names = topology.nodes().map(|node| name(&format!("node-{}", node.0))).collect();
        let costs = vec![[10; 2]; topology.links().len()];
        let rooms = (0..ROOMS).map(room_name).collect();
        Self {
            topology,
            names,
            costs,
            incident,
            rooms,
            mutant,
            names_taken: Cell::new(0),
            traffic: Cell::new(false),
            ledger: Rc::default(),
        }
    }

    /// A cluster of `nodes` nodes of any shape, with costs that may differ at the two ends of a link.
    #[must_use]
    pub fn draw(nodes: u32, rng: &mut Rng, mutant: Option<Mutant>) -> Self {
        let mut topology = match rng.below(10) {
            0 => Topology::line(nodes),
            1 => Topology::ring(nodes),
            2 => Topology::ring_with_chord(nodes),
            3 => Topology::star(nodes),
            4 => Topology::grid(nodes.div_ceil(3), 3),
            5 if nodes <= 8 => Topology::full(nodes),
            6 => Topology::random(nodes, 3, rng),
            7 => Topology::random(nodes, 6, rng),
            _ => Topology::random(nodes, 4, rng),
        };
        // A second cable beside the first.
        if rng.chance(250_000)
            && let Some(&[one, other]) = rng.clone().pick(topology.links())
        {
            topology = topology.link(one, other);
        }
        let mut cluster = Self::new(topology, mutant);
        if rng.chance(700_000) {
            for cost in cluster.costs.iter_mut().flatten() {
                *cost = [1, 2, 3, 5][rng.index(4)];
            }
        }
        cluster
    }

    /// Gives `impostor` the name of `node`.
    #[must_use]
    pub fn with_impostor(mut self, node: NodeIndex, impostor: NodeIndex) -> Self {
        self.names[impostor.0 as usize] = self.names[node.0 as usize].clone();
        self
    }

    /// With so many rooms.
    #[must_use]
    pub fn with_rooms(mut self, rooms: usize) -> Self {
        self.rooms = (0..rooms).map(room_name).collect();
        self
    }

    /// Its shape.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The name of a node.
    #[must_use]
    pub fn name(&self, node: NodeIndex) -> &NodeName {
        &self.names[node.0 as usize]
    }

    /// The id that follows from the name.
    #[must_use]
    pub fn id(&self, node: NodeIndex) -> NodeId {
        self.name(node).id()
    }

    /// Whether the two ends of a link have one name: no router takes such a link.
    #[must_use]
    pub fn is_between_namesakes(&self, link: LinkIndex) -> bool {
        let [one, other] = self.ends(link);
        self.id(one) == self.id(other)
    }

    /// The two ends of a link.
    #[must_use]
    pub fn ends(&self, link: LinkIndex) -> [NodeIndex; 2] {
        self.topology.links()[link.0 as usize]
    }

    /// The node at the other end of one of the links of `node`.
    #[must_use]
    pub fn far_end(&self, link: LinkIndex, node: NodeIndex) -> NodeIndex {
        let [one, other] = self.ends(link);
        if one == node { other } else { one }
    }

    /// The links of a node, in the order of their [`LinkId`]s.
    #[must_use]
    pub fn links_of(&self, node: NodeIndex) -> &[LinkIndex] {
        &self.incident[node.0 as usize]
    }

    /// The number of a link at one of its ends; `None` when it is none of its links.
    #[must_use]
    pub fn link_id(&self, node: NodeIndex, link: LinkIndex) -> Option<LinkId> {
        let position = self.links_of(node).iter().position(|own| *own == link)?;
        u8::try_from(position).ok().map(LinkId)
    }

    /// The link that a node calls `id`.
    #[must_use]
    pub fn link_at(&self, node: NodeIndex, id: LinkId) -> Option<LinkIndex> {
        self.links_of(node).get(usize::from(id.0)).copied()
    }

    /// What the end at `node` says that a link costs.
    #[must_use]
    pub fn cost_at(&self, node: NodeIndex, link: LinkIndex) -> u16 {
        let side = usize::from(self.ends(link)[0] != node);
        self.costs[link.0 as usize][side]
    }

    /// What a link costs: the larger of what its ends say.
    #[must_use]
    pub fn cost(&self, link: LinkIndex) -> u32 {
        let [one, other] = self.costs[link.0 as usize];
        u32::from(one.max(other))
    }

    /// The rooms that there may be.
    #[must_use]
    pub fn rooms(&self) -> &[String] {
        &self.rooms
    }
}

fn name(text: &str) -> NodeName {
    NodeName::new(CLUSTER, text).expect("the name is short and has no slash")
}

fn room_name(room: Room) -> String {
    format!("room {room}")
}

/// Few, so that most have several members and some have none.
const ROOMS: usize = 9;
