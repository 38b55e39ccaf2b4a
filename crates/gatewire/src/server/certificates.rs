//! The certificates of a server, which may be replaced while it runs.

use std::sync::{PoisonError, RwLock};

use super::channels::Channels;
use super::{Inner, Server};
use crate::tls::{Acceptor, Identity, Roots, TlsError};

/// What TLS handshakes go by.
#[derive(Default)]
pub(super) struct Certificates(RwLock<State>);

#[derive(Default)]
struct State {
    /// `None`: one is made when the server begins to listen.
    identity: Option<Identity>,
    /// The authorities of the certificates that clients have to show.
    clients: Option<Roots>,
    /// Made of both when the server begins to listen.
    acceptor: Option<Acceptor>,
}

impl Certificates {
    pub(super) fn new(identity: Option<Identity>, clients: Option<Roots>) -> Self {
        Self(RwLock::new(State { identity, clients, acceptor: None }))
    }

    /// Makes what is missing.
    pub(super) fn prepare(&self) -> Result<(), TlsError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if state.acceptor.is_none() {
            let identity = match state.identity.take() {
                Some(identity) => identity,
                None => Identity::self_signed()?,
            };
            state.acceptor = Some(Acceptor::new(&identity, state.clients.as_ref())?);
            state.identity = Some(identity);
        }
        Ok(())
    }

    /// For the handshakes that begin now.
    pub(super) fn acceptor(&self) -> Option<Acceptor> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).acceptor.clone()
    }

    /// `None` leaves one as it is. After an error both are as they were.
    fn replace(&self, identity: Option<Identity>, clients: Option<Roots>) -> Result<(), TlsError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let identity = identity.or_else(|| state.identity.clone());
        let clients = clients.or_else(|| state.clients.clone());
        if let (Some(_), Some(identity)) = (&state.acceptor, &identity) {
            state.acceptor = Some(Acceptor::new(identity, clients.as_ref())?);
        }
        (state.identity, state.clients) = (identity, clients);
        Ok(())
    }
}

impl Server {
    /// Replaces the certificate: TLS handshakes that begin from now on show this one. Sessions, and handshakes
    /// under way, go on with the old one.
    ///
    /// Clients that verify with [`Pin`](crate::tls::Verify::Pin) have to know both for a while: give them the new
    /// [fingerprint](Identity::fingerprint) first.
    ///
    /// # Errors
    ///
    /// [`TlsError::PlainOnly`]: the server was built for plain TCP. Others: it cannot be used, and the old one stays.
    pub fn set_identity(&self, identity: Identity) -> Result<(), TlsError> {
        self.inner.replace_certificates(Some(identity), None)
    }

    /// Replaces the authorities of the certificates that clients have to show: those of a server that was
    /// [built](crate::ServerBuilder::mutual_tls) to ask for them; one that was not asks from now on. Sessions
    /// go on, whatever their clients have shown.
    ///
    /// # Errors
    ///
    /// As [`set_identity`](Self::set_identity).
    pub fn set_client_roots(&self, clients: Roots) -> Result<(), TlsError> {
        self.inner.replace_certificates(None, Some(clients))
    }
}

impl Inner {
    fn replace_certificates(
        &self,
        identity: Option<Identity>,
        clients: Option<Roots>,
    ) -> Result<(), TlsError> {
        if matches!(self.channels, Channels::Plain) {
            return Err(TlsError::PlainOnly);
        }
        self.certificates.replace(identity, clients)
    }
}
