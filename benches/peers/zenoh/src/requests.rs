//! Requests and their answers (`w2`): queries, or an event there and an event back.
//!
//! Answers come in threads of zenoh; a channel brings them to the one that asks.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use gatewire_harness::{Driver, Failure, Latencies, Outcome, Payload, Window, sequence_of};
use peer_wire::requests::goes_on;
use zenoh::Wait;
use zenoh::bytes::ZBytes;
use zenoh::qos::CongestionControl;
use zenoh::query::ConsolidationMode;

use crate::open::{ASK, PING, PONG, client, failed, publisher};

pub(crate) fn drive_queries(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let session = client(&driver.address)?;
    let querier = session
        .declare_querier(ASK)
        .consolidation(ConsolidationMode::None)
        .congestion_control(CongestionControl::Block)
        .express(driver.params.outstanding() == 1)
        .wait()
        .map_err(failed)?;
    let (answered, answers) = channel();
    let ask = |payload: Vec<u8>| {
        let answered = answered.clone();
        let handle = move |reply: zenoh::query::Reply| {
            let answer = match reply.result() {
                Ok(sample) => Ok(Answer::of(sample.payload())),
                Err(error) => Err(Failure::new(format!("a query failed: {error}"))),
            };
            // A driver that has failed no longer listens.
            drop(answered.send(answer));
        };
        querier.get().payload(payload).callback(handle).wait().map_err(failed)
    };
    run(driver, outcome, ask, &answers)
}

/// Runs requests that are an event there and an event back, and fills in their outcome.
///
/// # Errors
///
/// When a session ends, or an answer is not the one that must come.
pub fn drive_ping(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let session = client(&driver.address)?;
    let (answered, answers) = channel();
    let _pong = session
        .declare_subscriber(PONG)
        .callback(move |sample| {
            // A driver that has failed no longer listens.
            drop(answered.send(Ok(Answer::of(sample.payload()))));
        })
        .wait()
        .map_err(failed)?;
    let ping = publisher(&session, PING, driver.params.outstanding() == 1)?;
    let ask = |payload: Vec<u8>| ping.put(payload).wait().map_err(failed);
    run(driver, outcome, ask, &answers)
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    number: Option<u64>,
    size: usize,
}

impl Answer {
    fn of(payload: &ZBytes) -> Self {
        let bytes = payload.to_bytes();
        Self { number: sequence_of(&bytes), size: bytes.len() }
    }
}

fn run(
    driver: &Driver,
    outcome: Outcome,
    ask: impl Fn(Vec<u8>) -> Result<(), Failure>,
    answers: &Receiver<Result<Answer, Failure>>,
) -> Result<Outcome, Failure> {
    let (size, outstanding) = (driver.params.size(), driver.params.outstanding());
    let mut payload = Payload::new(size);
    let take = |number| {
        let answer = answers.recv_timeout(PATIENCE)??;
        if answer == (Answer { number: Some(number), size }) {
            return Ok(());
        }
        Err(Failure::new(format!("answer {number} expected, got {answer:?}")))
    };
    // The first one comes when both know of each other; until then it may be lost.
    let reached = (0..TRIES).any(|_| {
        let asked = ask(payload.with(PROBE).to_vec());
        asked.is_ok() && answers.recv_timeout(PROBE_PATIENCE).is_ok()
    });
    if !reached {
        return Err(Failure::new("the server cannot be reached"));
    }
    let mut latencies = (outstanding == 1).then(Latencies::new);
    let (mut asked, mut answered) = (0, 0);
    let window = Window::begin(&driver.server_pids)?;
    let begin = Instant::now();
    let mut sent = begin;
    for _ in 0..outstanding {
        ask(payload.with(asked).to_vec())?;
        asked += 1;
    }
    while answered < asked {
        take(answered)?;
        answered += 1;
        if let Some(latencies) = &mut latencies {
            latencies.record(sent.elapsed());
        }
        if goes_on(begin, asked, driver) {
            sent = Instant::now();
            ask(payload.with(asked).to_vec())?;
            asked += 1;
        }
    }
    let outcome = outcome.with_measured(&window.end(answered)?);
    Ok(match latencies {
        Some(latencies) => outcome.with_latencies(&latencies),
        None => outcome,
    })
}

/// The number of a request that only finds out whether there is an answer.
const PROBE: u64 = u64::MAX;

/// How many of those are sent, and how long each of them may take.
const TRIES: u32 = 20;
const PROBE_PATIENCE: Duration = Duration::from_millis(500);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
