//! A peer that reads nothing until it is told to, among others that read.

use gatewire::{Limits, OutboxLimits, Overflow, Server, Socket};
use gatewire_codec::{CloseCode, Message, ValueRef, v3};

use crate::raw::Raw;
use crate::rig::{limits, serve_with};

/// What a server queues for one connection, here.
pub(crate) const MAX_BYTES: usize = 256 << 10;

/// A block with its number in front. A frame has a few bytes more.
pub(crate) const BLOCK: usize = 16 << 10;

/// The longest frame here, with its length prefix.
pub(crate) const FRAME: usize = BLOCK + 100;

pub(crate) fn bounds(overflow: Overflow) -> Limits {
    limits(|limits| {
        limits.outbox = OutboxLimits { max_bytes: MAX_BYTES, max_frames: 16_384, overflow };
    })
}

pub(crate) fn block(number: u32) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..4].copy_from_slice(&number.to_le_bytes());
    block
}

/// What the slow reader finds when it reads at last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Block(String, u32),
    Close(CloseCode),
    End,
}

pub(crate) struct SlowReader {
    raw: Raw,
    pub(crate) socket: Socket,
}

impl SlowReader {
    pub(crate) async fn of(server: &Server) -> Self {
        let raw = Raw::dial_narrow(server.local_addr()).await;
        let socket = server.socket(&raw.id()).expect("a socket");
        Self { raw, socket }
    }

    pub(crate) async fn serve(overflow: Overflow) -> (Server, Self) {
        let server = serve_with(|builder| builder.limits(bounds(overflow))).await;
        let reader = Self::of(&server).await;
        (server, reader)
    }

    /// Emits blocks until the kernel takes no more and this many bytes wait; how many it took.
    pub(crate) async fn fill(&self, event: &str, bytes: usize) -> u32 {
        let mut count = 0;
        while self.socket.queued_bytes() < bytes {
            self.socket.emit(event, block(count)).expect("there is room");
            count += 1;
            // Lets the connection's task write.
            tokio::task::yield_now().await;
        }
        count
    }

    /// Reads one frame.
    pub(crate) async fn find(&mut self) -> Found {
        let Some(frame) = self.raw.read().await else { return Found::End };
        match v3::decode(&frame).expect("a message") {
            Message::Event { event, value: ValueRef::Binary(bytes) } => {
                let number = bytes.first_chunk().expect("a block");
                Found::Block(event.to_owned(), u32::from_le_bytes(*number))
            }
            Message::Close { code, .. } => Found::Close(code),
            other => panic!("{other:?}"),
        }
    }

    /// Reads blocks up to and including the one with this number; all their numbers.
    pub(crate) async fn find_up_to(&mut self, last: u32) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.last() != Some(&last) {
            match self.find().await {
                Found::Block(_, number) => numbers.push(number),
                other => panic!("{other:?} after {numbers:?}"),
            }
        }
        numbers
    }
}
