//! Streams that nobody reads: they wait, and hold nothing else up.

use gatewire::{Client, RequestError, Server, StreamError};

use super::kit::{Pump, UNREAD, close_and_balance, gated_reader};
use crate::rig::{Recorder, dial, record, serve, within};

const LENGTH: usize = 2 << 20;

/// The most streams of one connection whose readers have not ended.
const MOST: usize = 128;

/// Answers a question, and notes an event.
fn add_one(note: Recorder<i64>) -> (impl Fn(i64) -> i64, impl Fn(i64)) {
    (|number| number + 1, move |number| note.note(number))
}

/// Events and questions in both directions.
async fn talk(server: &Server, client: &Client) {
    let (note, mut seen) = record();
    let (add, hear) = add_one(note.clone());
    let ids = [server.on("add", add), server.on("hear", hear)];
    let (add, hear) = add_one(note);
    let client_ids = [client.on("add", add), client.on("hear", hear)];
    let socket = server.sockets().pop().expect("a socket");
    for number in 0..20 {
        client.emit("hear", number).expect("queued");
        socket.emit("hear", number).expect("queued");
        assert_eq!(within(client.request::<i64, _>("add", number)).await, Ok(number + 1));
        assert_eq!(within(socket.request::<i64, _>("add", number)).await, Ok(number + 1));
        assert_eq!(seen.so_far(), [number; 2]);
    }
    assert!(ids.into_iter().all(|id| server.off(id)));
    assert!(client_ids.into_iter().all(|id| client.off(id)));
}

#[tokio::test]
async fn a_client_whose_stream_is_not_read_stops_at_the_credit_and_all_else_goes_on() {
    let server = serve().await;
    let client = dial(&server).await;
    let (handler, _, gate) = gated_reader();
    server.on("file", handler);
    let pump = Pump::start(client.stream("file", ()).await.expect("opened"), LENGTH);
    pump.wait_until_stopped().await;
    talk(&server, &client).await;
    assert_eq!(pump.sent(), UNREAD);
    gate.open();
    assert_eq!(pump.end().await, Ok(LENGTH as u64));
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn a_server_whose_stream_is_not_read_stops_at_the_credit_and_all_else_goes_on() {
    let server = serve().await;
    let client = dial(&server).await;
    let (handler, _, gate) = gated_reader();
    client.on("file", handler);
    let socket = server.sockets().pop().expect("a socket");
    let pump = Pump::start(socket.stream("file", ()).await.expect("opened"), LENGTH);
    pump.wait_until_stopped().await;
    talk(&server, &client).await;
    assert_eq!(pump.sent(), UNREAD);
    gate.open();
    assert_eq!(pump.end().await, Ok(LENGTH as u64));
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn as_many_streams_as_may_be_open_wait_unread_and_one_more_is_refused() {
    let server = serve().await;
    let client = dial(&server).await;
    let (handler, _, gate) = gated_reader();
    server.on("file", handler);
    let mut pumps = Vec::new();
    for _ in 0..MOST {
        pumps.push(Pump::start(client.stream("file", ()).await.expect("opened"), UNREAD + 1));
    }
    for pump in &pumps {
        pump.wait_until_stopped().await;
    }
    talk(&server, &client).await;
    let refused = Pump::start(client.stream("file", ()).await.expect("opened"), LENGTH);
    assert_eq!(refused.end().await, Err(StreamError::Refused(RequestError::Busy)));
    // The other direction has places of its own.
    let (handler, _, other_gate) = gated_reader();
    client.on("file", handler);
    other_gate.open();
    let socket = server.sockets().pop().expect("a socket");
    let back = Pump::start(socket.stream("file", ()).await.expect("opened"), LENGTH);
    assert_eq!(back.end().await, Ok(LENGTH as u64));
    gate.open();
    for pump in pumps {
        assert_eq!(pump.end().await, Ok(UNREAD as u64 + 1));
    }
    close_and_balance(&server, &[&client]).await;
}

/// Who hears that a stream has ended may open the next, also when all places were taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_place_of_a_stream_is_free_when_its_answer_comes() {
    let server = serve().await;
    let client = dial(&server).await;
    let (handler, _, gate) = gated_reader();
    server.on("held", handler);
    let (handler, _, open) = gated_reader();
    open.open();
    server.on("file", handler);
    let mut held = Vec::new();
    for _ in 0..MOST - 1 {
        held.push(client.stream("held", ()).await.expect("opened"));
    }
    for _ in 0..500 {
        let stream = client.stream("file", ()).await.expect("opened");
        assert_eq!(within(stream.finish::<u64>()).await, Ok(0));
    }
    gate.open();
    for stream in held {
        assert_eq!(within(stream.finish::<u64>()).await, Ok(0));
    }
    close_and_balance(&server, &[&client]).await;
}

/// A stream that is passed on costs its sender's place, and the receiver's.
#[tokio::test]
async fn a_stream_to_a_socket_that_does_not_read_stops_too() {
    let server = serve().await;
    let (sender, receiver) = (dial(&server).await, dial(&server).await);
    let (handler, _, gate) = gated_reader();
    receiver.on("file", handler);
    let id = receiver.id().expect("up");
    let stream = sender.to_socket(id).stream("file", ()).await.expect("opened");
    let pump = Pump::start(stream, 4 << 20);
    // What the server holds, besides the ends: so far it lets a sender be ahead.
    let most = UNREAD + (1 << 20);
    crate::rig::eventually(|| pump.sent() >= 1 << 20).await;
    for _ in 0..20 {
        assert_eq!(within(sender.request::<(), _>("fence", ())).await, Ok(()));
        let to = sender.to_socket(id);
        assert_eq!(within(to.request::<(), _>("fence", ())).await, Ok(()));
        assert!(pump.sent() <= most, "{}", pump.sent());
    }
    gate.open();
    assert_eq!(pump.end().await, Ok(4 << 20));
    close_and_balance(&server, &[&sender, &receiver]).await;
}
