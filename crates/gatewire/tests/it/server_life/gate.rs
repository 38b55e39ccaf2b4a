//! The limits before anybody has proven anything, each with its counter.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use gatewire::admission::{Failure, Refused};
use gatewire::keys::{KeyEntry, Roles};
use gatewire::{Client, ConnectError, HandshakeError, KeyRing, Limits, Psk, RejectCode};
use gatewire::{Router, Server};
use gatewire_codec::Message;
use gatewire_codec::v3::handshake::{Extensions, Role, extension, put_extension};
use gatewire_core::handshake::{ChannelBinding, DiallerConfig};
use tokio::task::JoinSet;

use crate::raw::{Raw, hello};
use crate::rig::{build, connect, dial, eventually, fence, limits, serve, serve_with, within};

const BUSY: Message<'static> = Message::Reject { code: RejectCode::Busy, retry_after_s: 1 };

fn key(byte: u8) -> Psk {
    Psk::new([byte; 32]).expect("a long key")
}

async fn serve_limited(change: impl FnOnce(&mut Limits)) -> Server {
    serve_with(|builder| builder.limits(limits(change))).await
}

/// A server with the key `one`.
async fn serve_key(change: impl FnOnce(&mut Limits)) -> Server {
    let keys = KeyRing::new().with("one", key(1));
    serve_with(|builder| builder.psk(keys).plain().limits(limits(change))).await
}

fn guest(server: &Server, byte: u8) -> Client {
    build(server, |builder| builder.psk("one", key(byte)).plain())
}

#[track_caller]
fn check_rejected(connected: Result<(), ConnectError>, code: RejectCode, retry_after_s: u16) {
    match connected {
        Err(ConnectError::Handshake(found)) => {
            assert_eq!(found, HandshakeError::Rejected { code, retry_after_s });
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_full_server_is_busy_for_newcomers_and_as_ever_for_others() {
    let server = serve_limited(|limits| limits.admission.connections = 2).await;
    let (one, two) = (dial(&server).await, dial(&server).await);
    let three = build(&server, |builder| builder);
    for _ in 0..3 {
        check_rejected(within(three.connect()).await, RejectCode::Busy, 1);
    }
    assert_eq!(server.len(), 2);
    fence(&one).await;
    fence(&two).await;
    eventually(|| server.counters().handshakes_failed == 3).await;

    one.close().await;
    // The place is free when the server has seen the end.
    let admitted = async {
        while three.connect().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    within(admitted).await;
    fence(&three).await;
    fence(&two).await;
    assert_eq!(server.len(), 2);
}

/// A reset could overtake the refusal on its way.
#[tokio::test]
async fn a_busy_server_hangs_up_in_peace() {
    let server = serve_limited(|limits| limits.admission.connections = 0).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send(&Message::Hello(hello())).await;
    eventually(|| server.counters().handshakes_failed == 1).await;
    raw.expect(&BUSY).await;
    raw.expect_clean_end().await;
}

#[tokio::test]
async fn an_address_has_no_more_than_its_share_of_the_handshakes() {
    let server = serve().await;
    let client = dial(&server).await;
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(Raw::connect(server.local_addr()).await);
    }
    // The thirty-third is closed at once, long before its time for the first byte is over.
    Raw::connect(server.local_addr()).await.expect_end().await;
    assert_eq!(server.admission().refused(Refused::PendingOfSource), 1);
    fence(&client).await;
    // One of them goes, and there is a place again.
    drop(silent.pop());
    eventually(|| server.admission().failed(Failure::Closed) == 1).await;
    let another = dial(&server).await;
    fence(&another).await;
    assert_eq!(server.admission().failed(Failure::Timeout), 0);
}

/// Four times as many as an address has places for handshakes. They try for a second, in which a busy machine serves no more.
#[tokio::test]
async fn many_clients_of_one_address_get_in_at_once() {
    const CLIENTS: usize = 4 * 32;

    let server = serve().await;
    let clients: Vec<Client> = (0..CLIENTS).map(|_| build(&server, |builder| builder)).collect();
    let mut connecting = JoinSet::new();
    for client in clients.clone() {
        connecting.spawn(async move { client.connect().await });
    }
    while let Some(connected) = within(connecting.join_next()).await {
        connected.expect("no panic").expect("a place, maybe later");
    }
    assert_eq!(server.len(), CLIENTS);
}

/// Linux has the whole of 127.0.0.0/8; others have one address.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_fills_all_places_for_handshakes_gives_them_up() {
    let server = serve_limited(|limits| {
        limits.admission.pending = 4;
        limits.first_byte_timeout = Duration::from_secs(3600);
        limits.handshake_timeout = Duration::from_secs(3600);
    })
    .await;
    let mut silent = Vec::new();
    for source in [2, 3, 3, 3] {
        silent.push(Raw::connect_from([127, 0, 0, source], server.local_addr()).await);
    }
    eventually(|| server.admission().arrived == 4).await;
    // No place of others for those who have the most.
    Raw::connect_from([127, 0, 0, 3], server.local_addr()).await.expect_end().await;
    assert_eq!(server.admission().refused(Refused::Pending), 1);

    let first = dial(&server).await;
    assert_eq!(server.admission().evicted, 1);
    silent.remove(1).expect_end().await;
    // That one was soon done, and left a free place.
    let second = dial(&server).await;
    fence(&first).await;
    fence(&second).await;
    assert_eq!((server.admission().evicted, server.admission().established), (1, 2));
    within(server.close()).await;
    for mut raw in silent {
        raw.expect_end().await;
    }
    assert_eq!(server.admission().failed(Failure::Declined), 3);
}

#[tokio::test]
async fn ten_wrong_proofs_shut_an_address_out_for_a_while() {
    let server = serve_key(|limits| {
        limits.admission.min_delay = Duration::ZERO;
        limits.admission.max_delay = Duration::ZERO;
        limits.admission.failure_window = Duration::from_secs(2);
    })
    .await;
    let before = guest(&server, 1);
    connect(&before).await;
    for _ in 0..10 {
        check_rejected(within(guest(&server, 9).connect()).await, RejectCode::Auth, 0);
    }
    let admission = server.admission();
    assert_eq!((admission.failed(Failure::Proof), admission.shut_out), (10, 1));
    Raw::connect(server.local_addr()).await.expect_end().await;
    eventually(|| server.admission().refused(Refused::Failures) == 1).await;
    // Who is in is in.
    fence(&before).await;
    // Not so for another address, and not for ever.
    #[cfg(target_os = "linux")]
    Raw::connect_from([127, 0, 0, 2], server.local_addr())
        .await
        .send(&Message::Hello(hello()))
        .await;
    let again = async {
        let guest = guest(&server, 1);
        while guest.connect().await.is_err() {}
        fence(&guest).await;
    };
    within(again).await;
}

#[tokio::test]
async fn a_failed_proof_is_counted_at_once_and_answered_later() {
    let server = serve_key(|_| ()).await;
    let before = Instant::now();
    let guest = guest(&server, 9);
    let (connected, counted) = within(async {
        tokio::join!(guest.connect(), async {
            eventually(|| server.admission().failed(Failure::Proof) == 1).await;
            before.elapsed()
        })
    })
    .await;
    check_rejected(connected, RejectCode::Auth, 0);
    let answered = before.elapsed();
    assert!(answered >= Duration::from_millis(250), "{answered:?}");
    assert!(counted < answered, "{counted:?} and {answered:?}");
    assert_eq!(server.counters().handshakes_failed, 1);
}

#[tokio::test]
async fn a_server_that_closes_does_not_wait_for_its_answers() {
    let server = serve_key(|limits| {
        limits.admission.min_delay = Duration::from_secs(3600);
        limits.admission.max_delay = Duration::from_secs(3600);
    })
    .await;
    let guest = guest(&server, 9);
    let close = async {
        eventually(|| server.admission().failed(Failure::Proof) == 1).await;
        server.close().await;
    };
    let (connected, ()) = within(async { tokio::join!(guest.connect(), close) }).await;
    assert!(connected.is_err());
    assert_eq!(server.counters().handshakes_failed, 1);
}

#[tokio::test]
async fn a_key_has_as_many_sessions_as_it_may() {
    let entry = KeyEntry::new("one", key(1)).max_sessions(NonZeroU32::MIN.saturating_add(1));
    let server = serve_with(|builder| builder.psk(KeyRing::new().with_entry(entry)).plain()).await;
    let clients = [(); 3].map(|()| guest(&server, 1));
    connect(&clients[0]).await;
    connect(&clients[1]).await;
    check_rejected(within(clients[2].connect()).await, RejectCode::Busy, 1);
    assert_eq!(server.admission().refused(Refused::SessionsOfKey), 1);
    clients[0].close().await;
    let admitted = async { while clients[2].connect().await.is_err() {} };
    within(admitted).await;
    assert_eq!(server.len(), 2);
}

/// Shakes hands without a key; whether it was let in.
async fn comes_in(server: &Server, role: Role) -> Option<Raw> {
    let mut raw = Raw::connect(server.local_addr()).await;
    let config = DiallerConfig { role, key: None, instance: [1; 16] };
    let mut name = BytesMut::new();
    put_extension(&mut name, extension::NODE_NAME, b"neighbour").expect("it is short");
    let told = Extensions::new(&name).expect("it was just written");
    let started = config.start([7; 32], ChannelBinding::None, told);
    let (hello, expect) = started.expect("a short HELLO");
    raw.write(&hello).await;
    let challenge = raw.read().await.expect("an answer");
    let (proof, expect) = expect.handle(&challenge, Extensions::NONE).ok()?;
    raw.write(&proof).await;
    let answer = raw.read().await.expect("an answer");
    expect.handle(&answer).is_ok().then_some(raw)
}

#[tokio::test]
async fn clients_leave_some_connections_to_routers() {
    let limits = limits(|limits| limits.admission.connections = 16);
    let open = KeyRing::open_to(Roles::BOTH);
    let server = serve_with(|builder| builder.psk(open).limits(limits)).await;
    let router = Router::builder("owner").serve(&server).start().expect("a good name");
    let mut raws = Vec::new();
    for _ in 0..15 {
        raws.push(comes_in(&server, Role::Client).await.expect("a place"));
    }
    assert!(comes_in(&server, Role::Client).await.is_none());
    raws.push(comes_in(&server, Role::Router).await.expect("a place that is kept"));
    assert!(comes_in(&server, Role::Router).await.is_none());
    let admission = server.admission();
    assert_eq!((admission.established, admission.refused(Refused::Connections)), (16, 2));
    within(router.close()).await;
}

#[tokio::test]
async fn who_only_connects_is_not_waited_for() {
    let server = serve_limited(|limits| {
        limits.first_byte_timeout = Duration::from_millis(100);
        limits.handshake_timeout = Duration::from_secs(5);
        limits.admission.pending = 2;
    })
    .await;
    let client = dial(&server).await;
    // Two of them take all places for handshakes, and others are closed at once.
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(Raw::connect(server.local_addr()).await);
    }
    fence(&client).await;
    let another = dial(&server).await;
    fence(&another).await;
    for mut raw in silent {
        raw.expect_end().await;
    }
    let admission = server.admission();
    // More than two, if the machine was so slow that the first were gone when the last came.
    let timeouts = admission.failed(Failure::Timeout);
    assert!(timeouts >= 2, "{admission:?}");
    assert!(timeouts + admission.refused(Refused::Pending) >= 4, "{admission:?}");
    assert_eq!(server.len(), 2);
}

#[tokio::test]
async fn each_way_to_fail_has_its_counter() {
    let server = serve_key(|limits| {
        limits.handshake_timeout = Duration::from_secs(1);
        limits.admission.min_delay = Duration::ZERO;
        limits.admission.max_delay = Duration::ZERO;
    })
    .await;
    let count = |failure| server.admission().failed(failure);
    drop(Raw::connect(server.local_addr()).await);
    eventually(|| count(Failure::Closed) == 1).await;
    Raw::connect(server.local_addr()).await.expect_end().await;
    eventually(|| count(Failure::Timeout) == 1).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.write(b"GET / HTTP/1.1\r\n\r\n").await;
    raw.expect_end().await;
    eventually(|| count(Failure::Malformed) == 1).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send(&Message::Hello(hello())).await;
    raw.expect(&Message::Reject { code: RejectCode::Suite, retry_after_s: 0 }).await;
    eventually(|| count(Failure::Incompatible) == 1).await;
    let unknown = build(&server, |builder| builder.psk("two", key(1)).plain());
    check_rejected(within(unknown.connect()).await, RejectCode::Auth, 0);
    eventually(|| count(Failure::UnknownKey) == 1).await;
    assert_eq!(server.counters().handshakes_failed, 5);
    assert_eq!(server.admission().arrived, 5);
}
