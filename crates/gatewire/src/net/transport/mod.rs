//! The bytes of a connection: TCP alone, or over it TLS, or the translation to a peer of wire version 1 or 2.
//!
//! Everybody who flushes writes, and the driver reads, both through a shared reference. Nothing here waits:
//! what the kernel does not take or have is `WouldBlock`, and the driver asks to be woken.

mod layer;
#[cfg(feature = "legacy")]
mod legacy;
#[cfg(any(feature = "legacy", feature = "tls"))]
mod memory;
#[cfg(any(feature = "legacy", feature = "tls"))]
mod outgoing;
#[cfg(feature = "tls")]
mod tls;

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gatewire_core::session::Batch;
use socket2::SockRef;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use layer::Layer;
#[cfg(feature = "legacy")]
pub(crate) use legacy::Legacy;
#[cfg(feature = "tls")]
pub(crate) use tls::{Out, Tls};

/// Pieces of one vectored write: as many as cost no more than they save.
const MAX_SLICES: usize = 64;

/// What everybody who flushes shares.
pub(crate) struct Transport {
    tcp: OwnedWriteHalf,
    /// What lies over TCP, if anything does.
    layer: Option<Layer>,
}

/// What the driver reads.
pub(crate) struct TransportReader {
    tcp: OwnedReadHalf,
    transport: Arc<Transport>,
}

/// How far a write came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// All is with the kernel.
    All,
    /// The kernel takes no more for now.
    Blocked,
}

impl Transport {
    pub(crate) fn plain(tcp: TcpStream) -> (Arc<Self>, TransportReader) {
        let (read, tcp) = tcp.into_split();
        Self { tcp, layer: None }.with_reader(read)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls(tcp: TcpStream, tls: Tls) -> (Arc<Self>, TransportReader) {
        Self::layered(tcp, Layer::Tls(Box::new(tls)))
    }

    #[cfg(feature = "legacy")]
    pub(crate) fn legacy(tcp: TcpStream, legacy: Legacy) -> (Arc<Self>, TransportReader) {
        Self::layered(tcp, Layer::Legacy(Box::new(legacy)))
    }

    #[cfg(any(feature = "legacy", feature = "tls"))]
    fn layered(tcp: TcpStream, layer: Layer) -> (Arc<Self>, TransportReader) {
        let (read, tcp) = tcp.into_split();
        Self { tcp, layer: Some(layer) }.with_reader(read)
    }

    fn with_reader(self, tcp: OwnedReadHalf) -> (Arc<Self>, TransportReader) {
        let transport = Arc::new(self);
        let reader = TransportReader { tcp, transport: Arc::clone(&transport) };
        (transport, reader)
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        self.tcp.as_ref()
    }

    /// Writes until all is with the kernel or it takes no more.
    pub(crate) fn write(&self, batch: &mut Batch) -> io::Result<Written> {
        while !batch.is_empty() {
            let result = match batch.single() {
                Some(bytes) => self.try_write(bytes),
                None => {
                    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                    let count = batch.slices(&mut slices);
                    self.try_write_vectored(&slices[..count])
                }
            };
            match result {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => batch.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Written::Blocked);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(if self.has_unsent() { Written::Blocked } else { Written::All })
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.layer {
            None => self.tcp.try_write(bytes),
            Some(layer) => layer.write(self.tcp(), &[IoSlice::new(bytes)]),
        }
    }

    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.layer {
            None => self.tcp.try_write_vectored(slices),
            Some(layer) => layer.write(self.tcp(), slices),
        }
    }

    /// Whether there are bytes that the batch counts as written and the kernel has not taken.
    pub(crate) fn has_unsent(&self) -> bool {
        self.layer.as_ref().is_some_and(Layer::has_unsent)
    }

    /// Bytes that went to the kernel other than through a batch: progress, if others show none.
    pub(crate) fn sent(&self) -> u64 {
        self.layer.as_ref().map_or(0, Layer::sent)
    }

    /// Ready when the kernel takes bytes, and has taken what was left over.
    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.tcp().poll_write_ready(context))?;
            if let Some(layer) = &self.layer
                && !layer.flush(self.tcp())?
            {
                // The kernel was full again: ask anew.
                continue;
            }
            return Poll::Ready(Ok(()));
        }
    }

    /// This side writes no more; ready when the kernel knows. Fails when the peer is gone already.
    pub(crate) fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(layer) = &self.layer {
            layer.say_end();
            ready!(self.poll_writable(context))?;
        }
        Poll::Ready(SockRef::from(self.tcp()).shutdown(Shutdown::Write))
    }
}

impl AsyncRead for TransportReader {
    /// Reads into what is not filled. Nothing filled: the peer sends no more.
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(layer) = &this.transport.layer {
            return layer.poll_read(&mut this.tcp, this.transport.tcp(), context, out);
        }
        Pin::new(&mut this.tcp).poll_read(context, out)
    }
}
