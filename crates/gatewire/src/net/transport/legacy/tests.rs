use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use bytes::Bytes;
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{CloseCode, Message, StreamCode, ValueRef, Version, v3};
use gatewire_legacy::downlink::{JsonOnly, Settings, Side, ValueRules};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::tcp::OwnedWriteHalf;

use super::*;

const BUFFER_OF_STREAMS: usize = 10_000;

/// So much of a stream comes that no credit is there for, and the peer is still read.
const SOME: usize = 5_000;

/// So much that it is not.
const MUCH: usize = 20_000;

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3600);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// This end of a connection, and the peer.
struct Both {
    legacy: Legacy,
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    peer: TcpStream,
    woken: Arc<Woken>,
}

impl Both {
    /// After the peer has said this.
    async fn new(said: &[u8], stall: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (read, write) = listener.accept().await.unwrap().0.into_split();
        let settings = Settings {
            version: Version::V1,
            side: Side::Server,
            max_frame: 1 << 20,
            stream_buffer: BUFFER_OF_STREAMS,
            pad_streams: true,
            values: ValueRules::default(),
            objects: Arc::new(JsonOnly),
        };
        let legacy = Legacy::new(Translator::new(settings, 3), said, stall);
        Self { legacy, read, write, peer, woken: Arc::default() }
    }

    fn poll(&mut self) -> Poll<io::Result<Vec<u8>>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut memory = vec![0; 1 << 20];
        let mut out = ReadBuf::new(&mut memory);
        let mut context = Context::from_waker(&waker);
        let polled =
            self.legacy.poll_read(&mut self.read, self.write.as_ref(), &mut context, &mut out);
        polled.map_ok(|()| out.filled().to_vec())
    }

    /// What there is for the session, without an end.
    fn read_all(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Poll::Ready(read) = self.poll() {
            let read = read.unwrap();
            assert!(!read.is_empty(), "the end");
            all.extend(read);
        }
        all
    }

    /// Reads until the peer has ended; the errors on the way.
    async fn read_to_end(&mut self) -> Vec<io::ErrorKind> {
        let mut errors = Vec::new();
        // Many more steps than it takes.
        for _ in 0..1000 {
            match self.poll() {
                Poll::Ready(Ok(near)) if near.is_empty() => return errors,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => errors.push(error.kind()),
                Poll::Pending => self.read.readable().await.unwrap(),
            }
        }
        panic!("the peer is not read")
    }

    fn say(&self, message: &Message<'_>) {
        let frame = encoded(message);
        let written = self.legacy.write(self.write.as_ref(), &[IoSlice::new(&frame)]).unwrap();
        assert_eq!(written, frame.len());
    }

    fn woken(&self) -> usize {
        self.woken.0.load(Ordering::SeqCst)
    }

    /// The peer sends no more, and that is known here.
    async fn end_peer(&mut self) {
        self.peer.shutdown().await.unwrap();
        assert_eq!(self.read.peek(&mut [0]).await.unwrap(), 0);
    }
}

/// A socket in the place of another.
async fn unconnected() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    TcpStream::connect(listener.local_addr().unwrap()).await.unwrap()
}

fn encoded(message: &Message<'_>) -> Bytes {
    let mut frame = BytesMut::new();
    v3::encode(message, &mut frame).unwrap();
    frame.freeze()
}

fn packet(kind: Kind, value: ValueRef<'_>) -> BytesMut {
    let mut frame = BytesMut::new();
    Packet { event: "up", value, ..Packet::new(Version::V1, kind, 7) }.encode(&mut frame).unwrap();
    frame
}

/// A stream with more than its credit, from its beginning to its end.
fn upload(more: usize) -> Vec<u8> {
    let bytes = vec![5; usize::try_from(v3::INITIAL_CREDIT).unwrap() + more];
    let open = packet(Kind::StreamOpen, ValueRef::Empty);
    let chunk = packet(Kind::Stream, ValueRef::Binary(&bytes));
    let close = packet(Kind::StreamClose, ValueRef::String(""));
    [&open[..], &chunk, &close].concat()
}

/// Whether the last frame is this.
fn ends_with(near: &[u8], message: &Message<'_>) -> bool {
    near.ends_with(&encoded(message))
}

#[tokio::test]
async fn who_reads_is_woken_when_a_stream_is_stopped_that_kept_the_peer_from_being_read() {
    let mut both = Both::new(&upload(MUCH), NEVER).await;
    both.read_all();
    let before = both.woken();
    both.say(&Message::StreamStop { id: 7, code: StreamCode::Enough, text: "" });
    assert!(both.woken() > before, "the peer may be read again, and nobody does");
}

/// Otherwise it would be closed with bytes that are not read, and what it was sent last would be lost.
#[tokio::test]
async fn a_peer_is_read_to_its_end_when_this_side_ends_the_connection() {
    let mut both = Both::new(&upload(MUCH), NEVER).await;
    both.read_all();
    both.peer.write_all(&upload(MUCH)).await.unwrap();
    let before = both.woken();
    both.say(&Message::Close { code: CloseCode::Normal, text: "" });
    assert!(both.woken() > before, "the peer may be read again, and nobody does");
    both.peer.shutdown().await.unwrap();
    assert_eq!(both.read_to_end().await, []);
}

#[tokio::test]
async fn a_peer_that_broke_the_protocol_is_read_whatever_its_streams_hold() {
    // A frame of no bytes.
    let mut both = Both::new(&[&upload(MUCH)[..], &[0; 4]].concat(), NEVER).await;
    both.peer.write_all(&upload(MUCH)).await.unwrap();
    both.peer.shutdown().await.unwrap();
    assert_eq!(both.read_to_end().await, [io::ErrorKind::InvalidData]);
}

#[tokio::test]
async fn the_end_of_a_peer_comes_behind_what_its_streams_hold() {
    let mut both = Both::new(&upload(SOME), NEVER).await;
    both.end_peer().await;
    both.read_all();
    let length = v3::INITIAL_CREDIT + SOME as u64;
    both.say(&Message::StreamCredit { id: 7, limit: length });
    let near = both.poll();
    let Poll::Ready(Ok(near)) = near else { panic!("{near:?}") };
    assert!(ends_with(&near, &Message::StreamFinish { id: 7, event: "", length: Some(length) }));
    assert!(matches!(both.poll(), Poll::Ready(Ok(end)) if end.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_peer_waits_for_streams_that_nobody_reads_for_five_stalls() {
    let mut both = Both::new(&upload(SOME), Duration::from_secs(2)).await;
    both.end_peer().await;
    both.read_all();
    tokio::time::advance(Duration::from_secs(9)).await;
    assert!(both.poll().is_pending());
    tokio::time::advance(Duration::from_secs(1)).await;
    let text = "the stream was not read";
    let near = both.poll();
    let Poll::Ready(Ok(near)) = near else { panic!("{near:?}") };
    let code = StreamCode::SlowReceiver;
    assert!(ends_with(&near, &Message::StreamReset { id: 7, code, text }));
    assert!(matches!(both.poll(), Poll::Ready(Ok(end)) if end.is_empty()));
}

#[tokio::test]
async fn a_stream_that_is_here_whole_is_read_though_its_peer_takes_no_more() {
    let mut both = Both::new(&upload(SOME), NEVER).await;
    both.end_peer().await;
    both.read_all();
    // Its side of the socket is gone: what is written to it comes back as a reset.
    drop(std::mem::replace(&mut both.peer, unconnected().await));
    let event = Message::Event { event: "e", value: ValueRef::Integer(1) };
    both.say(&event);
    both.write.as_ref().ready(tokio::io::Interest::ERROR).await.unwrap();
    both.say(&event);
    both.say(&event);
    assert!(!both.legacy.outgoing.has_unsent());
    assert!(both.poll().is_pending());

    let length = v3::INITIAL_CREDIT + SOME as u64;
    both.say(&Message::StreamCredit { id: 7, limit: length });
    both.say(&event);
    let near = both.poll();
    let Poll::Ready(Ok(near)) = near else { panic!("{near:?}") };
    assert!(ends_with(&near, &Message::StreamFinish { id: 7, event: "", length: Some(length) }));
    let frame = encoded(&event);
    let refused = both.legacy.write(both.write.as_ref(), &[IoSlice::new(&frame)]);
    assert!(refused.is_err(), "nothing is left to be read");
    assert!(matches!(both.poll(), Poll::Ready(Ok(end)) if end.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn streams_may_stand_still_for_ever() {
    let mut both = Both::new(&upload(MUCH), Duration::MAX).await;
    both.read_all();
    assert!(both.poll().is_pending());
    // Some is taken, and the limit begins anew.
    let limit = v3::INITIAL_CREDIT + 1;
    both.say(&Message::StreamCredit { id: 7, limit });
    both.read_all();
    tokio::time::advance(DAY).await;
    assert!(both.poll().is_pending());
    both.say(&Message::StreamCredit { id: 7, limit: limit + (MUCH - SOME) as u64 });
    both.read_all();
    both.end_peer().await;
    assert!(both.poll().is_pending());
    tokio::time::advance(DAY).await;
    assert!(both.poll().is_pending(), "the peer has ended, and its stream is not read");
}

#[tokio::test]
async fn frames_are_translated_however_they_are_cut() {
    let event = |text| encoded(&Message::Event { event: "e", value: ValueRef::String(text) });
    let frames = [event("a"), event("a longer text"), event("b")].concat();
    let mut whole = Both::new(&[], NEVER).await;
    whole.legacy.write(whole.write.as_ref(), &[IoSlice::new(&frames)]).unwrap();
    let sent = whole.legacy.outgoing.sent();
    whole.peer.readable().await.unwrap();
    let mut expected = vec![0; usize::try_from(sent).unwrap()];
    whole.peer.read_exact(&mut expected).await.unwrap();
    for size in 1..frames.len() {
        let mut cut = Both::new(&[], NEVER).await;
        let slices: Vec<_> = frames.chunks(size).map(IoSlice::new).collect();
        assert_eq!(cut.legacy.write(cut.write.as_ref(), &slices).unwrap(), frames.len());
        assert_eq!(cut.legacy.outgoing.sent(), sent, "pieces of {size}");
        let mut found = vec![0; expected.len()];
        cut.peer.read_exact(&mut found).await.unwrap();
        assert_eq!(found, expected, "pieces of {size}");
    }
}

/// Old versions repeat the event of a stream with each chunk.
#[tokio::test]
async fn short_chunks_of_a_stream_with_a_long_name_wait_for_room() {
    const MOST: usize = BUFFER + (128 << 10);

    let both = Both::new(&[], NEVER).await;
    let event = "e".repeat(65_000);
    let open = Message::StreamOpen {
        id: 1,
        target: None,
        event: &event,
        info: ValueRef::Empty,
        ack: true,
    };
    both.say(&open);
    let chunk = encoded(&Message::StreamChunk { id: 1, event: "", bytes: b"8 bytes!" });
    // More than the kernel takes.
    let chunks = chunk.repeat(1 << 10);
    let Both { legacy, mut write, mut peer, .. } = both;
    let received = tokio::spawn(async move {
        let mut received = Vec::new();
        peer.read_to_end(&mut received).await.map(|_| received)
    });
    let (mut left, mut blocked) = (&chunks[..], 0);
    while !left.is_empty() {
        let (first, second) = left.split_at(left.len() / 2);
        match legacy.write(write.as_ref(), &[IoSlice::new(first), IoSlice::new(second)]) {
            Ok(taken) => left = &left[taken..],
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                assert!(legacy.outgoing.has_unsent(), "nobody would be woken");
                write.writable().await.unwrap();
                blocked += 1;
            }
        }
        let waits = legacy.outgoing.lock().translator.peer_output().len();
        assert!(waits < MOST, "{waits} bytes wait for the kernel");
    }
    assert!(blocked > 0, "the kernel took all");
    while !legacy.outgoing.flush(write.as_ref()).unwrap() {
        write.writable().await.unwrap();
    }
    write.shutdown().await.unwrap();
    let received = received.await.unwrap().unwrap();
    let (mut rest, mut bytes) = (&received[..], 0);
    while let Some((frame, behind)) = split_frame(rest, LIMIT).unwrap() {
        if let ValueRef::Binary(chunk) = Packet::decode(frame).unwrap().value {
            bytes += chunk.len();
        }
        rest = behind;
    }
    assert_eq!(bytes, 8 << 10);
}
