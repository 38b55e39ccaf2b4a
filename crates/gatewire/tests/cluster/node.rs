//! The process of one node: a router, its server, a member that writes down what it hears, and a publisher.
//!
//! It is told what to do by lines on its standard input, and ends with it. What it tells are lines that begin
//! with `@`:
//!
//! ```text
//! @ ready                    it can be reached
//! @ sent 17                  the publisher may have sent up to this number, and no further one
//! @ idle 17                  the publisher has sent up to this number, and sends no more for now
//! @ got r1.1 3-17 19-20      what the member has heard of the first life of r1
//! @ queued 1234 2345         what has waited for one of its links at most, and for all together, in bytes
//! @ link-down r1 REASON      a link is gone
//! @ link-up r1, @ node-up r1, @ node-down r1
//! ```

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatewire::keys::{KeyEntry, Patterns, Roles};
use gatewire::{Client, KeyRing, Limits, Overflow, Psk, Router, RouterEvent, Server, Uplink};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::history::Runs;
use crate::process::Orders;

/// The room that all members are in.
const ROOM: &str = "all";
/// How often what was heard is told.
const TELL: Duration = Duration::from_millis(5);
/// At full speed: so many are announced at once.
const ANNOUNCED: u64 = 500;

/// How the publisher speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Idle,
    Every(Duration),
    /// As fast as it can, with so many bytes in each.
    Full(usize),
}

type Heard = Arc<Mutex<BTreeMap<String, Runs>>>;

/// Is a node until its standard input ends.
pub(crate) fn run(orders: &str) {
    let orders = Orders::read(orders);
    // Behind what the test harness has begun.
    say("");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(live(orders));
}

/// A line of its own, at once.
fn say(text: &str) {
    let line = format!("\n@ {text}\n");
    io::stdout().lock().write_all(line.as_bytes()).expect("somebody reads it");
}

fn key(byte: u8) -> Psk {
    Psk::new([byte; 32]).expect("a long key")
}

fn ring() -> KeyRing {
    let names = Patterns::new(["*"]).expect("a pattern");
    let routers = KeyEntry::new("router", key(1)).roles(Roles::ROUTER).node_names(names);
    KeyRing::new().with_entry(routers).with("client", key(2))
}

async fn live(orders: Orders) {
    let Orders { name, life, listen, uplinks } = orders;
    let mut limits = Limits::default();
    // A member that is behind misses something, as if it were far away.
    limits.outbox.overflow = Overflow::DropNewest;
    let server = Server::builder().psk(ring()).plain().limits(limits).build();
    let mut router = Router::builder(&name).psk("router", key(1)).plain().serve(&server);
    for (address, cost) in uplinks {
        router = router.add_uplink(Uplink::to(address).cost(cost));
    }
    let router = router.start().expect("a good name");
    tell_events(&router);
    server.listen(listen).await.expect("the address is free");

    let heard = Heard::default();
    let member = client(listen);
    let note = Arc::clone(&heard);
    member.on("number", move |text: String| {
        let mut words = text.split(' ');
        let (Some(sender), Some(number)) = (words.next(), words.next()) else { return };
        let number = number.parse().expect("a number");
        let mut heard = note.lock().unwrap_or_else(PoisonError::into_inner);
        match heard.get_mut(sender) {
            Some(runs) => runs.note(number),
            None => heard.entry(sender.to_owned()).or_default().note(number),
        }
    });
    member.connect().await.expect("a connection");
    member.join(ROOM).await.expect("it may");
    let publisher = client(listen);
    publisher.connect().await.expect("a connection");
    let (pace, paced) = watch::channel(Pace::Idle);
    tokio::spawn(publish(publisher, format!("{name}.{life}"), paced));
    tokio::spawn(tell_heard(heard, router.clone()));
    say("ready");
    obey(&pace).await;
    router.close().await;
    server.close().await;
}

fn client(address: std::net::SocketAddr) -> Client {
    Client::builder().psk("client", key(2)).plain().build(address)
}

async fn obey(pace: &watch::Sender<Pace>) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (order, number) = line.split_once(' ').unwrap_or((&line, "0"));
        let number: u64 = number.parse().expect("a number");
        pace.send_replace(match order {
            "every" => Pace::Every(Duration::from_millis(number)),
            "full" => Pace::Full(usize::try_from(number).expect("a length")),
            "idle" => Pace::Idle,
            "quit" => return,
            other => panic!("nobody knows how to {other}"),
        });
    }
}

async fn publish(publisher: Client, name: String, mut paced: watch::Receiver<Pace>) {
    let (mut number, mut announced) = (0, 0);
    let to = publisher.to(ROOM);
    loop {
        let pace = *paced.borrow_and_update();
        match pace {
            Pace::Idle => {
                say(&format!("idle {number}"));
                if paced.changed().await.is_err() {
                    return;
                }
            }
            Pace::Every(period) => {
                let mut ticks = interval(period);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !paced.has_changed().unwrap_or(true) {
                    ticks.tick().await;
                    number += 1;
                    announced = announced.max(number);
                    say(&format!("sent {announced}"));
                    to.emit("number", format!("{name} {number}")).expect("it is queued");
                }
            }
            Pace::Full(bytes) => {
                let filling = "x".repeat(bytes);
                while !paced.has_changed().unwrap_or(true) {
                    publisher.ready().await.expect("it is open");
                    number += 1;
                    if number > announced {
                        announced = number + ANNOUNCED;
                        say(&format!("sent {announced}"));
                    }
                    to.emit("number", format!("{name} {number} {filling}")).expect("it is ready");
                }
            }
        }
    }
}

async fn tell_heard(heard: Heard, router: Router) {
    let mut ticks = interval(TELL);
    let (mut most_of_one, mut most_of_all) = (0_usize, 0_usize);
    loop {
        ticks.tick().await;
        let links = router.links();
        let queued = links.iter().map(|link| link.queued_bytes);
        let (one, all) = (queued.clone().max().unwrap_or_default(), queued.sum::<usize>());
        if one > most_of_one || all > most_of_all {
            (most_of_one, most_of_all) = (one.max(most_of_one), all.max(most_of_all));
            say(&format!("queued {most_of_one} {most_of_all}"));
        }
        let news = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
        for (sender, runs) in news {
            say(&format!("got {sender}{}", runs.write()));
        }
    }
}

fn tell_events(router: &Router) {
    let mut events = router.events();
    tokio::spawn(async move {
        while let Some(event) = events.next().await.expect("none is missed") {
            match event {
                RouterEvent::LinkUp { node } => say(&format!("link-up {node}")),
                RouterEvent::LinkDown { node, reason } => {
                    say(&format!("link-down {node} {reason:?}"));
                }
                RouterEvent::NodeUp { node } => say(&format!("node-up {node}")),
                RouterEvent::NodeDown { node } => say(&format!("node-down {node}")),
                _ => {}
            }
        }
    });
}
