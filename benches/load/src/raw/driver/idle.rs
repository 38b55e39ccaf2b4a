//! Many idle connections. A connection counts when a request on it was answered: so the server has
//! accepted it, as gatewire's handshake shows too.

use gatewire_harness::{Driver, Failure, Outcome, sequence_of};

use super::super::wire::Frame;
use super::super::{ASK, COUNT};
use super::line::Line;
use super::outcome;
use crate::idle;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let connect = async || {
        let mut line = Line::connect(&driver.address).await?;
        line.ask(&Frame::Request { id: 0, name: ASK, payload: b"" }).await?;
        Ok(line.into_stream())
    };
    let count = async || {
        let mut line = Line::connect(&driver.address).await?;
        let reply = line.ask(&Frame::Request { id: 0, name: COUNT, payload: b"" }).await?;
        let all = sequence_of(&reply).ok_or_else(|| Failure::new("no count in the reply"))?;
        Ok(all.saturating_sub(1))
    };
    idle::drive(driver, outcome(driver), connect, count).await
}
