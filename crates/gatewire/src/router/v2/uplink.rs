//! Links to old routers that this one dials.

use std::sync::Arc;

use gatewire_codec::Version;
use gatewire_core::Backoff;
use gatewire_legacy::handshake::{Dialler, Role};
use gatewire_legacy::uplink::Cost;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::V2Cluster;
use super::link::Shaken;
use crate::entropy::random_u64;
use crate::error::ConnectError;
use crate::legacy::{LegacyOptions, V2Secret};
use crate::limits::TcpOptions;
use crate::net::channel::{Channel, Looked};
use crate::net::legacy::dial;
use crate::net::tcp;
use crate::router::event::RouterEvent;
use crate::router::inner::RouterInner;
use crate::router::uplink::SOUND;

/// A link to a router of wire version 2 (`@gatejs/cluster`), which this router dials.
///
/// ```
/// use gatewire::legacy::{V2Secret, V2Uplink};
///
/// # fn example(secret: V2Secret) {
/// let old = V2Uplink::to("host1:5000").secret(secret).cost(5);
/// # drop(old);
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a link is dialled by a router that has it"]
pub struct V2Uplink {
    address: String,
    cost: u16,
    secret: Option<V2Secret>,
    backoff: Backoff,
}

impl V2Uplink {
    /// A link to the old router that listens on this address. It costs 1, as it does there by default, and has no key.
    #[expect(clippy::needless_pass_by_value, reason = "an address is given away")]
    pub fn to(address: impl ToString) -> Self {
        Self { address: address.to_string(), cost: 1, secret: None, backoff: Backoff::default() }
    }

    /// The key (`psk`) of the old router. Whoever plays that router gets an answer under it: let it be no key of
    /// version 3.
    pub fn secret(mut self, secret: V2Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// What the way over it costs, from this end. The other end pays 1. 0 becomes 1.
    pub fn cost(mut self, cost: u16) -> Self {
        self.cost = cost;
        self
    }

    /// When it is dialled again, instead of with full jitter from 100 ms up to 30 s.
    pub fn reconnect(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }
}

/// Dials a link, and again when it is lost, until the router is closed.
pub(in crate::router) async fn keep_up(
    router: Arc<RouterInner>,
    old: Arc<V2Cluster>,
    uplink: V2Uplink,
) {
    let mut attempt = 0;
    while router.is_running() {
        let begin = Instant::now();
        match router.unless_closing(shake(&router, &uplink)).await {
            None => return,
            Some(Ok(shaken)) => {
                shaken.run(&router, &old).await;
                if begin.elapsed() >= SOUND {
                    attempt = 0;
                }
            }
            Some(Err(error)) => {
                let (address, error) = (uplink.address.clone(), error.to_string());
                tracing::debug!(node = %router.name, %address, %error, "an old router was not reached");
                router.tell(RouterEvent::LinkFailed { address, error });
            }
        }
        let delay = uplink.backoff.delay(attempt, random_u64());
        attempt = attempt.saturating_add(1);
        if router.unless_closing(sleep(delay)).await.is_none() {
            return;
        }
    }
}

/// One attempt.
async fn shake(router: &RouterInner, uplink: &V2Uplink) -> Result<Shaken, ConnectError> {
    let host = router.node.to_string();
    let attempt = async {
        let stream = TcpStream::connect(&uplink.address).await?;
        let keep_alive = LegacyOptions::default().keep_alive;
        tcp::configure(&stream, &TcpOptions { keep_alive, ..TcpOptions::default() })?;
        let mut channel = Channel::Plain(Looked::new(stream));
        let (version, secret) = (Version::V2, uplink.secret.clone());
        let dialler = Dialler { version, secret, role: Role::Router { host } };
        let (registered, leftover) = dial(&mut channel, dialler).await?;
        Ok::<_, ConnectError>((channel, registered, leftover))
    };
    let dialled = timeout(router.limits.handshake_timeout, attempt).await;
    let (channel, registered, leftover) = dialled.map_err(|_| ConnectError::Timeout)??;
    Ok(Shaken {
        channel,
        // What came before REGISTER is nothing that routers say to each other.
        leftover,
        link: registered.id,
        host: registered.host.unwrap_or_default(),
        cost: Cost::from(uplink.cost),
        last_message_id: registered.next_id.wrapping_sub(1),
        server: None,
    })
}
