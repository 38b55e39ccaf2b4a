//! Who gets in, and when it is there.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use gatewire::{RequestError, Server};
use tokio::task::JoinSet;

use crate::raw::Raw;
use crate::rig::{
    build, connect, dial, eventually, fence, limits, record, serve, serve_with, within,
};

/// Whoever knows that it is connected is known to the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_is_connected_can_be_reached_at_once() {
    let server = serve().await;
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let server = server.clone();
        clients.spawn(async move {
            for _ in 0..40 {
                let client = build(&server, |builder| builder);
                let (seen, mut news) = record();
                client.on("news", move |number: u64| seen.note(number));
                let id = connect(&client).await;
                let socket = server.socket(&id).expect("the socket is there");
                assert_eq!(socket.id(), id);
                server.to_socket(id).emit("news", 1).expect("sent");
                socket.emit("news", 2).expect("sent");
                assert_eq!(news.next_many(2).await, [1, 2]);
                client.close().await;
                assert_eq!(server.socket(&id), None);
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.expect("each client was reached");
    }
    eventually(|| server.is_empty()).await;
    within(server.close()).await;
    let counters = server.counters();
    assert_eq!((counters.connections, counters.rooms, counters.handshakes_failed), (0, 0, 0));
    assert!(counters.inbound.is_balanced() && counters.outbound.is_balanced(), "{counters:?}");
    // Nothing but the two events for each of the 320.
    assert_eq!((counters.outbound.accepted, counters.outbound.done), (640, 640));
}

#[tokio::test]
async fn the_first_byte_has_no_more_time_than_the_whole_handshake() {
    let limits = limits(|limits| {
        limits.first_byte_timeout = Duration::from_secs(3600);
        limits.handshake_timeout = Duration::from_millis(50);
    });
    let server = serve_with(|builder| builder.limits(limits)).await;
    Raw::connect(server.local_addr()).await.expect_end().await;
    eventually(|| server.counters().handshakes_failed == 1).await;
}

#[tokio::test]
async fn a_server_listens_on_several_addresses() {
    let server = Server::builder().build();
    server.on("port", |socket: gatewire::Socket, (): ()| socket.peer_addr().port());
    let first = server.listen("127.0.0.1:0").await.expect("a free port");
    let second = server.listen("127.0.0.1:0").await.expect("a free port");
    assert_ne!(first, second);
    assert_eq!(server.local_addr(), first);
    for address in [first, second] {
        let client = gatewire::Client::builder().connect(address).await.expect("a connection");
        let port: u16 = within(client.request("port", ())).await.expect("an answer");
        assert_ne!(port, address.port());
    }
    assert_eq!(server.len(), 2);
    within(server.close()).await;
    assert!(server.listen("127.0.0.1:0").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_come_and_go_leave_nothing_behind() {
    let server = serve().await;
    server.on_connect(async |socket| {
        socket.join("everyone").expect("a good name");
    });
    let mut clients = JoinSet::new();
    for number in 0..100 {
        let server = server.clone();
        clients.spawn(async move {
            let client = dial(&server).await;
            within(client.join(&format!("room {}", number % 7))).await.expect("joined");
            client.to("everyone").emit("news", number).expect("queued");
            if number % 3 == 0 {
                // Goes without a word.
                return;
            }
            fence(&client).await;
            client.close().await;
        });
    }
    while let Some(done) = clients.join_next().await {
        done.expect("no panic");
    }
    assert!(clients.join_next().now_or_never().is_some());
    for socket in server.sockets() {
        socket.disconnect();
    }
    eventually(|| server.is_empty()).await;
    assert_eq!(server.counters().rooms, 0);
    within(server.close()).await;
    let counters = server.counters();
    assert_eq!(
        (counters.connections, counters.inbound.queued, counters.outbound.queued),
        (0, 0, 0)
    );
    assert!(counters.inbound.is_balanced() && counters.outbound.is_balanced(), "{counters:?}");
}

/// The closures of a socket's handlers live as long as the socket does.
#[tokio::test]
async fn nothing_of_a_gone_socket_or_client_is_kept() {
    let token = Arc::new(());
    let server = serve().await;
    let of_socket = Arc::clone(&token);
    server.on_connect(move |socket| {
        let token = Arc::clone(&of_socket);
        socket.on("hold", move || drop(Arc::clone(&token)));
        std::future::ready(())
    });
    let asker = dial(&server).await;
    let client = dial(&server).await;
    let of_client = Arc::clone(&token);
    client.on("hold", move || drop(Arc::clone(&of_client)));
    client.on("wait", std::future::pending::<()>);
    within(client.join("room")).await.expect("joined");
    // The token here, in `on_connect`, in two sockets and in a client.
    eventually(|| Arc::strong_count(&token) == 5).await;

    // Somebody waits for an answer of it, and there is something queued for it.
    let id = client.id().expect("connected");
    let to_client = asker.to_socket(id);
    let asked = to_client.request::<(), _>("wait", ());
    let close = async {
        fence(&asker).await;
        client.close().await;
    };
    let (answer, ()) = within(async { tokio::join!(asked, close) }).await;
    assert_eq!(answer, Err(RequestError::MaybeDelivered));
    eventually(|| Arc::strong_count(&token) == 4).await;
    drop(client);
    // Its handler still waits, and is never done: that is all that is left of it.
    assert_eq!(Arc::strong_count(&token), 4);
    asker.close().await;
    eventually(|| Arc::strong_count(&token) == 3).await;
}
