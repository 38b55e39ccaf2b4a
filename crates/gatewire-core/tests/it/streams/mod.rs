//! Streams: bytes beside the messages, between two ends on a virtual clock.

mod arrival;
mod budget;
mod credit;
mod end;
mod ends;
mod given_up;
mod hostile;
mod net;
mod overtaking;
mod pattern;
mod receive;
mod window;

use std::time::Duration;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
