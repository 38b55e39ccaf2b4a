//! One connection without sockets: an event in, an event out, a request and its answer.

use std::hint::black_box;
use std::time::Duration;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gatewire_codec::{LENGTH_PREFIX, ValueRef, v3};
use gatewire_core::Time;
use gatewire_core::session::{Class, Inbound, Incoming, Outbound, OutboxLimits, SessionConfig};

const BATCH: usize = 64;

fn empty(outbound: &mut Outbound<u32>) {
    let bytes = outbound.outbox().queued_bytes();
    let mut batch = outbound.outbox_mut().take().expect("something was queued");
    batch.advance(bytes);
    outbound.outbox_mut().give_back(batch);
}

fn session(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    let payload = [7; 128];
    let value = ValueRef::Binary(&payload);

    let mut frame = BytesMut::new();
    v3::encode_event("message", value, &mut frame).expect("a short name");
    let frame = &frame[LENGTH_PREFIX..];
    let mut inbound = Inbound::new();
    assert_eq!(inbound.handle(frame), Ok(Incoming::Event { event: "message", value }));
    group.throughput(Throughput::Elements(1));
    group.bench_function("event in, 128 B", |bencher| {
        bencher.iter(|| black_box(inbound.handle(black_box(frame)).is_ok()));
    });

    let mut outbound = Outbound::<u32>::new(SessionConfig::MAX_FRAME, OutboxLimits::default());
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("event out, 128 B", |bencher| {
        bencher.iter(|| {
            for _ in 0..BATCH {
                outbound.emit(Class::Normal, "message", black_box(value)).expect("there is room");
            }
            empty(&mut outbound);
        });
    });
    assert!(outbound.outbox().ledger().is_balanced());

    let deadline = Time::ZERO + Duration::from_secs(5);
    group.bench_function("request and its answer", |bencher| {
        bencher.iter(|| {
            let mut ids = [0; BATCH];
            for (waiter, id) in (0..).zip(&mut ids) {
                *id = outbound.request("sum", value, deadline, waiter).expect("there is room");
            }
            for (waiter, id) in (0..).zip(ids) {
                assert_eq!(outbound.answered(id), Some(waiter));
            }
            empty(&mut outbound);
        });
    });
    group.finish();
}

criterion_group!(benches, session);
criterion_main!(benches);
