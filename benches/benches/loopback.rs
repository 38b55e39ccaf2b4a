//! The facade over loopback, server and client in one process: a first look, no claim. Load benches
//! with separate processes come with the comparison against other systems.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gatewire::{Client, Server};
use tokio::runtime::Runtime;

const EVENTS: u64 = 10_000;

fn loopback(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let received = Arc::new(AtomicU64::new(0));
    let (server, client) = runtime.block_on(async {
        let server = Server::builder().bind("127.0.0.1:0").await.expect("a free port");
        let counter = Arc::clone(&received);
        server.on("message", move |payload: Bytes| {
            counter.fetch_add(payload.len() as u64, Ordering::Relaxed);
        });
        server.on("next", |number: i64| number + 1);
        let client = Client::builder().connect(server.local_addr()).await.expect("a connection");
        (server, client)
    });

    let mut group = criterion.benchmark_group("loopback");
    group.throughput(Throughput::Elements(1));
    group.bench_function("request and its answer", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let answer: i64 = client.request("next", 41).await.expect("an answer");
            assert_eq!(answer, 42);
        });
    });

    let payload = Bytes::from_static(&[7; 128]);
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("events client to server, 128 B", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let before = received.load(Ordering::Relaxed);
            for index in 0..EVENTS {
                client.emit("message", &payload).expect("there is room");
                if index % 256 == 0 {
                    client.ready().await.expect("connected");
                }
            }
            // Answered after all of them were handled: order.
            let _: i64 = client.request("next", 0).await.expect("an answer");
            let bytes = received.load(Ordering::Relaxed) - before;
            assert_eq!(bytes, EVENTS * payload.len() as u64, "each one arrived");
        });
    });
    group.finish();
    runtime.block_on(async {
        client.close().await;
        server.close().await;
    });
}

criterion_group!(benches, loopback);
criterion_main!(benches);
