//! Questions to many: who is asked, and what a client may ask.

use std::sync::Arc;

use gatewire_codec::{NackCode, Target, ValueRef};
use gatewire_core::Time;
use gatewire_format::{EncodeContext, IntoValue};

use super::gather::{Asking, Gather, MAX_RECEIVERS, Sink};
use super::hub::{MAX_NAMES, RELAY_TIMEOUT, is_short};
use super::streams::{MAX_INFO, length};
use super::{Inner, SocketInner};
use crate::error::{EmitError, RequestError};
use crate::net::link::with_scratch;
use crate::room::Arrivals;

/// The most receivers of a client's request: each costs two frames in the client's queue, so that all of them take
/// half of its 16,384, if it reads nothing meanwhile.
const MAX_OF_CLIENT: usize = 4096;

impl Inner {
    /// Asks all that a target names, for the server itself or one of its sockets. Requests that are sent end at the
    /// deadline.
    pub(crate) fn ask_many(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
        event: &str,
        value: &impl IntoValue,
        deadline: Time,
    ) -> Result<(Arc<Gather>, Arc<Arrivals>), RequestError> {
        let receivers = self.receivers(target, sender);
        if receivers.len() > MAX_RECEIVERS {
            return Err(RequestError::Denied(too_many(MAX_RECEIVERS)));
        }
        let asked = with_scratch(value.uses_scratch(), |scratch| {
            let value = value.to_value(EncodeContext::new(&self.formats, event, scratch))?;
            let length = length(value);
            if length > MAX_INFO as usize {
                return Err(EmitError::TooLarge { length, limit: MAX_INFO });
            }
            let arrivals = Arc::new(Arrivals::default());
            let gather = Gather::new(&receivers, Sink::Here(Arc::clone(&arrivals)));
            gather.ask(&receivers, event, value, deadline);
            Ok((gather, arrivals))
        });
        asked.map_err(RequestError::NotSent)
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
        gather.ask(&receivers, event, value, self.clock.now() + RELAY_TIMEOUT);
    }
}

fn too_many(most: usize) -> String {
    format!("a request may have {most} receivers at most")
}
