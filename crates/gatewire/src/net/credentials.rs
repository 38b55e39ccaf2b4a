//! What a dialler proves and what it verifies. Both may change between two connections.

use std::sync::{PoisonError, RwLock};

use bytes::BytesMut;
use gatewire_codec::v3::handshake::{Extensions, Role};
use gatewire_core::handshake::{DiallerConfig, Established, Psk};
use tokio::net::TcpStream;

use super::channel::{Channel, Looked};
use super::{handshake, tcp};
use crate::error::ConnectError;
use crate::limits::TcpOptions;
#[cfg(feature = "tls")]
use crate::tls::{Connector, TlsError, Verify};

/// What the next connection is made with.
pub(crate) struct Credentials {
    key: RwLock<Option<(String, Psk)>>,
    role: Role,
    /// Random per client.
    instance: [u8; 16],
    #[cfg(feature = "tls")]
    channel: RwLock<Choice>,
}

/// What the dialler speaks, as the builder was told.
#[derive(Debug, Clone, Default)]
pub(crate) enum ChannelChoice {
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
enum Choice {
    ByKey,
    Plain,
    /// An error is told by each attempt to connect.
    Tls(Result<Connector, TlsError>),
}

impl Credentials {
    pub(crate) fn new(
        role: Role,
        key: Option<(String, Psk)>,
        choice: &ChannelChoice,
        instance: [u8; 16],
    ) -> Self {
        #[cfg(feature = "tls")]
        let channel = RwLock::new(match choice {
            ChannelChoice::ByKey => Choice::ByKey,
            ChannelChoice::Plain => Choice::Plain,
            ChannelChoice::Tls(verify) => Choice::Tls(Connector::new(verify)),
        });
        #[cfg(not(feature = "tls"))]
        let (ChannelChoice::ByKey | ChannelChoice::Plain) = choice;
        let key = RwLock::new(key);
        Self {
            key,
            role,
            instance,
            #[cfg(feature = "tls")]
            channel,
        }
    }

    /// One attempt: TCP, what is spoken over it, and the handshake; and what came behind that.
    pub(crate) async fn dial(
        &self,
        address: &str,
        options: &TcpOptions,
        extensions: Extensions<'_>,
    ) -> Result<(Channel, Established, BytesMut), ConnectError> {
        let stream = TcpStream::connect(address).await?;
        tcp::configure(&stream, options)?;
        // One look at the key: it may be replaced at any time.
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner).clone();
        let dialler = DiallerConfig { role: self.role, key, instance: self.instance };
        let mut channel = self.open(Looked::new(stream), dialler.key.is_some(), address).await?;
        let (established, leftover) = handshake::dial(&mut channel, dialler, extensions).await?;
        Ok((channel, established, leftover))
    }

    /// Shakes hands for TLS, if that is what is spoken.
    #[cfg(feature = "tls")]
    async fn open(
        &self,
        stream: Looked,
        has_key: bool,
        address: &str,
    ) -> Result<Channel, ConnectError> {
        match self.connector(has_key) {
            None => Ok(Channel::Plain(stream)),
            Some(Err(error)) => Err(ConnectError::Tls(error)),
            Some(Ok(connector)) => Channel::connect(stream, &connector, address).await,
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn open(&self, stream: Looked, _: bool, _: &str) -> Result<Channel, ConnectError> {
        Ok(Channel::Plain(stream))
    }

    /// How the channel for such a handshake is made. `None`: plain TCP.
    #[cfg(feature = "tls")]
    fn connector(&self, has_key: bool) -> Option<Result<Connector, TlsError>> {
        match &*self.channel.read().unwrap_or_else(PoisonError::into_inner) {
            Choice::ByKey => has_key.then(Connector::psk),
            Choice::Plain => None,
            Choice::Tls(connector) => Some(connector.clone()),
        }
    }

    pub(crate) fn set_key(&self, id: String, key: Psk) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = Some((id, key));
    }

    #[cfg(feature = "tls")]
    pub(crate) fn set_verify(&self, verify: &Verify) -> Result<(), TlsError> {
        let connector = Connector::new(verify)?;
        let mut channel = self.channel.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*channel, Choice::Plain) {
            return Err(TlsError::PlainOnly);
        }
        *channel = Choice::Tls(Ok(connector));
        Ok(())
    }
}
