//! What a server lets its clients speak.

use std::io;

use super::Inner;
use crate::error::ConnectError;
use crate::net::channel::{Channel, Looked};
#[cfg(feature = "tls")]
use crate::net::handshake;

/// What a builder was told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Channels {
    /// TLS with keys, plain without.
    #[default]
    ByKeys,
    /// Plain TCP.
    Plain,
    /// TLS.
    #[cfg(feature = "tls")]
    Tls {
        /// Plain TCP too.
        plain: bool,
    },
}

impl Inner {
    /// Makes what TLS needs, once. A server without keys may be given some later.
    pub(super) fn prepare_channels(&self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if !matches!(self.channels, Channels::Plain) {
            self.certificates.prepare().map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Looks what a client speaks, and shakes hands for TLS.
    #[cfg(feature = "tls")]
    pub(super) async fn open_channel(&self, mut stream: Looked) -> Result<Channel, ConnectError> {
        // First: while it is waited for, a server that was open may get its first key.
        let speaks_tls = stream.speaks_tls().await?;
        let (tls, plain) = match &self.channels {
            Channels::ByKeys => {
                let open = self.listener().keys.is_empty();
                (!open, open)
            }
            Channels::Plain => (false, true),
            Channels::Tls { plain } => (true, *plain),
        };
        let acceptor = if tls && speaks_tls { self.certificates.acceptor() } else { None };
        match acceptor {
            // In memory of its own: those that wait for a first byte do not have it.
            Some(acceptor) => Ok(Box::pin(Channel::accept(stream, &acceptor)).await?),
            // What is no frame of a handshake is found out there.
            None if plain => Ok(Channel::Plain(stream)),
            None => Box::pin(handshake::refuse_plain(&mut Channel::Plain(stream))).await,
        }
    }

    /// There is nothing to look for.
    #[cfg(not(feature = "tls"))]
    pub(super) async fn open_channel(&self, stream: Looked) -> Result<Channel, ConnectError> {
        let (Channels::ByKeys | Channels::Plain) = self.channels;
        Ok(Channel::Plain(stream))
    }
}
