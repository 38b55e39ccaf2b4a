//! The handshake over a socket: frames of at most 512 bytes, within a deadline.

use std::io;

use bytes::{Bytes, BytesMut};
use gatewire_codec::v3::handshake::Extensions;
use gatewire_codec::{Framer, v3};
use gatewire_core::SocketId;
use gatewire_core::handshake::{
    ChannelBinding, DiallerConfig, Established, ExpectHello, HandshakeError, ListenerConfig,
    Refusal,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clock::unix_now;
use crate::entropy::{random, random_blocks};
use crate::error::ConnectError;

/// A handshake's read buffer: two of its frames.
const BUFFER: usize = 2 * v3::MAX_HANDSHAKE_FRAME as usize;

/// What has been read of a handshake, and not taken out yet.
pub(crate) struct Begun(BytesMut);

/// The first bytes of a dialler, at least one.
pub(crate) async fn first_bytes(stream: &mut TcpStream) -> Result<Begun, ConnectError> {
    let mut buffer = BytesMut::with_capacity(BUFFER);
    read_some(stream, &mut buffer).await?;
    Ok(Begun(buffer))
}

async fn read_some(stream: &mut TcpStream, buffer: &mut BytesMut) -> Result<(), ConnectError> {
    buffer.reserve(v3::MAX_HANDSHAKE_FRAME as usize);
    if stream.read_buf(buffer).await? == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(())
}

/// Reads one frame; bytes behind it stay in `buffer`.
async fn read_frame(stream: &mut TcpStream, buffer: &mut BytesMut) -> Result<Bytes, ConnectError> {
    let mut framer = Framer::new(v3::MAX_HANDSHAKE_FRAME);
    loop {
        if let Some(frame) = framer.next_frame(buffer).map_err(ConnectError::Frame)? {
            return Ok(frame);
        }
        read_some(stream, buffer).await?;
    }
}

/// The dialler's side: the session, and what the listener sent behind ACCEPT.
pub(crate) async fn dial(
    stream: &mut TcpStream,
    config: DiallerConfig,
) -> Result<(Established, BytesMut), ConnectError> {
    let mut buffer = BytesMut::with_capacity(BUFFER);
    let (hello, expect) = config
        .start(random(), ChannelBinding::None, Extensions::NONE)
        .map_err(ConnectError::Handshake)?;
    stream.write_all(&hello).await?;
    let challenge = read_frame(stream, &mut buffer).await?;
    let (proof, expect) =
        expect.handle(&challenge, Extensions::NONE).map_err(ConnectError::Handshake)?;
    stream.write_all(&proof).await?;
    let accept = read_frame(stream, &mut buffer).await?;
    let established = expect.handle(&accept).map_err(ConnectError::Handshake)?;
    Ok((established, buffer))
}

/// ACCEPT, which is yet to be sent; the session; and what came behind PROOF.
pub(crate) type Shaken = (Bytes, Established, BytesMut);

/// The listener's side up to the dialler's proof. ACCEPT is given, not sent: first the session must
/// exist, since the dialler may use it as soon as it reads ACCEPT.
pub(crate) async fn accept(
    stream: &mut TcpStream,
    Begun(mut buffer): Begun,
    config: &ListenerConfig,
) -> Result<Shaken, ConnectError> {
    let hello = read_frame(stream, &mut buffer).await?;
    let [nonce, id] = random_blocks();
    let session_id = SocketId::from_bytes(*id.first_chunk().expect("16 of 32 bytes"));
    let expect = ExpectHello::new(config, unix_now());
    let answer = expect.handle(&hello, nonce, ChannelBinding::None, Extensions::NONE);
    let (challenge, expect) = match answer {
        Ok(next) => next,
        Err(refusal) => return refuse(stream, refusal).await,
    };
    stream.write_all(&challenge).await?;
    let proof = read_frame(stream, &mut buffer).await?;
    match expect.handle(&proof, session_id, Extensions::NONE) {
        Ok((accept, established)) => Ok((accept, established, buffer)),
        Err(refusal) => refuse(stream, refusal).await,
    }
}

/// Tells the dialler that it is refused, if it deserves an answer.
pub(crate) async fn refuse<T>(stream: &mut TcpStream, refusal: Refusal) -> Result<T, ConnectError> {
    if let Some(reject) = &refusal.reject {
        stream.write_all(reject).await?;
        stream.shutdown().await?;
    }
    Err(ConnectError::Handshake(refusal.error))
}

/// What ended the handshake early, for the log.
pub(crate) fn is_refusal(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Handshake(HandshakeError::Rejected { .. }))
}
