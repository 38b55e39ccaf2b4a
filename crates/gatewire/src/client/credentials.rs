//! Keys and certificates that change while a client lives.

use gatewire_core::handshake::Psk;

use super::Client;
#[cfg(feature = "tls")]
use crate::tls::{TlsError, Verify};

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
