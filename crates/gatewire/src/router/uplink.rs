//! The links of a router: dialled again and again, or accepted.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use gatewire_cluster::{LinkUpError, NodeName};
use gatewire_codec::v3::handshake::{Extensions, Role, extension, put_extension};
use gatewire_codec::{CloseCode, RejectCode};
use gatewire_core::Backoff;
use gatewire_core::handshake::Psk;
use tokio::time::{Instant, sleep, timeout};

use super::Task;
use super::cost::Cost;
use super::event::RouterEvent;
use super::inner::RouterInner;
use super::link::{Admitted, PROBE_INTERVAL, Probe, RouterLink, RouterSide};
use crate::entropy::random_u64;
use crate::error::{ConnectError, DisconnectReason};
use crate::limits::{Limits, TcpOptions};
use crate::net::channel::Channel;
use crate::net::credentials::{ChannelChoice, Credentials};
use crate::net::driver::{Driver, DriverConfig};
use crate::net::link::{HasLink, Link};
#[cfg(feature = "tls")]
use crate::tls::Verify;

/// A link that a router dials: where it leads, what it costs, and how its ends prove who they are.
///
/// ```
/// use gatewire::{Cost, Psk, Uplink};
///
/// # fn example(key: Psk) {
/// let near = Uplink::to("host2:5000").cost(1);
/// let far = Uplink::to("example.org:5000").cost(Cost::Measured).psk("router/host1", key);
/// # drop((near, far));
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a link is dialled by a router that has it"]
pub struct Uplink {
    address: String,
    cost: Cost,
    key: Option<(String, Psk)>,
    channel: Option<ChannelChoice>,
    backoff: Option<Backoff>,
}

/// What a link costs unless it is said otherwise: dear enough for cheaper ones beside it.
const DEFAULT_COST: u16 = 10;

impl Uplink {
    /// A link to the router whose server listens on this address. It costs 10.
    #[expect(clippy::needless_pass_by_value, reason = "an address is given away")]
    pub fn to(address: impl ToString) -> Self {
        Self {
            address: address.to_string(),
            cost: Cost::Fixed(DEFAULT_COST),
            key: None,
            channel: None,
            backoff: None,
        }
    }

    /// What it costs, as this end sees it.
    pub fn cost(mut self, cost: impl Into<Cost>) -> Self {
        self.cost = cost.into();
        self
    }

    /// The key by which both ends prove who they are, and its id, in place of the
    /// [router's](crate::RouterBuilder::psk). It has to allow the role of a router, and this node's name.
    pub fn psk(mut self, id: impl Into<String>, key: Psk) -> Self {
        self.key = Some((id.into(), key));
        self
    }

    /// Plain TCP also with a key.
    pub fn plain(mut self) -> Self {
        self.channel = Some(ChannelChoice::Plain);
        self
    }

    /// TLS, with what is verified of the neighbour. With a key it is TLS without this.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, verify: Verify) -> Self {
        self.channel = Some(ChannelChoice::Tls(verify));
        self
    }

    /// When it is dialled again, instead of with full jitter from 100 ms up to 30 s.
    pub fn reconnect(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// What is proven and verified on it. What the router's builder was told holds where this link has nothing of its
    /// own.
    pub(super) fn credentials(
        &self,
        key: Option<&(String, Psk)>,
        channel: Option<&ChannelChoice>,
        instance: [u8; 16],
    ) -> Arc<Credentials> {
        let key = self.key.as_ref().or(key).cloned();
        let channel = self.channel.as_ref().or(channel).cloned().unwrap_or_default();
        Arc::new(Credentials::new(Role::Router, key, &channel, instance))
    }

    /// Whether it has a key of its own.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }
}

/// A link that was up for so long was sound: the next attempt is made at once again.
pub(super) const SOUND: Duration = Duration::from_secs(60);

/// Dials a link, and again when it is lost, until the router is closed.
pub(super) async fn keep_up(
    router: Arc<RouterInner>,
    uplink: Uplink,
    credentials: Arc<Credentials>,
) {
    let Uplink { address, cost, backoff, .. } = uplink;
    let backoff = backoff.unwrap_or_default();
    let mut attempt = 0;
    while router.is_running() {
        let begin = Instant::now();
        let dialled = router.unless_closing(dial(&router, &credentials, &address, cost)).await;
        match dialled {
            None => return,
            Some(Ok(connected)) => {
                connected.run().await;
                if begin.elapsed() >= SOUND {
                    attempt = 0;
                }
            }
            Some(Err(error)) => {
                tracing::debug!(node = %router.name, %address, %error, "a link was not made");
                let (address, error) = (address.clone(), error.to_string());
                router.tell(RouterEvent::LinkFailed { address, error });
            }
        }
        let delay = backoff.delay(attempt, random_u64());
        attempt = attempt.saturating_add(1);
        if router.unless_closing(sleep(delay)).await.is_none() {
            return;
        }
    }
}

/// One attempt.
async fn dial(
    router: &Arc<RouterInner>,
    credentials: &Credentials,
    address: &str,
    cost: Cost,
) -> Result<Connected, UplinkError> {
    let mut told = BytesMut::new();
    let _fits = put_extension(&mut told, extension::NODE_NAME, router.node.as_bytes());
    let told = Extensions::new(&told).unwrap_or_default();
    let options = TcpOptions::default();
    let dialled = credentials.dial(address, &options, told);
    let dialled = timeout(router.limits.handshake_timeout, dialled);
    let (channel, established, leftover) = dialled
        .await
        .map_err(|_| UplinkError::Connect(ConnectError::Timeout))?
        .map_err(UplinkError::Connect)?;
    let name = established.server_name.as_deref().ok_or(UplinkError::NoRouter)?;
    let name = router.neighbour(name).ok_or(UplinkError::BadName)?;
    let max_frame = established.max_frame;
    let begun = Beginning { name, cost, max_frame, admitted: None };
    begun.connect(router, channel, leftover).map_err(UplinkError::Refused)
}

/// Why a link was not made.
#[derive(Debug)]
enum UplinkError {
    Connect(ConnectError),
    /// The server there belongs to no router.
    NoRouter,
    /// Its name is none that a node can have.
    BadName,
    Refused(LinkRefused),
}

impl fmt::Display for UplinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::NoRouter => f.write_str("the server there belongs to no router"),
            Self::BadName => f.write_str("the name of the node there is none"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

/// Why a link cannot be one of a router's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkRefused {
    /// It has 256 already.
    TooMany,
    Cluster(LinkUpError),
}

impl fmt::Display for LinkRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => f.write_str("a router has 256 links at most"),
            Self::Cluster(error) => error.fmt(f),
        }
    }
}

impl LinkRefused {
    /// What a neighbour is told that has dialled.
    pub(crate) fn code(self) -> RejectCode {
        match self {
            Self::TooMany | Self::Cluster(LinkUpError::InUse { .. }) => RejectCode::Busy,
            Self::Cluster(LinkUpError::OwnName) => RejectCode::NameTaken,
            Self::Cluster(LinkUpError::Stopped) => RejectCode::NotAllowed,
        }
    }
}

/// A neighbour that is authenticated.
pub(crate) struct Beginning {
    pub(crate) name: NodeName,
    pub(crate) cost: Cost,
    pub(crate) max_frame: u32,
    /// `None`: this end has dialled.
    pub(crate) admitted: Option<Admitted>,
}

impl Beginning {
    /// The link takes its place.
    pub(crate) fn connect(
        self,
        router: &Arc<RouterInner>,
        channel: Channel,
        leftover: BytesMut,
    ) -> Result<Connected, LinkRefused> {
        let Self { name, cost, max_frame, admitted } = self;
        let limits = Limits { max_frame, ..router.limits.clone() };
        let (transport, reader) = channel.into_transport();
        let link = router.control(|plane, _| {
            let id = plane.free_link().ok_or(LinkRefused::TooMany)?;
            let link = Link::new(limits.outbox, max_frame, router.formats.clone(), router.clock);
            link.attach(Arc::clone(&transport));
            let link = Arc::new(RouterLink {
                link,
                id,
                neighbour: name.clone(),
                router: Arc::clone(router),
                cost,
                max_frame,
                admitted,
                probe: Mutex::new(Probe::new()),
                routed_out: AtomicU64::new(0),
                routed_in: AtomicU64::new(0),
            });
            plane.router.link_up(id, &name, cost.first()).map_err(LinkRefused::Cluster)?;
            plane.insert(Arc::clone(&link));
            Ok(link)
        })?;
        let config =
            DriverConfig { limits, idle_timeout: None, leftover, first: None, paused: false };
        let side = RouterSide { link: Arc::clone(&link) };
        let driver = Driver::new(side, (transport, reader), config);
        // The keys may have changed while it was let in, and its server or its router closed: then neither has seen it.
        link.check_key(None);
        if *router.closing.borrow() || link.is_of_closed_server() {
            link.link().end(DisconnectReason::Closed, CloseCode::GoingAway, "");
        }
        Ok(Connected { _task: Task::begin(router), link: Some(link), driver, in_use: true })
    }
}

/// A link that is up. Dropped, it is down.
pub(crate) struct Connected {
    /// The router waits for it when it is closed.
    _task: Task,
    link: Option<Arc<RouterLink>>,
    driver: Driver<RouterSide>,
    /// Messages may go this way.
    in_use: bool,
}

impl Connected {
    /// Drives the link to its end.
    pub(crate) async fn run(mut self) {
        let Some(link) = self.link.clone() else { return };
        let probing = async {
            loop {
                link.send_probe(link.link().clock.now());
                sleep(PROBE_INTERVAL).await;
            }
        };
        let Self { driver, in_use, .. } = &mut self;
        let driving = poll_fn(|context| {
            let driven = driver.poll(context);
            if driver.is_ending() {
                // The neighbour is told why, if it can be. Messages take other ways meanwhile.
                leave(&link, in_use);
            }
            driven
        });
        let reason = tokio::select! {
            biased;
            reason = driving => reason,
            () = probing => DisconnectReason::Closed,
        };
        self.take_down(reason);
        link.link().end_requests().await;
        link.router.counts.lost.fetch_add(link.dropped(), Ordering::Relaxed);
    }

    fn take_down(&mut self, reason: DisconnectReason) {
        let Some(link) = self.link.take() else { return };
        let router = &link.router;
        tracing::debug!(node = %router.name, neighbour = %link.neighbour, %reason, "a link is down");
        leave(&link, &mut self.in_use);
        let node = link.neighbour.as_str().to_owned();
        router.tell(RouterEvent::LinkDown { node, reason });
    }
}

/// No messages go by a link any more. Once: then its number may be another's.
fn leave(link: &Arc<RouterLink>, in_use: &mut bool) {
    if std::mem::replace(in_use, false) {
        link.router.control(|plane, now| {
            plane.router.link_down(now, link.id);
            plane.remove(link);
        });
        link.router.room_names.link_is_down();
    }
}

impl Drop for Connected {
    /// Its task ended in a way that none should: with the runtime.
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            link.link().abandon();
        }
        self.take_down(DisconnectReason::Lost);
    }
}

impl RouterInner {
    /// The name of a neighbour; `None`: it can be none.
    pub(crate) fn neighbour(&self, name: &str) -> Option<NodeName> {
        NodeName::new(&self.cluster, name).ok()
    }
}
