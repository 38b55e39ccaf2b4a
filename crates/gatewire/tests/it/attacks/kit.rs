//! Strangers on a plain or a TLS connection, who say what they are told to; and the servers that they call.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use gatewire::keys::{KeyEntry, Patterns, Roles, UnixTime};
use gatewire::{Client, KeyRing, Psk, Server};
use gatewire_codec::v3::handshake::{Extensions, Role, extension, put_extension};
use gatewire_codec::{Framer, Message, RejectCode};
use gatewire_core::handshake::{ChannelBinding, DiallerConfig, ExpectAccept, ExpectChallenge};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::raw::frame;
use crate::rig::{Record, build, connect, eventually, fence, record, serve_with, within};
use crate::tls::kit::{raw_tls, rogue_acceptor};

/// What a connection runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Plain,
    Tls,
}

pub(super) const BOTH: [Over; 2] = [Over::Plain, Over::Tls];

/// The most handshakes that a test lets fail at one server: one that fails more often may be refused at once.
pub(super) const FAILURES: u64 = 9;

pub(super) fn key(byte: u8) -> Psk {
    Psk::new([byte; 32]).expect("a long key")
}

/// Keys under ids of the same length. All but that of `one` say something that is against a client of today.
pub(super) fn ring() -> KeyRing {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let entry = |id| KeyEntry::new(id, key(1));
    let names = Patterns::new(["eu.*"]).expect("a pattern");
    KeyRing::new()
        .with_entry(entry("one"))
        .with_entry(entry("old").not_after(UnixTime::from_secs(now - 10)))
        .with_entry(entry("new").not_before(UnixTime::from_secs(now + 10_000)))
        .with_entry(entry("hub").roles(Roles::ROUTER).node_names(names))
}

/// A server with keys, and what reaches its handlers.
pub(super) struct Target {
    pub(super) server: Server,
    heard: Record<i64>,
    over: Over,
    failed: u64,
}

impl Target {
    pub(super) async fn new(over: Over) -> Self {
        let server = serve_with(|builder| {
            let builder = builder.psk(ring());
            if over == Over::Plain { builder.plain() } else { builder }
        })
        .await;
        let (told, heard) = record();
        server.on("early", move |number: i64| told.note(number));
        Self { server, heard, over, failed: 0 }
    }

    pub(super) async fn stranger(&self) -> Stranger {
        Stranger::connect(self.over, self.server.local_addr()).await
    }

    /// One more handshake has failed, and there is nothing else to be seen of it.
    pub(super) async fn expect_failure(&mut self) {
        self.failed += 1;
        assert!(self.failed <= FAILURES, "the server may refuse the next one for that");
        eventually(|| self.server.counters().handshakes_failed == self.failed).await;
        let counters = self.server.counters();
        assert_eq!((counters.connections, counters.rooms), (0, 0));
        for ledger in [counters.inbound, counters.outbound] {
            assert_eq!(ledger, Default::default(), "{counters:?}");
        }
        self.heard.expect_nothing();
    }

    /// Who knows a key is served as if nothing had been.
    pub(super) async fn expect_alive(mut self) {
        let client = build(&self.server, |builder| {
            let builder = builder.psk("one", key(1));
            if self.over == Over::Plain { builder.plain() } else { builder }
        });
        connect(&client).await;
        fence(&client).await;
        self.heard.expect_nothing();
        assert_eq!(self.server.counters().handshakes_failed, self.failed);
        client.close().await;
    }
}

/// A client that knows the key `one`, and what reaches its handlers.
pub(super) fn client_of(address: SocketAddr, over: Over) -> (Client, Record<i64>) {
    let builder = Client::builder().psk("one", key(1)).no_reconnect();
    let builder = if over == Over::Plain { builder.plain() } else { builder };
    let client = builder.build(address);
    let (told, heard) = record();
    client.on("early", move |number: i64| told.note(number));
    (client, heard)
}

/// Who dials under this id with this secret.
pub(super) fn dialler(id: &str, byte: u8) -> DiallerConfig {
    let key = Some((id.to_owned(), key(byte)));
    DiallerConfig { role: Role::Client, key, instance: [1; 16] }
}

/// An event that no handler may see.
pub(super) fn early() -> Bytes {
    frame(&Message::Event { event: "early", value: gatewire_codec::ValueRef::Integer(1) })
}

pub(super) fn reject(code: RejectCode) -> Bytes {
    frame(&Message::Reject { code, retry_after_s: 0 })
}

/// A listener that is a script.
pub(super) struct Rogue {
    listener: TcpListener,
    over: Over,
}

impl Rogue {
    pub(super) async fn bind(over: Over) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener, over }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    pub(super) async fn accept(&self) -> Stranger {
        let (tcp, _) = within(self.listener.accept()).await.expect("a client");
        match self.over {
            Over::Plain => Stranger::new(tcp, None),
            Over::Tls => {
                let tls = within(rogue_acceptor().accept(tcp)).await.expect("it takes anybody");
                let binding = exported(|out, label| {
                    tls.get_ref().1.export_keying_material(out, label, Some(&[])).map(|_| ())
                });
                Stranger::new(tls, Some(binding))
            }
        }
    }
}

fn exported(export: impl Fn(&mut [u8], &[u8]) -> Result<(), rustls::Error>) -> [u8; 32] {
    let mut exported = [0; 32];
    export(&mut exported, b"EXPORTER-Channel-Binding").expect("TLS 1.3");
    exported
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One end of a connection. It keeps all that it says and hears.
pub(super) struct Stranger {
    stream: Box<dyn Stream>,
    binding: Option<[u8; 32]>,
    buffer: BytesMut,
    pub(super) said: Vec<Bytes>,
    pub(super) heard: Vec<u8>,
}

impl Stranger {
    pub(super) async fn connect(over: Over, address: SocketAddr) -> Self {
        match over {
            Over::Plain => {
                let tcp = within(TcpStream::connect(address)).await.expect("a server");
                Self::new(tcp, None)
            }
            Over::Tls => {
                let tls = raw_tls(address).await;
                let binding = exported(|out, label| {
                    tls.get_ref().1.export_keying_material(out, label, Some(&[])).map(|_| ())
                });
                Self::new(tls, Some(binding))
            }
        }
    }

    fn new(stream: impl Stream + 'static, binding: Option<[u8; 32]>) -> Self {
        let (stream, buffer) = (Box::new(stream), BytesMut::new());
        Self { stream, binding, buffer, said: Vec::new(), heard: Vec::new() }
    }

    pub(super) fn binding(&self) -> Option<[u8; 32]> {
        self.binding
    }

    /// Says this, to somebody who may have hung up.
    pub(super) async fn say(&mut self, bytes: &[u8]) {
        self.said.push(Bytes::copy_from_slice(bytes));
        let said = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        let _unless_gone = within(said).await;
    }

    /// Says HELLO and reads CHALLENGE. What is to be said then, and the state behind it.
    pub(super) async fn greet(&mut self, config: DiallerConfig) -> (Bytes, ExpectAccept) {
        let binding = self.binding;
        let (hello, expect) = begin(config, binding.as_ref());
        self.say(&hello).await;
        let challenge = self.read().await.expect("a challenge");
        expect.handle(&challenge, Extensions::NONE).expect("a challenge")
    }

    /// Ends what this side says.
    pub(super) async fn finish(&mut self) {
        let _unless_gone = within(self.stream.shutdown()).await;
    }

    /// The next frame, without its length prefix. `None`: the other side has hung up.
    pub(super) async fn read(&mut self) -> Option<Bytes> {
        let mut framer = Framer::new(u32::MAX);
        loop {
            if let Some(frame) = framer.next_frame(&mut self.buffer).expect("a frame") {
                return Some(frame);
            }
            let mut piece = [0; 1024];
            match within(self.stream.read(&mut piece)).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => {
                    self.heard.extend_from_slice(&piece[..read]);
                    self.buffer.extend_from_slice(&piece[..read]);
                }
            }
        }
    }

    /// The other side says this and hangs up.
    pub(super) async fn expect_last(&mut self, last: &Bytes) {
        assert_eq!(self.read().await.as_deref(), Some(&last[4..]));
        self.expect_end().await;
    }

    /// The other side hangs up, without another word.
    pub(super) async fn expect_end(&mut self) {
        assert_eq!(self.read().await, None);
        assert!(self.buffer.is_empty(), "{:?}", self.buffer);
    }
}

/// HELLO, and the state that waits for its answer. A router has a name that no key allows.
pub(super) fn begin(
    config: DiallerConfig,
    binding: Option<&[u8; 32]>,
) -> (Bytes, ExpectChallenge<'_>) {
    let mut list = BytesMut::new();
    if config.role == Role::Router {
        put_extension(&mut list, extension::NODE_NAME, b"us.one").expect("a short name");
    }
    let extensions = Extensions::new(&list).expect("well-formed");
    config.start([7; 32], channel(binding), extensions).expect("a short HELLO")
}

pub(super) fn channel(binding: Option<&[u8; 32]>) -> ChannelBinding<'_> {
    binding.map_or(ChannelBinding::None, ChannelBinding::TlsExporter)
}
