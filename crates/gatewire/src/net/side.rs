//! The two ends of a connection, as far as its driver can tell them apart.

use std::sync::Arc;
use std::time::Duration;

use gatewire_codec::GoAwayCode;
use gatewire_core::Time;
use gatewire_core::permissions::Denied;
use gatewire_core::session::{Incoming, ProtocolError};

use super::assembly::Frame;
use super::guard::Guard;
use super::link::HasLink;
use crate::error::DisconnectReason;
use crate::handler::Handlers;

/// What differs between a server's connection and a client's.
pub(crate) trait Side: Send + Sync + 'static {
    type Owner: HasLink;
    type Context: Clone + Send + Sync + 'static;
    /// Whether handlers wait while the outbox is above its soft mark.
    const HOLDS: bool;
    /// Whether frames of routers are expected.
    const ROUTES: bool = false;

    fn owner(&self) -> &Arc<Self::Owner>;
    fn context(&self) -> &Self::Context;
    fn handlers(&self) -> &Handlers<Self::Context>;
    /// Handlers of this connection alone.
    fn own_handlers(&self) -> Option<&Handlers<Self::Context>>;
    /// Publish, join, leave: for a hub, if this side has one.
    fn hub(&self, incoming: Incoming<'_>) -> Result<(), ProtocolError>;
    /// What is to be checked, if the peer may not do everything.
    fn guard(&self) -> Option<Guard> {
        None
    }
    /// Whether the peer may do this.
    fn permit(&self, _incoming: &Incoming<'_>) -> Result<(), Denied> {
        Ok(())
    }
    /// When the peer has to authenticate anew.
    fn expires(&self) -> Time {
        Time::NEVER
    }
    /// When it has to instead, if it was given more time since.
    fn prolonged(&self) -> Option<Time> {
        None
    }
    /// Tells the peer to; how long it has for that.
    fn ask_to_authenticate(&self) -> Duration {
        Duration::ZERO
    }
    /// A frame behind a publish: `true` if it was taken as another one to the same receivers.
    fn follow(&self, _frame: &[u8]) -> bool {
        false
    }
    /// What was published is to be delivered before anything else happens.
    fn deliver_publishes(&self) {}
    /// Takes a frame of a router. `None`: it is one like those of other peers.
    fn route(&self, _frame: &Frame<'_>) -> Option<Result<(), DisconnectReason>> {
        None
    }
    /// The peer will close the connection.
    fn go_away(&self, code: GoAwayCode, retry_window: Duration);
}
