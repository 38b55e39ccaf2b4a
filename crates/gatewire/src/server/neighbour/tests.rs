//! What comes between a neighbour's proof and its link.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use gatewire_core::handshake::{Grant, KeyRing, Roles};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::net::channel::{Channel, Looked};
use crate::router::{Admitted, Beginning};
use crate::{Cost, DisconnectReason, Router, RouterEvent, Server};

/// A connection within this process.
async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (dialled.expect("it listens"), accepted.expect("somebody dials").0)
}

/// Closing ends the links that are there. This one was not yet, and was let in by a server that was open.
#[tokio::test]
async fn a_link_that_begins_while_its_server_closes_ends_at_once() {
    let server = Server::builder().psk(KeyRing::open_to(Roles::ROUTER)).build();
    let router = Router::builder("n0").serve(&server).start().expect("a good name");
    let mut events = router.events();
    server.close().await;
    let admitted = Admitted {
        server: Arc::downgrade(&server.inner),
        key_id: String::new(),
        grant: Arc::new(Grant::default()),
    };
    let name = router.inner.neighbour("n1").expect("a good name");
    let beginning =
        Beginning { name, cost: Cost::Fixed(1), max_frame: 1 << 16, admitted: Some(admitted) };
    let (mut theirs, ours) = connection().await;
    let channel = Channel::Plain(Looked::new(ours));
    let connected = beginning.connect(&router.inner, channel, BytesMut::new());
    let running = tokio::spawn(connected.expect("nothing speaks against it").run());
    let mut told = Vec::new();
    let ended = timeout(Duration::from_secs(10), theirs.read_to_end(&mut told)).await;
    ended.expect("the link ends").expect("in order");
    drop(theirs);
    running.await.expect("no panic");
    let down = RouterEvent::LinkDown { node: "n1".to_owned(), reason: DisconnectReason::Closed };
    assert_eq!(events.next().await, Ok(Some(down)));
    router.close().await;
}
