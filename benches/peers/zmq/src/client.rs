//! The driver's sockets: PUSH for events, DEALER for requests.

use std::time::Instant;

use gatewire_harness::{
    Driver, Failure, Latencies, Measured, Outcome, Payload, Stopwatch, Window, Workload,
    sequence_of,
};
use peer_wire::one_way::Amount;
use peer_wire::requests::goes_on;
use zmq::{Context, DEALER, Message, PUSH, Socket, SocketType};

use crate::control::{Control, Endpoints};
use crate::server::{END, high_water_mark};

/// Events from PUSH to PULL.
pub(crate) fn one_way(
    control: &Control,
    endpoints: &Endpoints,
    driver: &Driver,
) -> Result<Measured, Failure> {
    let socket = connect(PUSH, endpoints, driver)?;
    let size = driver.params.size();
    let mut payload = Payload::new(size);
    let mut sent = 0;
    let window = Window::begin(&driver.server_pids)?;
    let mut send = |number| socket.send(payload.with(number), 0);
    if let (Workload::Bulk, Amount::Events(events)) =
        (driver.params.workload, Amount::of(&driver.params))
    {
        while sent < events {
            send(sent)?;
            sent += 1;
        }
    } else {
        let mut stopwatch = Stopwatch::start(driver.params.seconds(), LOOKS_EVERY);
        while !stopwatch.is_over() {
            send(sent)?;
            sent += 1;
        }
    }
    send(END)?;
    let received = control.received()?;
    let measured = window.end(sent)?;
    received.expect(sent, size)?;
    Ok(measured)
}

/// Requests from DEALER to ROUTER.
pub(crate) fn requests(
    endpoints: &Endpoints,
    driver: &Driver,
    outcome: Outcome,
) -> Result<Outcome, Failure> {
    let socket = connect(DEALER, endpoints, driver)?;
    socket.set_rcvtimeo(PATIENCE)?;
    let (size, outstanding) = (driver.params.size(), driver.params.outstanding());
    let mut payload = Payload::new(size);
    let mut latencies = (outstanding == 1).then(Latencies::new);
    let mut answer = Message::new();
    let (mut asked, mut answered) = (0, 0);
    let mut over = false;

    let window = Window::begin(&driver.server_pids)?;
    let begin = Instant::now();
    let mut sent = begin;
    for _ in 0..outstanding {
        socket.send(payload.with(asked), 0)?;
        asked += 1;
    }
    while answered < asked {
        socket.recv(&mut answer, 0)?;
        if sequence_of(&answer) != Some(answered) || answer.len() != size {
            return Err(Failure::new(format!("answer {answered} is not the one to come")));
        }
        answered += 1;
        if let Some(latencies) = &mut latencies {
            latencies.record(sent.elapsed());
        }
        if latencies.is_some() || answered % u64::from(LOOKS_EVERY) == 0 {
            over = !goes_on(begin, asked, driver);
        }
        if !over {
            sent = Instant::now();
            socket.send(payload.with(asked), 0)?;
            asked += 1;
        }
    }
    let outcome = outcome.with_measured(&window.end(answered)?);
    Ok(match latencies {
        Some(latencies) => outcome.with_latencies(&latencies),
        None => outcome,
    })
}

fn connect(kind: SocketType, endpoints: &Endpoints, driver: &Driver) -> Result<Socket, Failure> {
    let socket = Context::new().socket(kind)?;
    socket.set_sndhwm(high_water_mark(&driver.params))?;
    socket.set_rcvhwm(high_water_mark(&driver.params))?;
    socket.set_linger(0)?;
    socket.set_sndtimeo(PATIENCE)?;
    socket.connect(&format!("tcp://{}", endpoints.inward))?;
    Ok(socket)
}

/// How many messages go by between two looks at the clock.
const LOOKS_EVERY: u32 = 256;

/// How long a message may take, in milliseconds.
const PATIENCE: i32 = 60_000;
