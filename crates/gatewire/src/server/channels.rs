//! What a server lets its clients speak.

use std::io;

use gatewire_core::handshake::KeyRing;

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

impl Channels {
    /// What is meant when the keys are known.
    pub(super) fn of(self, keys: &KeyRing) -> Self {
        match self {
            #[cfg(feature = "tls")]
            Self::ByKeys if !keys.is_empty() => {
                Self::Tls { identity: None, clients: None, plain: false }
            }
            Self::ByKeys => {
                let _ = keys;
                Self::Plain
            }
            told => told,
        }
    }
}

impl Inner {
    /// Makes what TLS needs, once.
    pub(super) fn prepare_channels(&self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Channels::Tls { identity, clients, .. } = &self.channels
            && self.acceptor.get().is_none()
        {
            let identity = match identity {
                Some(identity) => identity.clone(),
                None => Identity::self_signed().map_err(io::Error::other)?,
            };
            let acceptor = Acceptor::new(&identity, clients.as_ref()).map_err(io::Error::other)?;
            // Another `listen` at the same time made one as good.
            let _first = self.acceptor.set(acceptor);
        }
        Ok(())
    }

    /// Looks what a client speaks, and shakes hands for TLS.
    #[cfg(feature = "tls")]
    pub(super) async fn open_channel(&self, mut stream: Looked) -> Result<Channel, ConnectError> {
        let speaks_tls = stream.speaks_tls().await?;
        match (&self.channels, self.acceptor.get()) {
            (Channels::Tls { .. }, Some(acceptor)) if speaks_tls => {
                Ok(Channel::accept(stream, acceptor).await?)
            }
            (Channels::Tls { plain: false, .. }, _) => {
                handshake::refuse_plain(&mut Channel::Plain(stream)).await
            }
            // What is no frame of a handshake is found out there.
            _ => Ok(Channel::Plain(stream)),
        }
    }

    /// There is nothing to look for.
    #[cfg(not(feature = "tls"))]
    pub(super) async fn open_channel(&self, stream: Looked) -> Result<Channel, ConnectError> {
        let (Channels::ByKeys | Channels::Plain) = self.channels;
        Ok(Channel::Plain(stream))
    }
}
