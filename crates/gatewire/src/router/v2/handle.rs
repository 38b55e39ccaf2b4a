//! What a router tells of the hosts of wire version 2.

use crate::legacy::V2Counters;
use crate::router::Router;

impl Router {
    /// The hosts of wire version 2 that can be reached over links of this router, in no order.
    #[must_use]
    pub fn v2_hosts(&self) -> Vec<String> {
        self.inner.v2().map(|old| old.hosts()).unwrap_or_default()
    }

    /// The hosts of wire version 2 that have members of a room, in no order, as far as this router's links tell.
    #[must_use]
    pub fn v2_hosts_of(&self, room: &str) -> Vec<String> {
        self.inner.v2().map(|old| old.hosts_of(room)).unwrap_or_default()
    }

    /// Waits until a host of wire version 2 can be reached, or the router is closed: whether it can.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn wait_for_v2_host(&self, host: &str) -> bool {
        self.wait_until(|| self.v2_hosts().iter().any(|found| found == host)).await
    }

    /// Waits until a host of wire version 2 is known to have members of a room, or the router is closed: whether it is.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn wait_for_v2_room(&self, room: &str, host: &str) -> bool {
        self.wait_until(|| self.v2_hosts_of(room).iter().any(|found| found == host)).await
    }

    /// Whether this router carries messages to and from hosts of wire version 2: it has links to some, and of several
    /// such gateways that reach each other the smallest name.
    #[must_use]
    pub fn is_active_v2_gateway(&self) -> bool {
        self.inner.v2().is_some_and(|old| old.is_active())
    }

    /// What was ignored and dropped of what hosts of wire version 2 have sent, and of what was to be passed on to them.
    #[must_use]
    pub fn v2_counters(&self) -> V2Counters {
        self.inner.v2().map(|old| old.counters()).unwrap_or_default()
    }
}
