//! TLS before there is a session: its own handshake, then the few frames of ours.
//!
//! The state machine reads straight from the socket, a little at a time, and what a peer may send in all until
//! it has proved itself is bounded. What the state machine has to say leaves in one write; the end of a client's
//! handshake waits for the HELLO behind it.

use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use bytes::BytesMut;
use rustls::Connection;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::net::transport::{Out, Tls, Transport, TransportReader};
use crate::tls::{Acceptor, Connector, channel_binding};

/// What a client may send until it is admitted: the hello of a common TLS library takes 200 to 600 bytes, one with
/// ML-KEM 1.8 KB; the rest, with HELLO and PROOF of the longest, 1.2 KB.
const FROM_CLIENT: usize = 4 << 10;

/// What it may send besides where it has to show a certificate, with those that lead to its authority.
const CERTIFICATES: usize = 16 << 10;

/// What a server may send until it has proved itself: certificates, as long as rustls takes them.
const FROM_SERVER: usize = 64 << 10;

/// A TLS connection.
pub(crate) struct TlsChannel {
    tcp: TcpStream,
    session: Connection,
    /// Bytes that the peer may still send.
    allowance: usize,
    /// Known to the two ends of this connection alone. Zeros until there is such a value.
    binding: [u8; 32],
}

impl TlsChannel {
    /// `first`: what the client has sent already.
    pub(super) async fn accept(
        tcp: TcpStream,
        first: &[u8],
        acceptor: &Acceptor,
    ) -> io::Result<Box<Self>> {
        let session = acceptor.session().map_err(io::Error::other)?;
        let certificates = if acceptor.asks_certificate() { CERTIFICATES } else { 0 };
        let mut channel = Self::new(tcp, session, FROM_CLIENT + certificates);
        let mut first = first;
        while !first.is_empty() {
            channel.allowance = channel.allowance.saturating_sub(first.len());
            channel.session.read_tls(&mut first)?;
            channel.process()?;
        }
        channel.shake().await?;
        Ok(channel)
    }

    pub(super) async fn connect(
        tcp: TcpStream,
        connector: &Connector,
        address: &str,
    ) -> io::Result<Box<Self>> {
        let session = connector.session(address).map_err(io::Error::other)?;
        let mut channel = Self::new(tcp, session, FROM_SERVER);
        channel.shake().await?;
        Ok(channel)
    }

    fn new(tcp: TcpStream, session: Connection, allowance: usize) -> Box<Self> {
        Box::new(Self { tcp, session, allowance, binding: [0; 32] })
    }

    /// The handshake of TLS. Its last record may be left to be sent with what comes behind it.
    async fn shake(&mut self) -> io::Result<()> {
        while self.session.is_handshaking() {
            self.flush().await?;
            if self.receive().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.binding = channel_binding(&self.session).map_err(io::Error::other)?;
        Ok(())
    }

    pub(super) fn binding(&self) -> [u8; 32] {
        self.binding
    }

    /// As [`Channel::read`](super::Channel::read): no more than `buffer` has room for.
    pub(super) async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        loop {
            match self.session.reader().fill_buf() {
                Ok(plain) => {
                    let length = plain.len().min(buffer.capacity() - buffer.len());
                    buffer.extend_from_slice(&plain[..length]);
                    self.session.reader().consume(length);
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if self.receive().await? == 0 {
                return Ok(0);
            }
        }
    }

    pub(super) async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.session.writer().write_all(frame)?;
        self.flush().await
    }

    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.flush().await?;
        self.tcp.shutdown().await
    }

    pub(super) fn into_transport(self) -> (Arc<Transport>, TransportReader) {
        Transport::tls(self.tcp, Tls::new(self.session))
    }

    /// Hands all that is to be said to the kernel.
    async fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Out(&self.tcp)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.tcp.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once, and lets the session work on it. 0: the peer sends no more.
    async fn receive(&mut self) -> io::Result<usize> {
        loop {
            let mut socket = In { tcp: &self.tcp, allowance: &mut self.allowance };
            match self.session.read_tls(&mut socket) {
                Ok(0) => return Ok(0),
                Ok(read) => {
                    self.process()?;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.tcp.readable().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn process(&mut self) -> io::Result<()> {
        let Err(error) = self.session.process_new_packets() else { return Ok(()) };
        // The alert that says what is wrong with the peer. It is lost if there is no room for it: nobody waits
        // for a peer that is refused.
        let told = self.session.write_tls(&mut Out(&self.tcp));
        if let Err(error) = told {
            tracing::debug!(%error, "the peer is not told why its handshake failed");
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// The socket, as something to read from: not more than it may give.
struct In<'t> {
    tcp: &'t TcpStream,
    allowance: &'t mut usize,
}

impl Read for In<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if *self.allowance == 0 {
            let error = "more than a handshake takes";
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let most = out.len().min(*self.allowance);
        let read = self.tcp.try_read(&mut out[..most])?;
        *self.allowance -= read;
        Ok(read)
    }
}
