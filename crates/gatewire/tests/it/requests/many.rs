//! Many requests at once.

use std::time::Duration;

use gatewire::{Client, Server, Socket};
use tokio::task::JoinSet;

use crate::rig::{dial, serve, within};

async fn serve_squares() -> Server {
    let server = serve().await;
    server.on("square", |number: i64| number * number);
    server.on("square slowly", async |number: i64| {
        for _ in 0..number % 4 {
            tokio::task::yield_now().await;
        }
        number * number
    });
    server
}

/// All of them are asked before the first is answered, and each gets its own answer.
async fn ask_at_once(client: &Client, event: &'static str, count: i64) {
    let mut asked = JoinSet::new();
    for number in 0..count {
        let client = client.clone();
        asked.spawn(async move {
            let answer = client.request::<i64, _>(event, number).timeout(Duration::from_secs(9));
            assert_eq!(answer.await, Ok(number * number));
        });
    }
    while let Some(answered) = within(asked.join_next()).await {
        answered.expect("an answer for each");
    }
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_each_answered() {
    let server = serve_squares().await;
    let client = dial(&server).await;
    ask_at_once(&client, "square", 1000).await;
    ask_at_once(&client, "square slowly", 1000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_on_several_threads_are_each_answered() {
    let server = serve_squares().await;
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let client = dial(&server).await;
        clients.spawn(async move {
            ask_at_once(&client, "square", 500).await;
            ask_at_once(&client, "square slowly", 500).await;
            client.close().await;
        });
    }
    while let Some(done) = within(clients.join_next()).await {
        done.expect("an answer for each");
    }
    server.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_sides_ask_at_the_same_time() {
    let server = serve_squares().await;
    let client = dial(&server).await;
    client.on("square", |number: i64| number * number);
    let socket: Socket = server.sockets().pop().expect("a socket");
    let mut asked = JoinSet::new();
    for number in 0..1000_i64 {
        let (client, socket) = (client.clone(), socket.clone());
        asked.spawn(async move {
            let (up, down) = tokio::join!(
                client.request::<i64, _>("square", number),
                socket.request::<i64, _>("square", number)
            );
            assert_eq!((up, down), (Ok(number * number), Ok(number * number)));
        });
    }
    while let Some(done) = within(asked.join_next()).await {
        done.expect("an answer for each");
    }
}

/// A lone request is written at once and one among many with the others: neither may be forgotten
/// by the task that writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_one_after_the_other_from_several_threads_are_each_answered() {
    let server = serve_squares().await;
    let client = dial(&server).await;
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let client = client.clone();
        tasks.spawn(async move {
            for number in 0..500_i64 {
                assert_eq!(client.request::<i64, _>("square", number).await, Ok(number * number));
            }
        });
    }
    while let Some(done) = within(tasks.join_next()).await {
        done.expect("an answer for each");
    }
}
