//! Events, requests and lines with the crate async-nats; members and idle connections with the light client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_nats::{Client, ConnectOptions, Message, Subscriber};
use futures_util::StreamExt;
use gatewire_harness::{
    Checker, Driver, Failure, Latencies, Outcome, Payload, Window, Workload, sequence_of,
};
use peer_wire::one_way::{Amount, in_flight};
use peer_wire::{in_time, requests};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::{light, line};

/// Runs the workload and fills in its outcome.
///
/// # Errors
///
/// When a connection ends, or a delivery is not what was sent.
pub fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    match driver.params.workload {
        Workload::Events | Workload::Bulk => {
            runtime.block_on(in_time(driver, one_way(driver, outcome)))
        }
        Workload::Requests => runtime.block_on(in_time(driver, request(driver, outcome))),
        Workload::Line => runtime.block_on(in_time(driver, line::drive(driver, outcome))),
        _ => light::drive(driver, outcome),
    }
}

pub(crate) async fn connect(address: &str) -> Result<Client, Failure> {
    let options = ConnectOptions::new()
        .client_capacity(CLIENT_CAPACITY)
        .subscription_capacity(SUBSCRIPTION_CAPACITY);
    Ok(options.connect(address).await?)
}

/// A subscription that the server knows when this returns.
pub(crate) async fn subscribe(
    client: &Client,
    subject: &'static str,
) -> Result<Subscriber, Failure> {
    let subscriber = client.subscribe(subject).await?;
    client.flush().await?;
    Ok(subscriber)
}

/// From one client through the server to another.
async fn one_way(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let (from, to) = (connect(&driver.address).await?, connect(&driver.address).await?);
    let mut subscriber = subscribe(&to, EVENTS).await?;
    let size = driver.params.size();
    let received = Arc::new(AtomicU64::new(0));
    let moved = Arc::new(Notify::new());
    let total = Arc::new(AtomicU64::new(u64::MAX));

    let checking = {
        let (received, moved, total) =
            (Arc::clone(&received), Arc::clone(&moved), Arc::clone(&total));
        tokio::spawn(async move {
            let mut checker = Checker::new();
            while checker.received().count < total.load(Ordering::Acquire) {
                let Some(message) = subscriber.next().await else { break };
                checker.check(&message.payload);
                received.store(checker.received().count, Ordering::Release);
                let count = checker.received().count;
                if count.is_multiple_of(NOTIFIED_EVERY) || message.payload.len() > 1024 {
                    moved.notify_one();
                }
            }
            checker.received()
        })
    };
    let window = Window::begin(&driver.server_pids)?;
    let (amount, begin) = (Amount::of(&driver.params), Instant::now());
    let mut payload = Payload::new(size);
    let (mut sent, mut left) = (0, 0);
    loop {
        if left == 0 {
            left = amount.left(sent, begin).min(NOTIFIED_EVERY);
            if left == 0 {
                break;
            }
        }
        if sent - received.load(Ordering::Acquire) >= in_flight(size) {
            moved.notified().await;
            continue;
        }
        from.publish(EVENTS, payload.with(sent).to_vec().into()).await?;
        sent += 1;
        left -= 1;
    }
    // One more event, so that a subscriber that has all of them already looks at the total.
    total.store(sent + 1, Ordering::Release);
    from.publish(EVENTS, payload.with(sent).to_vec().into()).await?;
    let all = checking.await?;
    let measured = window.end(sent + 1)?;
    all.expect(sent + 1, size)?;
    Ok(outcome.with_measured(&measured))
}

/// From one client through the server to another and back, by the request call of the crate.
async fn request(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let (asking, answering) = (connect(&driver.address).await?, connect(&driver.address).await?);
    let mut asked = subscribe(&answering, REQUESTS).await?;
    let responder = tokio::spawn(async move {
        while let Some(Message { reply: Some(reply), payload, .. }) = asked.next().await {
            answering.publish(reply, payload).await?;
        }
        Err::<(), _>(Failure::new("a request came that wants no answer"))
    });
    let outstanding = driver.params.outstanding();
    let window = Window::begin(&driver.server_pids)?;
    let begin = Instant::now();
    let numbers = Arc::new(AtomicU64::new(0));
    let mut askers = JoinSet::new();
    for _ in 0..outstanding {
        let (client, numbers, driver) = (asking.clone(), Arc::clone(&numbers), driver.clone());
        askers.spawn(ask(client, numbers, driver, begin));
    }
    let mut latencies = Latencies::new();
    while let Some(asker) = askers.join_next().await {
        latencies = asker??;
    }
    let measured = window.end(numbers.load(Ordering::Acquire))?;
    if responder.is_finished() {
        responder.await??;
    } else {
        responder.abort();
    }
    let outcome = outcome.with_measured(&measured);
    Ok(if outstanding == 1 { outcome.with_latencies(&latencies) } else { outcome })
}

/// One request after the other, as long as there is time.
async fn ask(
    client: Client,
    numbers: Arc<AtomicU64>,
    driver: Driver,
    begin: Instant,
) -> Result<Latencies, Failure> {
    let mut payload = Payload::new(driver.params.size());
    let mut latencies = Latencies::new();
    while requests::goes_on(begin, numbers.load(Ordering::Relaxed), &driver) {
        let number = numbers.fetch_add(1, Ordering::AcqRel);
        let sent = Instant::now();
        let answer = client.request(REQUESTS, payload.with(number).to_vec().into()).await?;
        latencies.record(sent.elapsed());
        if sequence_of(&answer.payload) != Some(number)
            || answer.payload.len() != driver.params.size()
        {
            return Err(Failure::new(format!("request {number} got another one's answer")));
        }
    }
    Ok(latencies)
}

pub(crate) const EVENTS: &str = "news";
const REQUESTS: &str = "ask";

/// Commands that wait for the client's writer: large enough never to be what limits.
const CLIENT_CAPACITY: usize = 8192;

/// Messages that wait for the subscriber: more than are ever in flight, so that none is dropped.
const SUBSCRIPTION_CAPACITY: usize = 1 << 20;

/// How many small events come between two looks of a waiting publisher.
const NOTIFIED_EVERY: u64 = 256;
