//! One connection of a light driver: reads in large pieces, cuts them with the wire, writes batches.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use gatewire_harness::Failure;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;

use crate::wire::{Item, Role, Wire};

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Connection<W> {
    wire: W,
    read_half: OwnedReadHalf,
    sender: Sender,
    /// The beginning of an item whose rest has not come yet.
    kept: Vec<u8>,
    scratch: Scratch,
}

/// The read buffer that all connections of a driver share: an idle connection has none.
#[derive(Debug, Clone)]
pub struct Scratch(Rc<RefCell<Vec<u8>>>);

/// The writing side of a [`Connection`]. Its lock keeps a heartbeat's answer out of the middle of a batch.
#[derive(Debug, Clone)]
pub struct Sender(Rc<Mutex<OwnedWriteHalf>>);

/// A connection during its handshake: texts to and fro.
#[derive(Debug)]
pub struct Opening {
    stream: TcpStream,
    received: Vec<u8>,
}

impl<W: Wire> Connection<W> {
    /// Connects to `address` and does the handshake of `role`.
    ///
    /// # Errors
    ///
    /// When the peer cannot be reached or refuses.
    pub async fn open(
        wire: &W,
        address: &str,
        role: Role,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let stream = TcpStream::connect(wire.address(address, role)).await?;
        stream.set_nodelay(true)?;
        let mut opening = Opening { stream, received: Vec::new() };
        wire.open(&mut opening, role).await?;
        let (read_half, write_half) = opening.stream.into_split();
        Ok(Self {
            wire: wire.clone(),
            read_half,
            sender: Sender(Rc::new(Mutex::new(write_half))),
            kept: opening.received,
            scratch: scratch.clone(),
        })
    }

    /// The writing side, to be used while another task receives.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Waits for bytes and gives each complete item of one read to `handle`. Heartbeats are answered here.
    ///
    /// # Errors
    ///
    /// When the peer has closed, the bytes are not understood, or `handle` refuses an item.
    ///
    /// # Cancel safety
    ///
    /// What was read has been handled or is kept; only the answer to a heartbeat can get lost.
    pub async fn receive(
        &mut self,
        mut handle: impl FnMut(Item) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let pings = poll_fn(|context| self.poll_read(context, &mut handle)).await?;
        for _ in 0..pings {
            self.sender.send(W::PONG).await?;
        }
        Ok(())
    }

    /// One read. Gives the number of heartbeats to be answered.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        handle: &mut impl FnMut(Item) -> Result<(), Failure>,
    ) -> Poll<Result<usize, Failure>> {
        let mut scratch = self.scratch.0.borrow_mut();
        let kept = self.kept.len();
        if scratch.len() < kept + READ_ROOM {
            scratch.resize(kept + READ_ROOM, 0);
        }
        scratch[..kept].copy_from_slice(&self.kept);
        let mut buffer = ReadBuf::new(&mut scratch[kept..]);
        ready!(Pin::new(&mut self.read_half).poll_read(context, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            return Poll::Ready(Err(Failure::new("the peer closed the connection")));
        }
        let mut rest = &scratch[..kept + read];
        let mut pings = 0;
        while let Some((item, length)) = self.wire.decode(rest)? {
            match item {
                Item::Ping => pings += 1,
                Item::Other => {}
                item => handle(item)?,
            }
            rest = &rest[length..];
        }
        self.kept.clear();
        self.kept.extend_from_slice(rest);
        Poll::Ready(Ok(pings))
    }
}

impl Scratch {
    /// The buffer of one driver.
    #[must_use]
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new(vec![0; READ_ROOM])))
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Sender {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    ///
    /// # Cancel safety
    ///
    /// None: a part may have been written.
    pub async fn send(&self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.0.lock().await.write_all(bytes).await?)
    }
}

impl Opening {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Waits until `end` finds the end of an answer in the bytes received so far, and takes it out.
    ///
    /// # Errors
    ///
    /// When the peer closes before, or sends more than 64 KiB without an end.
    pub async fn answer(
        &mut self,
        end: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<u8>, Failure> {
        loop {
            if let Some(length) = end(&self.received) {
                return Ok(self.received.drain(..length).collect());
            }
            let long = self.received.len() > LONGEST_ANSWER;
            if long || self.stream.read_buf(&mut self.received).await? == 0 {
                let text = String::from_utf8_lossy(&self.received);
                return Err(Failure::new(format!("no end of the handshake after: {text}")));
            }
        }
    }

    /// Waits for an answer that ends with `mark`, and takes it out.
    ///
    /// # Errors
    ///
    /// As [`Opening::answer`].
    pub async fn answer_until(&mut self, mark: &[u8]) -> Result<Vec<u8>, Failure> {
        self.answer(|bytes| {
            let found = bytes.windows(mark.len()).position(|window| window == mark);
            found.map(|at| at + mark.len())
        })
        .await
    }
}

/// Room for one read: the raw limit's driver uses the same.
const READ_ROOM: usize = 512 * 1024;

/// No handshake of any peer says more than this.
const LONGEST_ANSWER: usize = 65_536;
