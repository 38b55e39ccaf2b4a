//! Certificates and the keys that belong to them.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::TlsError;
use super::config::provider;

/// A certificate, with those that lead to its authority, and its private key. The key is never shown.
#[derive(Clone)]
pub struct Identity {
    pub(super) key: Arc<CertifiedKey>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.key.cert.len())
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads a chain of certificates, the own first, and the private key (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates_in(certificates)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => TlsError::Missing("private key"),
            error => TlsError::Pem(error.to_string()),
        })?;
        Self::new(chain, key)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let identity = |error: rustls::Error| TlsError::Identity(error.to_string());
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(identity)?;
        Ok(Self { key: Arc::new(key) })
    }

    /// A certificate that vouches for itself alone, with a new Ed25519 key.
    ///
    /// # Errors
    ///
    /// [`TlsError::Identity`]: the system gives no random numbers.
    pub fn self_signed() -> Result<Self, TlsError> {
        let identity = |error: rcgen::Error| TlsError::Identity(error.to_string());
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(identity)?;
        let params = rcgen::CertificateParams::new(["gatewire".to_owned()]).map_err(identity)?;
        let certificate = params.self_signed(&key).map_err(identity)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| TlsError::Identity(error.to_owned()))?;
        Self::new(vec![certificate.der().clone()], key)
    }

    /// What [`Verify::Pin`](super::Verify::Pin) compares: the SHA-256 of the own certificate.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        self.key.cert.first().map_or([0; 32], |own| fingerprint(own))
    }
}

pub(super) fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

/// Certificates of authorities.
#[derive(Debug, Clone)]
pub struct Roots {
    pub(super) store: Arc<RootCertStore>,
}

impl Roots {
    /// Reads certificates of authorities, one or more.
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    pub fn from_pem(certificates: &[u8]) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates_in(certificates)? {
            store.add(certificate).map_err(|error| TlsError::Roots(error.to_string()))?;
        }
        Ok(Self { store: Arc::new(store) })
    }
}

fn certificates_in(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| TlsError::Pem(error.to_string()))?;
    if found.is_empty() { Err(TlsError::Missing("certificate")) } else { Ok(found) }
}
