//! An original router, played frame by frame.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{Kind, Packet, Policy};
use gatewire_codec::{FormatId, Framer, ValueRef, Version};
use gatewire_legacy::handshake::{Dialler, Progress, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Gateway, gateway, listener};
use crate::legacy::rig::secret;
use crate::rig::{eventually, within};

/// A router that the test plays.
struct Original {
    stream: TcpStream,
    buffer: BytesMut,
    link: String,
    host: &'static str,
}

impl Original {
    async fn dial(to: &Gateway, host: &'static str) -> Self {
        let (original, welcome) = Self::knock(to, host).await;
        assert!(welcome, "{host} is let in");
        original
    }

    /// Shakes hands, and tells whether it was let in.
    async fn knock(to: &Gateway, host: &'static str) -> (Self, bool) {
        let stream = within(TcpStream::connect(to.v2)).await.expect("it listens");
        let mut original = Self { stream, buffer: BytesMut::new(), link: String::new(), host };
        let role = Role::Router { host: host.to_owned() };
        let (_, mut step) = Dialler { version: Version::V2, secret: Some(secret()), role }.start();
        loop {
            let frame = original.read().await.expect("it goes on");
            match step.handle(&frame) {
                Ok(Progress::Waits(answer, next)) => {
                    original.write(&answer).await;
                    step = next;
                }
                Ok(Progress::Done(registered)) => {
                    assert_eq!(registered.host.as_deref(), Some("gate"));
                    original.link = registered.id;
                    return (original, true);
                }
                Err(_) => return (original, false),
            }
        }
    }

    async fn read(&mut self) -> Option<Bytes> {
        let mut framer = Framer::new(1 << 20);
        loop {
            if let Some(frame) = framer.next_frame(&mut self.buffer).expect("sound frames") {
                return Some(frame);
            }
            if within(self.stream.read_buf(&mut self.buffer)).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.expect("it is read");
    }

    /// Sends more than the kernel keeps, which nobody waits for, and sees an end, not a reset.
    async fn sees_the_end(&mut self) {
        self.write(&vec![0; 16 << 20]).await;
        let end = within(self.stream.read_buf(&mut self.buffer)).await;
        assert_eq!(end.map_err(|error| error.kind()), Ok(0));
    }

    async fn tell(&mut self, kind: Kind, policy: Policy, cells: &str, json: &str) {
        let value = ValueRef::Object { format: FormatId::UNSPECIFIED, bytes: json.as_bytes() };
        let mut out = BytesMut::new();
        let packet = Packet { policy, cells, value, ..Packet::new(Version::V2, kind, 9) };
        packet.encode(&mut out).expect("a frame");
        self.write(&out).await;
    }

    /// Its own direction of the link, as an original tells it at once.
    async fn tell_link(&mut self) {
        let json = format!(
            r#"{{"source":"{}","destination":"gate","link":"{}","cost":1}}"#,
            self.host, self.link
        );
        self.tell(Kind::NewLink, Policy::Add, self.host, &json).await;
    }

    #[track_caller]
    fn hears(
        &mut self,
        kind: Kind,
        cells: &'static str,
        json: impl Into<String> + Debug,
    ) -> impl Future<Output = ()> {
        let json = json.into();
        async move {
            let frame = self.read().await.expect("the link is up");
            let packet = Packet::decode_as(Version::V2, &frame).expect("a frame");
            let ValueRef::Object { bytes, .. } = packet.value else { panic!("{packet:?}") };
            let found = (packet.kind, packet.cells, String::from_utf8_lossy(bytes).into_owned());
            assert_eq!(found, (kind, cells, json));
        }
    }
}

async fn up() -> (Gateway, Original) {
    let gate = gateway("gate", &[]).await;
    let mut original = Original::dial(&gate, "host1").await;
    original.tell_link().await;
    let link =
        format!(r#"{{"source":"gate","destination":"host1","link":"{}","cost":1}}"#, original.link);
    original.hears(Kind::NewLink, "gate", link.clone()).await;
    original.hears(Kind::NewLink, "gate", link).await;
    assert!(within(gate.node.router.wait_for_v2_host("host1")).await);
    (gate, original)
}

#[tokio::test]
async fn an_original_is_told_what_it_expects() {
    let (gate, mut original) = up().await;
    let (client, mut seen) = listener(&gate.node).await;
    within(client.join("channel1")).await.expect("it may");
    let room = r#"{"host":"gate","room":"channel1","ref":1}"#;
    original.hears(Kind::LinkJoinRoom, "gate", room).await;
    // As recorded between originals, but for the name of the receiver.
    let json = r#"{"event":"say","data":"hello","rooms":["channel1"],"except":["host1/down/S0/yz4ItPfn"]}"#;
    original.tell(Kind::DataToRoom, Policy::Sub, "gate", json).await;
    assert_eq!(seen.next().await, "hello");
    let json = r#"{"host":"host1","room":"channel2","ref":2}"#;
    original.tell(Kind::LinkJoinRoom, Policy::Add, "host1", json).await;
    assert!(within(gate.node.router.wait_for_v2_room("channel2", "host1")).await);
    client.to("channel2").emit("msg", 7).expect("it is queued");
    let json = r#"{"event":"msg","data":7,"rooms":["channel2"],"except":[]}"#;
    original.hears(Kind::DataToRoom, "host1", json).await;
    client.broadcast().emit("bc", vec![1_u8, 2, 255].as_slice()).expect("it is queued");
    let json = r#"{"event":"bc","data":{"type":"Buffer","data":[1,2,255]},"except":[]}"#;
    original.hears(Kind::DataBroadcast, "host1", json).await;
    within(client.leave("channel1")).await.expect("it may");
    let room = r#"{"host":"gate","room":"channel1","ref":0}"#;
    original.hears(Kind::LinkLeaveRoom, "gate", room).await;
    drop(original);
    eventually(|| gate.node.router.v2_hosts().is_empty()).await;
    gate.node.close().await;
}

#[tokio::test]
async fn what_would_crash_an_original_ends_a_link_at_most() {
    let (gate, mut original) = up().await;
    // An id that nobody has, no data, names of JavaScript: all of them end an original's process.
    let json = r#"{"event":"say","data":1,"socketIds":["gate/down/xx/nobody"],"except":[]}"#;
    original.tell(Kind::DataToSocket, Policy::Sub, "gate", json).await;
    let mut empty = BytesMut::new();
    Packet::new(Version::V2, Kind::DelLink, 9).encode(&mut empty).expect("a frame");
    original.write(&empty).await;
    let json = r#"{"host":"host1","room":"__proto__","ref":1}"#;
    original.tell(Kind::LinkJoinRoom, Policy::Add, "host1", json).await;
    let json = r#"{"host":"host1","room":"r","ref":1}"#;
    original.tell(Kind::LinkJoinRoom, Policy::Add, "host1", json).await;
    assert!(within(gate.node.router.wait_for_v2_room("r", "host1")).await);
    let counters = gate.node.router.v2_counters();
    assert_eq!((counters.empty, counters.bad_names), (1, 1));
    original.write(&[2, 0, 0, 0, 2, 200]).await;
    assert_eq!(original.read().await, None);
    eventually(|| gate.node.router.v2_hosts().is_empty()).await;
    gate.node.close().await;
}

#[tokio::test]
async fn what_is_queued_when_the_router_is_closed_is_written_in_whole_frames() {
    // More than the kernel takes, so that one frame is cut and hundreds wait.
    const EVENTS: usize = 384;
    let (gate, mut original) = up().await;
    let text = "x".repeat(64 << 10);
    for _ in 0..EVENTS {
        gate.node.router.emit("say", text.as_str()).expect("it is queued");
    }
    let closing = tokio::spawn(gate.node.close());
    let mut events = 0;
    while let Some(frame) = original.read().await {
        let packet = Packet::decode_as(Version::V2, &frame).expect("a frame");
        let ValueRef::Object { bytes, .. } = packet.value else { panic!("{packet:?}") };
        assert!(packet.kind == Kind::DataBroadcast && bytes.len() > text.len());
        events += 1;
    }
    assert_eq!((events, original.buffer.len()), (EVENTS, 0));
    within(closing).await.expect("it is closed");
}

#[tokio::test]
async fn an_original_whose_link_ends_sees_no_reset() {
    // It would keep the link in its tables, and never shake hands again.
    let (gate, mut original) = up().await;
    original.write(&[2, 0, 0, 0, 2, 200]).await;
    original.sees_the_end().await;
    assert!(gate.node.router.v2_hosts().is_empty());
    gate.node.close().await;
}

#[tokio::test]
async fn an_original_that_is_refused_sees_no_reset() {
    let (gate, _original) = up().await;
    let (mut second, welcome) = Original::knock(&gate, "host1").await;
    assert!(!welcome);
    second.sees_the_end().await;
    gate.node.close().await;
}
