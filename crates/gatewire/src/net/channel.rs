//! What a handshake runs over, before there is a session.

#[cfg(feature = "tls")]
mod tls;

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use gatewire_core::handshake::ChannelBinding;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tcp;
#[cfg(feature = "legacy")]
use super::transport::Legacy;
use super::transport::{Transport, TransportReader};
#[cfg(feature = "tls")]
use crate::error::ConnectError;
use crate::limits::TcpOptions;
#[cfg(feature = "tls")]
use crate::tls::{Acceptor, Connector, TlsError};
#[cfg(feature = "tls")]
use tls::TlsChannel;

/// What is read to see what a peer speaks: all of an ordinary HELLO.
#[cfg(any(feature = "tls", feature = "legacy"))]
const FIRST_READ: usize = 128;

/// A TCP connection, with bytes that were read to see what it speaks; or TLS over one.
pub(crate) enum Channel {
    Plain(Looked),
    #[cfg(feature = "tls")]
    Tls(Box<TlsChannel>),
}

/// What the proofs of a handshake are bound to.
#[derive(Clone, Copy)]
pub(crate) struct Binding(Option<[u8; 32]>);

impl Binding {
    pub(crate) fn get(&self) -> ChannelBinding<'_> {
        self.0.as_ref().map_or(ChannelBinding::None, ChannelBinding::TlsExporter)
    }
}

/// A TCP connection whose first bytes are read.
pub(crate) struct Looked {
    tcp: TcpStream,
    first: BytesMut,
}

impl Looked {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self { tcp, first: BytesMut::new() }
    }

    pub(crate) fn configure(&self, options: &TcpOptions) -> io::Result<()> {
        tcp::configure(&self.tcp, options)
    }

    #[cfg(any(feature = "tls", feature = "legacy"))]
    async fn read(&mut self) -> io::Result<()> {
        if self.first.len() == self.first.capacity() {
            self.first.reserve(FIRST_READ);
        }
        if self.tcp.read_buf(&mut self.first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Reads until it is known whether the peer speaks version 2, which it does when its first frame says so. A
    /// record of TLS begins with `16 03`; a frame that begins so is too long for a handshake.
    #[cfg(feature = "legacy")]
    pub(crate) async fn speaks_v2(&mut self) -> io::Result<bool> {
        const RECORD: &[u8] = &[0x16, 0x03];
        loop {
            if self.first.starts_with(RECORD) {
                return Ok(false);
            }
            if let Some(version) = self.first.get(gatewire_codec::LENGTH_PREFIX) {
                return Ok(*version == gatewire_codec::Version::V2 as u8);
            }
            self.read().await?;
        }
    }

    /// Reads until it is known what the peer speaks: whether that is TLS. A record of its handshake begins with
    /// `16 03`; a frame that begins so is too long for a HELLO.
    #[cfg(feature = "tls")]
    pub(crate) async fn speaks_tls(&mut self) -> io::Result<bool> {
        const RECORD: [u8; 2] = [0x16, 0x03];
        loop {
            let seen = self.first.len().min(RECORD.len());
            if self.first[..seen] != RECORD[..seen] {
                return Ok(false);
            }
            if seen == RECORD.len() {
                return Ok(true);
            }
            self.read().await?;
        }
    }
}

impl Channel {
    #[cfg(feature = "tls")]
    pub(crate) async fn accept(stream: Looked, acceptor: &Acceptor) -> io::Result<Self> {
        let Looked { tcp, first } = stream;
        Ok(Self::Tls(TlsChannel::accept(tcp, &first, acceptor).await?))
    }

    #[cfg(feature = "tls")]
    pub(crate) async fn connect(
        stream: Looked,
        connector: &Connector,
        address: &str,
    ) -> Result<Self, ConnectError> {
        let connected = TlsChannel::connect(stream.tcp, connector, address).await;
        let stream = connected.map_err(|error| match error.kind() {
            // A reset, if the peer had not read all that was sent to it.
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => ConnectError::Tls(TlsError::HungUp),
            _ => error.into(),
        })?;
        Ok(Self::Tls(stream))
    }

    /// What was read to see what the peer speaks, and has not been taken.
    pub(crate) fn take_first(&mut self) -> BytesMut {
        match self {
            Self::Plain(looked) => std::mem::take(&mut looked.first),
            #[cfg(feature = "tls")]
            Self::Tls(_) => BytesMut::new(),
        }
    }

    pub(crate) fn binding(&self) -> Binding {
        match self {
            Self::Plain(_) => Binding(None),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Binding(Some(stream.binding())),
        }
    }

    /// Reads some bytes behind those of `buffer`, no more than it has room for. 0: the peer sends no more.
    ///
    /// Here and below what TLS waits for has memory of its own, so that handshakes over plain TCP stay small.
    pub(crate) async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.tcp.read_buf(buffer).await,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Box::pin(stream.read(buffer)).await,
        }
    }

    /// Sends a frame; done when the kernel has it.
    pub(crate) async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.tcp.write_all(frame).await,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Box::pin(stream.send(frame)).await,
        }
    }

    /// Says that no more is sent.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.tcp.shutdown().await,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Box::pin(stream.shutdown()).await,
        }
    }

    /// The connection of a router of version 2. `None`: it is TLS, which those do not speak.
    #[cfg(feature = "legacy")]
    pub(crate) fn into_plain(self) -> Option<TcpStream> {
        match self {
            Self::Plain(looked) => Some(looked.tcp),
            #[cfg(feature = "tls")]
            Self::Tls(_) => None,
        }
    }

    /// What the session of a peer of version 1 or 2 runs over.
    #[cfg(feature = "legacy")]
    pub(crate) fn into_legacy(self, legacy: Legacy) -> (Arc<Transport>, TransportReader) {
        match self {
            Self::Plain(looked) => Transport::legacy(looked.tcp, legacy),
            // Their handshake is that of plain TCP.
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.into_transport(),
        }
    }

    /// What the session runs over. What is read and not taken is lost, but for what TLS keeps for itself.
    pub(crate) fn into_transport(self) -> (Arc<Transport>, TransportReader) {
        match self {
            Self::Plain(looked) => Transport::plain(looked.tcp),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.into_transport(),
        }
    }
}
