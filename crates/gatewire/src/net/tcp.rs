//! Options of TCP sockets.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::limits::TcpOptions;

/// The shortest and the longest time to a probe that Linux takes: it counts in seconds.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(32_767);

pub(crate) fn configure(stream: &TcpStream, options: &TcpOptions) -> io::Result<()> {
    stream.set_nodelay(options.nodelay)?;
    if let Some(idle) = options.keep_alive {
        let (socket, idle) = (SockRef::from(stream), idle.clamp(SHORTEST, LONGEST));
        socket.set_tcp_keepalive(&probes(idle))?;
        // While bytes of this side are not acknowledged nothing is probed, and a system by itself sends them again for
        // a quarter of an hour (RFC 5482).
        #[cfg(any(target_os = "android", target_os = "linux"))]
        socket.set_tcp_user_timeout(Some(idle + idle / 2))?;
    }
    Ok(())
}

/// Probes that find a peer that has vanished within one and a half times the idle time. By itself a system goes on probing for
/// eleven minutes (75 s between nine of them, RFC 1122 and its followers).
fn probes(idle: Duration) -> TcpKeepalive {
    const PROBES: u32 = 4;

    let probes = TcpKeepalive::new().with_time(idle);
    #[cfg(any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "linux",
        target_vendor = "apple",
        windows
    ))]
    let probes = probes.with_interval((idle / (2 * PROBES)).max(SHORTEST)).with_retries(PROBES);
    probes
}

/// Whether the kernel is to take little beyond what is on the network: so that messages overtake the bytes of
/// streams here, where they can. Without streams it takes what it likes, which is cheaper for large events.
#[cfg(any(target_os = "android", target_os = "linux"))]
pub(crate) fn keep_queue_short(stream: &TcpStream, short: bool) {
    /// What the kernel may have that is not sent: two batches. Less costs a stream its speed, more makes
    /// messages wait (`docs/decisions.md`, "Messages overtake streams in the kernel too").
    const UNSENT: u32 = 512 << 10;
    /// As the system is set.
    const DEFAULT: u32 = 0;

    let unsent = if short { UNSENT } else { DEFAULT };
    if let Err(error) = SockRef::from(stream).set_tcp_notsent_lowat(unsent) {
        // It is slower then, not wrong; and if the socket is broken the next write tells.
        tracing::debug!(%error, "the queue of a socket keeps its length");
    }
}

/// Other systems have no such option, or none that can be reached.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(crate) fn keep_queue_short(_: &TcpStream, _: bool) {}

#[cfg(all(test, target_os = "linux"))]
mod tests;
