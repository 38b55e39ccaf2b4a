//! One-way events (`w1`, `w4`): as many as go in a time, or a number of them.
//!
//! Events are written in batches of 64 KiB, which is the best case for the server.

use std::cell::Cell;
use std::time::{Duration, Instant};

use gatewire_harness::{Driver, Failure, Measured, Params, Received, Window, Workload};
use tokio::sync::Notify;

use crate::body::Body;
use crate::connection::{Connection, Scratch, Sender};
use crate::wire::{Item, Request, RequestWire, Role, Wire};

/// When to stop sending.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// When this time is over.
    Time(Duration),
    /// After this many events.
    Events(u64),
}

impl Amount {
    /// What the workload asks for: bulk is counted, events are timed.
    #[must_use]
    pub fn of(params: &Params) -> Self {
        match params.workload {
            Workload::Bulk => Self::Events(params.bytes().div_ceil(params.size() as u64)),
            _ => Self::Time(Duration::from_secs_f64(params.seconds())),
        }
    }

    /// How many more events may be sent after `sent` of them, `begin` being the time of the first.
    #[must_use]
    pub fn left(self, sent: u64, begin: Instant) -> u64 {
        match self {
            Self::Time(time) if begin.elapsed() < time => u64::MAX,
            Self::Time(_) => 0,
            Self::Events(events) => events - sent,
        }
    }
}

/// How many events of `size` bytes may be on their way through a broker: 65,536 and 8 MiB at most, so
/// that no broker takes the subscriber for a slow one.
#[must_use]
pub fn in_flight(size: usize) -> u64 {
    ((8 << 20) / size.max(1) as u64).clamp(1, 65_536)
}

/// From a publisher through a broker to a subscriber; both are here, on connections of their own.
///
/// # Errors
///
/// When a connection ends, or what arrives is not what was sent.
pub async fn through_broker<W: Wire>(wire: &W, driver: &Driver) -> Result<Measured, Failure> {
    let scratch = Scratch::new();
    let mut subscriber = open(wire, driver, Role::Subscriber, &scratch).await?;
    let mut publisher = open(wire, driver, Role::Publisher, &scratch).await?;
    let sender = publisher.sender();
    let size = driver.params.size();
    let received = Cell::new(Received::default());
    let moved = Notify::new();

    let publish = async {
        let window = Window::begin(&driver.server_pids)?;
        let mut batches = Batches::new(wire, &driver.params, &sender);
        loop {
            let room = in_flight(size) - (batches.sent - received.get().count);
            if batches.left() == 0 {
                break;
            }
            if room == 0 {
                moved.notified().await;
                continue;
            }
            batches.send(room).await?;
        }
        while received.get().count < batches.sent {
            moved.notified().await;
        }
        let measured = window.end(batches.sent)?;
        received.get().expect(batches.sent, size)?;
        Ok(measured)
    };
    let subscribe = async {
        loop {
            subscriber.receive(|item| check(item, &received)).await?;
            moved.notify_one();
        }
    };
    tokio::select! {
        measured = publish => measured,
        failure = subscribe => failure,
        failure = drain(&mut publisher) => failure,
    }
}

/// From a client to the server, which is asked at the end what it has handled.
///
/// # Errors
///
/// When the connection ends, or the server has not handled what was sent.
pub async fn to_server<W: RequestWire>(wire: &W, driver: &Driver) -> Result<Measured, Failure> {
    let scratch = Scratch::new();
    let mut client = open(wire, driver, Role::Publisher, &scratch).await?;
    let sender = client.sender();
    let size = driver.params.size();
    let counted = Cell::new(None);
    let answered = Notify::new();

    let publish = async {
        let window = Window::begin(&driver.server_pids)?;
        let mut batches = Batches::new(wire, &driver.params, &sender);
        while batches.left() > 0 {
            batches.send(u64::MAX).await?;
        }
        let mut question = Vec::new();
        wire.request(Request::Count, Body { number: 0, stamp: 0, size }, &mut question);
        sender.send(&question).await?;
        let received: Received = loop {
            if let Some(received) = counted.get() {
                break received;
            }
            answered.notified().await;
        };
        let measured = window.end(batches.sent)?;
        received.expect(batches.sent, size)?;
        Ok(measured)
    };
    let listen = async {
        loop {
            let handle = |item| match item {
                Item::Counted(received) => {
                    counted.set(Some(received));
                    answered.notify_one();
                    Ok(())
                }
                other => Err(unexpected(other)),
            };
            client.receive(handle).await?;
        }
    };
    tokio::select! {
        measured = publish => measured,
        failure = listen => failure,
    }
}

/// Reads and ignores what a connection receives that only sends: heartbeats, acknowledgements.
pub(crate) async fn drain<W: Wire, T>(connection: &mut Connection<W>) -> Result<T, Failure> {
    loop {
        connection.receive(|item| Err(unexpected(item))).await?;
    }
}

/// An item that this workload does not bring about.
pub(crate) fn unexpected(item: Item) -> Failure {
    Failure::new(format!("not expected here: {item:?}"))
}

pub(crate) async fn open<W: Wire>(
    wire: &W,
    driver: &Driver,
    role: Role,
    scratch: &Scratch,
) -> Result<Connection<W>, Failure> {
    let address = if role == Role::Subscriber { driver.last() } else { driver.first() };
    Connection::open(wire, address, role, scratch).await
}

/// Events in batches.
struct Batches<'a, W> {
    wire: &'a W,
    sender: &'a Sender,
    amount: Amount,
    begin: Instant,
    size: usize,
    sent: u64,
    bytes: Vec<u8>,
}

impl<'a, W: Wire> Batches<'a, W> {
    fn new(wire: &'a W, params: &Params, sender: &'a Sender) -> Self {
        let size = params.size();
        let bytes = Vec::with_capacity(BATCH + size + 128);
        let (amount, begin) = (Amount::of(params), Instant::now());
        Self { wire, sender, amount, begin, size, sent: 0, bytes }
    }

    fn left(&self) -> u64 {
        self.amount.left(self.sent, self.begin)
    }

    /// Writes events up to the size of a batch, at most `room` of them.
    async fn send(&mut self, room: u64) -> Result<(), Failure> {
        let until = self.sent + room.min(self.left()).min(u64::MAX - self.sent);
        self.bytes.clear();
        while self.bytes.len() < BATCH && self.sent < until {
            let body = Body { number: self.sent, stamp: 0, size: self.size };
            self.wire.publish(body, &mut self.bytes);
            self.sent += 1;
        }
        self.sender.send(&self.bytes).await
    }
}

/// Counts an event and compares its number with the one that must come.
fn check(item: Item, received: &Cell<Received>) -> Result<(), Failure> {
    let Item::Message(body) = item else { return Err(unexpected(item)) };
    let mut now = received.get();
    now.errors += u64::from(body.number != now.count);
    now.count += 1;
    now.bytes += body.size as u64;
    received.set(now);
    Ok(())
}

/// How much is written at once, as by the raw limit's driver.
const BATCH: usize = 64 * 1024;
