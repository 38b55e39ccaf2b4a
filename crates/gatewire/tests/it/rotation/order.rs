//! What is emitted while a client leaves one connection for another: it comes, once, and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use gatewire::{Backoff, Client, EmitError, Server};
use tokio::runtime::Handle;

use crate::rig::{build, connect, record, serve, within};

/// How often the client leaves for another connection.
const CONNECTIONS: u32 = 100;

/// Emits events of this length, the first bytes of which are their numbers, as fast as they are taken: how many.
fn emit(client: &Client, length: usize, stop: &AtomicBool) -> u64 {
    let mut payload = vec![0; length];
    let mut number = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        payload[..8].copy_from_slice(&number.to_le_bytes());
        match client.emit("number", &payload[..]) {
            Ok(()) => number += 1,
            Err(EmitError::QueueFull) => thread::sleep(Duration::from_micros(100)),
            Err(error) => panic!("event {number}: {error:?}"),
        }
    }
    number
}

fn number_of(payload: &[u8]) -> u64 {
    u64::from_le_bytes(*payload.first_chunk().expect("8 bytes"))
}

/// All that is emitted from the first connection to the last is handled, and nothing fails.
async fn check(server: &Server, length: usize) {
    let (note, mut numbers) = record();
    server.on("number", move |payload: &[u8]| note.note(number_of(payload)));
    let client = build(server, |builder| builder.reconnect(Backoff::Fixed(Duration::ZERO)));
    let (begun, mut begins) = record();
    client.on_connect(move |_| begun.note(()));
    connect(&client).await;
    begins.next().await;
    let stop = Arc::new(AtomicBool::new(false));
    let emitting = {
        let (client, stop) = (client.clone(), Arc::clone(&stop));
        tokio::task::spawn_blocking(move || emit(&client, length, &stop))
    };
    for _ in 0..CONNECTIONS {
        // So that the next connection is used before it is left too.
        tokio::time::sleep(Duration::from_millis(1)).await;
        client.reconnect();
        begins.next().await;
    }
    stop.store(true, Ordering::Relaxed);
    let count = within(emitting).await.expect("no event fails");
    for number in 0..count {
        assert_eq!(numbers.next().await, number);
    }
    client.close().await;
    numbers.expect_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_events_lose_neither_their_order_nor_one_of_them() {
    check(&serve().await, 16).await;
}

/// A client whose queue is seldom empty, since another thread writes, leaves all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_events_lose_neither_their_order_nor_one_of_them() {
    check(&serve().await, 100_000).await;
}

/// What a server sends to a client that has left must not cost what the client sent before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_talks_on_hears_all_that_was_said() {
    let server = serve().await;
    let talking = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            while talking.load(Ordering::Relaxed) {
                for socket in server.sockets() {
                    // It may have just gone, or be behind.
                    drop(socket.emit_volatile("noise", &[0_u8; 100_000][..]));
                }
            }
        });
        // Also if it fails: the thread is waited for.
        let _silence = Silence(&talking);
        tokio::task::block_in_place(|| Handle::current().block_on(check(&server, 10_000)));
    });
}

struct Silence<'t>(&'t AtomicBool);

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
