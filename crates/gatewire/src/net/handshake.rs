//! The handshake over a socket: frames of at most 512 bytes, within a deadline.

use std::io;

use bytes::{Bytes, BytesMut};
use gatewire_codec::v3::handshake::Extensions;
use gatewire_codec::{Framer, v3};
#[cfg(feature = "tls")]
use gatewire_codec::{Message, RejectCode};
use gatewire_core::SocketId;
use gatewire_core::handshake::{
    DiallerConfig, Established, ExpectHello, ExpectProof, HandshakeError, ListenerConfig, Refusal,
};

use super::channel::{Binding, Channel};
use crate::clock::unix_now;
use crate::entropy::{random, random_blocks};
use crate::error::ConnectError;

/// A handshake's read buffer: room for frames of an ordinary length, up to the longest if need be.
const BUFFER: usize = 256;

async fn read_some(stream: &mut Channel, buffer: &mut BytesMut) -> Result<(), ConnectError> {
    if buffer.len() == buffer.capacity() {
        buffer.reserve(BUFFER);
    }
    if stream.read(buffer).await? == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(())
}

/// Reads one frame; bytes behind it stay in `buffer`.
pub(super) async fn read_frame(
    stream: &mut Channel,
    buffer: &mut BytesMut,
) -> Result<Bytes, ConnectError> {
    read_frame_up_to(v3::MAX_HANDSHAKE_FRAME, stream, buffer).await
}

/// As [`read_frame`], with another limit.
pub(super) async fn read_frame_up_to(
    limit: u32,
    stream: &mut Channel,
    buffer: &mut BytesMut,
) -> Result<Bytes, ConnectError> {
    let mut framer = Framer::new(limit);
    loop {
        if let Some(frame) = framer.next_frame(buffer).map_err(ConnectError::Frame)? {
            return Ok(frame);
        }
        read_some(stream, buffer).await?;
    }
}

/// The dialler's side: the session, and what the listener sent behind ACCEPT.
pub(crate) async fn dial(
    stream: &mut Channel,
    config: DiallerConfig,
    extensions: Extensions<'_>,
) -> Result<(Established, BytesMut), ConnectError> {
    let (mut buffer, binding) = (BytesMut::new(), stream.binding());
    let (hello, expect) =
        config.start(random(), binding.get(), extensions).map_err(ConnectError::Handshake)?;
    stream.send(&hello).await?;
    let challenge = read_frame(stream, &mut buffer).await?;
    let (proof, expect) =
        expect.handle(&challenge, Extensions::NONE).map_err(ConnectError::Handshake)?;
    stream.send(&proof).await?;
    let accept = read_frame(stream, &mut buffer).await?;
    let established = expect.handle(&accept).map_err(ConnectError::Handshake)?;
    Ok((established, buffer))
}

/// ACCEPT, which is yet to be sent; the session; and what came behind PROOF.
pub(crate) type Shaken = (Bytes, Established, BytesMut);

/// The listener's side up to the dialler's proof. ACCEPT is given, not sent: first the session must
/// exist, since the dialler may use it as soon as it reads ACCEPT. So is a refusal, which may have to wait.
pub(crate) async fn accept(
    stream: &mut Channel,
    config: &ListenerConfig,
    extensions: Extensions<'_>,
) -> Result<Result<Shaken, Refusal>, ConnectError> {
    let mut buffer = stream.take_first();
    let hello = read_frame(stream, &mut buffer).await?;
    let [nonce, id] = random_blocks();
    let (challenge, expect) = match answer(config, &hello, nonce, stream.binding(), extensions) {
        Ok(answer) => answer,
        Err(refusal) => return Ok(Err(refusal)),
    };
    drop(hello);
    stream.send(&challenge).await?;
    drop(challenge);
    let proof = read_frame(stream, &mut buffer).await?;
    let session_id = SocketId::from_bytes(*id.first_chunk().expect("16 of 32 bytes"));
    let shaken = expect.handle(&proof, session_id, Extensions::NONE);
    Ok(shaken.map(|(accept, established)| (accept, established, buffer)))
}

/// What is answered to HELLO. The state that waits for the proof has memory of its own, which the many that never
/// say HELLO do not have.
fn answer(
    config: &ListenerConfig,
    hello: &[u8],
    nonce: [u8; 32],
    binding: Binding,
    extensions: Extensions<'_>,
) -> Result<(Bytes, Box<ExpectProof>), Refusal> {
    let expect = ExpectHello::new(config, unix_now());
    let (challenge, expect) = expect.handle(hello, nonce, binding.get(), extensions)?;
    Ok((challenge, Box::new(expect)))
}

/// Tells a dialler that it is to use TLS. What is no HELLO gets no answer.
#[cfg(feature = "tls")]
pub(crate) async fn refuse_plain<T>(stream: &mut Channel) -> Result<T, ConnectError> {
    let mut buffer = stream.take_first();
    let hello = read_frame(stream, &mut buffer).await?;
    match v3::decode(&hello) {
        Ok(Message::Hello(_)) => refuse(stream, Refusal::with(RejectCode::TlsOnly, 0)).await,
        Ok(found) => Err(ConnectError::Handshake(HandshakeError::Unexpected {
            found: found.kind(),
            expected: "hello",
        })),
        Err(error) => Err(ConnectError::Handshake(HandshakeError::Malformed(error))),
    }
}

/// Tells the dialler that it is refused, if it deserves an answer.
pub(crate) async fn refuse<T>(stream: &mut Channel, refusal: Refusal) -> Result<T, ConnectError> {
    if let Some(reject) = &refusal.reject {
        stream.send(reject).await?;
        stream.shutdown().await?;
    }
    Err(ConnectError::Handshake(refusal.error))
}

/// What ended the handshake early, for the log.
pub(crate) fn is_refusal(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Handshake(HandshakeError::Rejected { .. }))
}
