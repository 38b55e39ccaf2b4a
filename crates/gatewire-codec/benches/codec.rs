//! What one message costs: nanoseconds to encode it, to decode it and to cut it off a stream.
//!
//! An event `message` with a binary payload, in each wire version. Encoding appends to a buffer
//! that keeps its memory; decoding borrows the frame.

use std::hint::black_box;
use std::time::Duration;

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gatewire_codec::legacy::{self, Packet};
use gatewire_codec::{Framer, LENGTH_PREFIX, Message, ValueRef, Version, split_frame, v3};

const VERSIONS: [Version; 3] = [Version::V1, Version::V2, Version::V3];
const SIZES: [usize; 3] = [16, 128, 1024];
/// About what one read of a busy socket brings.
const BATCH: usize = 64;
const LIMIT: u32 = 1 << 20;

fn encode(message: &Message<'_>, version: Version, out: &mut BytesMut) {
    let written = match version {
        Version::V3 => v3::encode(message, out),
        _ => legacy::encode(message, version, 2, out),
    };
    written.expect("the message fits");
}

fn decode(frame: &[u8], version: Version) -> Message<'_> {
    let message = match version {
        Version::V3 => v3::decode(frame),
        _ => Packet::decode_as(version, frame).and_then(|packet| packet.to_message()),
    };
    message.expect("the frame is good")
}

fn encode_and_decode(criterion: &mut Criterion) {
    for version in VERSIONS {
        for size in SIZES {
            let payload = vec![0xa5; size];
            let message = Message::Event { event: "message", value: ValueRef::Binary(&payload) };
            let mut out = BytesMut::with_capacity(4096);
            encode(&message, version, &mut out);
            let frame = out.split_off(LENGTH_PREFIX).freeze();
            assert_eq!(decode(&frame, version), message);

            let mut group = criterion.benchmark_group(format!("{version:?}"));
            group.throughput(Throughput::Elements(1));
            let mut out = BytesMut::with_capacity(4096);
            group.bench_function(BenchmarkId::new("encode", size), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    encode(black_box(&message), version, &mut out);
                    black_box(out.len())
                });
            });
            group.bench_function(BenchmarkId::new("decode", size), |bencher| {
                bencher.iter(|| black_box(decode(black_box(&frame), version)));
            });
            group.finish();
        }
    }
}

/// A batch of frames of version 3, from the read buffer to messages.
fn cut(criterion: &mut Criterion) {
    for size in SIZES {
        let payload = vec![0xa5; size];
        let message = Message::Event { event: "message", value: ValueRef::Binary(&payload) };
        let mut stream = BytesMut::new();
        for _ in 0..BATCH {
            encode(&message, Version::V3, &mut stream);
        }
        assert_eq!((split_all(&stream, &message), frame_all(&stream, &message)), (BATCH, BATCH));

        let mut group = criterion.benchmark_group("stream");
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(BenchmarkId::new("split_frame", size), |bencher| {
            bencher.iter(|| black_box(split_all(black_box(&stream), &message)));
        });
        group.bench_function(BenchmarkId::new("copy+Framer", size), |bencher| {
            bencher.iter(|| black_box(frame_all(black_box(&stream), &message)));
        });
        group.finish();
    }
}

fn split_all(stream: &[u8], expected: &Message<'_>) -> usize {
    let mut found = 0;
    let mut rest = stream;
    while let Some((frame, behind)) = split_frame(rest, LIMIT).expect("in step") {
        found += usize::from(decode(frame, Version::V3).kind() == expected.kind());
        rest = behind;
    }
    found
}

/// Includes the copy into the buffer, which a socket's read would make.
fn frame_all(stream: &[u8], expected: &Message<'_>) -> usize {
    let mut found = 0;
    let mut buffer = BytesMut::from(stream);
    let mut framer = Framer::new(LIMIT);
    while let Some(frame) = framer.next_frame(&mut buffer).expect("in step") {
        found += usize::from(decode(&frame, Version::V3).kind() == expected.kind());
    }
    found
}

criterion_group! {
    name = benches;
    // Half a minute in all; the figures are far apart.
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = encode_and_decode, cut
}
criterion_main!(benches);
