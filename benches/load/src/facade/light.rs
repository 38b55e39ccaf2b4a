//! A light client: a socket and the wire, without a task, a queue or a clock of its own. So one driver
//! holds thousands of them without being what is measured.

use std::io;

use bytes::BytesMut;
use gatewire_codec::v3::handshake::{Extensions, Role};
use gatewire_codec::{Framer, Message, v3};
use gatewire_core::handshake::{ChannelBinding, DiallerConfig, HandshakeError, Psk};
use gatewire_harness::Failure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Shakes hands as a client, with a key or without one. The connection is established when it returns.
///
/// # Errors
///
/// The server refuses, hangs up or does not know the key.
pub(super) async fn shake_hands(
    stream: &mut TcpStream,
    key: Option<(String, Psk)>,
) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| Failure::new(error.to_string()))?;
    let config = DiallerConfig { role: Role::Client, key, instance: *b"load-gatewire \0\0" };
    let none = Extensions::NONE;
    let (hello, expect) = config.start(nonce, ChannelBinding::None, none)?;
    let mut buffer = BytesMut::new();
    stream.write_all(&hello).await?;
    let challenge = read_frame(stream, &mut buffer).await?;
    let (proof, expect) = expect.handle(&challenge, none)?;
    stream.write_all(&proof).await?;
    let accept = read_frame(stream, &mut buffer).await?;
    let established: Result<_, HandshakeError> = expect.handle(&accept);
    established?;
    nothing_left(&buffer)
}

/// Sends a message that has an answer, the only one pending, and waits until it is acknowledged.
pub(super) async fn ask(stream: &mut TcpStream, question: &Message<'_>) -> Result<(), Failure> {
    let mut buffer = BytesMut::new();
    v3::encode(question, &mut buffer)?;
    stream.write_all(&buffer).await?;
    buffer.clear();
    let answer = read_frame(stream, &mut buffer).await?;
    match v3::decode(&answer)? {
        Message::Ack { .. } => nothing_left(&buffer),
        other => Err(Failure::new(format!("{} where an ack was due", other.kind()))),
    }
}

async fn read_frame(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> Result<bytes::Bytes, Failure> {
    let mut framer = Framer::new(v3::MAX_HANDSHAKE_FRAME);
    loop {
        if let Some(frame) = framer.next_frame(buffer)? {
            return Ok(frame);
        }
        // Without room for a whole frame, it would take two reads.
        buffer.reserve(v3::MAX_HANDSHAKE_FRAME as usize);
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// Nobody sends before a room is published to, so no byte is lost with a buffer.
fn nothing_left(buffer: &BytesMut) -> Result<(), Failure> {
    if buffer.is_empty() { Ok(()) } else { Err(Failure::new("the server sent more than was due")) }
}
