//! What stands in the place of TLS without the feature `tls`: a type that has no value, so that nobody else
//! has to know of the feature.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

/// There is none.
pub(crate) enum Tls {}

impl Tls {
    pub(super) fn write(&self, _tcp: &TcpStream, _slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    pub(super) fn has_unsent(&self) -> bool {
        match *self {}
    }

    pub(super) fn sent(&self) -> u64 {
        match *self {}
    }

    pub(super) fn flush(&self, _tcp: &TcpStream) -> io::Result<bool> {
        match *self {}
    }

    pub(super) fn poll_read(
        &self,
        _read: &mut OwnedReadHalf,
        _write: &TcpStream,
        _context: &mut Context<'_>,
        _out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(super) fn say_end(&self) {
        match *self {}
    }
}
