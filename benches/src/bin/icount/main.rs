//! Work to be counted in instructions: `icount NAME ITERATIONS` does one thing that often.
//!
//! `cargo xtask bench --icount` runs it under callgrind with N and with 2 N iterations. What the second
//! run needs more, divided by N, is what one operation costs; start, preparation and end cancel
//! out. `icount --list` prints the names, each behind its N.

mod translation;

use std::cell::RefCell;
use std::hint::black_box;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatewire_codec::legacy::{self, Packet};
use gatewire_codec::{LENGTH_PREFIX, Message, Names, Target, ValueRef, Version, split_frame, v3};
use gatewire_core::hub::{Hub, RoomLimits};
use gatewire_core::session::{
    Chunk, Class, CreditPool, Flow, Frames, Inbound, Incoming, Outbound, Outbox, OutboxLimits,
    ReceiveStream, SessionConfig, StreamLimits,
};
use gatewire_core::{SocketId, Time};

/// One operation, to be repeated.
struct Bench {
    name: String,
    /// So many that a stray instruction of the start does not show, so few that it takes a second.
    /// A multiple of [`BATCH`].
    iterations: u64,
    run: Box<dyn Fn(u64)>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let benches = benches();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => {
            for bench in &benches {
                println!("{} {}", bench.iterations, bench.name);
            }
            ExitCode::SUCCESS
        }
        [name, iterations] => {
            let bench = benches.iter().find(|bench| bench.name == name);
            let (Some(bench), Ok(iterations)) = (bench, iterations.parse()) else {
                eprintln!("`{name}` is not in the list, or `{iterations}` is no number");
                return ExitCode::FAILURE;
            };
            (bench.run)(iterations);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: icount --list | NAME ITERATIONS");
            ExitCode::FAILURE
        }
    }
}

fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    let mut add = |name: String, iterations: u64, run: Box<dyn Fn(u64)>| {
        benches.push(Bench { name, iterations, run });
    };
    for size in [16, 128, 1024] {
        for (what, run) in [("decode", decode as fn(Version, usize, u64)), ("encode", encode)] {
            let name = format!("{what} v3 event, {size} B");
            add(name, CODEC, Box::new(move |iterations| run(Version::V3, size, iterations)));
        }
    }
    for version in [Version::V1, Version::V2] {
        let name = format!("decode {} event, 128 B", format!("{version:?}").to_lowercase());
        add(name, CODEC, Box::new(move |iterations| decode(version, 128, iterations)));
    }
    add("session in: stream to event, 128 B".to_owned(), SESSION, Box::new(session_in));
    add("session out: emit, 128 B".to_owned(), SESSION, Box::new(session_out));
    add("request and ack, client's part".to_owned(), SESSION, Box::new(request_client));
    add("request and ack, server's part".to_owned(), SESSION, Box::new(request_server));
    add("stream out: a chunk, 64 KiB".to_owned(), STREAM, Box::new(stream_out));
    add("stream in: a chunk to its reader, 64 KiB".to_owned(), STREAM, Box::new(stream_in));
    for version in [Version::V1, Version::V2] {
        let peer = format!("{version:?}").to_lowercase();
        let name = format!("translate to {peer}: event, 128 B");
        add(name, SESSION, Box::new(move |iterations| translation::out(version, iterations)));
        let name = format!("translate from {peer}: event, 128 B");
        add(name, SESSION, Box::new(move |iterations| translation::back(version, iterations)));
    }
    let name = format!("translate to v1: object, 128 B, each of {BATCH}");
    add(name, SESSION, Box::new(translation::object_to_many));
    for (members, iterations) in [(10, 3200), (100, 640), (1000, 160)] {
        let name = format!("fan-out to {members}, 64 B");
        add(name, iterations, Box::new(move |iterations| fan_out(members, iterations)));
    }
    benches
}

fn decode(version: Version, size: usize, iterations: u64) {
    let frame = &frame(version, size)[LENGTH_PREFIX..];
    for _ in 0..iterations {
        let frame = black_box(frame);
        let message = match version {
            Version::V3 => v3::decode(frame),
            _ => Packet::decode_as(version, frame).and_then(|packet| packet.to_message()),
        };
        black_box(message.is_ok());
    }
}

fn encode(version: Version, size: usize, iterations: u64) {
    let mut out = BytesMut::with_capacity(2 * size + 64);
    let payload = vec![7; size];
    for _ in 0..iterations {
        out.clear();
        write_event(version, black_box(&payload), &mut out);
        black_box(out.len());
    }
}

/// What a connection does with what it read: cut off a frame, decode it, tell what it is.
fn session_in(iterations: u64) {
    let stream = frame(Version::V3, 128).repeat(BATCH);
    let mut inbound = Inbound::new();
    let mut events = 0;
    for _ in 0..iterations / BATCH as u64 {
        let mut rest = black_box(&stream[..]);
        while let Some((frame, behind)) =
            split_frame(rest, SessionConfig::MAX_FRAME).expect("the stream is in step")
        {
            let incoming = inbound.handle(frame).expect("the frame is good");
            events += u64::from(matches!(black_box(incoming), Incoming::Event { .. }));
            rest = behind;
        }
    }
    assert_eq!(events, iterations);
}

fn session_out(iterations: u64) {
    let payload = [7; 128];
    let mut outbound = outbound();
    for _ in 0..iterations / BATCH as u64 {
        for _ in 0..BATCH {
            let value = ValueRef::Binary(black_box(&payload));
            outbound.emit(Class::Normal, EVENT, value).expect("there is room");
        }
        empty(outbound.outbox_mut());
    }
}

/// Asks, and takes the answer. The encoding of the answer is counted too: it has the request's id.
fn request_client(iterations: u64) {
    let value = ValueRef::Binary(&[7; 16]);
    let deadline = Time::ZERO + Duration::from_secs(5);
    let mut outbound = outbound();
    let mut inbound = Inbound::new();
    let mut answer = BytesMut::with_capacity(256);
    for iteration in 0..iterations {
        let id = outbound.request(EVENT, black_box(value), deadline, iteration);
        let id = id.expect("there is room");
        answer.clear();
        v3::encode(&Message::Ack { id, value }, &mut answer).expect("an answer is short");
        let incoming = inbound.handle(black_box(&answer[LENGTH_PREFIX..]));
        let Ok(Incoming::Answer { id, result: Ok(_) }) = incoming else {
            panic!("an answer was sent, and {incoming:?} came");
        };
        assert_eq!(outbound.answered(id), Some(iteration));
        if (iteration + 1) % BATCH as u64 == 0 {
            empty(outbound.outbox_mut());
        }
    }
}

/// Takes a request, and answers it.
fn request_server(iterations: u64) {
    let value = ValueRef::Binary(&[7; 16]);
    let mut frame = BytesMut::new();
    v3::encode(&Message::Request { id: 5, event: EVENT, value }, &mut frame).expect("it is short");
    let mut outbound = outbound();
    let mut inbound = Inbound::new();
    for _ in 0..iterations / BATCH as u64 {
        for _ in 0..BATCH {
            let incoming = inbound.handle(black_box(&frame[LENGTH_PREFIX..]));
            let Ok(Incoming::Request { id, value, .. }) = incoming else {
                panic!("a request was sent, and {incoming:?} came");
            };
            outbound.ack(id, value).expect("there is room");
        }
        empty(outbound.outbox_mut());
    }
}

/// Bytes that are shared go into a stream's buffer, and out as a batch of their own.
fn stream_out(iterations: u64) {
    let bytes = Bytes::from(vec![7; v3::MAX_CHUNK]);
    let mut outbound = outbound();
    let id = outbound.open_stream(None, EVENT, ValueRef::Empty, 0, ()).expect("there is room");
    outbound.streams_mut().handle_credit(id, u64::MAX);
    for _ in 0..iterations {
        assert!(outbound.write_stream(id, black_box(&bytes).clone()));
        let mut batch = outbound.take().expect("a chunk waits");
        let length = outbound.outbox().queued_bytes();
        batch.advance(length);
        outbound.outbox_mut().give_back(batch);
        black_box(outbound.drain_sent().count());
    }
}

/// A chunk that may be kept is decoded, and read at once; credit is given for each second one.
fn stream_in(iterations: u64) {
    let mut frame = BytesMut::new();
    let chunk = Message::StreamChunk { id: 5, event: "", bytes: &[7; v3::MAX_CHUNK] };
    v3::encode(&chunk, &mut frame).expect("a whole chunk");
    let frame = frame.freeze().slice(LENGTH_PREFIX..);
    let limits = StreamLimits::default();
    let pool = CreditPool::new(limits.max_total_credit);
    let mut stream = ReceiveStream::new(Flow::Credit, &limits, pool);
    let mut inbound = Inbound::new();
    for _ in 0..iterations {
        let frame = black_box(&frame);
        let Ok(Incoming::StreamChunk { bytes, .. }) = inbound.handle(frame) else {
            panic!("a chunk was sent, and something else came");
        };
        let kept = frame.slice_ref(bytes);
        black_box(stream.handle_data(Chunk::Owned(&kept)).expect("within the credit"));
        black_box(stream.read(usize::MAX));
        black_box(stream.grant());
    }
}

/// One publish: encoded once, queued for each member. Each member writes once in [`FANOUT_BATCH`].
fn fan_out(members: usize, iterations: u64) {
    let mut hub = Hub::new(RoomLimits::default());
    for index in 0..members {
        let id = SocketId::from_bytes((index as u128).to_be_bytes());
        let outbox = Rc::new(RefCell::new(Outbox::new(OutboxLimits::default())));
        let key = hub.insert(id, outbox).expect("the ids differ");
        hub.join(key, "room").expect("within the limits");
    }
    let target = Target { rooms: Names::from_slice(&["room"]), ..Target::default() };
    for iteration in 0..iterations {
        let mut out = BytesMut::new();
        write_event(Version::V3, black_box(&[7; 64]), &mut out);
        let event = out.freeze();
        let event = Frames::one(&event);
        let reached = hub.deliver(&target, None, |_, outbox: &Rc<RefCell<Outbox>>| {
            let mut outbox = outbox.borrow_mut();
            outbox
                .push_frames(Class::Normal, SessionConfig::MAX_FRAME, &event)
                .expect("there is room");
        });
        assert_eq!(reached, members);
        if (iteration + 1) % FANOUT_BATCH == 0 {
            hub.iter().for_each(|(_, outbox)| empty(&mut outbox.borrow_mut()));
        }
    }
}

fn outbound() -> Outbound<u64> {
    Outbound::new(SessionConfig::MAX_FRAME, OutboxLimits::default())
}

/// Takes what waits as a writer would, and says that all of it was written.
fn empty(outbox: &mut Outbox) {
    let bytes = outbox.queued_bytes();
    let mut batch = outbox.take().expect("something was queued");
    batch.advance(bytes);
    outbox.give_back(batch);
}

/// An event with its length prefix.
fn frame(version: Version, size: usize) -> BytesMut {
    let mut out = BytesMut::new();
    write_event(version, &vec![7; size], &mut out);
    out
}

fn write_event(version: Version, payload: &[u8], out: &mut BytesMut) {
    let value = ValueRef::Binary(payload);
    let written = match version {
        Version::V3 => v3::encode_event(EVENT, value, out),
        _ => legacy::encode(&Message::Event { event: EVENT, value }, version, 2, out),
    };
    written.expect("the name is short");
}

const EVENT: &str = "message";

/// Messages of one read or one write: what a busy connection has.
const BATCH: usize = 64;

/// Messages between two writes of a member.
const FANOUT_BATCH: u64 = 16;

const CODEC: u64 = 12_800;
const SESSION: u64 = 12_800;

const STREAM: u64 = 6400;
