//! Fan-out to a room: a client publishes, light clients are the members. At the end of a line there is one.

use std::io;
use std::ops::Range;

use bytes::BytesMut;
use gatewire::{Client, EmitError};
use gatewire_codec::{Message, Names, ValueRef, split_frame, v3};
use gatewire_harness::{Driver, Failure, Outcome, Payload};
use tokio::net::TcpStream;

use super::{ASK, NEWS, ROOM, light, outcome};
use crate::crowd::{self, Wire};
use crate::frames::Split;
use crate::stalled;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let mut members = Vec::with_capacity(params.members());
    for _ in 0..params.members() {
        members.push(join(TcpStream::connect(driver.last()).await?, &[ROOM]).await?);
    }
    let mut stalled = Vec::new();
    for _ in 0..params.stalled() {
        stalled.push(join(stalled::connect(&driver.address).await?, &[ROOM, stalled::ROOM]).await?);
    }
    let client = Client::builder().connect(driver.first()).await?;
    let mut payload = Payload::new(params.size());
    let publish = async |sequences: Range<u64>| {
        for sequence in sequences {
            emit(&client, ROOM, payload.with(sequence)).await?;
        }
        Ok(())
    };
    let fill = async || fill(&driver.address).await;
    let outcome =
        crowd::drive::<LightWire>(driver, outcome(driver), members, publish, fill).await?;
    drop(stalled);
    client.close().await;
    Ok(outcome)
}

/// Emits to a room, when there is room in the queue.
async fn emit(client: &Client, room: &str, payload: &[u8]) -> Result<(), Failure> {
    while let Err(error) = client.to(room).emit(NEWS, payload) {
        match error {
            EmitError::QueueFull => client.ready().await?,
            error => return Err(error.into()),
        }
    }
    Ok(())
}

/// Fills the stalled members. The server has done it when this returns.
async fn fill(address: &str) -> Result<(), Failure> {
    let client = Client::builder().connect(address).await?;
    for _ in 0..stalled::PIECES {
        emit(&client, stalled::ROOM, &[0; stalled::PIECE]).await?;
    }
    let _: [u8; 16] = client.request(ASK, [0; 16]).await?;
    client.close().await;
    Ok(())
}

async fn join(mut stream: TcpStream, rooms: &[&str]) -> Result<TcpStream, Failure> {
    light::shake_hands(&mut stream, None).await?;
    let rooms = Names::from_slice(rooms);
    light::ask(&mut stream, &Message::Join { id: 1, rooms }).await?;
    Ok(stream)
}

/// How members read gatewire's frames: each one is decoded, a ping is answered.
struct LightWire;

impl Wire for LightWire {
    fn split(bytes: &[u8]) -> io::Result<Option<Split<'_>>> {
        split_frame(bytes, u32::MAX).map_err(io::Error::other)
    }

    fn payload<'f>(frame: &'f [u8], answers: &mut Vec<u8>) -> io::Result<Option<&'f [u8]>> {
        match v3::decode(frame).map_err(io::Error::other)? {
            Message::Event { event: NEWS, value: ValueRef::Binary(payload) } => Ok(Some(payload)),
            Message::Ping { token } => {
                let mut pong = BytesMut::new();
                v3::encode(&Message::Pong { token }, &mut pong).map_err(io::Error::other)?;
                answers.extend_from_slice(&pong);
                Ok(None)
            }
            other => Err(io::Error::other(format!("{} is not due", other.kind()))),
        }
    }
}
