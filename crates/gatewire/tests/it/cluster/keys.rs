//! Links whose key says something else than when they came up.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewire::keys::{KeyEntry, Patterns, Roles, UnixTime};
use gatewire::{Client, DisconnectReason, KeyRing, Psk, Router, RouterEvent, RouterEvents, Server};
use tokio::time::timeout;

use super::open;
use crate::rig::{dial, within};

fn key(byte: u8) -> Psk {
    Psk::new([byte; 32]).expect("32 bytes")
}

fn in_seconds(seconds: u64) -> UnixTime {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixTime::from_secs(now.as_secs() + seconds)
}

fn one() -> KeyEntry {
    KeyEntry::new("one", key(1)).roles(Roles::BOTH)
}

fn ring(entry: KeyEntry) -> KeyRing {
    KeyRing::new().with_entry(entry)
}

/// Two nodes with one link, which `n1` has dialled. It has a client.
struct Pair {
    server: Server,
    owner: Router,
    events: RouterEvents,
    dialler: Router,
    other: Server,
    client: Client,
}

impl Pair {
    async fn under(keys: KeyRing) -> Self {
        let key = (!keys.is_empty()).then(|| key(1));
        let server = Server::builder().psk(keys).build();
        let owner = Router::builder("n0").serve(&server).start().expect("a good name");
        server.listen("127.0.0.1:0").await.expect("a free port");
        let other = Server::builder().psk(open()).build();
        let mut dialler = Router::builder("n1").serve(&other).uplink(server.local_addr(), 1);
        if let Some(key) = key {
            dialler = dialler.psk("one", key);
        }
        let dialler = dialler.start().expect("a good name");
        other.listen("127.0.0.1:0").await.expect("a free port");
        let client = dial(&other).await;
        client.on("fence", || ());
        assert!(within(owner.wait_for_node("n1")).await);
        assert!(within(dialler.wait_for_node("n0")).await);
        let events = owner.events();
        Self { server, owner, events, dialler, other, client }
    }

    /// Changes the keys, which leaves the link as it is.
    async fn keeps_its_link(&mut self, keys: &KeyRing) {
        self.server.set_keys(keys);
        let address = self.client.address().expect("online");
        let answer = within(self.server.to_socket(&address).request::<(), _>("fence", ())).await;
        assert_eq!(answer, Ok(()));
        while let Ok(event) = timeout(Duration::ZERO, self.events.next()).await {
            let event = event.expect("none is missed");
            assert!(!matches!(event, None | Some(RouterEvent::LinkDown { .. })), "{event:?}");
        }
    }

    /// Changes the keys, which ends the link.
    async fn loses_its_link(&mut self, keys: &KeyRing) {
        self.server.set_keys(keys);
        loop {
            let event = within(self.events.next()).await.expect("none is missed");
            if let RouterEvent::LinkDown { node, reason } = event.expect("it is open") {
                assert_eq!((&*node, reason), ("n1", DisconnectReason::KeyExpired));
                return;
            }
        }
    }

    async fn comes_back(&self) {
        assert!(within(self.owner.wait_for_node("n1")).await);
    }

    async fn close(self) {
        for router in [self.dialler, self.owner] {
            within(router.close()).await;
        }
        for server in [self.other, self.server] {
            within(server.close()).await;
        }
    }
}

/// It may go by the longer time already: then nothing else would end it before that is over.
#[tokio::test]
async fn a_link_whose_key_got_more_time_and_less_again_ends_and_comes_back() {
    let until = |seconds| ring(one().not_after(in_seconds(seconds)));
    let mut pair = Pair::under(until(100)).await;
    pair.keeps_its_link(&until(1000)).await;
    pair.loses_its_link(&until(200)).await;
    pair.comes_back().await;
    pair.close().await;
}

/// Whoever finds a node in the wrong hands takes the role from its key, and does not want to wait until it hangs up.
#[tokio::test]
async fn a_link_does_not_outlive_the_role_of_its_key() {
    let mut pair = Pair::under(ring(one())).await;
    pair.keeps_its_link(&ring(one().roles(Roles::ROUTER))).await;
    pair.loses_its_link(&ring(one().roles(Roles::CLIENT))).await;
    pair.server.set_keys(&ring(one()));
    pair.comes_back().await;
    pair.close().await;
}

#[tokio::test]
async fn a_link_does_not_outlive_the_name_that_its_key_allows() {
    let named = |names: &[&str]| {
        let names = Patterns::new(names.iter().copied()).expect("good patterns");
        ring(one().node_names(names))
    };
    let mut pair = Pair::under(ring(one())).await;
    pair.keeps_its_link(&named(&["n1"])).await;
    pair.keeps_its_link(&named(&["n1", "n2"])).await;
    pair.loses_its_link(&named(&["n2"])).await;
    pair.server.set_keys(&ring(one()));
    pair.comes_back().await;
    pair.close().await;
}

#[tokio::test]
async fn a_link_without_a_key_ends_when_its_server_is_closed_to_routers() {
    let mut pair = Pair::under(open()).await;
    pair.keeps_its_link(&KeyRing::open_to(Roles::ROUTER)).await;
    pair.loses_its_link(&KeyRing::new()).await;
    pair.close().await;
}
