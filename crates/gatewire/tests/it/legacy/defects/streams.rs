//! Streams that nobody reads, and ends that are none.

use std::time::Duration;

use gatewire::legacy::LegacyOptions;
use gatewire::{
    Client, RequestError, Server, SlowReceivers, StreamError, StreamReader, Value, Wire,
};
use gatewire_codec::ValueRef;
use gatewire_codec::legacy::{Kind, Packet};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::legacy::raw::{OLD, Peer, Raw, encode, version};
use crate::legacy::rig::Everything;
use crate::rig::{Record, connect, eventually, limits, record, within};

/// How a reader's stream ended, and how many bytes it had.
type End = (Result<(), String>, usize);

/// Reads streams to their ends, and notes those.
fn read_all(server: &Server, event: &str) -> Record<End> {
    let (seen, ends) = record();
    server.on(event, move |_: Value, mut stream: StreamReader| {
        let seen = seen.clone();
        async move {
            let mut bytes = Vec::new();
            let end = stream.read_to_end(&mut bytes).await;
            seen.note((end.map(drop).map_err(|error| error.to_string()), bytes.len()));
        }
    });
    ends
}

/// Takes streams and does not read them.
fn hold(server: &Server, event: &str) {
    server.on(event, |_: Value, stream: StreamReader| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
}

async fn write(peer: &mut Peer, id: u32, event: &str, bytes: &[u8]) {
    let chunk = Packet { event, value: ValueRef::Binary(bytes), ..peer.packet(Kind::Stream, id) };
    peer.send(chunk).await;
}

async fn open(peer: &mut Peer, id: u32, event: &str) {
    let kind = if event.contains('|') { Kind::StreamOpenToRoom } else { Kind::StreamOpen };
    peer.send(Packet { event, ..peer.packet(kind, id) }).await;
}

async fn close(peer: &mut Peer, id: u32, event: &str) {
    let value = ValueRef::String("");
    peer.send(Packet { event, value, ..peer.packet(Kind::StreamClose, id) }).await;
}

/// A stream of 256 KiB chunks: more than the connection keeps for readers.
async fn flood(peer: &mut Peer, id: u32, event: &str, chunks: usize) {
    open(peer, id, event).await;
    let chunk = vec![7; 256 << 10];
    for _ in 0..chunks {
        write(peer, id, event, &chunk).await;
    }
}

#[tokio::test]
async fn bytes_and_ends_of_streams_that_are_not_open_are_ignored() {
    let all = Everything::new().await;
    let mut ends = read_all(&all.server, "file");
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        write(&mut peer, 77, "file", b"nobody").await;
        close(&mut peer, 77, "file").await;
        open(&mut peer, 5, "file").await;
        for _ in 0..2 {
            write(&mut peer, 5, "file", b"some").await;
        }
        for _ in 0..2 {
            close(&mut peer, 5, "file").await;
        }
        write(&mut peer, 5, "file", b"more").await;
        peer.fence().await;
        assert_eq!(ends.next().await, (Ok(()), 8));
    }
}

#[tokio::test]
async fn a_chunk_that_is_no_bytes_is_an_error_of_that_stream_only() {
    let all = Everything::new().await;
    let mut ends = read_all(&all.server, "file");
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        open(&mut peer, 5, "file").await;
        write(&mut peer, 5, "file", b"some").await;
        let text = ValueRef::String("text");
        peer.send(Packet { event: "file", value: text, ..peer.packet(Kind::Stream, 5) }).await;
        let number = ValueRef::Integer(5);
        peer.send(Packet { event: "file", value: number, ..peer.packet(Kind::Stream, 5) }).await;
        close(&mut peer, 5, "file").await;
        peer.fence().await;
        let (end, length) = ends.next().await;
        assert!(end.is_err());
        assert_eq!(length, 8, "a text stands for its bytes");
    }
}

#[tokio::test]
async fn a_stream_that_nobody_takes_stops_nothing() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        flood(&mut peer, 5, "nobody listens", 64).await;
        close(&mut peer, 5, "nobody listens").await;
        peer.fence().await;
    }
}

#[tokio::test]
async fn a_stream_to_an_empty_room_stops_nothing() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        flood(&mut peer, 5, "empty|file", 64).await;
        close(&mut peer, 5, "empty|file").await;
        peer.fence().await;
    }
}

#[tokio::test]
async fn a_stream_that_is_not_read_holds_up_nothing_within_its_bounds() {
    let all = Everything::new().await;
    hold(&all.server, "held");
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        flood(&mut peer, 5, "held", 8).await;
        peer.fence().await;
    }
}

/// Beyond its bounds it is given up, and what it still brings is thrown away.
#[tokio::test]
async fn a_stream_that_is_not_read_holds_up_others_for_the_stall_limit_at_most() {
    let options =
        LegacyOptions::new().stream_buffer(1 << 20).stream_stall(Duration::from_millis(50));
    let all = Everything::with(|builder| builder.legacy(options)).await;
    hold(&all.server, "held");
    let mut ends = read_all(&all.server, "file");
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        flood(&mut peer, 5, "held", 64).await;
        peer.fence().await;
        open(&mut peer, 6, "file").await;
        write(&mut peer, 6, "file", b"another").await;
        close(&mut peer, 6, "file").await;
        assert_eq!(ends.next().await, (Ok(()), 7));
    }
}

/// A reader that goes on, however slowly, gets all: its writer is held back.
#[tokio::test]
async fn a_stream_that_is_read_slowly_comes_whole() {
    let options =
        LegacyOptions::new().stream_buffer(256 << 10).stream_stall(Duration::from_millis(200));
    let all = Everything::with(|builder| builder.legacy(options)).await;
    let (seen, mut lengths) = record();
    all.server.on("slow", move |_: Value, mut stream: StreamReader| {
        let seen = seen.clone();
        async move {
            let (mut length, mut piece) = (0, vec![0; 64 << 10]);
            loop {
                match stream.read(&mut piece).await.expect("no end before the end") {
                    0 => break,
                    read => length += read,
                }
                // Others run in between.
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
            }
            seen.note(length);
        }
    });
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        flood(&mut peer, 5, "slow", 64).await;
        close(&mut peer, 5, "slow").await;
        assert_eq!(lengths.next().await, 16 << 20);
    }
}

/// Node stops reading for ever if it finds the end of a stream in one read with 16 KiB of it.
#[tokio::test]
async fn the_end_of_a_long_stream_is_not_in_one_read_with_its_last_bytes() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let socket = all.server.socket(&peer.id.parse().expect("an id")).expect("a socket");
        for (length, padded) in
            [(0, false), (1, false), (16_383, false), (16_384, true), (100_000, true)]
        {
            let mut writer = socket.stream("file", ()).unanswered().await.expect("a stream");
            writer.send(vec![7; length]).await.expect("sent");
            within(writer.finish::<()>()).await.expect("finished");
            let (mut bytes, mut padding) = (0, 0);
            loop {
                let (kind, length) = peer
                    .next(|packet| match packet.value {
                        ValueRef::Binary(bytes) => (packet.kind, bytes.len()),
                        _ => (packet.kind, 0),
                    })
                    .await;
                match kind {
                    Kind::StreamOpen => {}
                    Kind::Stream => (bytes, padding) = (bytes + length, 0),
                    Kind::Unassigned(255) => padding += length,
                    Kind::StreamClose => break,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!((bytes, padding >= 65_536), (length, padded), "{padding} bytes of padding");
            assert!(padded || padding == 0);
        }
        peer.fence().await;
    }
}

#[tokio::test]
async fn a_reader_whose_peer_is_lost_gets_an_error() {
    let all = Everything::new().await;
    let mut ends = read_all(&all.server, "file");
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        open(&mut peer, 5, "file").await;
        write(&mut peer, 5, "file", b"some").await;
        peer.fence().await;
        drop(peer);
        let (end, length) = ends.next().await;
        assert!(end.is_err());
        assert_eq!(length, 4);
    }
}

#[tokio::test]
async fn a_writer_whose_peer_is_lost_gets_an_error() {
    let all = Everything::new().await;
    for wire in OLD {
        let peer = Peer::connect(&all, wire).await;
        let socket = all.server.socket(&peer.id.parse().expect("an id")).expect("a socket");
        let mut writer = socket.stream("file", ()).await.expect("a stream");
        writer.send("some").await.expect("sent");
        drop(peer);
        let lost = within(async {
            loop {
                if let Err(error) = writer.send(vec![7; 64 << 10]).await {
                    return error;
                }
            }
        });
        assert_eq!(lost.await, StreamError::Disconnected);
    }
}

#[tokio::test]
async fn a_stream_that_is_given_up_ends_for_its_reader() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let socket = all.server.socket(&peer.id.parse().expect("an id")).expect("a socket");
        let mut writer = socket.stream("file", ()).await.expect("a stream");
        writer.send("some").await.expect("sent");
        for kind in [Kind::StreamOpenWithAck, Kind::Stream] {
            peer.next(|packet| assert_eq!(packet.kind, kind)).await;
        }
        drop(writer);
        peer.next(|packet| assert_eq!(packet.kind, Kind::StreamClose)).await;
        peer.fence().await;
    }
}

/// An answer before the end is the answer, and the rest is sent all the same.
#[tokio::test]
async fn an_early_answer_to_a_stream_is_taken_once() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut peer = Peer::connect(&all, wire).await;
        let socket = all.server.socket(&peer.id.parse().expect("an id")).expect("a socket");
        let mut writer = socket.stream("file", ()).await.expect("a stream");
        let id = peer.next(|packet| packet.id).await;
        for answer in [1, 2] {
            peer.send(Packet { value: ValueRef::Integer(answer), ..peer.packet(Kind::Ack, id) })
                .await;
        }
        peer.fence().await;
        writer.send("some").await.expect("sent");
        assert_eq!(within(writer.finish::<i64>()).await, Ok(1));
        for kind in [Kind::Stream, Kind::StreamClose] {
            peer.next(|packet| assert_eq!((packet.kind, packet.id), (kind, id))).await;
        }
    }
}

/// One reader that goes, and one that does not read, cost themselves.
#[tokio::test]
async fn readers_of_a_broadcast_do_not_hold_up_one_another() {
    let patience = SlowReceivers::CutAfter(Duration::from_millis(200));
    let impatient = limits(|limits| limits.slow_receivers = patience);
    for wire in OLD {
        let all = Everything::with(|builder| builder.limits(impatient.clone())).await;
        let (lost, stuck) = (Peer::connect(&all, wire).await, Peer::connect(&all, wire).await);
        let reader = all.client(wire).await;
        let (seen, mut lengths) = record();
        reader.on("file", move |_: Value, mut stream: StreamReader| {
            let seen = seen.clone();
            async move {
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).await.expect("the whole stream");
                seen.note(bytes.len());
            }
        });
        let mut sender = Peer::connect(&all, wire).await;
        sender.send(Packet { event: "file", ..sender.packet(Kind::StreamOpenBroadcast, 5) }).await;
        write(&mut sender, 5, "file", &[7; 1000]).await;
        sender.fence().await;
        drop(lost);
        for _ in 0..96 {
            write(&mut sender, 5, "file", &[7; 256 << 10]).await;
        }
        close(&mut sender, 5, "file").await;
        sender.fence().await;
        assert_eq!(lengths.next().await, 1000 + (24 << 20));
        drop(stuck);
    }
}

/// Also when the readers wait for one that never reads, and nobody is cut.
#[tokio::test]
async fn a_peer_that_ends_behind_its_streams_is_gone_in_the_end() {
    let options =
        LegacyOptions::new().stream_buffer(32 << 20).stream_stall(Duration::from_millis(20));
    let patient = limits(|limits| limits.slow_receivers = SlowReceivers::WaitForAll);
    let all = Everything::with(|builder| builder.legacy(options).limits(patient)).await;
    hold(&all.server, "held");
    for wire in OLD {
        let (mut sender, stuck) =
            (Peer::connect(&all, wire).await, Peer::connect(&all, wire).await);
        sender.send(Packet { event: "file", ..sender.packet(Kind::StreamOpenBroadcast, 5) }).await;
        open(&mut sender, 6, "held").await;
        for id in [5, 6] {
            let event = if id == 5 { "file" } else { "held" };
            write(&mut sender, id, event, &vec![7; 512 << 10]).await;
        }
        write(&mut sender, 5, "file", &vec![7; 8 << 20]).await;
        sender.raw.shutdown().await;
        eventually(|| all.server.len() == 1).await;
        drop(stuck);
        eventually(|| all.server.is_empty()).await;
    }
}

#[tokio::test]
async fn nothing_of_a_stream_goes_before_the_client_is_registered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    for wire in OLD {
        let client =
            Client::builder().wire(wire).v2_key(crate::legacy::rig::secret()).build(address);
        let early = client.stream("file", ()).await.expect_err("there is no connection");
        let not_sent = RequestError::NotSent(gatewire::EmitError::NotConnected);
        assert_eq!(early, StreamError::Refused(not_sent));
        client.emit("early", 1).expect("queued");
        let (accepted, _) = tokio::join!(
            async {
                let (stream, _) = within(listener.accept()).await.expect("a client");
                let mut raw = Raw::new(stream);
                let version = version(wire);
                if wire == Wire::V2 {
                    let seed = Packet::new(version, Kind::AuthSeed, 2);
                    raw.send(&encode(&Packet { value: ValueRef::String("s"), ..seed })).await;
                    for kind in [Kind::AuthHmac, Kind::Downlink] {
                        let frame = raw.next().await.expect("a frame");
                        assert_eq!(Packet::decode(&frame).expect("a frame").kind, kind);
                    }
                }
                let register = Packet::new(version, Kind::Register, 3);
                raw.send(&encode(&Packet { value: ValueRef::String("id"), ..register })).await;
                let frame = raw.next().await.expect("a frame");
                assert_eq!(Packet::decode(&frame).expect("a frame").event, "early");
                raw
            },
            connect(&client)
        );
        drop(accepted);
        client.close().await;
    }
}
