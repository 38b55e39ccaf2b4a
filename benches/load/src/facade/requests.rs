//! Requests and their answers, some in flight at a time.

use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use gatewire::Client;
use gatewire_harness::{
    Driver, Failure, Latencies, Outcome, Payload, Stopwatch, Window, sequence_of,
};

use super::{ASK, outcome};

/// The clock is looked at once in so many answers.
const LOOK: u32 = 64;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let client = Client::builder().connect(&driver.address).await?;
    let mut latencies = Latencies::new();
    let window = Window::begin(&driver.server_pids)?;
    let answered = match driver.params.outstanding() {
        1 => one_by_one(&client, driver, &window, &mut latencies).await?,
        _ => many(&client, driver, &mut latencies).await?,
    };
    let measured = window.end(answered)?;
    client.close().await;
    Ok(outcome(driver).with_measured(&measured).with_latencies(&latencies))
}

async fn one_by_one(
    client: &Client,
    driver: &Driver,
    window: &Window,
    latencies: &mut Latencies,
) -> Result<u64, Failure> {
    let params = &driver.params;
    let mut payload = Payload::new(params.size());
    let mut answered = 0;
    while crate::is_short(params, window, answered) {
        let begin = Instant::now();
        let answer: [u8; 16] = client.request(ASK, payload.with(answered)).await?;
        latencies.record(begin.elapsed());
        check(&answer, answered, params.size())?;
        answered += 1;
    }
    Ok(answered)
}

/// One task that keeps the requests in flight, as a user would write it: a task for each of them
/// measures the same and is harder to check.
async fn many(client: &Client, driver: &Driver, latencies: &mut Latencies) -> Result<u64, Failure> {
    let params = &driver.params;
    let mut stopwatch = Stopwatch::start(params.seconds(), LOOK);
    let payload = Payload::new(params.size());
    let ask = |sequence| {
        let mut payload = payload.clone();
        let client = &client;
        async move {
            let begin = Instant::now();
            let answer: [u8; 16] = client.request(ASK, payload.with(sequence)).await?;
            let latency = begin.elapsed();
            check(&answer, sequence, params.size())?;
            Ok::<_, Failure>(latency)
        }
    };
    let outstanding = params.outstanding() as u64;
    let mut pending: FuturesUnordered<_> = (0..outstanding).map(ask).collect();
    let (mut sent, mut over) = (outstanding, false);
    while let Some(latency) = pending.next().await {
        latencies.record(latency?);
        over |= stopwatch.is_over();
        if !over {
            pending.push(ask(sent));
            sent += 1;
        }
    }
    Ok(sent)
}

pub(super) fn check(answer: &[u8], sequence: u64, size: usize) -> Result<(), Failure> {
    if sequence_of(answer) == Some(sequence) && answer.len() == size {
        return Ok(());
    }
    Err(Failure::new(format!("answer {sequence} is not its request")))
}
