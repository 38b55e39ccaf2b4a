//! A node that does what it is told and writes down what befalls it.

use std::time::Duration;

use gatewire_sim::{
    Boot, Config, Context, LinkConfig, LinkIndex, Message, Node, NodeIndex, Simulation, Time,
    Topology, View,
};

/// A numbered message of some size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u64, pub(crate) usize);

impl Message for Number {
    fn size(&self) -> usize {
        self.1
    }

    fn kind(&self) -> &'static str {
        if self.0.is_multiple_of(2) { "even" } else { "odd" }
    }
}

/// What befell a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Start,
    Up(u32),
    Down(u32),
    Got(u32, u64),
    Woke,
}

/// Writes all down; sends only when told from outside.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) restarts: u32,
    pub(crate) calendar: Duration,
    /// The length of the diary before the crash, if that was kept.
    pub(crate) remembered: Option<usize>,
    pub(crate) diary: Vec<(Time, Seen)>,
}

pub(crate) fn probe(boot: Boot<Probe>) -> Probe {
    Probe {
        restarts: boot.restarts,
        calendar: boot.calendar,
        remembered: boot.previous.map(|previous| previous.diary.len()),
        diary: Vec::new(),
    }
}

impl Probe {
    fn write(&mut self, seen: Seen, cx: &Context<'_, Number>) {
        self.diary.push((cx.now(), seen));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.diary.iter().map(|(_, seen)| *seen).collect()
    }

    pub(crate) fn got(&self) -> Vec<u64> {
        let got = |(_, seen): &(Time, Seen)| match seen {
            Seen::Got(_, number) => Some(*number),
            _ => None,
        };
        self.diary.iter().filter_map(got).collect()
    }

    /// When something was last seen.
    pub(crate) fn when(&self, what: Seen) -> Option<Time> {
        self.diary.iter().rev().find(|(_, seen)| *seen == what).map(|(at, _)| *at)
    }
}

impl Node for Probe {
    type Message = Number;

    fn start(&mut self, cx: &mut Context<'_, Number>) {
        self.write(Seen::Start, cx);
    }

    fn handle_link_up(&mut self, link: LinkIndex, cx: &mut Context<'_, Number>) {
        self.write(Seen::Up(link.0), cx);
    }

    fn handle_link_down(&mut self, link: LinkIndex, cx: &mut Context<'_, Number>) {
        self.write(Seen::Down(link.0), cx);
    }

    fn handle_message(&mut self, link: LinkIndex, message: Number, cx: &mut Context<'_, Number>) {
        self.write(Seen::Got(link.0, message.0), cx);
    }

    fn handle_wake(&mut self, cx: &mut Context<'_, Number>) {
        self.write(Seen::Woke, cx);
    }
}

pub(crate) const A: NodeIndex = NodeIndex(0);
pub(crate) const B: NodeIndex = NodeIndex(1);
pub(crate) const LINK: LinkIndex = LinkIndex(0);

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// 10 ms latency, 100 ms to connect, 3 s to notice a silent loss.
pub(crate) fn exact() -> LinkConfig {
    LinkConfig {
        latency: ms(10)..=ms(10),
        connect: ms(100)..=ms(100),
        detect: ms(3000)..=ms(3000),
        ..LinkConfig::default()
    }
}

/// Probes joined by links that are alike, and all links up.
pub(crate) fn settled(topology: &Topology, link: LinkConfig) -> Simulation<Probe> {
    let config = Config { link, ..Config::default() };
    let mut simulation = Simulation::new(1, topology, config, probe);
    simulation.run_until_quiet(ms(10_000)).expect("links come up");
    simulation
}

/// Two probes and one link.
pub(crate) fn pair(link: LinkConfig) -> Simulation<Probe> {
    settled(&Topology::line(2), link)
}

/// Sends numbers from one end of the pair to the other.
pub(crate) fn send(
    simulation: &mut Simulation<Probe>,
    from: NodeIndex,
    numbers: impl IntoIterator<Item = u64>,
) {
    simulation.call(from, "send", |_, cx| {
        for number in numbers {
            cx.send(LINK, Number(number, 100));
        }
    });
}

pub(crate) fn at<'a>(view: &View<'a, Probe>, node: NodeIndex) -> &'a Probe {
    view.node(node).expect("the node runs")
}
