//! What a client proves and what it verifies. Both may change between two connections.

use std::sync::{PoisonError, RwLock};

use gatewire_codec::v3::handshake::Role;
use gatewire_core::handshake::{DiallerConfig, Psk};

use super::Client;
#[cfg(feature = "tls")]
use crate::tls::{Connector, TlsError, Verify};

/// What the next connection is made with.
pub(super) struct Credentials {
    key: RwLock<Option<(String, Psk)>>,
    /// Random per client.
    instance: [u8; 16],
    #[cfg(feature = "tls")]
    channel: RwLock<Channel>,
}

/// What the client speaks, as the builder was told.
#[derive(Debug, Clone, Default)]
pub(super) enum ChannelChoice {
    /// TLS with a key, plain without.
    #[default]
    ByKey,
    /// Plain TCP.
    Plain,
    /// TLS.
    #[cfg(feature = "tls")]
    Tls(Verify),
}

/// The same, with what TLS needs made once.
#[cfg(feature = "tls")]
#[derive(Clone)]
enum Channel {
    ByKey,
    Plain,
    /// An error is told by each attempt to connect.
    Tls(Result<Connector, TlsError>),
}

impl Credentials {
    pub(super) fn new(
        key: Option<(String, Psk)>,
        choice: &ChannelChoice,
        instance: [u8; 16],
    ) -> Self {
        #[cfg(feature = "tls")]
        let channel = RwLock::new(match choice {
            ChannelChoice::ByKey => Channel::ByKey,
            ChannelChoice::Plain => Channel::Plain,
            ChannelChoice::Tls(verify) => Channel::Tls(Connector::new(verify)),
        });
        #[cfg(not(feature = "tls"))]
        let (ChannelChoice::ByKey | ChannelChoice::Plain) = choice;
        let key = RwLock::new(key);
        Self {
            key,
            instance,
            #[cfg(feature = "tls")]
            channel,
        }
    }

    /// What this end brings to a handshake now.
    pub(super) fn dialler(&self) -> DiallerConfig {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner).clone();
        DiallerConfig { role: Role::Client, key, instance: self.instance }
    }

    /// How the channel for such a handshake is made. `None`: plain TCP.
    #[cfg(feature = "tls")]
    pub(super) fn connector(&self, has_key: bool) -> Option<Result<Connector, TlsError>> {
        match &*self.channel.read().unwrap_or_else(PoisonError::into_inner) {
            Channel::ByKey => has_key.then(Connector::psk),
            Channel::Plain => None,
            Channel::Tls(connector) => Some(connector.clone()),
        }
    }

    fn set_key(&self, id: String, key: Psk) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = Some((id, key));
    }

    #[cfg(feature = "tls")]
    fn set_verify(&self, verify: &Verify) -> Result<(), TlsError> {
        let connector = Connector::new(verify)?;
        let mut channel = self.channel.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*channel, Channel::Plain) {
            return Err(TlsError::PlainOnly);
        }
        *channel = Channel::Tls(Ok(connector));
        Ok(())
    }
}

impl Client {
    /// The key for connections from now on: instead of the one that the [builder](crate::ClientBuilder::psk)
    /// was given, or as the first. The session that is there goes on; [`reconnect`](Self::reconnect) makes one
    /// under the new key at once, else the next connection does.
    pub fn set_key(&self, id: impl Into<String>, key: Psk) {
        self.inner.credentials.set_key(id.into(), key);
    }

    /// What TLS verifies, and the certificate that it shows, for connections from now on. The one that is there
    /// goes on.
    ///
    /// # Errors
    ///
    /// [`TlsError::PlainOnly`]: the client was built for plain TCP. Others: it cannot be used, and all stays as it was.
    #[cfg(feature = "tls")]
    pub fn set_verify(&self, verify: &Verify) -> Result<(), TlsError> {
        self.inner.credentials.set_verify(verify)
    }
}
