//! In both directions what came is what was done, dropped for a reason, or waits.

use std::sync::Arc;

use gatewire::{Client, Counters, DropReason, RequestError, Server};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::rig::{build, connect, dial, fence, fence_all, record, serve, within};

#[track_caller]
fn expect_balanced(counters: &Counters) {
    assert!(counters.inbound.is_balanced(), "{counters:?}");
    assert!(counters.outbound.is_balanced(), "{counters:?}");
}

async fn serve_all_sorts() -> Server {
    let server = serve().await;
    server.on_error(|_, _| {});
    server.on("sync", |_: i64| {});
    server.on("async", async |_: i64| tokio::task::yield_now().await);
    server.on("panic", || -> () { panic!("on purpose") });
    server
}

/// A mixed run whose every message is known: the counters of both sides must tell the same.
#[tokio::test]
async fn counters_equal_what_was_sent_and_received() {
    const CLIENTS: u64 = 4;

    let server = serve_all_sorts().await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let client = build(&server, |builder| builder);
        client.on("news", |_: i64| {});
        client.on("ask", |number: i64| number);
        client.on_error(|_| {});
        connect(&client).await;
        clients.push(client);
    }
    for client in &clients {
        within(client.join("room")).await.expect("joined");
    }
    for client in &clients {
        for number in 0..50_i64 {
            client.emit("sync", number).expect("queued");
            client.emit("async", number).expect("queued");
        }
        for _ in 0..3 {
            client.emit("sync", "no number").expect("queued");
            client.emit("panic", ()).expect("queued");
            client.emit("nobody", ()).expect("queued");
        }
        let asked = within(client.request::<(), _>("nobody", ())).await;
        assert_eq!(asked, Err(RequestError::NoHandler));
        let asked = within(client.request::<(), _>("panic", ())).await;
        assert_eq!(asked, Err(RequestError::Panicked));
        // To the three others.
        client.to("room").emit("news", 1).expect("queued");
        client.broadcast().emit("news", "no number").expect("queued");
        fence(client).await;
    }
    server.emit("news", 2).expect("sent");
    server.to("room").emit("nobody", ()).expect("sent");
    for socket in server.sockets() {
        let answer = within(socket.request::<i64, _>("ask", 7)).await;
        assert_eq!(answer, Ok(7));
    }
    let own = clients[1].id().expect("connected");
    let asked = within(clients[0].to_socket(own).request::<i64, _>("ask", 8)).await;
    assert_eq!(asked, Ok(8));
    for client in &clients {
        within(client.close()).await;
    }
    within(server.close()).await;

    let counters = server.counters();
    expect_balanced(&counters);
    assert_eq!(counters.handler_panics, CLIENTS * 4);
    // 100 good events, 9 bad ones, 3 requests.
    assert_eq!(counters.inbound.accepted, CLIENTS * 112);
    assert_eq!(counters.inbound.done, CLIENTS * 101);
    assert_eq!(counters.inbound.dropped(DropReason::Decode), CLIENTS * 3);
    assert_eq!(counters.inbound.dropped(DropReason::Panicked), CLIENTS * 4);
    assert_eq!(counters.inbound.dropped(DropReason::NoHandler), CLIENTS * 4);
    // For each: the answers to a join and three requests, twice three events from the others, two
    // events and a question from the server. And one question from a client, and its answer.
    assert_eq!(counters.outbound.accepted, CLIENTS * (4 + 6 + 3) + 2);
    assert_eq!(counters.outbound.done, counters.outbound.accepted);

    let mut all = Counters::default();
    for client in &clients {
        let counters = client.counters();
        expect_balanced(&counters);
        all.inbound += counters.inbound;
        all.outbound += counters.outbound;
    }
    // Six events from others, two from the server, and its question; one was asked once more.
    assert_eq!(all.inbound.accepted, CLIENTS * 9 + 1);
    assert_eq!(all.inbound.dropped(DropReason::Decode), CLIENTS * 3);
    assert_eq!(all.inbound.dropped(DropReason::NoHandler), CLIENTS);
    assert_eq!(all.inbound.done, CLIENTS * 5 + 1);
    // What the server got, a join and two that it passed on, the answer to its question, and the
    // close. And one question to another client, and its answer.
    assert_eq!(all.outbound.done, CLIENTS * (112 + 3 + 1 + 1) + 2);
}

/// The sum is right at every moment, whatever other threads do.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_counters_are_balanced_at_every_moment() {
    let server = serve_all_sorts().await;
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let server = server.clone();
        clients.spawn(async move {
            for _ in 0..5 {
                let client = dial(&server).await;
                client.on("news", async |_: i64| tokio::task::yield_now().await);
                within(client.join("room")).await.expect("joined");
                for number in 0..200_i64 {
                    client.emit("sync", number).expect("queued");
                    client.emit("async", number).expect("queued");
                    client.to("room").emit("news", number).expect("queued");
                }
                fence(&client).await;
                expect_balanced(&client.counters());
                client.close().await;
            }
        });
    }
    let sampled = tokio::spawn({
        let server = server.clone();
        async move {
            let mut samples = 0;
            while samples < 2000 {
                expect_balanced(&server.counters());
                samples += 1;
                tokio::task::yield_now().await;
            }
        }
    });
    while let Some(done) = within(clients.join_next()).await {
        done.expect("no panic");
    }
    within(sampled).await.expect("balanced");
    within(server.close()).await;
    let counters = server.counters();
    expect_balanced(&counters);
    assert_eq!(counters.inbound.done, 4 * 5 * 401);
    assert_eq!(counters.outbound.queued, 0);
}

/// What a connection did not get any more is not lost from the account.
#[tokio::test]
async fn what_a_lost_client_did_not_get_is_counted_as_dropped() {
    let server = serve().await;
    let raw = crate::raw::Raw::dial_narrow(server.local_addr()).await;
    let (ended, mut ends) = record();
    server.on_disconnect(move |_, reason| {
        ended.note(reason);
        std::future::ready(())
    });
    let socket = server.socket(&raw.id()).expect("a socket");
    let block = vec![0; 60_000];
    // More than two kernels take.
    let mut emitted = 0;
    while socket.queued_bytes() < 1 << 20 {
        socket.emit("block", &block).expect("queued");
        emitted += 1;
        tokio::task::yield_now().await;
    }
    let waiting = server.counters().outbound.queued;
    assert!(waiting >= 16, "{waiting}");
    drop(raw);
    ends.next().await;
    let outbound = server.counters().outbound;
    assert!(outbound.is_balanced(), "{outbound:?}");
    assert_eq!((outbound.accepted, outbound.queued), (emitted, 0));
    assert!(outbound.dropped(DropReason::Disconnected) >= 16, "{outbound:?}");
}

/// Sockets that left the hub together and are kept by their last handlers are counted meanwhile, and
/// once each.
#[tokio::test]
async fn those_who_leave_together_stay_in_the_account() {
    const CLIENTS: usize = 50;

    let server = serve().await;
    server.on("news", |_: i64| {});
    let release = Arc::new(Semaphore::new(0));
    let (ended, mut ends) = record();
    server.on_disconnect({
        let release = Arc::clone(&release);
        move |_, _| {
            let (release, ended) = (Arc::clone(&release), ended.clone());
            async move {
                ended.note(());
                release.acquire().await.expect("open").forget();
            }
        }
    });
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let client = dial(&server).await;
        client.emit("news", i64::try_from(number).expect("small")).expect("queued");
        fence(&client).await;
        clients.push(client);
    }
    let before = server.counters().inbound;
    for client in &clients {
        within(client.close()).await;
    }
    ends.next_many(CLIENTS).await;
    assert!(server.is_empty());
    assert_eq!(server.counters().inbound, before);
    for _ in 0..CLIENTS {
        release.add_permits(1);
        tokio::task::yield_now().await;
        assert_eq!(server.counters().inbound, before);
    }
    within(server.close()).await;
    assert_eq!(server.counters().inbound, before);
    expect_balanced(&server.counters());
}

/// A client's counters are those of all its clones.
#[tokio::test]
async fn clones_are_the_same_client() {
    let server = serve().await;
    let client: Client = dial(&server).await;
    let clone = client.clone();
    client.emit("one", ()).expect("queued");
    clone.emit("two", ()).expect("queued");
    fence(&clone).await;
    fence_all(&server).await;
    assert_eq!(client.id(), clone.id());
    assert_eq!(client.counters().outbound, clone.counters().outbound);
    clone.close().await;
    assert!(!client.is_connected());
    assert_eq!(client.counters().outbound.accepted, 5);
}
