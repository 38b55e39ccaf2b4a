//! A peer that is a script: it sends what it is told to, byte by byte if need be, and reads only
//! when it is told to.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use gatewire::{CloseCode, Psk, SocketId};
use gatewire_codec::v3::handshake::{
    Extensions, Hello, Role, SUITE_ANONYMOUS, extension, put_extension,
};
use gatewire_codec::{Framer, Message, v3};
use gatewire_core::UnixTime;
use gatewire_core::handshake::{
    ChannelBinding, Decoys, DiallerConfig, ExpectHello, KeyRing, ListenerConfig,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::rig::within;

/// Fresh in each handshake of a real peer; a script may repeat itself.
const NONCE: [u8; 32] = [7; 32];

/// One end of a TCP connection.
pub(crate) struct Raw {
    stream: TcpStream,
    buffer: BytesMut,
    id: Option<SocketId>,
}

/// What a client without a key says first.
pub(crate) fn hello() -> Hello<'static> {
    Hello {
        min_version: 3,
        max_version: 3,
        role: Role::Client,
        key_id: "",
        instance: [1; 16],
        nonce: NONCE,
        suites: &[SUITE_ANONYMOUS],
        extensions: Extensions::NONE,
    }
}

/// A message as a frame, with its length prefix.
pub(crate) fn frame(message: &Message<'_>) -> Bytes {
    let mut frame = BytesMut::new();
    v3::encode(message, &mut frame).expect("a message of version 3");
    frame.freeze()
}

/// Any bytes as a frame, with a right length prefix.
pub(crate) fn frame_of(body: &[u8]) -> Bytes {
    let length = u32::try_from(body.len()).expect("a short body");
    [&length.to_le_bytes(), body].concat().into()
}

impl Raw {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a live socket");
        Self { stream, buffer: BytesMut::new(), id: None }
    }

    /// Only connects.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::new(within(TcpStream::connect(address)).await.expect("a listener"))
    }

    /// Only connects, from this address of the loopback interface.
    pub(crate) async fn connect_from(source: [u8; 4], address: SocketAddr) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind((source, 0).into()).expect("an address of loopback");
        Self::new(within(socket.connect(address)).await.expect("a listener"))
    }

    /// Connects and shakes hands as a client without a key.
    pub(crate) async fn dial(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address).await;
        raw.shake_hands().await;
        raw
    }

    /// As [`dial`](Self::dial), with a kernel that takes little on both sides of what the peer sends.
    pub(crate) async fn dial_narrow(address: SocketAddr) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let mut raw = Self::new(within(socket.connect(address)).await.expect("a listener"));
        raw.shake_hands().await;
        raw
    }

    /// Connects and shakes hands over plain TCP as a router of this name, with a key or without.
    pub(crate) async fn dial_as_router(
        address: SocketAddr,
        name: &str,
        key: Option<(&str, Psk)>,
    ) -> Self {
        let mut raw = Self::connect(address).await;
        let key = key.map(|(id, key)| (id.to_owned(), key));
        let config = DiallerConfig { role: Role::Router, key, instance: [1; 16] };
        let mut told = BytesMut::new();
        put_extension(&mut told, extension::NODE_NAME, name.as_bytes()).expect("a short name");
        raw.shake_hands_as(config, Extensions::new(&told).expect("well-formed")).await;
        raw
    }

    async fn shake_hands(&mut self) {
        let config = DiallerConfig { role: Role::Client, key: None, instance: [1; 16] };
        self.shake_hands_as(config, Extensions::NONE).await;
    }

    async fn shake_hands_as(&mut self, config: DiallerConfig, told: Extensions<'_>) {
        let (hello, expect) =
            config.start(NONCE, ChannelBinding::None, told).expect("a short HELLO");
        self.write(&hello).await;
        let challenge = self.read().await.expect("a challenge");
        let (proof, expect) = expect.handle(&challenge, Extensions::NONE).expect("a challenge");
        self.write(&proof).await;
        let accept = self.read().await.expect("an accept");
        self.id = Some(expect.handle(&accept).expect("an accept").session_id);
    }

    /// Answers a hello, as a server without keys. `None`: the peer has hung up.
    pub(crate) async fn greet(self, hello: &[u8], session: u8) -> Option<Self> {
        self.greet_with(hello, session, 1 << 20).await
    }

    /// As [`greet`](Self::greet), as a server that reads frames of this length.
    pub(crate) async fn greet_with(
        mut self,
        hello: &[u8],
        session: u8,
        max_frame: u32,
    ) -> Option<Self> {
        let config = ListenerConfig {
            keys: KeyRing::new(),
            decoys: Decoys::new(NONCE),
            instance: [2; 16],
            max_frame,
            max_router_frame: max_frame,
            auth_timeout_s: 5,
            ping_s: 10,
        };
        let (challenge, expect) = ExpectHello::new(&config, UnixTime::default())
            .handle(hello, NONCE, ChannelBinding::None, Extensions::NONE)
            .expect("a hello");
        self.try_write(&challenge).await;
        let proof = self.read().await?;
        let id = SocketId::from_bytes([session; 16]);
        let (accept, _) = expect.handle(&proof, id, Extensions::NONE).expect("a proof");
        self.write(&accept).await;
        self.id = Some(id);
        Some(self)
    }

    /// The id that the server gave.
    pub(crate) fn id(&self) -> SocketId {
        self.id.expect("a handshake came before")
    }

    /// Sends bytes as they are.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.expect("the peer takes it");
    }

    /// Sends bytes as they are, to a peer that may have hung up.
    pub(crate) async fn try_write(&mut self, bytes: &[u8]) {
        drop(within(self.stream.write_all(bytes)).await);
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: &Message<'_>) {
        self.write(&frame(message)).await;
    }

    /// Hangs up with a reset.
    pub(crate) fn break_off(self) {
        self.stream.set_zero_linger().expect("a live socket");
    }

    /// Ends what this side sends.
    pub(crate) async fn finish(&mut self) {
        within(self.stream.shutdown()).await.expect("a live socket");
    }

    /// The next frame, without its length prefix. `None`: the peer has hung up.
    #[track_caller]
    pub(crate) fn read(&mut self) -> impl Future<Output = Option<Bytes>> + '_ {
        let mut framer = Framer::new(u32::MAX);
        within(async move {
            loop {
                if let Some(frame) = framer.next_frame(&mut self.buffer).expect("a frame") {
                    return Some(frame);
                }
                match self.stream.read_buf(&mut self.buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        })
    }

    /// The next frame is this message.
    #[track_caller]
    pub(crate) fn expect(&mut self, message: &Message<'_>) -> impl Future<Output = ()> + '_ {
        let expected = frame(message);
        let read = self.read();
        async move {
            let found = read.await.expect("a frame");
            assert_eq!(v3::decode(&found), v3::decode(&expected[4..]));
        }
    }

    /// The next frame closes the connection with this code, and nothing follows. What the peer says.
    #[track_caller]
    pub(crate) fn expect_close(&mut self, code: CloseCode) -> impl Future<Output = String> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let last = self.read().await.unwrap_or_else(|| panic!("a close is due at {caller}"));
            let text = match v3::decode(&last) {
                Ok(Message::Close { code: found, text }) if found == code => text.to_owned(),
                other => panic!("{other:?} instead of a close at {caller}"),
            };
            self.expect_end().await;
            text
        }
    }

    /// The peer hangs up, without another word and without a reset.
    pub(crate) async fn expect_clean_end(&mut self) {
        let read = within(self.stream.read_buf(&mut self.buffer)).await;
        assert_eq!(read.map_err(|error| error.kind()), Ok(0));
    }

    /// The peer hangs up, without another word.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) -> impl Future<Output = ()> + '_ {
        let read = self.read();
        async move {
            let last = read.await;
            assert_eq!(last.as_deref().map(v3::decode), None);
        }
    }
}

/// A server that is a script.
pub(crate) struct RawListener(TcpListener);

impl RawListener {
    pub(crate) async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound")
    }

    /// Accepts a connection, and no more.
    pub(crate) async fn accept_only(&self) -> Raw {
        Raw::new(within(self.0.accept()).await.expect("a connection").0)
    }

    /// Accepts a client and shakes hands, without a key.
    pub(crate) async fn accept(&self, session: u8) -> Raw {
        let mut raw = self.accept_only().await;
        let hello = raw.read().await.expect("a hello");
        raw.greet(&hello, session).await.expect("a proof")
    }
}
