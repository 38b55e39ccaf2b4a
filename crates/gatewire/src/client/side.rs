//! What a client does with its connection's messages.

use std::sync::Arc;
use std::time::Duration;

use gatewire_codec::GoAwayCode;
use gatewire_core::session::{Incoming, ProtocolError};

use super::{Client, ClientInner};
use crate::handler::Handlers;
use crate::net::side::Side;

/// What a server may ask for at most: it should not be able to keep its clients away for days.
const LONGEST_RETRY_WINDOW: Duration = Duration::from_secs(10 * 60);

pub(super) struct ClientSide {
    pub(super) client: Client,
}

impl Side for ClientSide {
    type Owner = ClientInner;
    type Context = Client;
    const HOLDS: bool = false;

    fn owner(&self) -> &Arc<ClientInner> {
        &self.client.inner
    }

    fn context(&self) -> &Client {
        &self.client
    }

    fn handlers(&self) -> &Handlers<Client> {
        &self.client.inner.handlers
    }

    fn own_handlers(&self) -> Option<&Handlers<Client>> {
        None
    }

    fn hub(&self, incoming: Incoming<'_>) -> Result<(), ProtocolError> {
        Err(ProtocolError::Unexpected(match incoming {
            Incoming::Publish { .. } => "publish",
            Incoming::StreamOpen { .. } => "stream-open",
            Incoming::Join { .. } => "join",
            Incoming::Leave { .. } => "leave",
            _ => "leave-all",
        }))
    }

    fn go_away(&self, code: GoAwayCode, retry_window: Duration) {
        let client = &self.client.inner;
        let retry_window = retry_window.min(LONGEST_RETRY_WINDOW);
        client.lifecycle.going_away(retry_window);
        if code == GoAwayCode::Reauthenticate {
            client.authenticate_within(retry_window);
        } else {
            client.set_retry_window(retry_window);
        }
    }
}
