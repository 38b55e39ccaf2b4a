//! What a handshake runs over, before there is a session.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use gatewire_core::handshake::ChannelBinding;
#[cfg(feature = "tls")]
use tokio::io::AsyncReadExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::transport::{Transport, TransportReader};
#[cfg(feature = "tls")]
use crate::error::ConnectError;
#[cfg(feature = "tls")]
use crate::tls::{Acceptor, Connector, TlsError, channel_binding};

/// What is read to see what a peer speaks: all of an ordinary HELLO.
#[cfg(feature = "tls")]
const FIRST_READ: usize = 128;

/// A TCP connection, with bytes that were read to see what it speaks; or TLS over one.
pub(crate) enum Channel {
    Plain(Looked),
    #[cfg(feature = "tls")]
    Tls {
        stream: Box<tokio_rustls::TlsStream<Looked>>,
        /// Known to the two ends of this connection alone.
        binding: [u8; 32],
    },
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

    #[cfg(feature = "tls")]
    async fn read(&mut self) -> io::Result<()> {
        if self.first.len() == self.first.capacity() {
            self.first.reserve(FIRST_READ);
        }
        if self.tcp.read_buf(&mut self.first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
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
        let stream = acceptor.0.accept(stream).await?;
        Self::bound(stream.into())
    }

    #[cfg(feature = "tls")]
    pub(crate) async fn connect(
        stream: Looked,
        connector: &Connector,
        address: &str,
    ) -> Result<Self, ConnectError> {
        let connecting = connector.0.connect(Connector::server_name(address), stream);
        let stream = connecting.await.map_err(|error| match error.kind() {
            // A reset, if the peer had not read all that was sent to it.
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => ConnectError::Tls(TlsError::HungUp),
            _ => error.into(),
        })?;
        Ok(Self::bound(stream.into())?)
    }

    #[cfg(feature = "tls")]
    fn bound(stream: tokio_rustls::TlsStream<Looked>) -> io::Result<Self> {
        let binding = channel_binding(&stream).map_err(io::Error::other)?;
        Ok(Self::Tls { stream: Box::new(stream), binding })
    }

    /// What was read to see what the peer speaks, and has not been taken.
    pub(crate) fn take_first(&mut self) -> BytesMut {
        match self {
            Self::Plain(looked) => std::mem::take(&mut looked.first),
            #[cfg(feature = "tls")]
            Self::Tls { .. } => BytesMut::new(),
        }
    }

    pub(crate) fn binding(&self) -> Binding {
        match self {
            Self::Plain(_) => Binding(None),
            #[cfg(feature = "tls")]
            Self::Tls { binding, .. } => Binding(Some(*binding)),
        }
    }

    /// What the session runs over. What is read and not taken is lost, but for what TLS keeps for itself.
    pub(crate) fn into_transport(self) -> (Arc<Transport>, TransportReader) {
        match self {
            Self::Plain(looked) => Transport::plain(looked.tcp),
            #[cfg(feature = "tls")]
            Self::Tls { stream, .. } => {
                let (looked, session) = match *stream {
                    tokio_rustls::TlsStream::Client(stream) => {
                        let (looked, session) = stream.into_inner();
                        (looked, rustls::Connection::Client(session))
                    }
                    tokio_rustls::TlsStream::Server(stream) => {
                        let (looked, session) = stream.into_inner();
                        (looked, rustls::Connection::Server(session))
                    }
                };
                Transport::tls(looked.tcp, super::transport::Tls::new(session))
            }
        }
    }
}

impl AsyncRead for Looked {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.first.is_empty() {
            return Pin::new(&mut this.tcp).poll_read(context, out);
        }
        let length = this.first.len().min(out.remaining());
        out.put_slice(&this.first[..length]);
        this.first.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Looked {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}

impl AsyncRead for Channel {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, out),
            #[cfg(feature = "tls")]
            Self::Tls { stream, .. } => Pin::new(stream).poll_read(context, out),
        }
    }
}

impl AsyncWrite for Channel {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            #[cfg(feature = "tls")]
            Self::Tls { stream, .. } => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            #[cfg(feature = "tls")]
            Self::Tls { stream, .. } => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(feature = "tls")]
            Self::Tls { stream, .. } => Pin::new(stream).poll_shutdown(context),
        }
    }
}
