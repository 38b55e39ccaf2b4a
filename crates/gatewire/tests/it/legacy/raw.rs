//! Peers of versions 1 and 2 that say what no package would.

use bytes::BytesMut;
use gatewire::Wire;
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{Framer, LENGTH_PREFIX, Message, ValueRef, Version};
use gatewire_legacy::handshake::{Dialler, Progress, Role, V2Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::Everything;
use crate::rig::within;

/// Encodes a packet, without the length prefix.
pub(super) fn encode(packet: &Packet<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    packet.encode(&mut out).expect("a packet");
    out[LENGTH_PREFIX..].to_vec()
}

/// One raw connection.
pub(super) struct Raw {
    stream: TcpStream,
    buffer: BytesMut,
    /// The peer sends no more.
    pub(super) ended: bool,
    /// This side sends no more.
    pub(super) shut: bool,
}

impl Raw {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: BytesMut::new(), ended: false, shut: false }
    }

    pub(super) async fn dial(all: &Everything, wire: Wire) -> Self {
        Self::new(TcpStream::connect(all.address(wire)).await.expect("a server"))
    }

    /// Sends bytes as they are.
    pub(super) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("a live connection");
    }

    /// Sends a frame, given without its length prefix.
    pub(super) async fn send(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).expect("a short frame").to_le_bytes();
        let whole = [&length[..], frame].concat();
        self.send_bytes(&whole).await;
    }

    pub(super) async fn shutdown(&mut self) {
        self.stream.shutdown().await.expect("a live connection");
        self.shut = true;
    }

    /// The next frame; `None`: the peer sends no more.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        let mut framer = Framer::new(u32::MAX);
        loop {
            if let Some(frame) = framer.next_frame(&mut self.buffer).expect("a frame") {
                return Some(frame.to_vec());
            }
            if self.ended {
                return None;
            }
            self.ended =
                within(self.stream.read_buf(&mut self.buffer)).await.expect("no reset") == 0;
        }
    }
}

pub(super) const OLD: [Wire; 2] = [Wire::V1, Wire::V2];

pub(super) fn version(wire: Wire) -> Version {
    match wire {
        Wire::V1 => Version::V1,
        Wire::V2 => Version::V2,
        Wire::V3 => Version::V3,
    }
}

/// What a client with this key answers to this seed.
pub(super) fn proof(seed: &[u8], secret: V2Secret) -> String {
    let dialler = Dialler { version: Version::V2, secret: Some(secret), role: Role::Client };
    let (_, step) = dialler.start();
    let Ok(Progress::Waits(answer, _)) = step.handle(seed) else { panic!("it answers a seed") };
    let length = u32::from_le_bytes(*answer.first_chunk().expect("a length")) as usize;
    match Packet::decode(&answer[4..4 + length]).expect("a frame").value {
        ValueRef::String(hmac) => hmac.to_owned(),
        other => panic!("{other:?}"),
    }
}

/// A client that is registered.
pub(super) struct Peer {
    pub(super) raw: Raw,
    pub(super) version: Version,
    pub(super) id: String,
}

impl Peer {
    pub(super) async fn connect(all: &Everything, wire: Wire) -> Self {
        let mut raw = Raw::dial(all, wire).await;
        let version = version(wire);
        if wire == Wire::V2 {
            let seed = raw.next().await.expect("a seed");
            let hmac = proof(&seed, super::rig::secret());
            let hmac = Packet {
                value: ValueRef::String(&hmac),
                ..Packet::new(version, Kind::AuthHmac, 2)
            };
            raw.send(&encode(&hmac)).await;
            raw.send(&encode(&Packet::new(version, Kind::Downlink, 3))).await;
        }
        let register = raw.next().await.expect("an id");
        let Ok(Message::Register { socket_id }) =
            Packet::decode(&register).expect("a frame").to_message()
        else {
            panic!("{register:?}")
        };
        let id = socket_id.to_owned();
        Self { raw, version, id }
    }

    /// A packet of this kind, to be completed.
    pub(super) fn packet(&self, kind: Kind, id: u32) -> Packet<'static> {
        Packet::new(self.version, kind, id)
    }

    pub(super) async fn send(&mut self, packet: Packet<'_>) {
        self.raw.send(&encode(&packet)).await;
    }

    /// The next frame, to be looked at.
    pub(super) async fn next<R>(&mut self, look: impl FnOnce(&Packet<'_>) -> R) -> R {
        let frame = self.raw.next().await.expect("a live connection");
        look(&Packet::decode(&frame).expect("a frame"))
    }

    /// The text of the error that comes next.
    pub(super) async fn next_error(&mut self) -> String {
        self.next(|packet| match (packet.kind, packet.value) {
            (Kind::Error, ValueRef::String(text)) => text.to_owned(),
            _ => panic!("{packet:?}"),
        })
        .await
    }

    /// Asks, and gets an answer: the connection lives, and all that was sent before is handled.
    pub(super) async fn fence(&mut self) {
        const FENCE: u32 = 0x7fff_ffff;
        self.send(Packet { event: "fence", ..self.packet(Kind::DataWithAck, FENCE) }).await;
        self.next(|packet| assert_eq!((packet.kind, packet.id), (Kind::Ack, FENCE), "{packet:?}"))
            .await;
    }

    /// The peer ends the connection, and says nothing more.
    pub(super) async fn expect_end(&mut self) {
        assert_eq!(self.raw.next().await, None);
    }
}
