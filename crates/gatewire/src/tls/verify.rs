//! How a client verifies its server.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};

use super::TlsError;
use super::certificate::{Identity, Roots, fingerprint};
use super::config::provider;

/// What the channel itself verifies. In any case both ends prove to know the key, if there is one.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Verify {
    /// Nothing: the key alone authenticates both ends, which is safe since its proof is bound to the
    /// channel. Without a key it protects against listeners only, not against an active attacker.
    #[default]
    Psk,
    /// The server's certificate comes from one of these authorities, for the host that was dialled.
    Roots(Roots),
    /// The server's certificate has one of these SHA-256 sums, see
    /// [`Identity::fingerprint`].
    Pin(Vec<[u8; 32]>),
    /// As `Roots`; and the client shows a certificate of its own, which the server asks for.
    Mutual {
        /// The authorities of the server's certificate.
        roots: Roots,
        /// The client's certificate.
        identity: Identity,
    },
}

impl Verify {
    pub(super) fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        Ok(match self {
            Self::Psk => Arc::new(Possession { pins: None }),
            Self::Pin(pins) => Arc::new(Possession { pins: Some(pins.clone()) }),
            Self::Roots(roots) | Self::Mutual { roots, .. } => {
                let store = Arc::clone(&roots.store);
                WebPkiServerVerifier::builder_with_provider(store, provider())
                    .build()
                    .map_err(|error| TlsError::Roots(error.to_string()))?
            }
        })
    }
}

/// Checks that the server has the private key of the certificate that it shows, and maybe which that is.
#[derive(Debug)]
struct Possession {
    /// `None`: any.
    pins: Option<Vec<[u8; 32]>>,
}

impl ServerCertVerifier for Possession {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.pins {
            Some(pins) if !pins.contains(&fingerprint(end_entity)) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // Never asked: the client offers 1.3 alone.
        let algorithms = &provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
