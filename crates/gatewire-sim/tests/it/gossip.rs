//! A protocol under random faults that watches over its links: each message carries the connection
//! on which it was sent and its number there.
//!
//! What a node hears over a link between up and down must be of one connection, and the numbers
//! must be 0, 1, 2, .. without a gap; else it reports a violation.

use std::collections::BTreeMap;
use std::time::Duration;

use gatewire_sim::{
    Boot, Config, Context, LinkConfig, LinkIndex, Message, Node, NodeIndex, Plan, PlanConfig,
    Report, Rng, Setup, Simulation, Topology, Violation,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    sender: NodeIndex,
    restarts: u32,
    connection: u32,
    number: u32,
}

impl Message for Stamp {
    fn size(&self) -> usize {
        16
    }

    fn kind(&self) -> &'static str {
        if self.number == 0 { "first" } else { "later" }
    }
}

pub(crate) struct Gossip {
    restarts: u32,
    connections: u32,
    links: BTreeMap<LinkIndex, Connection>,
}

#[derive(Default)]
struct Connection {
    number: u32,
    sent: u32,
    heard: Option<Stamp>,
}

impl Gossip {
    fn say(&mut self, link: LinkIndex, cx: &mut Context<'_, Stamp>) {
        let Some(connection) = self.links.get_mut(&link) else { return };
        let stamp = Stamp {
            sender: cx.node(),
            restarts: self.restarts,
            connection: connection.number,
            number: connection.sent,
        };
        connection.sent += 1;
        cx.send(link, stamp);
    }
}

impl Node for Gossip {
    type Message = Stamp;

    fn start(&mut self, cx: &mut Context<'_, Stamp>) {
        cx.wake_at(cx.now() + SAY_EACH);
    }

    fn handle_link_up(&mut self, link: LinkIndex, cx: &mut Context<'_, Stamp>) {
        self.connections += 1;
        let connection = Connection { number: self.connections, ..Connection::default() };
        if self.links.insert(link, connection).is_some() {
            cx.violation("a link is up that was up");
        }
        self.say(link, cx);
    }

    fn handle_link_down(&mut self, link: LinkIndex, cx: &mut Context<'_, Stamp>) {
        if self.links.remove(&link).is_none() {
            cx.violation("a link is down that was down");
        }
    }

    fn handle_message(&mut self, link: LinkIndex, stamp: Stamp, cx: &mut Context<'_, Stamp>) {
        let Some(connection) = self.links.get_mut(&link) else {
            return cx.violation("a message came over a link that is down");
        };
        let expected = match connection.heard {
            None => Stamp { number: 0, ..stamp },
            Some(last) => Stamp { number: last.number + 1, ..last },
        };
        if stamp != expected || stamp.sender != cx.peer(link) {
            cx.violation(format!("{stamp:?} came in the place of {expected:?}"));
        }
        connection.heard = Some(stamp);
        if cx.rng().chance(1_000) {
            self.links.remove(&link);
            cx.reset(link);
        }
    }

    fn handle_wake(&mut self, cx: &mut Context<'_, Stamp>) {
        let links: Vec<LinkIndex> = cx.links().collect();
        if !links.iter().eq(self.links.keys()) {
            cx.violation("the links that are up are not those that were said to be");
        }
        for link in links {
            self.say(link, cx);
        }
        if cx.now().elapsed() < SPEAKS_FOR {
            cx.wake_at(cx.now() + SAY_EACH);
        }
    }
}

/// A run with random faults; all that is random comes from the seed.
pub(crate) fn scenario(setup: Setup) -> Result<Report, Box<Violation>> {
    let mut rng = Rng::new(setup.seed);
    let topology = Topology::random(2 + u32::from(rng.chance(500_000)) * 5, 3, &mut rng);
    let link = LinkConfig {
        bandwidth: rng.chance(300_000).then_some(20_000),
        queue: 200,
        detect: Duration::from_millis(1)..=Duration::from_secs(10),
        connect: Duration::ZERO..=Duration::from_millis(10),
        ..LinkConfig::default()
    };
    let make = |boot: Boot<Gossip>| Gossip {
        restarts: boot.restarts,
        connections: 0,
        links: BTreeMap::new(),
    };
    let config = Config { link, ..Config::default() };
    let mut simulation = Simulation::new(setup, &topology, config, make);
    let plan = Plan::draw(
        &topology,
        &PlanConfig {
            rounds: 3,
            faults: 1..=10,
            calm: Duration::from_secs(11),
            ..PlanConfig::default()
        },
        &mut rng,
    );
    for (at, fault) in plan.faults {
        simulation.schedule(at, fault);
    }
    simulation.run_until(plan.end)?;
    simulation.run_until_quiet(Duration::from_secs(60))?;
    simulation.check_now("all links are up at the end", |view| {
        let up = view.connections().count();
        let believed: usize = view.nodes().map(|(_, node)| node.links.len()).sum();
        let all = topology.links().len();
        if (up, believed) == (all, 2 * all) {
            Ok(())
        } else {
            Err(format!("{up}, {believed} of {all}"))
        }
    })?;
    let report = simulation.report();
    assert_eq!(report.total().messages, report.delivered + report.lost, "{report}");
    Ok(report)
}

const SAY_EACH: Duration = Duration::from_millis(40);
const SPEAKS_FOR: Duration = Duration::from_secs(90);
