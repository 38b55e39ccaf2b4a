//! What a server lets its clients speak.

use std::io;

use super::Inner;
use crate::error::ConnectError;
use crate::net::channel::{Channel, Looked};
#[cfg(feature = "tls")]
use crate::net::handshake;
#[cfg(feature = "tls")]
use crate::tls::{Acceptor, Identity, Roots};

/// What a builder was told.
#[derive(Debug, Clone, Default)]
pub(crate) enum Channels {
    /// TLS with keys, plain without.
    #[default]
    ByKeys,
    /// Plain TCP.
    Plain,
    /// TLS.
    #[cfg(feature = "tls")]
    Tls {
        /// `None`: one is made when the server begins to listen.
        identity: Option<Identity>,
        /// The authorities of the certificates that clients have to show.
        clients: Option<Roots>,
        /// Plain TCP too.
        plain: bool,
    },
}

impl Inner {
    /// Makes what TLS needs, once. A server without keys may be given some later.
    pub(super) fn prepare_channels(&self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if !matches!(self.channels, Channels::Plain) && self.acceptor.get().is_none() {
            let (own, clients) = match &self.channels {
                Channels::Tls { identity, clients, .. } => (identity.clone(), clients.as_ref()),
                Channels::ByKeys | Channels::Plain => (None, None),
            };
            let identity = match own {
                Some(identity) => identity,
                None => Identity::self_signed().map_err(io::Error::other)?,
            };
            let acceptor = Acceptor::new(&identity, clients).map_err(io::Error::other)?;
            // Another `listen` at the same time made one as good.
            let _first = self.acceptor.set(acceptor);
        }
        Ok(())
    }

    /// Looks what a client speaks, and shakes hands for TLS.
    #[cfg(feature = "tls")]
    pub(super) async fn open_channel(&self, mut stream: Looked) -> Result<Channel, ConnectError> {
        let (tls, plain) = match &self.channels {
            Channels::ByKeys => {
                let open = self.listener().keys.is_empty();
                (!open, open)
            }
            Channels::Plain => (false, true),
            Channels::Tls { plain, .. } => (true, *plain),
        };
        let speaks_tls = stream.speaks_tls().await?;
        match self.acceptor.get().filter(|_| tls && speaks_tls) {
            Some(acceptor) => Ok(Channel::accept(stream, acceptor).await?),
            // What is no frame of a handshake is found out there.
            None if plain => Ok(Channel::Plain(stream)),
            None => handshake::refuse_plain(&mut Channel::Plain(stream)).await,
        }
    }

    /// There is nothing to look for.
    #[cfg(not(feature = "tls"))]
    pub(super) async fn open_channel(&self, stream: Looked) -> Result<Channel, ConnectError> {
        let (Channels::ByKeys | Channels::Plain) = self.channels;
        Ok(Channel::Plain(stream))
    }
}
