//! A session with its counterpart, as an application sees it.

mod close;
mod errors;
mod events;
mod liveness;
mod lost;
mod requests;

use std::time::Duration;

use gatewire_codec::{Value, ValueRef};
use gatewire_core::Time;
use gatewire_core::session::{Class, Frames, ProtocolError, SendError};

use crate::pair::{Endpoint, Pair, Seen};

const SECOND: Duration = Duration::from_secs(1);

fn at(duration: Duration) -> Time {
    Time::from_elapsed(duration)
}

fn emit(endpoint: &mut Endpoint, event: &str, number: i64) -> Result<(), SendError> {
    endpoint.session.outbound.emit(Class::Normal, event, ValueRef::Integer(number))
}

fn event(name: &str, number: i64) -> Result<Seen, ProtocolError> {
    Ok(Seen::Event(name.to_owned(), Value::Integer(number)))
}
