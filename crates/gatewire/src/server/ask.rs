//! Questions to many: who is asked, and what a client may ask.

use std::sync::Arc;
use std::time::Duration;

use gatewire_codec::{NackCode, Target, ValueRef};
use gatewire_format::{EncodeContext, Formats, IntoValue};

use super::gather::{Asking, Gather, MAX_RECEIVERS, Sink};
use super::hub::{MAX_NAMES, RELAY_TIMEOUT, is_short};
use super::streams::{MAX_INFO, length};
use super::{Inner, SocketInner};
use crate::error::{EmitError, RequestError};
use crate::net::link::with_scratch;
use crate::room::Arrivals;
use crate::router::{RouterInner, flow_of_socket};

/// The most receivers of a client's request: each costs two frames in the client's queue, so that all of them take
/// half of its 16,384, if it reads nothing meanwhile.
const MAX_OF_CLIENT: usize = 4096;

/// Who asks many, other than a client.
pub(crate) struct Questions<'a> {
    /// `None`: the router does, by itself.
    pub(crate) server: Option<&'a Arc<Inner>>,
    pub(crate) router: Option<&'a Arc<RouterInner>>,
    /// The socket for which it does.
    pub(crate) sender: Option<&'a SocketInner>,
    pub(crate) formats: &'a Formats,
}

impl Questions<'_> {
    /// Asks all that a target names. Requests that are sent end when the time is over.
    pub(crate) fn ask_many(
        &self,
        target: &Target<'_>,
        event: &str,
        value: &impl IntoValue,
        timeout: Duration,
    ) -> Result<(Arc<Gather>, Arc<Arrivals>), RequestError> {
        let receivers = match (self.server, self.router) {
            (Some(server), _) => server.receivers(target, self.sender),
            (None, Some(router)) => router.receivers(target, None),
            (None, None) => Vec::new(),
        };
        if receivers.len() > MAX_RECEIVERS {
            return Err(RequestError::Denied(too_many(MAX_RECEIVERS)));
        }
        let asked = with_scratch(value.uses_scratch(), |scratch| {
            let value = value.to_value(EncodeContext::new(self.formats, event, scratch))?;
            let length = length(value);
            if length > MAX_INFO as usize {
                return Err(EmitError::TooLarge { length, limit: MAX_INFO });
            }
            let arrivals = Arc::new(Arrivals::default());
            let gather = Gather::new(&receivers, Sink::Here(Arc::clone(&arrivals)));
            let target = (target, flow_of_socket(self.sender));
            ask_all(self.router, &gather, &receivers, target, event, value, timeout);
            Ok((gather, arrivals))
        });
        asked.map_err(RequestError::NotSent)
    }
}

/// Asks the receivers of this node, and the other nodes that have some.
fn ask_all(
    router: Option<&Arc<RouterInner>>,
    gather: &Arc<Gather>,
    receivers: &[Arc<SocketInner>],
    target: (&Target<'_>, u8),
    event: &str,
    value: ValueRef<'_>,
    timeout: Duration,
) {
    let branches = router.map(|router| (router, router.branches(gather, target.0)));
    gather.ask(receivers, event, value, timeout);
    if let Some((router, branches)) = branches {
        router.ask_branches(gather, branches, target, event, value, timeout);
    }
}

impl Inner {
    /// What this server asks many, for itself or for one of its sockets.
    pub(crate) fn questions<'a>(
        self: &'a Arc<Self>,
        sender: Option<&'a SocketInner>,
    ) -> Questions<'a> {
        Questions { server: Some(self), router: self.router(), sender, formats: &self.formats }
    }

    /// Asks many on behalf of a client.
    pub(super) fn ask_many_for(
        &self,
        socket: &Arc<SocketInner>,
        id: u32,
        target: &Target<'_>,
        event: &str,
        value: ValueRef<'_>,
    ) {
        if !is_short(target) {
            let text = format!("a request may name {MAX_NAMES} rooms or sockets at most");
            return socket.refuse_request(id, NackCode::Denied, &text);
        }
        if length(value) > MAX_INFO as usize {
            return socket.refuse_request(id, NackCode::TooLarge, "");
        }
        let receivers = self.receivers(target, Some(socket));
        let most = MAX_OF_CLIENT.min(self.limits.outbox.max_frames / 4);
        if receivers.len() > most {
            return socket.refuse_request(id, NackCode::Denied, &too_many(most));
        }
        let Some(asking) = Asking::begin(socket, id, receivers.len()) else {
            return socket.refuse_request(id, NackCode::Busy, "");
        };
        let gather = Gather::new(&receivers, Sink::Client(asking));
        let target = (target, flow_of_socket(Some(socket)));
        ask_all(self.router(), &gather, &receivers, target, event, value, RELAY_TIMEOUT);
    }
}

fn too_many(most: usize) -> String {
    format!("a request may have {most} receivers at most")
}
