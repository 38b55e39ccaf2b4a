//! Encryption: TLS 1.3 under the handshake that proves the keys.
//!
//! A builder with a key uses TLS unless it is told [`plain`](crate::ServerBuilder::plain). There is nothing to
//! manage: by default ([`Verify::Psk`]) the server makes a certificate for itself when it starts, the client
//! accepts any, and what authenticates both ends is the key: its proof covers a value that only the two ends of
//! this very TLS connection know (RFC 9266), so that whoever sits between two TLS connections is refused. The
//! other variants of [`Verify`] check certificates besides.
//!
//! TLS 1.3 alone, no early data, no resumption. A client never falls back to plain TCP, and a server for TLS tells
//! plain clients so ([`RejectCode::TlsOnly`](crate::RejectCode::TlsOnly)). What it protects from and what not stands in
//! `SECURITY.md`.
//!
//! A server with a certificate that its clients know, and no key:
//!
//! ```
//! use gatewire::tls::{Identity, Verify};
//! use gatewire::{Client, Server};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // From files: `Identity::from_pem`.
//! let identity = Identity::self_signed()?;
//! let pin = Verify::Pin(vec![identity.fingerprint()]);
//! let server = Server::builder().tls(identity).bind("127.0.0.1:0").await?;
//! server.on("double", |number: u32| number * 2);
//!
//! let client = Client::builder().tls(pin).connect(server.local_addr()).await?;
//! assert_eq!(client.request::<u32, _>("double", 21).await?, 42);
//! # client.close().await;
//! # server.close().await;
//! # Ok(())
//! # }
//! ```

mod certificate;
mod config;
mod verify;

use std::{fmt, io};

pub use certificate::{Identity, Roots};
pub(crate) use config::{Acceptor, Connector, channel_binding};
pub use verify::Verify;

/// TLS could not be set up, or the peer does not speak it, or is not who it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// It is not PEM, or what it holds is not what is asked for.
    Pem(String),
    /// No certificate, or no key, is in it.
    Missing(&'static str),
    /// The key does not belong to the certificate, or is of a kind that is not supported.
    Identity(String),
    /// The certificates of the authorities cannot be used.
    Roots(String),
    /// The peer's certificate is not what [`Verify`] asks for.
    Certificate(String),
    /// The peer refused: this end's certificate, or the version or ciphers that it offers.
    Refused(String),
    /// This server was built for plain TCP: it has no use for certificates.
    PlainOnly,
    /// The peer does not speak TLS.
    NotTls,
    /// The peer hung up before TLS was there: as one does that does not speak it, or takes no more connections.
    HungUp,
    /// The two ends did not come to an agreement.
    Handshake(String),
}

impl TlsError {
    /// What rustls had to say, if it is from there.
    pub(crate) fn of_io(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(match error {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                Self::Certificate(error.to_string())
            }
            rustls::Error::AlertReceived(_) => Self::Refused(error.to_string()),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            error => Self::Handshake(error.to_string()),
        })
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem(error) => write!(f, "not usable PEM: {error}"),
            Self::Missing(what) => write!(f, "there is no {what} in it"),
            Self::Identity(error) => write!(f, "the certificate and its key: {error}"),
            Self::Roots(error) => write!(f, "the certificates of the authorities: {error}"),
            Self::Certificate(error) => write!(f, "the peer's certificate is refused: {error}"),
            Self::Refused(error) => write!(f, "the peer refuses TLS with this end: {error}"),
            Self::HungUp => {
                f.write_str("the peer hung up in the TLS handshake; does it speak TLS?")
            }
            Self::PlainOnly => f.write_str("this server was built for plain TCP"),
            Self::NotTls => f.write_str("the peer does not speak TLS"),
            Self::Handshake(error) => write!(f, "the TLS handshake failed: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}
