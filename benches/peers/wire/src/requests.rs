//! Requests and their answers (`w2`): a fixed number of them is always on its way.

use std::time::{Duration, Instant};

use gatewire_harness::{Driver, Failure, Latencies, Measured, Outcome, Window};

use crate::body::Body;
use crate::connection::{Connection, Scratch};
use crate::one_way::{open, unexpected};
use crate::wire::{Item, Request, RequestWire, RespondWire, Role};

/// What a run of requests gave.
#[derive(Debug)]
pub struct Answered {
    /// The window.
    pub measured: Measured,
    /// The time of each request, if there was one at a time.
    pub latencies: Option<Latencies>,
}

impl Answered {
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

/// Requests to the server, which answers them itself.
///
/// # Errors
///
/// When the connection ends, or an answer is not the one that must come.
pub async fn to_server<W: RequestWire>(wire: &W, driver: &Driver) -> Result<Answered, Failure> {
    let scratch = Scratch::new();
    let requester = open(wire, driver, Role::Requester, &scratch).await?;
    request(wire, driver, requester).await
}

/// Requests through a broker to a responder; both are here, on connections of their own.
///
/// # Errors
///
/// As [`to_server`].
pub async fn through_broker<W: RespondWire>(
    wire: &W,
    driver: &Driver,
) -> Result<Answered, Failure> {
    let scratch = Scratch::new();
    let mut responder = open(wire, driver, Role::Responder, &scratch).await?;
    let requester = open(wire, driver, Role::Requester, &scratch).await?;
    let respond = async {
        let sender = responder.sender();
        let mut answers = Vec::new();
        loop {
            let handle = |item| match item {
                Item::Asked(body) => {
                    wire.respond(body, &mut answers);
                    Ok(())
                }
                other => Err(unexpected(other)),
            };
            responder.receive(handle).await?;
            sender.send(&answers).await?;
            answers.clear();
        }
    };
    tokio::select! {
        answered = request(wire, driver, requester) => answered,
        failure = respond => failure,
    }
}

/// Whether another request is due: a run of one at a time goes on until it has enough for a p99.9, but
/// not for longer than five times its time.
#[must_use]
pub fn goes_on(begin: Instant, asked: u64, driver: &Driver) -> bool {
    let time = Duration::from_secs_f64(driver.params.seconds());
    let enough = driver.params.outstanding() > 1 || asked >= ENOUGH;
    let elapsed = begin.elapsed();
    elapsed < time || (!enough && elapsed < time * 5)
}

async fn request<W: RequestWire>(
    wire: &W,
    driver: &Driver,
    mut requester: Connection<W>,
) -> Result<Answered, Failure> {
    let (size, outstanding) = (driver.params.size(), driver.params.outstanding() as u64);
    let sender = requester.sender();
    let mut latencies = (outstanding == 1).then(Latencies::new);
    let mut bytes = Vec::new();
    let (mut asked, mut answered) = (0, 0);

    let window = Window::begin(&driver.server_pids)?;
    let begin = Instant::now();
    let (mut due, mut sent) = (outstanding, begin);
    loop {
        for number in asked..asked + due {
            wire.request(Request::Echo, Body { number, stamp: 0, size }, &mut bytes);
        }
        asked += due;
        if due > 0 {
            sent = Instant::now();
        }
        sender.send(&bytes).await?;
        bytes.clear();
        let before = answered;
        let handle = |item| match item {
            Item::Answer(Body { number, size: length, .. })
                if number == answered && length == size =>
            {
                answered += 1;
                Ok(())
            }
            other => Err(Failure::new(format!("answer {answered} expected, got {other:?}"))),
        };
        requester.receive(handle).await?;
        if answered > before
            && let Some(latencies) = &mut latencies
        {
            latencies.record(sent.elapsed());
        }
        due = if goes_on(begin, asked, driver) { answered - before } else { 0 };
        if answered == asked && due == 0 {
            break;
        }
    }
    Ok(Answered { measured: window.end(answered)?, latencies })
}

/// The requests that a run of one at a time has at least: 50 of them are above the p99.9.
const ENOUGH: u64 = 50_000;
