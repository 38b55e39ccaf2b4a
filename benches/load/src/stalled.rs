//! Members that never read.

use std::io;

use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// Connects with a receive buffer that is soon full: so what is not read waits in the server, which is
/// what is to be seen.
pub(crate) async fn connect(address: &str) -> io::Result<TcpStream> {
    let address = lookup_host(address).await?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_recv_buffer_size(4096)?;
    socket.connect(address).await
}

/// The room that the stalled members are in besides the others' room: so they can be filled alone.
pub(crate) const ROOM: &str = "stalled";

/// What a stalled member is sent before anything is measured: so many pieces, 4 MiB in all. The kernel
/// takes its part of it (up to `tcp_wmem`, 4 MiB with its own overhead), and from then on what is
/// published waits in the server.
pub(crate) const PIECES: usize = 256;
/// The bytes of a piece.
pub(crate) const PIECE: usize = 16 << 10;
