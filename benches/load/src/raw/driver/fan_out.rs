//! Fan-out to a room.

use std::io;
use std::ops::Range;

use gatewire_harness::{Driver, Failure, Outcome, Payload};

use super::super::wire::{self, Frame, decode, encode};
use super::super::{NEWS, ROOM};
use super::line::Line;
use super::outcome;
use crate::crowd::{self, Wire};
use crate::frames::Split;
use crate::stalled;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let mut members = Vec::with_capacity(params.members());
    for _ in 0..params.members() {
        members.push(join(Line::connect(&driver.address).await?).await?);
    }
    let mut stalled = Vec::new();
    for _ in 0..params.stalled() {
        stalled.push(join(Line::new(stalled::connect(&driver.address).await?)?).await?);
    }
    let mut publisher = Line::connect(&driver.address).await?;
    let mut payload = Payload::new(params.size());
    let mut batch = Vec::new();
    let publish = async |sequences: Range<u64>| {
        batch.clear();
        for sequence in sequences {
            let payload = payload.with(sequence);
            encode(&Frame::Publish { room: ROOM, name: NEWS, payload }, &mut batch);
        }
        Ok(publisher.write(&batch).await?)
    };
    let outcome = crowd::drive::<RawWire>(driver, outcome(driver), members, publish).await?;
    drop(stalled);
    Ok(outcome)
}

async fn join(mut line: Line) -> io::Result<tokio::net::TcpStream> {
    line.ask(&Frame::Join { id: 0, room: ROOM }).await?;
    Ok(line.into_stream())
}

/// How members read the raw limit's frames.
pub(crate) struct RawWire;

impl Wire for RawWire {
    fn split(bytes: &[u8]) -> io::Result<Option<Split<'_>>> {
        wire::split(bytes)
    }

    fn payload<'f>(frame: &'f [u8], _answers: &mut Vec<u8>) -> io::Result<Option<&'f [u8]>> {
        match decode(frame)? {
            Frame::Event { name: NEWS, payload } => Ok(Some(payload)),
            _ => Err(io::Error::other("only events of the room were due")),
        }
    }
}
