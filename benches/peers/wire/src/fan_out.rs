//! Fan-out to the members of a room (`w3`, `w3l`): one publisher, many members that check each delivery.
//!
//! Before the window opens, probes are published until each member has received the same one: so
//! all are members, whatever a peer confirms of a subscription.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gatewire_harness::{
    Driver, Failure, Latencies, Measured, Outcome, Pace, Params, Window, Workload,
};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::body::Body;
use crate::connection::{Connection, Scratch, Sender};
use crate::one_way::{drain, open, unexpected};
use crate::slowest::Slowest;
use crate::wire::{Item, Role, Wire};

/// What a fan-out gave.
#[derive(Debug)]
pub struct FannedOut {
    /// The window; its messages are deliveries.
    pub measured: Measured,
    /// The time from publish to delivery, of the paced workload.
    pub latencies: Option<Latencies>,
}

impl FannedOut {
    /// The outcome with these figures.
    #[must_use]
    pub fn fill(&self, outcome: Outcome) -> Outcome {
        let outcome = outcome.with_measured(&self.measured);
        match &self.latencies {
            Some(latencies) => outcome.with_latencies(latencies),
            None => outcome,
        }
    }
}

/// Opens the members and the publisher and runs the workload. To be called in a
/// [`LocalSet`](tokio::task::LocalSet).
///
/// # Errors
///
/// When a connection ends, or a member does not receive each event in its order.
pub async fn run<W: Wire>(wire: &W, driver: &Driver) -> Result<FannedOut, Failure> {
    let params = &driver.params;
    let members = params.members();
    let paced = params.workload == Workload::FanOutLatency;
    let scratch = Scratch::new();
    let room = Rc::new(Room::new(params, members));
    room.latencies.replace(paced.then(Latencies::new));
    let mut tasks = JoinSet::new();
    for _ in 0..members {
        let connection = open(wire, driver, Role::Subscriber, &scratch).await?;
        tasks.spawn_local(receive(connection, Rc::clone(&room)));
    }
    let mut publisher = open(wire, driver, Role::Publisher, &scratch).await?;
    let sender = publisher.sender();
    let publish = async {
        let mut publisher = Publisher::new(wire, &room, &sender);
        publisher.probe(members).await?;
        let window = Window::begin(&driver.server_pids)?;
        let published = if paced {
            publisher.paced(Pace::start(params.rate(), params.seconds())).await?
        } else {
            publisher.sustained(params.in_flight(), params.seconds()).await?
        };
        room.until(published).await;
        Ok(window.end(published * members as u64)?)
    };
    let measured: Result<Measured, Failure> = tokio::select! {
        measured = publish => measured,
        failure = drain(&mut publisher) => failure,
        Some(ended) = tasks.join_next() => Err(match ended {
            Ok(failure) => failure,
            Err(error) => Failure::from(error),
        }),
    };
    Ok(FannedOut { measured: measured?, latencies: room.latencies.take() })
}

/// What the publisher and the members share.
pub(crate) struct Room {
    begin: Instant,
    size: usize,
    slowest: RefCell<Slowest>,
    /// The slowest has moved, or a probe has come to another member.
    moved: Notify,
    /// The newest probe, and how many members have received it.
    probe: Cell<(u64, usize)>,
    /// The time from publish to delivery, while it is wanted.
    pub(crate) latencies: RefCell<Option<Latencies>>,
}

/// One member. Ends only in a failure.
pub(crate) async fn receive<W: Wire>(mut connection: Connection<W>, room: Rc<Room>) -> Failure {
    let mut received = 0;
    loop {
        let before = received;
        let read = connection.receive(|item| room.deliver(item, &mut received)).await;
        if let Err(failure) = read {
            return failure;
        }
        if room.slowest.borrow_mut().advance(before, received) {
            room.moved.notify_one();
        }
    }
}

impl Room {
    /// A room of so many members.
    pub(crate) fn new(params: &Params, members: usize) -> Self {
        Self {
            begin: Instant::now(),
            size: params.size(),
            slowest: RefCell::new(Slowest::new(members, params.in_flight())),
            moved: Notify::new(),
            probe: Cell::new((0, 0)),
            latencies: RefCell::new(None),
        }
    }

    /// Waits until each member has received so many events.
    pub(crate) async fn until(&self, received: u64) {
        while self.slowest.borrow().count() < received {
            self.moved.notified().await;
        }
    }

    /// Checks one delivery to a member that has received `received` events.
    fn deliver(&self, item: Item, received: &mut u64) -> Result<(), Failure> {
        let Item::Message(body) = item else { return Err(unexpected(item)) };
        if body.number >= PROBES {
            let (newest, members) = self.probe.get();
            if body.number == newest {
                self.probe.set((newest, members + 1));
                self.moved.notify_one();
            }
            return Ok(());
        }
        if body.number != *received || body.size != self.size {
            let sentence =
                format!("event {received} of {} bytes expected, got {body:?}", self.size);
            return Err(Failure::new(sentence));
        }
        *received += 1;
        if let Some(latencies) = self.latencies.borrow_mut().as_mut() {
            latencies.record_nanos(self.now().saturating_sub(body.stamp));
        }
        Ok(())
    }

    /// Nanoseconds since the run began.
    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The publishing side.
pub(crate) struct Publisher<'a, W> {
    wire: &'a W,
    room: &'a Room,
    sender: &'a Sender,
    bytes: Vec<u8>,
}

impl<'a, W: Wire> Publisher<'a, W> {
    pub(crate) fn new(wire: &'a W, room: &'a Room, sender: &'a Sender) -> Self {
        Self { wire, room, sender, bytes: Vec::new() }
    }

    /// Publishes the events of these numbers.
    pub(crate) async fn publish(&mut self, numbers: Range<u64>) -> Result<(), Failure> {
        for number in numbers {
            self.add(number);
        }
        self.flush().await
    }

    fn add(&mut self, number: u64) {
        let body = Body { number, stamp: self.room.now(), size: self.room.size };
        self.wire.publish(body, &mut self.bytes);
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.sender.send(&self.bytes).await?;
        self.bytes.clear();
        Ok(())
    }

    /// Publishes probes until one of them has come to all members.
    pub(crate) async fn probe(&mut self, members: usize) -> Result<(), Failure> {
        for probe in PROBES..PROBES + MOST_PROBES {
            self.room.probe.set((probe, 0));
            self.publish(probe..probe + 1).await?;
            let all_have_it = async {
                while self.room.probe.get().1 < members {
                    self.room.moved.notified().await;
                }
            };
            if tokio::time::timeout(PROBE_PATIENCE, all_have_it).await.is_ok() {
                return Ok(());
            }
        }
        let (_, reached) = self.room.probe.get();
        Err(Failure::new(format!("{reached} of {members} members can be reached")))
    }

    /// As fast as the slowest member allows. Gives the number of events.
    async fn sustained(&mut self, in_flight: u64, seconds: f64) -> Result<u64, Failure> {
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let mut published = 0;
        while Instant::now() < end {
            let until = self.room.slowest.borrow().count() + in_flight;
            if published == until {
                self.room.moved.notified().await;
                continue;
            }
            self.publish(published..until).await?;
            published = until;
        }
        Ok(published)
    }

    /// One event at each point in time. Gives the number of events.
    async fn paced(&mut self, mut pace: Pace) -> Result<u64, Failure> {
        while let Some((number, at)) = pace.take() {
            tokio::time::sleep_until(at.into()).await;
            self.publish(number..number + 1).await?;
        }
        Ok(pace.total())
    }
}

/// Numbers from here on are probes.
const PROBES: u64 = 1 << 63;

/// How many probes are tried: for half a minute.
const MOST_PROBES: u64 = 60;

/// How long a probe may take to all members: 1,000 need some 10 ms.
const PROBE_PATIENCE: Duration = Duration::from_millis(500);
