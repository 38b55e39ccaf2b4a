//! Runs of several publishers, on several threads, to rooms whose members come, go, hang up and do not
//! read, while the server emits to the same rooms.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gatewire::{DropReason, Server};
use gatewire_codec::{Message, Names, Target, ValueRef, v3};

use crate::raw::{Raw, frame};
use crate::rig::{eventually, limits, serve_with};

/// Of each publisher, and of the server.
const COUNT: i64 = 10_000;
const PUBLISHERS: i64 = 3;
const ROOMS: [&[&str]; 2] = [&["red"], &["blue"]];

/// Whose, and which.
fn number(publisher: i64, index: i64) -> i64 {
    publisher * COUNT + index
}

async fn join(server: &Server, raw: &Raw) {
    let socket = server.socket(&raw.id()).expect("a socket");
    for room in ROOMS.concat() {
        socket.join(room).expect("joined");
    }
}

/// Publishes all its numbers, in runs that go on in the next read, alternate between the rooms, and end
/// with frames of other kinds.
async fn publish(mut raw: Raw, publisher: i64) {
    let mut write = Vec::new();
    for index in 0..COUNT {
        let room = usize::from(index % 100 >= 50);
        let rooms = Names::from_slice(ROOMS[room]);
        let target = Target { rooms, include_self: true, ..Target::default() };
        let value = ValueRef::Integer(number(publisher, index));
        write.extend(frame(&Message::Publish { request: None, target, event: "news", value }));
        if index % 37 == 0 {
            write.extend(frame(&Message::Event { event: "noted", value: ValueRef::Empty }));
        }
        if write.len() > 20_000 || index == COUNT - 1 {
            raw.write(&write).await;
            write.clear();
        }
    }
    // Its own news and nobody's answers: it stays until it has heard them all.
    hear(raw, &[publisher]).await;
}

/// Reads until each of these senders' numbers has come, in order and without a gap.
async fn hear(mut raw: Raw, senders: &[i64]) {
    let mut next = vec![0; usize::try_from(PUBLISHERS + 1).expect("few")];
    let behind = |next: &[i64]| {
        senders.iter().any(|sender| next[usize::try_from(*sender).expect("few")] < COUNT)
    };
    while behind(&next) {
        let received = raw.read().await.expect("a frame");
        let Ok(Message::Event { event: "news", value: ValueRef::Integer(found) }) =
            v3::decode(&received)
        else {
            panic!("{:?} is no news", v3::decode(&received));
        };
        let sender = usize::try_from(found / COUNT).expect("one of them");
        if senders.contains(&(found / COUNT)) {
            assert_eq!(found % COUNT, next[sender], "of {sender}");
        }
        next[sender] = found % COUNT + 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_member_hears_each_publisher_in_order_whatever_the_others_do() {
    let limits = limits(|limits| {
        // Room for all that is published, so that nobody is dropped for being slow.
        limits.outbox.max_frames = 1 << 20;
    });
    let server = serve_with(|builder| builder.limits(limits)).await;
    server.on("noted", || ());
    let everyone: Vec<i64> = (0..=PUBLISHERS).collect();

    let mut tasks = Vec::new();
    for _ in 0..3 {
        let raw = Raw::dial(server.local_addr()).await;
        join(&server, &raw).await;
        let everyone = everyone.clone();
        tasks.push(tokio::spawn(async move { hear(raw, &everyone).await }));
    }
    // One that reads nothing.
    let deaf = Raw::dial_narrow(server.local_addr()).await;
    join(&server, &deaf).await;

    let done = Arc::new(AtomicBool::new(false));
    let restless = tokio::spawn({
        let (server, done) = (server.clone(), Arc::clone(&done));
        async move {
            let mut stays = Raw::dial(server.local_addr()).await;
            while !done.load(Ordering::Relaxed) {
                // Comes and hangs up in the middle; comes and goes.
                let raw = Raw::dial(server.local_addr()).await;
                join(&server, &raw).await;
                drop(raw);
                join(&server, &stays).await;
                tokio::task::yield_now().await;
                server.socket(&stays.id()).expect("a socket").leave_all();
                stays
                    .send(&Message::Request { id: 1, event: "fence", value: ValueRef::Empty })
                    .await;
                let ack = frame(&Message::Ack { id: 1, value: ValueRef::Empty });
                while stays.read().await.expect("a frame") != ack[4..] {}
            }
        }
    });
    for publisher in 0..PUBLISHERS {
        let raw = Raw::dial(server.local_addr()).await;
        join(&server, &raw).await;
        tasks.push(tokio::spawn(publish(raw, publisher)));
    }
    let emitter = std::thread::spawn({
        let server = server.clone();
        move || {
            for index in 0..COUNT {
                server.to("red").emit("news", number(PUBLISHERS, index)).expect("sent");
            }
        }
    });
    for task in tasks {
        task.await.expect("no panic");
    }
    done.store(true, Ordering::Relaxed);
    restless.await.expect("no panic");
    emitter.join().expect("no panic");

    drop(deaf);
    eventually(|| server.is_empty()).await;
    eventually(|| server.counters().outbound.queued == 0).await;
    let outbound = server.counters().outbound;
    assert!(outbound.is_balanced(), "{outbound:?}");
    assert_eq!(outbound.dropped_total(), outbound.dropped(DropReason::Disconnected));
    let inbound = server.counters().inbound;
    assert!(inbound.is_balanced() && inbound.dropped_total() == 0, "{inbound:?}");
}
