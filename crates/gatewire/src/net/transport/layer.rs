//! What may lie between the session and TCP.
//!
//! Without the features that have one this type has no value, so that nobody else has to know of them.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

#[cfg(feature = "legacy")]
use super::legacy::Legacy;
#[cfg(feature = "tls")]
use super::tls::Tls;

pub(super) enum Layer {
    #[cfg(feature = "tls")]
    Tls(Box<Tls>),
    #[cfg(feature = "legacy")]
    Legacy(Box<Legacy>),
}

/// The same call on each of them.
macro_rules! each {
    ($layer:expr, $inner:ident => $call:expr) => {
        match *$layer {
            #[cfg(feature = "tls")]
            Layer::Tls(ref $inner) => $call,
            #[cfg(feature = "legacy")]
            Layer::Legacy(ref $inner) => $call,
        }
    };
}

#[cfg_attr(
    not(any(feature = "tls", feature = "legacy")),
    expect(unused_variables, reason = "there is no layer that would use them")
)]
impl Layer {
    /// Takes and sends; how many bytes were taken.
    pub(super) fn write(&self, tcp: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        each!(self, layer => layer.write(tcp, slices))
    }

    /// Whether bytes that were taken are not with the kernel.
    pub(super) fn has_unsent(&self) -> bool {
        each!(self, layer => layer.outgoing.has_unsent())
    }

    /// Bytes that the kernel has taken.
    pub(super) fn sent(&self) -> u64 {
        each!(self, layer => layer.outgoing.sent())
    }

    /// Sends what is left over; whether all is with the kernel.
    pub(super) fn flush(&self, tcp: &TcpStream) -> io::Result<bool> {
        each!(self, layer => layer.outgoing.flush(tcp))
    }

    /// Receives. Nothing filled: the peer sends no more.
    pub(super) fn poll_read(
        &self,
        read: &mut OwnedReadHalf,
        write: &TcpStream,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, layer => layer.poll_read(read, write, context, out))
    }

    /// Says, with the next flush, that no more comes.
    pub(super) fn say_end(&self) {
        each!(self, layer => layer.say_end());
    }
}
