//! The order in which messages of a connection are handled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatewire::{Client, Socket, concurrent};
use gatewire_codec::{Message, ValueRef};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::raw::RawListener;
use crate::rig::{
    connect, dial, fence, fence_all, limits, record, record_ends, serve, serve_with, within,
};

const MANY: usize = 10_000;

fn all() -> Vec<usize> {
    (0..MANY).collect()
}

#[tokio::test]
async fn ten_thousand_events_are_handled_in_order_by_a_sync_handler() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("number", move |number: usize| seen.note(number));
    let client = dial(&server).await;
    for number in 0..MANY {
        client.emit("number", number).expect("queued");
    }
    fence(&client).await;
    assert_eq!(order.so_far(), all());
}

#[tokio::test]
async fn ten_thousand_events_are_handled_in_order_by_an_async_handler_that_yields() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("number", move |number: usize| {
        let seen = seen.clone();
        async move {
            for _ in 0..number % 3 {
                tokio::task::yield_now().await;
            }
            seen.note(number);
        }
    });
    let client = dial(&server).await;
    for number in 0..MANY {
        client.emit("number", number).expect("queued");
    }
    fence(&client).await;
    assert_eq!(order.so_far(), all());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_handles_in_order_what_is_sent_to_it_and_to_its_room() {
    let server = serve().await;
    let client = dial(&server).await;
    let (seen, mut order) = record();
    client.on("number", move |number: usize| {
        let seen = seen.clone();
        async move {
            if number.is_multiple_of(7) {
                tokio::task::yield_now().await;
            }
            seen.note(number);
        }
    });
    within(client.join("room")).await.expect("joined");
    let socket = server.sockets().pop().expect("a socket");
    for number in 0..MANY {
        match number % 3 {
            0 => server.to("room").emit("number", number),
            1 => server.emit("number", number),
            _ => socket.emit("number", number),
        }
        .expect("queued");
        if number % 1000 == 0 {
            within(socket.ready()).await.expect("connected");
        }
    }
    fence_all(&server).await;
    assert_eq!(order.so_far(), all());
}

/// Several threads queue and write at the same time: each must find its own messages in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn producers_on_several_threads_each_keep_their_order() {
    const PRODUCERS: usize = 4;

    let server = serve().await;
    let (seen, mut order) = record();
    server.on("number", move |number: usize| seen.note(number));
    let client = dial(&server).await;
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        let client = client.clone();
        producers.spawn(async move {
            for number in 0..MANY {
                client.ready().await.expect("connected");
                client.emit("number", number * PRODUCERS + producer).expect("queued");
            }
        });
    }
    while let Some(done) = within(producers.join_next()).await {
        done.expect("all is queued");
    }
    fence(&client).await;
    let order = order.so_far();
    assert_eq!(order.len(), PRODUCERS * MANY);
    for producer in 0..PRODUCERS {
        let of_this = order.iter().filter(|number| *number % PRODUCERS == producer);
        assert!(of_this.map(|number| number / PRODUCERS).eq(0..MANY), "producer {producer}");
    }
}

#[tokio::test]
async fn concurrent_handlers_overlap_up_to_their_limit() {
    const LIMIT: usize = 4;

    let server = serve().await;
    let (began, mut begins) = record();
    let gate = Arc::new(Semaphore::new(0));
    let running = Arc::new(AtomicUsize::new(0));
    let handler = {
        let gate = Arc::clone(&gate);
        move |number: usize| {
            let (began, gate, running) = (began.clone(), Arc::clone(&gate), Arc::clone(&running));
            async move {
                let at_once = running.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(at_once <= LIMIT, "{at_once} at once");
                began.note(number);
                gate.acquire().await.expect("it stays open").forget();
                running.fetch_sub(1, Ordering::SeqCst);
                number
            }
        }
    };
    server.on("work", concurrent(LIMIT, handler));
    let client = dial(&server).await;
    let mut answers = JoinSet::new();
    for number in 0..10_usize {
        let client = client.clone();
        answers.spawn(async move { client.request::<usize, _>("work", number).await });
    }
    assert_eq!(begins.next_many(LIMIT).await, [0, 1, 2, 3]);
    // A join passes by what waits: when it is confirmed all ten have arrived.
    within(client.join("room")).await.expect("joined");
    begins.expect_nothing();
    gate.add_permits(1);
    assert_eq!(begins.next().await, 4);
    begins.expect_nothing();
    gate.add_permits(9);
    let mut answered: Vec<usize> = Vec::new();
    while let Some(answer) = within(answers.join_next()).await {
        answered.push(answer.expect("no panic").expect("an answer"));
    }
    answered.sort_unstable();
    assert!(answered.into_iter().eq(0..10));
    assert_eq!(begins.so_far(), [5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn what_is_sent_to_a_room_right_after_the_join_is_received() {
    let server = serve().await;
    let client = dial(&server).await;
    let (seen, mut order) = record();
    client.on("hello", move |room: String| seen.note(room));
    for number in 0..50 {
        let room = format!("room {number}");
        let joined = client.join(&room);
        let emit = async { client.to(&room).include_self().emit("hello", &room) };
        let (joined, emitted) = within(async { tokio::join!(joined, emit) }).await;
        assert_eq!((joined, emitted), (Ok(()), Ok(())));
        let left = client.leave(&room);
        let emit = async { client.to(&room).include_self().emit("hello", "after the leave") };
        let (left, emitted) = within(async { tokio::join!(left, emit) }).await;
        assert_eq!((left, emitted), (Ok(()), Ok(())));
        fence(&client).await;
        fence_all(&server).await;
        assert_eq!(order.so_far(), [room]);
    }
}

#[tokio::test]
async fn what_a_handler_emits_arrives_before_its_answer() {
    let server = serve().await;
    server.on("work", |socket: Socket, steps: usize| async move {
        for step in 0..steps {
            socket.emit("progress", step).expect("queued");
            tokio::task::yield_now().await;
        }
        "done"
    });
    let client = dial(&server).await;
    let (seen, mut order) = record();
    client.on("progress", move |step: usize| seen.note(step));
    let answer: String = within(client.request("work", 5)).await.expect("an answer");
    assert_eq!(answer, "done");
    assert_eq!(order.so_far(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_servers_handler_survives_the_disconnect_and_so_do_the_messages_behind_it() {
    let server =
        serve_with(|builder| builder.limits(limits(|limits| limits.handler_queue = 4))).await;
    let mut ends = record_ends(&server);
    let (seen, mut order) = record();
    let (release, released) = watch::channel(false);
    server.on("number", move |number: usize| {
        let (seen, mut released) = (seen.clone(), released.clone());
        async move {
            seen.note((number, "begun"));
            released.wait_for(|released| *released).await.expect("the test goes on");
            seen.note((number, "done"));
        }
    });
    let client = dial(&server).await;
    for number in 0..3_usize {
        client.emit("number", number).expect("queued");
    }
    assert_eq!(order.next().await, (0, "begun"));
    within(client.close()).await;
    ends.next().await;
    assert!(server.is_empty());
    order.expect_nothing();
    let inbound = server.counters().inbound;
    assert_eq!((inbound.accepted, inbound.queued), (3, 3));

    release.send(true).expect("the handler runs");
    let rest = order.next_many(5).await;
    assert_eq!(rest, [(0, "done"), (1, "begun"), (1, "done"), (2, "begun"), (2, "done")]);
    crate::rig::eventually(|| server.counters().inbound.done == 3).await;
    assert!(server.counters().inbound.is_balanced());
}

#[tokio::test]
async fn a_clients_handler_survives_the_disconnect_and_so_do_the_messages_behind_it() {
    let listener = RawListener::bind().await;
    let client = Client::builder().no_reconnect().build(listener.address());
    let (seen, mut order) = record();
    let (release, released) = watch::channel(false);
    client.on("number", move |number: i64| {
        let (seen, mut released) = (seen.clone(), released.clone());
        async move {
            released.wait_for(|released| *released).await.expect("the test goes on");
            seen.note(number);
        }
    });
    let (_, mut raw) = tokio::join!(connect(&client), listener.accept(1));
    for number in 0..3 {
        let value = ValueRef::Integer(number);
        raw.send(&Message::Event { event: "number", value }).await;
    }
    drop(raw);
    within(client.closed()).await;
    order.expect_nothing();
    release.send(true).expect("the handler runs");
    assert_eq!(order.next_many(3).await, [0, 1, 2]);
    crate::rig::eventually(|| client.counters().inbound.done == 3).await;
    assert!(client.counters().inbound.is_balanced());
}
