//! A cluster of six routers in one process, each with a server and a client.
//!
//! ```text
//! cargo run -p gatewire-examples --example cluster
//! ```
//!
//! ```text
//!      host1 --1-- host2 --1-- host3
//!        |  `----------10----.   |
//!        4                    `. 1
//!        |                      `|
//!      host6 --1-- host5 --1-- host4
//! ```
//!
//! Messages take the cheapest way: from host1 to host4 over host2 and host3, and when a link there is cut, the
//! dear one that leads there at once.
//!
//! expect: host1  | host4 costs 3, nodes: host2 host3 host4 host5 host6
//! expect: host3  | client heard for all: good morning
//! expect: host6  | client heard for all: good morning
//! expect: host1  | the room tea is on host3 host5
//! expect: host3  | client heard in the room: the tea is ready
//! expect: host5  | client heard in the room: the tea is ready
//! expect: host2  | asked by host1: milk or sugar?
//! expect: host1  | answered from host2: sugar
//! expect: cable  | the link of host2 and host3 is cut
//! expect: host1  | host4 costs 6, host3 costs 7
//! expect: host3  | client heard in the room: there is more tea
//! expect: host5  | client heard in the room: there is more tea
//! expect: host5  | leaves the cluster
//! expect: host1  | host4 costs 10, host5 is out of reach

use std::error::Error;
use std::time::Duration;

use gatewire::keys::Roles;
use gatewire::{Client, KeyRing, Router, RouterEvent, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// One machine of the cluster. (Here all are in one process.)
struct Host {
    name: String,
    router: Router,
    server: Server,
    client: Client,
}

/// Which host, and what its client has heard.
type Heard = (String, String);

impl Host {
    /// A host with links to others: where they listen, and what the way there costs.
    async fn start(
        name: &str,
        uplinks: &[(String, u16)],
        heard: &mpsc::UnboundedSender<Heard>,
    ) -> Outcome<Self> {
        // Anybody may be a client or a router here. With keys: see the example `cluster_processes`.
        let server = Server::builder().psk(KeyRing::open_to(Roles::BOTH)).build();
        let mut builder = Router::builder(name).serve(&server);
        for (address, cost) in uplinks {
            builder = builder.uplink(address, *cost);
        }
        let router = builder.start()?;
        server.listen("127.0.0.1:0").await?;

        let client = Client::builder().build(server.local_addr());
        for (event, how) in [("all", "for all"), ("tea", "in the room")] {
            let (heard, name) = (heard.clone(), name.to_owned());
            client.on(event, move |text: String| {
                heard.send((name.clone(), format!("client heard {how}: {text}"))).is_ok()
            });
        }
        client.connect().await?;
        Ok(Self { name: name.to_owned(), router, server, client })
    }

    fn address(&self) -> String {
        self.server.local_addr().to_string()
    }

    fn say(&self, text: impl std::fmt::Display) {
        println!("{:<6} | {text}", self.name);
    }

    fn cost(&self, node: &str) -> String {
        match self.router.cost_to(node) {
            Some(cost) => format!("{node} costs {cost}"),
            None => format!("{node} is out of reach"),
        }
    }

    /// Waits until the way to a node costs this much.
    async fn costs(&self, node: &str, cost: Option<u32>) {
        while self.router.cost_to(node) != cost {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::main]
async fn main() -> Outcome {
    // Who waits in vain ends all the same.
    tokio::time::timeout(Duration::from_secs(20), play()).await?
}

async fn play() -> Outcome {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let host1 = Host::start("host1", &[], &sender).await?;
    let host2 = Host::start("host2", &[(host1.address(), 1)], &sender).await?;
    // A link that can be cut later.
    let (cable, behind) = cable(host2.address()).await?;
    let host3 = Host::start("host3", &[(behind, 1)], &sender).await?;
    let links = [(host3.address(), 1), (host1.address(), 10)];
    let host4 = Host::start("host4", &links, &sender).await?;
    let host5 = Host::start("host5", &[(host4.address(), 1)], &sender).await?;
    // The way around costs less than the dear link until host5 leaves.
    let links = [(host5.address(), 1), (host1.address(), 4)];
    let host6 = Host::start("host6", &links, &sender).await?;

    // Routers find each other by themselves.
    for (host, cost) in [(&host2, 1), (&host3, 2), (&host4, 3), (&host5, 4), (&host6, 4)] {
        host1.costs(&host.name, Some(cost)).await;
        host.router.wait_for_node("host1").await;
    }
    let mut nodes = host1.router.nodes();
    nodes.sort();
    host1.say(format_args!("{}, nodes: {}", host1.cost("host4"), nodes.join(" ")));

    // To all but the sender, wherever they are.
    host1.client.broadcast().emit("all", "good morning")?;
    print_heard(&mut heard, 5).await;

    // To the members of a room. Only their hosts get a copy, and each link carries one.
    for host in [&host3, &host5] {
        host.client.join("tea").await?;
        host1.router.wait_for_room("tea", &host.name).await;
    }
    let mut nodes = host1.router.nodes_of("tea");
    nodes.sort();
    host1.say(format_args!("the room tea is on {}", nodes.join(" ")));
    host1.client.to("tea").emit("tea", "the tea is ready")?;
    print_heard(&mut heard, 2).await;

    // To one client, which answers.
    host2.client.on("ask", |question: String| {
        println!("host2  | asked by host1: {question}");
        "sugar"
    });
    let address = host2.client.address().ok_or("it is connected")?;
    let answer: String = host1.client.to_socket(&address).request("ask", "milk or sugar?").await?;
    host1.say(format_args!("answered from {}: {answer}", address.node().unwrap_or("here")));

    // A link goes away: the other way is taken.
    let mut events = host3.router.events();
    cable.abort();
    while !matches!(events.next().await?, Some(RouterEvent::LinkDown { .. })) {}
    println!("cable  | the link of host2 and host3 is cut");
    host1.costs("host3", Some(7)).await;
    host1.say(format_args!("{}, {}", host1.cost("host4"), host1.cost("host3")));
    host1.router.to("tea").emit("tea", "there is more tea")?;
    print_heard(&mut heard, 2).await;

    // And a host: the others are told. Its server goes on, by itself.
    host5.router.close().await;
    host5.say("leaves the cluster");
    host1.costs("host5", None).await;
    host1.costs("host4", Some(10)).await;
    host1.say(format_args!("{}, {}", host1.cost("host4"), host1.cost("host5")));

    for host in [host1, host2, host3, host4, host5, host6] {
        host.client.close().await;
        host.router.close().await;
        host.server.close().await;
    }
    Ok(())
}

/// Prints what so many clients have heard, in the order of their hosts.
async fn print_heard(heard: &mut mpsc::UnboundedReceiver<Heard>, count: usize) {
    let mut lines = Vec::new();
    while lines.len() < count {
        let missing = count - lines.len();
        heard.recv_many(&mut lines, missing).await;
    }
    lines.sort();
    for (host, text) in lines {
        println!("{host:<6} | {text}");
    }
}

/// What passes bytes between two hosts until it is cut, and where it begins.
async fn cable(target: String) -> Outcome<(JoinHandle<()>, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let begin = listener.local_addr()?.to_string();
    let task = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let Ok(mut far) = TcpStream::connect(&target).await else { return };
            // An end is as good as another: the router dials again.
            let _ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        }
    });
    Ok((task, begin))
}
