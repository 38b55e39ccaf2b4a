//! Many bytes over one stream.

use std::collections::VecDeque;

use bytes::Bytes;
use gatewire::{Client, Rejection, Server, StreamReader, StreamWriter};
use gatewire_harness::{
    Driver, Failure, Outcome, Params, Payload, Received, StreamChecker, Window,
};

use super::{BULK, outcome};

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let (size, total) = (params.size(), pieces(params));
    let client = Client::builder().connect(&driver.address).await?;

    let window = Window::begin(&driver.server_pids)?;
    let mut stream = open(&client, size).await?;
    let mut pieces = Pieces::new(size);
    for number in 0..total {
        stream.send(pieces.with(number)).await?;
    }
    let received = finish(stream).await?;
    let measured = window.end(total)?;
    received.expect(total, size)?;
    client.close().await;
    Ok(outcome(driver).with_measured(&measured))
}

/// Pieces in memory that is used again when it is sent, as one would who reads a file.
pub(super) struct Pieces {
    payload: Payload,
    /// The oldest first.
    used: VecDeque<Bytes>,
}

impl Pieces {
    /// As many as wait in the stream and in one write, and one more.
    const MOST: usize = 9;

    pub(super) fn new(size: usize) -> Self {
        Self { payload: Payload::new(size), used: VecDeque::new() }
    }

    /// The piece with this number.
    pub(super) fn with(&mut self, number: u64) -> Bytes {
        let payload = self.payload.with(number);
        let oldest = if self.used.len() < Self::MOST { None } else { self.used.pop_front() };
        let piece = match oldest.map(Bytes::try_into_mut) {
            Some(Ok(mut memory)) => {
                memory.copy_from_slice(payload);
                memory.freeze()
            }
            _ => Bytes::copy_from_slice(payload),
        };
        self.used.push_back(piece.clone());
        piece
    }
}

/// How many pieces of the workload's size its bytes are.
pub(super) fn pieces(params: &Params) -> u64 {
    params.bytes().div_ceil(params.size() as u64)
}

/// A stream of pieces of `size` bytes that the server will check.
pub(super) async fn open(client: &Client, size: usize) -> Result<StreamWriter, Failure> {
    let size = u32::try_from(size).map_err(|_| Failure::new("a piece is too large"))?;
    Ok(client.stream(BULK, size).await?)
}

/// Finishes a stream: what the server has received of it.
pub(super) async fn finish(stream: StreamWriter) -> Result<Received, Failure> {
    let report: Bytes = stream.finish().await?;
    Received::from_bytes(&report)
}

/// The handler: checks the pieces, whose size it is told, and answers what came.
pub(super) fn register(server: &Server) {
    server.on(BULK, async |size: u32, mut stream: StreamReader| {
        let mut checker = StreamChecker::new(size as usize);
        while let Some(chunk) = stream.chunk().await? {
            checker.check(&chunk);
        }
        Ok::<_, Rejection>(checker.received().to_bytes())
    });
}
