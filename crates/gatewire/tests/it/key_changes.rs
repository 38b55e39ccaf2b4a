//! Keys that come, go and expire while the server runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewire::keys::{KeyEntry, UnixTime};
use gatewire::{Client, DisconnectReason, KeyRing, Psk, Server};

use crate::rig::{build, connect, fence, record, record_ends, serve_with, within};

fn key(byte: u8) -> Psk {
    Psk::new([byte; 32]).expect("a long key")
}

fn in_seconds(seconds: u64) -> UnixTime {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixTime::from_secs(now.as_secs() + seconds)
}

async fn dial(server: &Server, id: &str, byte: u8) -> Client {
    let client = build(server, |builder| builder.psk(id, key(byte)).no_reconnect());
    connect(&client).await;
    client
}

#[tokio::test]
async fn keys_are_replaced_without_dropping_the_sessions_of_those_that_stay() {
    let ring = KeyRing::new().with("old", key(1)).with("stays", key(2));
    let server = serve_with(|builder| builder.psk(ring)).await;
    let (old, stays) = (dial(&server, "old", 1).await, dial(&server, "stays", 2).await);
    let (told, mut goes) = record();
    for (name, client) in [("old", &old), ("stays", &stays)] {
        let told = told.clone();
        client.on_go_away(move |window| told.note((name, window)));
    }
    server.set_keys(&KeyRing::new().with("stays", key(2)).with("new", key(3)));
    assert_eq!(goes.next().await, ("old", Duration::from_secs(30)));
    fence(&stays).await;
    fence(&old).await;
    let new = dial(&server, "new", 3).await;
    fence(&new).await;
    let gone = build(&server, |builder| builder.psk("old", key(1)));
    within(gone.connect()).await.expect_err("the key is no longer there");
    goes.expect_nothing();
    within(server.close()).await;
}

#[tokio::test]
async fn a_session_whose_key_was_taken_away_is_closed_after_its_grace() {
    let server = serve_with(|builder| builder.psk(KeyRing::new().with("old", key(1)))).await;
    let mut ends = record_ends(&server);
    let client = dial(&server, "old", 1).await;
    let id = client.id().expect("connected");
    tokio::time::pause();
    server.set_keys(&KeyRing::new().with("new", key(2)));
    // The grace begins.
    fence(&client).await;
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(ends.next().await, (id, DisconnectReason::KeyExpired));
}

#[tokio::test]
async fn a_session_ends_with_the_time_of_its_key() {
    let entry = KeyEntry::new("short", key(1)).not_after(in_seconds(1000));
    let server = serve_with(|builder| builder.psk(KeyRing::new().with_entry(entry))).await;
    let mut ends = record_ends(&server);
    let client = dial(&server, "short", 1).await;
    let id = client.id().expect("connected");
    let (told, mut goes) = record();
    client.on_go_away(move |window| told.note(window));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1005)).await;
    assert_eq!(goes.next().await, Duration::from_secs(30));
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(ends.next().await, (id, DisconnectReason::KeyExpired));
}
