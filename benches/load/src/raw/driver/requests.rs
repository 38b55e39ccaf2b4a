//! Requests and their replies, some in flight at a time.

use std::io;
use std::time::Instant;

use gatewire_harness::{Driver, Failure, Latencies, Outcome, Payload, Window, sequence_of};

use super::super::ASK;
use super::super::wire::{Frame, encode};
use super::line::Line;
use super::outcome;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let outstanding = params.outstanding() as u64;
    let mut payload = Payload::new(params.size());
    let mut line = Line::connect(&driver.address).await?;
    let mut latencies = Latencies::new();
    let mut out = Vec::new();
    // Replies come in order, so the times are a queue.
    let mut sent_at = std::collections::VecDeque::new();
    let (mut sent, mut answered) = (0, 0);

    let window = Window::begin(&driver.server_pids)?;
    loop {
        if crate::is_short(params, &window, answered) {
            let now = Instant::now();
            while sent < answered + outstanding {
                let id = u32::try_from(sent % 0xFFFF_FFFF).expect("the rest is smaller");
                encode(&Frame::Request { id, name: ASK, payload: payload.with(sent) }, &mut out);
                sent_at.push_back(now);
                sent += 1;
            }
            line.write(&out).await?;
            out.clear();
        } else if answered == sent {
            break;
        }
        let mut now = None;
        line.read(|frame| {
            let Frame::Reply { payload, .. } = frame else {
                return Err(io::Error::other("only replies were due"));
            };
            if sequence_of(payload) != Some(answered) || payload.len() != params.size() {
                return Err(io::Error::other(format!("reply {answered} is not its request")));
            }
            answered += 1;
            if let Some(then) = sent_at.pop_front() {
                latencies.record(*now.get_or_insert_with(Instant::now) - then);
            }
            Ok(())
        })
        .await?;
    }
    let measured = window.end(answered)?;
    Ok(outcome(driver).with_measured(&measured).with_latencies(&latencies))
}
