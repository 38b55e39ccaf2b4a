//! A key is rotated while clients ask without a pause: no answer is lost, and nobody is cut off.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatewire::{Client, DisconnectReason, EmitError, RequestError, Server, SocketId};
use tokio::task::JoinHandle;

use super::{Folder, entry, key};
use crate::rig::{Record, build, connect, fence, record, within};

const CLIENTS: u32 = 50;

/// Clients that ask one question after the other, and count.
struct Load {
    clients: Vec<Client>,
    asking: Vec<JoinHandle<u64>>,
    stop: Arc<AtomicBool>,
    /// How often each question was handled.
    handled: Arc<Mutex<HashMap<u64, u32>>>,
    ends: Record<DisconnectReason>,
    begins: Record<SocketId>,
}

impl Load {
    async fn begin(server: &Server) -> Self {
        let handled = Arc::new(Mutex::new(HashMap::new()));
        let counted = Arc::clone(&handled);
        server.on("count", move |question: u64| {
            *counted.lock().expect("no panic").entry(question).or_insert(0) += 1;
            question
        });
        let stop = Arc::new(AtomicBool::new(false));
        let ((ended, ends), (begun, mut begins)) = (record(), record());
        let (mut clients, mut asking) = (Vec::new(), Vec::new());
        for index in 0..CLIENTS {
            let client = build(server, |builder| builder.psk("a", key(1)));
            let (ended, begun) = (ended.clone(), begun.clone());
            client.on_disconnect(move |reason| ended.note(reason.clone()));
            client.on_connect(move |id| begun.note(id));
            connect(&client).await;
            asking.push(tokio::spawn(ask(client.clone(), index, Arc::clone(&stop))));
            clients.push(client);
        }
        begins.next_many(clients.len()).await;
        Self { clients, asking, stop, handled, ends, begins }
    }

    /// All that was asked was handled once.
    async fn end(self) {
        let Self { clients, asking, stop, handled, mut ends, .. } = self;
        stop.store(true, Ordering::Relaxed);
        let mut asked = 0;
        for task in asking {
            asked += within(task).await.expect("no answer was lost");
        }
        let handled = handled.lock().expect("no panic");
        assert!(handled.values().all(|times| *times == 1));
        assert_eq!(handled.len(), usize::try_from(asked).expect("not so many"));
        assert_eq!(ends.so_far(), vec![DisconnectReason::Reconnecting; clients.len()]);
    }
}

/// How many questions were answered. One that was surely not sent is asked again.
async fn ask(client: Client, index: u32, stop: Arc<AtomicBool>) -> u64 {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let question = u64::from(index) << 32 | number;
        match client.request::<u64, _>("count", question).await {
            Ok(answer) => {
                assert_eq!(answer, question);
                number += 1;
            }
            Err(RequestError::NotSent(EmitError::NotConnected)) => tokio::task::yield_now().await,
            Err(error) => panic!("client {index}, question {number}: {error}"),
        }
    }
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_are_moved_to_a_new_key_one_by_one() {
    let folder = Folder::new();
    let server = folder.serve(&entry("a", 1), |file, builder| builder.key_file(file)).await;
    let mut load = Load::begin(&server).await;

    folder.replace(&[entry("a", 1), entry("b", 2)].concat());
    let changes = within(server.reload_keys()).await.expect("both keys");
    assert_eq!(changes.added, ["b"]);
    for client in &load.clients {
        client.set_key("b", key(2));
        client.reconnect();
        load.begins.next().await;
    }
    folder.replace(&entry("b", 2));
    let changes = within(server.reload_keys()).await.expect("the new key");
    assert_eq!(changes.removed, ["a"]);
    // Nobody has to go.
    for client in &load.clients {
        client.on_go_away(|window| panic!("asked to go within {window:?}"));
        while within(client.request::<(), _>("fence", ())).await.is_err() {}
    }
    assert!(server.sockets().iter().all(|socket| socket.key_id() == "b"));
    load.end().await;
    assert_eq!(server.counters().handshakes_failed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_whose_key_is_retired_move_by_themselves() {
    let folder = Folder::new();
    let grace = Duration::from_secs(2);
    let both = [entry("a", 1), entry("b", 2)].concat();
    let server =
        folder.serve(&both, |file, builder| builder.key_file(file).reauth_grace(grace)).await;
    let mut load = Load::begin(&server).await;
    for client in &load.clients {
        client.set_key("b", key(2));
    }
    fence(&load.clients[0]).await;
    assert!(server.sockets().iter().all(|socket| socket.key_id() == "a"));
    folder.replace(&entry("b", 2));
    within(server.reload_keys()).await.expect("the new key");
    load.begins.next_many(load.clients.len()).await;
    load.end().await;
    assert!(server.sockets().iter().all(|socket| socket.key_id() == "b"));
}
