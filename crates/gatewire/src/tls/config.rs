//! From what the builders were told to TLS sessions.

use std::sync::{Arc, OnceLock};

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::aws_lc_rs::cipher_suite::{
    TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
};
use rustls::crypto::aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519};
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::{Identity, Roots, TlsError, Verify};

/// The cryptography: `aws-lc-rs`, which builds with a C compiler and nothing else.
///
/// AES with 128 bits comes first: no weaker than the key exchange, faster than with 256, and its SHA-256
/// is what processors help with. X25519 comes first, and no group with ML-KEM is offered: it would add more than a
/// kilobyte to both hellos. See `docs/decisions.md` for figures.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let make = || {
        let cipher_suites = vec![
            TLS13_AES_128_GCM_SHA256,
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
        ];
        let kx_groups = vec![X25519, SECP256R1, SECP384R1];
        Arc::new(CryptoProvider { cipher_suites, kx_groups, ..aws_lc_rs::default_provider() })
    };
    Arc::clone(PROVIDER.get_or_init(make))
}

/// A server's end.
#[derive(Clone)]
pub(crate) struct Acceptor {
    config: Arc<ServerConfig>,
    asks_certificate: bool,
}

impl Acceptor {
    /// `clients`: the authorities of the certificates that clients have to show.
    pub(crate) fn new(identity: &Identity, clients: Option<&Roots>) -> Result<Self, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| TlsError::Identity(error.to_string()))?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(roots) => {
                let store = Arc::clone(&roots.store);
                let verifier = WebPkiClientVerifier::builder_with_provider(store, provider())
                    .build()
                    .map_err(|error| TlsError::Roots(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let resolver = SingleCertAndKey::from(Arc::clone(&identity.key));
        let mut config = builder.with_cert_resolver(Arc::new(resolver));
        // Each connection proves its key anew, so there is nothing that a resumption would save.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), asks_certificate: clients.is_some() })
    }

    /// A session that waits for a client's first record.
    pub(crate) fn session(&self) -> Result<Connection, rustls::Error> {
        Ok(ServerConnection::new(Arc::clone(&self.config))?.into())
    }

    /// Whether clients have to show a certificate.
    pub(crate) fn asks_certificate(&self) -> bool {
        self.asks_certificate
    }
}

/// A client's end.
#[derive(Clone)]
pub(crate) struct Connector(Arc<ClientConfig>);

impl Connector {
    /// For clients that verify the key and nothing else: one for all of them.
    pub(crate) fn psk() -> Result<Self, TlsError> {
        static CONNECTOR: OnceLock<Result<Connector, TlsError>> = OnceLock::new();
        CONNECTOR.get_or_init(|| Self::new(&Verify::Psk)).clone()
    }

    pub(crate) fn new(verify: &Verify) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| TlsError::Identity(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verify.verifier()?);
        let mut config = match verify {
            Verify::Mutual { identity, .. } => {
                let resolver = SingleCertAndKey::from(Arc::clone(&identity.key));
                builder.with_client_cert_resolver(Arc::new(resolver) as Arc<dyn ResolvesClientCert>)
            }
            _ => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        // Who listens learns no name; a server has one certificate.
        config.enable_sni = false;
        Ok(Self(Arc::new(config)))
    }

    /// A session whose first record is for the server at `address`.
    pub(crate) fn session(&self, address: &str) -> Result<Connection, rustls::Error> {
        Ok(ClientConnection::new(Arc::clone(&self.0), Self::server_name(address))?.into())
    }

    /// The name that the server's certificate is checked for: the host of `host:port`.
    fn server_name(address: &str) -> ServerName<'static> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        // A host that cannot be a name is none that a certificate is for.
        ServerName::try_from(host.to_owned())
            .unwrap_or_else(|_| ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into()))
    }
}

/// The value that the proofs are bound to: `EXPORTER-Channel-Binding` of RFC 9266.
pub(crate) fn channel_binding(session: &Connection) -> Result<[u8; 32], rustls::Error> {
    session.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[]))
}
