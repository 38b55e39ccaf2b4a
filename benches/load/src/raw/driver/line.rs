//! One connection of a driver.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use gatewire_harness::{Failure, Received};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::super::REPORT;
use super::super::wire::{Frame, decode, encode, split};
use crate::frames::Frames;

pub(in crate::raw) struct Line {
    stream: TcpStream,
    frames: Frames,
}

impl Line {
    pub(in crate::raw) async fn connect(address: &str) -> io::Result<Self> {
        Self::new(TcpStream::connect(address).await?)
    }

    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, frames: Frames::default() })
    }

    /// The connection, for somebody who reads from here on.
    pub(in crate::raw) fn into_stream(self) -> TcpStream {
        self.stream
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads once, and calls `each` for each frame that came.
    ///
    /// # Errors
    ///
    /// The server has hung up, or sends what is no frame.
    pub(super) async fn read(
        &mut self,
        mut each: impl FnMut(Frame<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let Self { stream, frames } = self;
        let open = poll_fn(|context| {
            frames.poll_read(Pin::new(stream), context, split, |frame| each(decode(frame)?))
        })
        .await?;
        if open { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Sends a request or a join that is the only one pending, and waits for the reply.
    pub(in crate::raw) async fn ask(&mut self, question: &Frame<'_>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        encode(question, &mut out);
        self.write(&out).await?;
        let mut reply = None;
        while reply.is_none() {
            self.read(|frame| match frame {
                Frame::Reply { payload, .. } => {
                    reply = Some(payload.to_vec());
                    Ok(())
                }
                _ => Err(io::Error::other("only a reply was due")),
            })
            .await?;
        }
        Ok(reply.unwrap_or_default())
    }

    /// What the server has received of one-way events.
    pub(super) async fn report(&mut self) -> Result<Received, Failure> {
        let question = Frame::Request { id: 0, name: REPORT, payload: b"" };
        Received::from_bytes(&self.ask(&question).await?)
    }
}
