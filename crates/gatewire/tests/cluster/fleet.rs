//! Five nodes in a ring with a chord, each a process, and what a test does to them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::ChildStdout;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::process::{Orders, Process, Signal};
use crate::proxy::{Proxy, Way};
use crate::world::{Life, World};

pub(crate) const NODES: usize = 5;

/// Who dials whom, and at what cost. Ring links come first.
const LINKS: [(usize, usize, u16); 6] =
    [(0, 1, 10), (1, 2, 10), (2, 3, 10), (3, 4, 10), (4, 0, 10), (0, 2, 25)];

/// Between two messages of one publisher.
const PERIOD_MS: u64 = 10;

/// The longest time that anything may take that has no bound of its own.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stretch without faults has so many attempts to be one without losses.
const CALM_ATTEMPTS: u32 = 4;
/// In which all that was sent has come, behind the last message.
const CALM: Duration = Duration::from_secs(2);

pub(crate) struct Fleet {
    orders: Vec<Orders>,
    processes: Vec<Option<Process>>,
    proxies: BTreeMap<(usize, usize), Proxy>,
    world: watch::Sender<World>,
    title: &'static str,
    begin: Instant,
}

impl Fleet {
    /// Starts all. The links of `through` lead through proxies.
    pub(crate) async fn start(title: &'static str, through: &[(usize, usize)]) -> Self {
        let places = places();
        let mut proxies = BTreeMap::new();
        for link in through {
            proxies.insert(*link, Proxy::before(places[link.1]).await);
        }
        let address = |from, to: usize| proxies.get(&(from, to)).map_or(places[to], Proxy::address);
        let orders = |node: usize| Orders {
            name: format!("r{node}"),
            life: 0,
            listen: places[node],
            uplinks: LINKS
                .iter()
                .filter(|(from, ..)| *from == node)
                .map(|&(from, to, cost)| (address(from, to), cost))
                .collect(),
        };
        let mut fleet = Self {
            orders: (0..NODES).map(orders).collect(),
            processes: (0..NODES).map(|_| None).collect(),
            proxies,
            world: watch::Sender::new(World::default()),
            title,
            begin: Instant::now(),
        };
        for node in 0..NODES {
            fleet.start_node(node).await;
        }
        fleet.flow().await;
        fleet.print(&format!("five processes talk after {:?}", fleet.begin.elapsed()));
        fleet
    }

    pub(crate) fn print(&self, text: &str) {
        println!("{}: {text}", self.title);
    }

    /// Starts a node, maybe once more, and its publisher.
    pub(crate) async fn start_node(&mut self, node: usize) {
        self.orders[node].life += 1;
        let (mut process, output) = Process::spawn(&self.orders[node]);
        let life = self.life(node);
        tokio::spawn(listen(life.clone(), output, self.world.clone()));
        self.until(|world| world.is_ready(&life)).await;
        process.tell(&format!("every {PERIOD_MS}")).await;
        self.processes[node] = Some(process);
    }

    pub(crate) fn process(&mut self, node: usize) -> &mut Process {
        self.processes[node].as_mut().expect("it runs")
    }

    pub(crate) async fn kill(&mut self, node: usize) {
        self.processes[node].take().expect("it runs").kill().await;
    }

    pub(crate) async fn signal(&mut self, node: usize, signal: Signal) {
        self.process(node).signal(signal).await;
    }

    pub(crate) async fn tell(&mut self, nodes: &[usize], order: &str) {
        for node in nodes {
            self.process(*node).tell(order).await;
        }
    }

    pub(crate) fn set_way(&self, links: &[(usize, usize)], way: Way) {
        for link in links {
            self.proxy(*link).set(way);
        }
    }

    pub(crate) fn proxy(&self, link: (usize, usize)) -> &Proxy {
        self.proxies.get(&link).expect("the link leads through a proxy")
    }

    fn life(&self, node: usize) -> Life {
        let Orders { name, life, .. } = &self.orders[node];
        format!("{name}.{life}")
    }

    pub(crate) fn lives(&self, nodes: &[usize]) -> Vec<Life> {
        nodes.iter().map(|node| self.life(*node)).collect()
    }

    /// All that run.
    pub(crate) fn running(&self) -> Vec<usize> {
        (0..NODES).filter(|node| self.processes[*node].is_some()).collect()
    }

    /// Waits until something holds of what was told.
    pub(crate) async fn until(&self, holds: impl FnMut(&World) -> bool) {
        let mut told = self.world.subscribe();
        let waited = timeout(PATIENCE, told.wait_for(holds)).await.is_ok();
        if !waited {
            let missing = self.world.borrow().missing(&self.lives(&self.running()));
            panic!("{}: not within {PATIENCE:?}:\n{missing}", self.title);
        }
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.world.borrow())
    }

    pub(crate) fn watch(&self) {
        self.world.send_modify(World::begin_watch);
    }

    /// Waits until what is sent from now on comes from each that runs to each.
    pub(crate) async fn flow(&self) {
        self.watch();
        self.flow_between(&self.running()).await;
    }

    pub(crate) async fn flow_between(&self, nodes: &[usize]) {
        let lives = self.lives(nodes);
        self.until(|world| world.flows(&lives, &lives)).await;
    }

    /// After [`watch`](Self::watch) and a fault: waits until messages flow among `nodes` again. The longest time in
    /// which one of them heard nothing of another.
    pub(crate) async fn outage(&self, nodes: &[usize]) -> Duration {
        self.flow_between(nodes).await;
        let lives = self.lives(nodes);
        self.look(|world| world.longest_silence(&lives, &lives))
    }

    /// When a node told this, measured from `begin`; waits for it.
    pub(crate) async fn told(&self, begin: Instant, node: usize, what: &str) -> Duration {
        let life = self.life(node);
        self.until(|world| world.told(begin, &life, what).is_some()).await;
        let at = self.look(|world| world.told(begin, &life, what));
        at.expect("it was told").duration_since(begin)
    }

    /// Waits until all neighbours of a node that was started at `begin` have their links to it.
    pub(crate) async fn linked(&self, begin: Instant, node: usize) {
        for (from, to, _) in LINKS {
            if from == node || to == node {
                let neighbour = if from == node { to } else { from };
                self.told(begin, neighbour, &format!("link-up r{node}")).await;
            }
        }
    }

    /// Without faults nothing is lost, once routes have settled. Then all fall silent and end, and all histories are
    /// judged.
    pub(crate) async fn finish(mut self) {
        let running = self.running();
        let lives = self.lives(&running);
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.flow().await;
            // Once more, so that there is something between.
            self.flow().await;
            self.tell(&running, "idle").await;
            let is_whole = |world: &World| world.is_settled(&lives) && world.is_complete(&lives);
            let mut told = self.world.subscribe();
            if timeout(CALM, told.wait_for(is_whole)).await.is_ok() {
                break;
            }
            // A link may have come up that was dialled late, and a shorter way overtakes a longer one.
            assert!(attempt < CALM_ATTEMPTS, "{}", self.look(|world| world.missing(&lives)));
            self.tell(&running, &format!("every {PERIOD_MS}")).await;
        }
        self.print(&format!("history: {}", self.look(World::judge)));
        self.print(&format!("took {:?}, {attempt} calm stretch(es)", self.begin.elapsed()));
        for process in self.processes.into_iter().flatten() {
            process.kill().await;
        }
    }
}

/// Where the nodes listen: on addresses from which nobody dials, so that a node that is started again finds its port
/// free.
fn places() -> Vec<SocketAddr> {
    static FLEETS: AtomicU8 = AtomicU8::new(1);
    let fleet = FLEETS.fetch_add(1, Ordering::Relaxed);
    let [.., high, low] = std::process::id().to_be_bytes();
    let listeners: Vec<TcpListener> = (0..NODES)
        .map(|_| {
            let host = Ipv4Addr::new(127, 100 + fleet, high, low);
            TcpListener::bind((host, 0)).expect("a free port of loopback")
        })
        .collect();
    listeners.iter().map(|listener| listener.local_addr().expect("it is bound")).collect()
}

async fn listen(life: Life, output: ChildStdout, world: watch::Sender<World>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(line) = line.strip_prefix("@ ") {
            world.send_modify(|world| world.take(&life, line));
        }
    }
}
