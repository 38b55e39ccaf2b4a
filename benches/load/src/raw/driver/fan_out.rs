//! Fan-out to a room, which at the end of a line has one member.

use std::io;
use std::ops::Range;

use gatewire_harness::{Driver, Failure, Outcome, Payload};
use tokio::net::TcpStream;

use super::super::wire::{self, Frame, decode, encode};
use super::super::{ASK, NEWS, ROOM};
use super::line::Line;
use super::outcome;
use crate::crowd::{self, Wire};
use crate::frames::Split;
use crate::stalled;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let mut members = Vec::with_capacity(params.members());
    for _ in 0..params.members() {
        members.push(join(Line::connect(driver.last()).await?, &[ROOM]).await?);
    }
    let mut stalled = Vec::new();
    for _ in 0..params.stalled() {
        let line = Line::new(stalled::connect(&driver.address).await?)?;
        stalled.push(join(line, &[ROOM, stalled::ROOM.as_bytes()]).await?);
    }
    let mut publisher = Line::connect(driver.first()).await?;
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
    let fill = async || fill(&driver.address).await;
    let outcome = crowd::drive::<RawWire>(driver, outcome(driver), members, publish, fill).await?;
    drop(stalled);
    Ok(outcome)
}

async fn join(mut line: Line, rooms: &[&[u8]]) -> io::Result<TcpStream> {
    for room in rooms {
        line.ask(&Frame::Join { id: 0, room }).await?;
    }
    Ok(line.into_stream())
}

/// Fills the stalled members. The server has done it when this returns.
async fn fill(address: &str) -> Result<(), Failure> {
    let mut line = Line::connect(address).await?;
    let (room, payload) = (stalled::ROOM.as_bytes(), &[0; stalled::PIECE][..]);
    let mut piece = Vec::new();
    encode(&Frame::Publish { room, name: NEWS, payload }, &mut piece);
    for _ in 0..stalled::PIECES {
        line.write(&piece).await?;
    }
    line.ask(&Frame::Request { id: 0, name: ASK, payload: b"" }).await?;
    Ok(())
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
