//! Keys that come, go and expire while the server runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewire::keys::{KeyEntry, Permissions, Profile, Roles, UnixTime};
use gatewire::{Client, DisconnectReason, GoAwayCode, KeyRing, Psk, Server};
use gatewire_codec::v3::handshake::{Extensions, Role};
use gatewire_codec::{Message, v3};
use gatewire_core::handshake::{ChannelBinding, DiallerConfig};

use crate::raw::Raw;
use crate::rig::{Record, build, connect, fence, record, record_ends, serve_with, within};

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

/// Who is asked to authenticate anew.
fn record_asked<'c>(
    clients: impl IntoIterator<Item = (&'static str, &'c Client)>,
) -> Record<&'static str> {
    let (told, asked) = record();
    for (name, client) in clients {
        let told = told.clone();
        client.on_go_away(move |_| told.note(name));
    }
    asked
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

/// Whoever replaces a secret that has leaked, or takes a permission away, does not want to wait until the thief
/// hangs up.
#[tokio::test]
async fn a_session_does_not_keep_what_its_key_no_longer_gives() {
    let entry = |id, byte| KeyEntry::new(id, key(byte));
    let ring = |secret, permissions: Permissions| {
        KeyRing::new()
            .with_entry(entry("leaked", secret))
            .with_entry(entry("trusted", 2).permissions(permissions))
            .with_entry(entry("same", 3))
    };
    let server = serve_with(|builder| builder.psk(ring(1, Permissions::open()))).await;
    let leaked = dial(&server, "leaked", 1).await;
    let trusted = dial(&server, "trusted", 2).await;
    let same = dial(&server, "same", 3).await;
    let mut asked = record_asked([("leaked", &leaked), ("trusted", &trusted), ("same", &same)]);
    server.set_keys(&ring(9, Profile::Restricted.into()));
    for client in [&leaked, &trusted, &same] {
        fence(client).await;
    }
    let mut found = asked.so_far();
    found.sort_unstable();
    assert_eq!(found, ["leaked", "trusted"]);
}

#[tokio::test]
async fn a_client_goes_when_its_key_is_for_routers_alone() {
    let ring = |roles| KeyRing::new().with_entry(KeyEntry::new("one", key(1)).roles(roles));
    let server = serve_with(|builder| builder.psk(ring(Roles::CLIENT))).await;
    let client = dial(&server, "one", 1).await;
    let mut asked = record_asked([("one", &client)]);
    server.set_keys(&ring(Roles::BOTH));
    fence(&client).await;
    asked.expect_nothing();
    server.set_keys(&ring(Roles::ROUTER));
    assert_eq!(asked.next().await, "one");
}

#[tokio::test]
async fn a_key_that_is_put_back_in_time_keeps_its_sessions() {
    let ring = KeyRing::new().with("one", key(1));
    let server = serve_with(|builder| builder.psk(ring.clone())).await;
    let mut ends = record_ends(&server);
    let client = dial(&server, "one", 1).await;
    let mut asked = record_asked([("one", &client)]);
    server.set_keys(&KeyRing::new().with("other", key(2)));
    assert_eq!(asked.next().await, "one");
    server.set_keys(&ring);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    fence(&client).await;
    ends.expect_nothing();
}

/// Between its HELLO and its PROOF the key was taken away: the session that begins is asked to go like those
/// that were there.
#[tokio::test]
async fn a_handshake_that_began_under_older_keys_is_no_way_around() {
    let ring = KeyRing::new().with("old", key(1));
    let server = serve_with(|builder| builder.psk(ring).plain()).await;
    let mut ends = record_ends(&server);
    let config = DiallerConfig {
        role: Role::Client,
        key: Some(("old".to_owned(), key(1))),
        instance: [1; 16],
    };
    let none = Extensions::NONE;
    let (hello, expect) = config.start([7; 32], ChannelBinding::None, none).expect("a hello");
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.write(&hello).await;
    let challenge = raw.read().await.expect("a challenge");
    server.set_keys(&KeyRing::new().with("new", key(2)));
    let (proof, expect) = expect.handle(&challenge, none).expect("a challenge");
    raw.write(&proof).await;
    expect.handle(&raw.read().await.expect("an accept")).expect("an accept");
    let asked = raw.read().await.expect("a goaway");
    match v3::decode(&asked) {
        Ok(Message::GoAway { code, retry_window_ms, .. }) => {
            assert_eq!((code, retry_window_ms), (GoAwayCode::Reauthenticate, 30_000));
        }
        other => panic!("{other:?}"),
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(ends.next().await.1, DisconnectReason::KeyExpired);
}

/// Its session may know of the longer time already.
#[tokio::test]
async fn a_key_that_got_more_time_and_less_again_sends_its_sessions_away() {
    let ring = |seconds| {
        let entry = KeyEntry::new("a", key(1)).not_after(in_seconds(seconds));
        KeyRing::new().with_entry(entry)
    };
    let server = serve_with(|builder| builder.psk(ring(100))).await;
    let client = dial(&server, "a", 1).await;
    let mut asked = record_asked([("a", &client)]);
    server.set_keys(&ring(1000));
    fence(&client).await;
    asked.expect_nothing();
    server.set_keys(&ring(200));
    assert_eq!(asked.next().await, "a");
}

/// Nobody has to do what it is asked.
#[tokio::test]
async fn a_session_that_stays_when_its_key_lost_time_that_it_had_got_is_closed_after_its_grace() {
    let ring = |seconds| {
        let entry = KeyEntry::new("a", key(1)).not_after(in_seconds(seconds));
        KeyRing::new().with_entry(entry)
    };
    let server = serve_with(|builder| builder.psk(ring(100))).await;
    let mut ends = record_ends(&server);
    let client = dial(&server, "a", 1).await;
    let mut asked = record_asked([("a", &client)]);
    server.set_keys(&ring(1000));
    server.set_keys(&ring(200));
    assert_eq!(asked.next().await, "a");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(ends.next().await.1, DisconnectReason::KeyExpired);
}

/// Without keys anybody may come; with the first key those who came go.
#[tokio::test]
async fn the_first_key_sends_those_away_who_have_none() {
    let server = serve_with(|builder| builder).await;
    let open = build(&server, gatewire::ClientBuilder::no_reconnect);
    connect(&open).await;
    let mut asked = record_asked([("open", &open)]);
    server.set_keys(&KeyRing::new());
    fence(&open).await;
    asked.expect_nothing();
    server.set_keys(&KeyRing::new().with("one", key(1)));
    assert_eq!(asked.next().await, "open");
}

#[tokio::test]
async fn a_grace_of_no_time_is_the_end_at_once() {
    let ring = KeyRing::new().with("old", key(1));
    let server = serve_with(|builder| builder.psk(ring).reauth_grace(Duration::ZERO)).await;
    let mut ends = record_ends(&server);
    let client = dial(&server, "old", 1).await;
    server.set_keys(&KeyRing::new().with("new", key(2)));
    assert_eq!(ends.next().await.1, DisconnectReason::KeyExpired);
    within(client.closed()).await;
}

#[tokio::test]
async fn a_listener_without_keys_takes_no_routers() {
    let server = serve_with(|builder| builder).await;
    let config = DiallerConfig { role: Role::Router, key: None, instance: [1; 16] };
    let none = Extensions::NONE;
    let (hello, expect) = config.start([7; 32], ChannelBinding::None, none).expect("a hello");
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.write(&hello).await;
    let challenge = raw.read().await.expect("a challenge");
    let (proof, _) = expect.handle(&challenge, none).expect("a challenge");
    raw.write(&proof).await;
    let code = gatewire::RejectCode::NotAllowed;
    raw.expect(&Message::Reject { code, retry_after_s: 0 }).await;
    raw.expect_end().await;
}
