//! Connections of wire versions 1 and 2: how they begin, and what ends them.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use gatewire_core::session::ProtocolError;
use gatewire_legacy::downlink::PeerError;
use gatewire_legacy::handshake::{
    Admitted, Dialler, ExpectProof, MAX_EARLY, Progress, Registered, Seed, Step, V2Secret,
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::channel::Channel;
use super::handshake::{read_frame, read_frame_up_to};
use crate::HandshakeError;
use crate::entropy::random;
use crate::error::{ConnectError, DisconnectReason};
use crate::legacy::handshake_error;

/// The listener's side of version 2, up to what the dialler is; and what came behind.
pub(crate) async fn accept<'k>(
    channel: &mut Channel,
    keys: impl IntoIterator<Item = &'k V2Secret>,
) -> Result<Result<(Admitted, BytesMut), HandshakeError>, ConnectError> {
    let mut buffer = channel.take_first();
    let (seed, expect) = ExpectProof::start(Seed::new(random()));
    channel.send(&seed).await?;
    let proof = read_frame(channel, &mut buffer).await?;
    let expect = match expect.handle(&proof, keys) {
        Ok(Ok(expect)) => expect,
        Ok(Err(admitted)) => return Ok(Ok((admitted, buffer))),
        Err(error) => return Ok(Err(handshake_error(&error))),
    };
    let role = read_frame(channel, &mut buffer).await?;
    let admitted = expect.handle(&role).map_err(|error| handshake_error(&error));
    Ok(admitted.map(|admitted| (admitted, buffer)))
}

/// How long an old router may take to see the end, as long as neighbours of version 3.
const LINGER: Duration = Duration::from_secs(1);

/// Ends the connection of an old router so that it sees the end. What it still sends is thrown away: a connection that is closed
/// with unread bytes is reset, and the originals take no reset for an end.
pub(crate) async fn linger(mut stream: TcpStream) {
    let mut trash = [0; 4096];
    let end = async {
        stream.shutdown().await?;
        while stream.read(&mut trash).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // An error, or too late: it is over either way.
    let _seen = timeout(LINGER, end).await;
}

/// The dialler's side: what it is given, and what came behind.
pub(crate) async fn dial(
    channel: &mut Channel,
    dialler: Dialler,
) -> Result<(Registered, BytesMut), ConnectError> {
    let mut buffer = BytesMut::new();
    let (first, mut step) = dialler.start();
    if !first.is_empty() {
        channel.send(&first).await?;
    }
    let mut proven = false;
    loop {
        let frame = match read_frame_up_to(MAX_EARLY, channel, &mut buffer).await {
            // The Node packages' server says nothing to who does not know its key.
            Err(error) if proven && is_end(&error) => {
                return Err(ConnectError::Handshake(HandshakeError::Proof));
            }
            frame => frame?,
        };
        let seeded = matches!(step, Step::Seed(_));
        match step
            .handle(&frame)
            .map_err(|error| ConnectError::Handshake(handshake_error(&error)))?
        {
            Progress::Done(registered) => return Ok((registered, buffer)),
            Progress::Waits(answer, next) => {
                if !answer.is_empty() {
                    channel.send(&answer).await?;
                    proven = seeded;
                }
                step = next;
            }
        }
    }
}

fn is_end(error: &ConnectError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kinds = [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof];
    matches!(error, ConnectError::Io(error) if kinds.contains(&error.kind()))
}

/// Why a connection ends whose reading failed: what the peer did wrong, if that is it.
pub(super) fn reason_of(error: &io::Error) -> DisconnectReason {
    match error.get_ref().and_then(|error| error.downcast_ref::<PeerError>()) {
        Some(PeerError::Frame(error)) => DisconnectReason::Frame(*error),
        Some(PeerError::Malformed(error)) => {
            DisconnectReason::Protocol(ProtocolError::Malformed(*error))
        }
        Some(PeerError::StreamId(id)) => {
            DisconnectReason::Protocol(ProtocolError::StreamIdInUse(*id))
        }
        _ => DisconnectReason::Io(error.kind()),
    }
}
