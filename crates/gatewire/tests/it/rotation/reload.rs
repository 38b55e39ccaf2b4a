//! Key files that are read again because somebody says so.

use std::fs;
use std::io;
use std::time::Duration;

use gatewire::keys::{KeysError, KeysFault};
use gatewire::{Client, ConnectError, KeyRing, Server};

use super::{Folder, entry, key};
use crate::rig::{build, connect, fence, record, serve, serve_with, within};

async fn dial(server: &Server, id: &str, byte: u8) -> Client {
    let client = build(server, |builder| builder.psk(id, key(byte)).no_reconnect());
    connect(&client).await;
    client
}

async fn try_dial(server: &Server, id: &str, byte: u8) -> Result<(), ConnectError> {
    let client = build(server, |builder| builder.psk(id, key(byte)).no_reconnect());
    within(client.connect()).await
}

async fn fault(server: &Server) -> KeysFault {
    *within(server.reload_keys()).await.expect_err("not taken").fault()
}

#[tokio::test]
async fn the_keys_of_the_file_are_those_of_the_moment() {
    let folder = Folder::new();
    let text = [entry("goes", 1), entry("stays", 2), entry("changes", 3)].concat();
    let server = folder.serve(&text, |file, builder| builder.key_file(file)).await;
    let (told, mut goes) = record();
    let mut clients = Vec::new();
    for (id, byte) in [("goes", 1), ("stays", 2), ("changes", 3)] {
        let client = dial(&server, id, byte).await;
        let told = told.clone();
        client.on_go_away(move |window| told.note((id, window)));
        clients.push(client);
    }

    folder.replace(&[entry("comes", 4), entry("stays", 2), entry("changes", 5)].concat());
    let changes = within(server.reload_keys()).await.expect("a key file");
    assert_eq!((&*changes.added, &*changes.removed), (&["comes".into()][..], &["goes".into()][..]));
    assert_eq!(changes.changed, ["changes"]);

    let grace = Duration::from_secs(30);
    let mut asked = goes.next_many(2).await;
    asked.sort_unstable();
    assert_eq!(asked, [("changes", grace), ("goes", grace)]);
    for client in &clients {
        fence(client).await;
    }
    goes.expect_nothing();
    dial(&server, "comes", 4).await;
    dial(&server, "changes", 5).await;
    for (id, byte) in [("goes", 1), ("changes", 3)] {
        try_dial(&server, id, byte).await.expect_err("this key is no more");
    }
    assert!(within(server.reload_keys()).await.expect("a key file").is_empty());
}

/// Whatever becomes of the file, the server is never without keys, and so open to all.
#[tokio::test]
async fn a_file_that_cannot_be_taken_leaves_the_keys_as_they_are() {
    let folder = Folder::new();
    let server = folder.serve(&entry("one", 1), |file, builder| builder.key_file(file)).await;
    let (told, mut faults) = record();
    server.on_keys_reloaded(move |taken| told.note(taken.cloned().map_err(KeysError::clone)));
    let session = dial(&server, "one", 1).await;

    let secret = "c0ffee".repeat(11);
    let broken = format!("{}[[key]]\nid = \"two\"\nsecret = \"{secret}", entry("one", 1));
    for (text, expected) in [
        (&*broken, KeysFault::Syntax),
        ("", KeysFault::NoKeys),
        ("# nothing yet\n", KeysFault::NoKeys),
        ("[[key]]\nid = \"one\"\n", KeysFault::NotOneSecret),
    ] {
        folder.replace(text);
        assert_eq!(fault(&server).await, expected);
        let shown = format!("{:?}", faults.next().await);
        assert!(shown.contains("KeysError") && !shown.contains("c0ffee"), "{shown}");
    }
    fs::remove_file(folder.keys()).expect("it was there");
    assert_eq!(fault(&server).await, KeysFault::Unreadable(io::ErrorKind::NotFound));
    assert_eq!(server.counters().key_reloads_failed, 5);

    fence(&session).await;
    dial(&server, "one", 1).await;
    let open = build(&server, |builder| builder.plain().no_reconnect());
    within(open.connect()).await.expect_err("not open");
    folder.replace(&entry("two", 2));
    within(server.reload_keys()).await.expect("a key file");
    dial(&server, "two", 2).await;
}

#[tokio::test]
async fn a_server_without_a_key_file_says_so() {
    let server = serve_with(|builder| builder.psk(KeyRing::new().with("one", key(1)))).await;
    assert_eq!(fault(&server).await, KeysFault::NoKeyFile);
    dial(&server, "one", 1).await;
    assert_eq!(fault(&serve().await).await, KeysFault::NoKeyFile);
}

/// A handler of a signal may tell others from the closure, and read again.
#[tokio::test]
async fn keys_may_be_read_again_while_they_are() {
    let folder = Folder::new();
    let server = folder.serve(&entry("one", 1), |file, builder| builder.key_file(file)).await;
    let (told, mut taken) = record();
    let server_again = server.clone();
    server.on_keys_reloaded(move |_| {
        let (server, told) = (server_again.clone(), told.clone());
        told.note(server.counters().key_reloads_failed);
    });
    folder.replace(&entry("two", 2));
    let (one, two) =
        within(async { tokio::join!(server.reload_keys(), server.reload_keys()) }).await;
    let changed = [one, two]
        .into_iter()
        .filter(|taken| taken.as_ref().is_ok_and(|changes| !changes.is_empty()));
    assert_eq!(changed.count(), 1);
    assert_eq!(taken.next_many(2).await, [0, 0]);
    dial(&server, "two", 2).await;
}
