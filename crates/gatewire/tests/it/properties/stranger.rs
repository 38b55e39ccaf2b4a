//! Somebody on a connection who does not know the key.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatewire_codec::v3::handshake::{Extensions, Role};
use gatewire_codec::{Framer, Message, ValueRef, v3};
use gatewire_core::handshake::{ChannelBinding, DiallerConfig, ExpectChallenge, Psk};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::advance;

use super::Commands;
use super::world::settle;

/// The most that a server may say to a stranger: the first words of TLS, CHALLENGE and REJECT have some 1,200 bytes.
const MOST_HEARD: usize = 4096;

/// The most that it sends in a row without a look at what the server does.
const FLOOD: usize = 64 << 10;

pub(super) trait Stream: AsyncRead + AsyncWrite {}

impl<S: AsyncRead + AsyncWrite> Stream for S {}

pub(super) struct Stranger {
    stream: Pin<Box<dyn Stream>>,
    /// Of the handshake that it began last.
    expect: Option<ExpectChallenge<'static>>,
    unread: BytesMut,
    heard: usize,
    last_frame: Bytes,
    hung_up: bool,
}

impl Stranger {
    pub(super) fn plain(stream: TcpStream) -> Self {
        Self::new(stream)
    }

    /// In TLS.
    pub(super) fn inside(stream: tokio_rustls::client::TlsStream<TcpStream>) -> Self {
        Self::new(stream)
    }

    fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::pin(stream),
            expect: None,
            unread: BytesMut::new(),
            heard: 0,
            last_frame: Bytes::new(),
            hung_up: false,
        }
    }

    pub(super) async fn act(&mut self, command: u8, commands: &mut Commands<'_>) {
        match command % 16 {
            0..=3 => {
                let length = usize::from(commands.byte());
                self.say(commands.bytes(length)).await;
            }
            // Byte by byte, with time for the server to look at each.
            4 => {
                let length = usize::from(commands.byte() & 0x3f);
                for byte in commands.bytes(length) {
                    self.say(&[*byte]).await;
                    settle().await;
                }
            }
            5 => {
                let (fill, blocks) = (commands.byte(), usize::from(commands.byte()));
                self.say(&vec![fill; (blocks << 8).min(FLOOD)]).await;
            }
            6 => advance(Duration::from_millis(10 * u64::from(commands.byte()))).await,
            7 => self.finish().await,
            8..=9 => self.say_hello(commands.byte()).await,
            10..=11 => self.say_proof().await,
            // What was heard last comes back.
            12 => {
                let frame = self.last_frame.clone();
                self.say(&framed(&frame)).await;
            }
            13 => {
                let event = Message::Event { event: "early", value: ValueRef::Integer(1) };
                let mut frame = BytesMut::new();
                v3::encode(&event, &mut frame).expect("a short event");
                self.say(&frame).await;
            }
            14 => {
                let length = usize::from(commands.byte());
                self.say(&framed(commands.bytes(length))).await;
            }
            _ => {
                settle().await;
                self.hear();
            }
        }
    }

    /// Says HELLO, under an id that there is or one that there is not.
    async fn say_hello(&mut self, choice: u8) {
        let id = ["one", "old", "new", "two", "", "hub", "ONE", "one "][usize::from(choice) % 8];
        let secret = Psk::new([0xee; 32]).expect("a long key, and a wrong one");
        let key = (choice & 0x80 == 0).then(|| (id.to_owned(), secret));
        let role = if choice & 0x40 == 0 { Role::Client } else { Role::Router };
        let config = DiallerConfig { role, key, instance: [choice; 16] };
        let (hello, expect) =
            config.start([7; 32], ChannelBinding::None, Extensions::NONE).expect("a short HELLO");
        self.expect = Some(expect);
        self.say(&hello).await;
        settle().await;
        self.hear();
    }

    /// Answers what was heard as a CHALLENGE, if it is one: with a key that nobody has.
    async fn say_proof(&mut self) {
        settle().await;
        self.hear();
        let Some(expect) = self.expect.take() else { return };
        if let Ok((proof, _)) = expect.handle(&self.last_frame, Extensions::NONE) {
            self.say(&proof).await;
        }
    }

    /// Sends what the kernel takes at once.
    async fn say(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.hung_up {
            match poll_once(self.stream.write(bytes)) {
                Some(Ok(0) | Err(_)) => self.hung_up = true,
                Some(Ok(written)) => bytes = &bytes[written..],
                // The server does not read, or has not yet.
                None => break,
            }
        }
        let _flushed_or_gone = poll_once(self.stream.flush());
        tokio::task::yield_now().await;
    }

    async fn finish(&mut self) {
        let _ended_or_gone = poll_once(self.stream.shutdown());
        tokio::task::yield_now().await;
    }

    /// Takes what has arrived. Whether the server has hung up.
    pub(super) fn hear(&mut self) -> bool {
        let mut piece = [0; 1024];
        while let Some(read) = poll_once(self.stream.read(&mut piece)) {
            match read {
                Ok(0) | Err(_) => {
                    self.hung_up = true;
                    return true;
                }
                Ok(read) => {
                    self.heard += read;
                    assert!(self.heard <= MOST_HEARD, "the server talks to a stranger");
                    self.unread.extend_from_slice(&piece[..read]);
                }
            }
        }
        while let Ok(Some(frame)) = Framer::new(512).next_frame(&mut self.unread) {
            let no_accept = !matches!(v3::decode(&frame), Ok(Message::Accept(_)));
            assert!(no_accept, "a stranger is let in");
            self.last_frame = frame;
        }
        false
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short");
    [&length.to_le_bytes(), body].concat()
}

/// The outcome, if it is there without waiting.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
