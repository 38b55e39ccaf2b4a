//! TLS over a TCP socket that does not block.
//!
//! The session is a state machine without I/O. Writing encrypts into its buffer and hands that to the kernel; what the
//! kernel does not take is at most [`BUFFER`]. Reading takes much ciphertext at once into memory of the thread, since the
//! session by itself reads in small steps.

use std::io::{self, BufRead, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::Connection;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use super::memory::with_buffer;
use super::outgoing::{Machine, Outgoing};

/// Ciphertext that waits for the kernel: above it no more plaintext is taken. As much as a batch, with the frame that
/// brought it to its 256 KiB: with less a batch takes two writes, the second for a few bytes, and with 64 KiB
/// events are a tenth slower (`docs/decisions.md`). A connection whose peer stops reading keeps so much at most,
/// until it is cut; one that is read keeps nothing.
const BUFFER: usize = 320 << 10;

/// The longest record, with what TLS adds.
const RECORD: usize = (16 << 10) + 256;

/// A TLS session after its handshake.
pub(crate) struct Tls {
    pub(super) outgoing: Outgoing<State>,
}

pub(super) struct State {
    session: Connection,
    /// Ciphertext that was read, for which there was no room behind the session.
    input: Vec<u8>,
    /// The peer sends no more.
    ended: bool,
}

impl Tls {
    pub(crate) fn new(mut session: Connection) -> Self {
        session.set_buffer_limit(Some(BUFFER));
        let state = State { session, input: Vec::new(), ended: false };
        Self { outgoing: Outgoing::new(state) }
    }

    /// Encrypts and sends; how many bytes of plaintext were taken.
    pub(super) fn write(&self, tcp: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.outgoing.lock();
        if !self.outgoing.send(&mut state, tcp)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = state.session.writer().write_vectored(slices)?;
        self.outgoing.send(&mut state, tcp)?;
        Ok(taken)
    }

    /// Receives and decrypts. Nothing filled: the peer sends no more. A connection that ends without the alert for
    /// that ends all the same: whether all was said is told by the frames inside.
    pub(super) fn poll_read(
        &self,
        read: &mut OwnedReadHalf,
        write: &TcpStream,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        let mut ended = self.with_session(write, |state| state.decrypt_kept(out))?;
        while out.filled().len() == before && !ended {
            ready!(with_buffer(|buffer| {
                // No more than `out` has room for, so that little is left to be kept.
                let most = buffer.len().min(out.remaining() + RECORD);
                let mut cipher = ReadBuf::new(&mut buffer[..most]);
                // Who writes need not wait for the kernel.
                ready!(Pin::new(&mut *read).poll_read(context, &mut cipher))?;
                ended = self.with_session(write, |state| state.decrypt(cipher.filled(), out))?;
                Poll::Ready(io::Result::Ok(()))
            }))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Lends the session for received bytes, and sends what it answers by itself: the alert that says what is
    /// wrong with the peer, for one. Whether the peer sends no more.
    fn with_session(
        &self,
        tcp: &TcpStream,
        receive: impl FnOnce(&mut State) -> io::Result<()>,
    ) -> io::Result<bool> {
        let mut state = self.outgoing.lock();
        let received = receive(&mut state);
        if state.session.wants_write() {
            let sent = self.outgoing.send(&mut state, tcp);
            if received.is_ok() {
                sent?;
            }
        }
        received.map(|()| state.ended)
    }

    /// Says, with the next flush, that no more comes.
    pub(super) fn say_end(&self) {
        let mut state = self.outgoing.lock();
        state.session.send_close_notify();
        self.outgoing.note(&mut state);
    }
}

impl Machine for State {
    fn has_output(&mut self) -> bool {
        self.session.wants_write()
    }

    fn write_output(&mut self, tcp: &TcpStream) -> io::Result<usize> {
        self.session.write_tls(&mut Out(tcp))
    }
}

impl State {
    /// Takes what is left of earlier reads.
    fn decrypt_kept(&mut self, out: &mut ReadBuf<'_>) -> io::Result<()> {
        self.take(out)?;
        if self.input.is_empty() {
            return Ok(());
        }
        let input = std::mem::take(&mut self.input);
        self.decrypt_some(&input, out)
    }

    /// Decrypts what was read; nothing: the peer sends no more.
    fn decrypt(&mut self, input: &[u8], out: &mut ReadBuf<'_>) -> io::Result<()> {
        self.ended |= input.is_empty();
        self.decrypt_some(input, out)
    }

    /// Decrypts. Ciphertext behind what `out` has room for is kept; behind the end nothing is.
    fn decrypt_some(&mut self, mut input: &[u8], out: &mut ReadBuf<'_>) -> io::Result<()> {
        while !input.is_empty() && !self.ended {
            if out.remaining() == 0 {
                self.input = input.to_vec();
                break;
            }
            self.session.read_tls(&mut input)?;
            let processed = self.session.process_new_packets();
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            self.take(out)?;
        }
        Ok(())
    }

    /// Takes the plaintext that is there.
    fn take(&mut self, out: &mut ReadBuf<'_>) -> io::Result<()> {
        let mut reader = self.session.reader();
        while out.remaining() > 0 {
            match reader.fill_buf() {
                Ok([]) => {
                    self.ended = true;
                    break;
                }
                Ok(plain) => {
                    let taken = plain.len().min(out.remaining());
                    out.put_slice(&plain[..taken]);
                    reader.consume(taken);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The socket, as something that is written to.
pub(crate) struct Out<'t>(pub(crate) &'t TcpStream);

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
