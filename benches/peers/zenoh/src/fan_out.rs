//! Fan-out to the members of a room (`w3`, `w3l`): each member is a session of its own with a subscriber, the
//! publisher too. What they share is behind one lock: the driver has one core anyway.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gatewire_harness::{
    Driver, Failure, Latencies, Measured, Outcome, Pace, Params, Window, Workload,
};
use peer_wire::{Body, Slowest};
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::{Session, Wait};

use crate::open::{ROOM, client, failed, publisher};

pub(crate) fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let paced = params.workload == Workload::FanOutLatency;
    let room = Room::new(params);
    room.time(paced);
    let mut members = Vec::new();
    for _ in 0..params.members() {
        members.push(member(driver, &room)?);
    }
    let session = client(driver.first())?;
    let news = publisher(&session, ROOM, paced)?;
    room.probe(&news, params.members())?;

    let window = Window::begin(&driver.server_pids)?;
    let published = if paced { room.paced(&news, driver)? } else { room.sustained(&news, driver)? };
    room.until(published)?;
    let measured: Measured = window.end(published * params.members() as u64)?;
    let outcome = outcome.with_measured(&measured);
    Ok(match room.latencies() {
        Some(latencies) => outcome.with_latencies(&latencies),
        None => outcome,
    })
}

/// What the publisher and the members share.
pub(crate) struct Room {
    begin: Instant,
    size: usize,
    state: Mutex<State>,
    /// The slowest has moved, a probe has come to all, or something is wrong.
    moved: Condvar,
}

struct State {
    slowest: Slowest,
    latencies: Option<Latencies>,
    /// The newest probe, and how many members have received it.
    probe: (u64, usize),
    failure: Option<Failure>,
}

/// A member on a session of its own.
pub(crate) fn member(
    driver: &Driver,
    room: &Arc<Room>,
) -> Result<(Session, Subscriber<()>), Failure> {
    let session = client(driver.last())?;
    let room = Arc::clone(room);
    let mut received = 0;
    let subscriber = session
        .declare_subscriber(ROOM)
        .callback_mut(move |sample| room.deliver(&sample.payload().to_bytes(), &mut received))
        .wait()
        .map_err(failed)?;
    Ok((session, subscriber))
}

impl Room {
    /// A room whose members all follow.
    pub(crate) fn new(params: &Params) -> Arc<Self> {
        Arc::new(Self {
            begin: Instant::now(),
            size: params.size(),
            state: Mutex::new(State {
                slowest: Slowest::new(params.members(), params.in_flight()),
                latencies: None,
                probe: (0, 0),
                failure: None,
            }),
            moved: Condvar::new(),
        })
    }

    /// Begins to time what is published from now on, or does not.
    pub(crate) fn time(&self, wanted: bool) {
        self.lock().latencies = wanted.then(Latencies::new);
    }

    /// The times from publish to delivery, if they were wanted.
    pub(crate) fn latencies(&self) -> Option<Latencies> {
        self.lock().latencies.take()
    }

    /// Waits until each member has received so many events.
    pub(crate) fn until(&self, received: u64) -> Result<(), Failure> {
        self.wait(|state| state.slowest.count() >= received)
    }

    /// Checks one delivery to a member that has received `received` events.
    fn deliver(&self, payload: &[u8], received: &mut u64) {
        let now = self.now();
        let mut state = self.lock();
        match Body::read_binary(payload) {
            Some(body) if body.number >= PROBES => {
                if body.number == state.probe.0 {
                    state.probe.1 += 1;
                    self.moved.notify_one();
                }
            }
            Some(body) if body.number == *received && body.size == self.size => {
                *received += 1;
                if let Some(latencies) = &mut state.latencies {
                    latencies.record_nanos(now.saturating_sub(body.stamp));
                }
                if state.slowest.advance(body.number, *received) {
                    self.moved.notify_one();
                }
            }
            other => {
                let sentence = format!("event {received} expected, got {other:?}");
                state.failure = Some(Failure::new(sentence));
                self.moved.notify_one();
            }
        }
    }

    /// Publishes probes until one of them has come to all members.
    pub(crate) fn probe(&self, news: &Publisher<'_>, members: usize) -> Result<(), Failure> {
        for probe in PROBES..PROBES + MOST_PROBES {
            self.lock().probe = (probe, 0);
            self.publish(news, probe)?;
            let begin = Instant::now();
            while begin.elapsed() < PROBE_PATIENCE {
                if self.lock().probe.1 >= members {
                    return Ok(());
                }
                std::thread::sleep(PAUSE);
            }
        }
        let reached = self.lock().probe.1;
        Err(Failure::new(format!("{reached} of {members} members can be reached")))
    }

    /// As fast as the slowest member allows. Gives the number of events.
    fn sustained(&self, news: &Publisher<'_>, driver: &Driver) -> Result<u64, Failure> {
        let end = Instant::now() + Duration::from_secs_f64(driver.params.seconds());
        let in_flight = driver.params.in_flight();
        let mut published = 0;
        while Instant::now() < end {
            let until = self.lock().slowest.count() + in_flight;
            if published == until {
                self.wait(|state| state.slowest.count() + in_flight > published)?;
            }
            while published < until {
                self.publish(news, published)?;
                published += 1;
            }
        }
        Ok(published)
    }

    /// One event at each point in time. Gives the number of events.
    fn paced(&self, news: &Publisher<'_>, driver: &Driver) -> Result<u64, Failure> {
        let mut pace = Pace::start(driver.params.rate(), driver.params.seconds());
        while let Some((number, at)) = pace.take() {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            self.publish(news, number)?;
        }
        Ok(pace.total())
    }

    /// Publishes the event of this number.
    pub(crate) fn publish(&self, news: &Publisher<'_>, number: u64) -> Result<(), Failure> {
        let mut payload = Vec::with_capacity(self.size);
        Body { number, stamp: self.now(), size: self.size }.write_binary(&mut payload);
        news.put(payload).wait().map_err(failed)
    }

    /// Waits until `done`, or until something is wrong.
    fn wait(&self, done: impl Fn(&State) -> bool) -> Result<(), Failure> {
        let waits = |state: &mut State| state.failure.is_none() && !done(state);
        let waited = self.moved.wait_timeout_while(self.lock(), PATIENCE, waits);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.failure.take() {
            Some(failure) => Err(failure),
            None if timeout.timed_out() => Err(Failure::new("not all deliveries came in time")),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Numbers from here on are probes.
const PROBES: u64 = 1 << 63;

/// How many probes are tried, how long each of them may take, and how often it is looked for.
const MOST_PROBES: u64 = 60;
const PROBE_PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(5);

/// How long the slowest member may take to move.
const PATIENCE: Duration = Duration::from_secs(60);
