//! The codec alone: a TCP proxy between a client and a server that prints what passes.
//!
//! ```text
//! cargo run -p gatewire-examples --example codec_proxy
//! ```
//!
//! The proxy knows nothing of sessions, keys or rooms. It needs `gatewire-codec`, which does no I/O, and
//! sockets from anywhere: here tokio's.
//!
//! expect: client -> server: hello
//! expect: client <- server: challenge
//! expect: client -> server: proof
//! expect: client <- server: accept
//! expect: client -> server: join, 8 bytes: ["tea"]
//! expect: client <- server: ack, 4 bytes: Empty
//! expect: client -> server: event, 18 bytes: "order" String("earl grey")
//! expect: client -> server: request, 11 bytes: "price" Integer(2)
//! expect: client <- server: ack, 6 bytes: Integer(480)
//! expect: client -> server: close, 3 bytes: closed
//! expect: the proxy carried

use std::error::Error;

use bytes::BytesMut;
use gatewire::{Client, Server};
use gatewire_codec::{DecodeError, Framer, Message, Version, legacy, v3};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// No frame is longer by default: a longer one is refused from its four length bytes.
const MAX_FRAME: u32 = 1 << 20;

#[tokio::main]
async fn main() -> Outcome<()> {
    let server = Server::builder().bind("127.0.0.1:0").await?;
    server.on("order", |_tea: String| ());
    server.on("price", |cups: i64| cups * 240);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy_addr = listener.local_addr()?;
    let server_addr = server.local_addr();
    let proxy = tokio::spawn(async move { proxy(&listener, server_addr).await });

    // The client is told the proxy's address, and notices nothing.
    let client = Client::builder().connect(proxy_addr).await?;
    client.join("tea").await?;
    client.emit("order", "earl grey")?;
    let price: i64 = client.request("price", 2).await?;
    assert_eq!(price, 480);
    client.close().await;

    println!("the proxy carried {} bytes", proxy.await??);
    server.close().await;
    Ok(())
}

/// Carries one connection; how many bytes it carried.
async fn proxy(listener: &TcpListener, server: std::net::SocketAddr) -> Outcome<usize> {
    let (client, _) = listener.accept().await?;
    let server = TcpStream::connect(server).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (up, down) = tokio::try_join!(
        carry("client -> server", from_client, to_server),
        carry("client <- server", from_server, to_client),
    )?;
    Ok(up + down)
}

/// Carries one direction until its end. What is not understood is carried all the same.
async fn carry(
    direction: &str,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> Outcome<usize> {
    let mut framer = Framer::new(MAX_FRAME);
    let (mut input, mut unread) = (BytesMut::new(), BytesMut::new());
    let mut carried = 0;
    while from.read_buf(&mut input).await? > 0 {
        // Bytes come as the network cuts them; the framer says where frames begin and end.
        unread.extend_from_slice(&input);
        while let Some(frame) = framer.next_frame(&mut unread)? {
            match describe(&frame) {
                Ok(text) => println!("{direction}: {text}"),
                Err(error) => println!("{direction}: not understood: {error}"),
            }
        }
        to.write_all(&input).await?;
        carried += input.len();
        input.clear();
    }
    to.shutdown().await?;
    Ok(carried)
}

/// A line for people about one frame. Decoding copies nothing: the message borrows the frame.
fn describe(frame: &[u8]) -> Result<String, DecodeError> {
    // One framing for all versions; each has its own layout behind the version byte.
    let message = match Version::of(frame)? {
        Version::V3 => v3::decode(frame)?,
        older => return Ok(format!("{older:?}: {:?}", legacy::Packet::decode(frame)?)),
    };
    let detail = match message {
        Message::Event { event, value } | Message::Request { event, value, .. } => {
            format!("{event:?} {value:?}")
        }
        Message::Ack { value, .. } => format!("{value:?}"),
        Message::Join { rooms, .. } => format!("{:?}", rooms.iter().collect::<Vec<_>>()),
        Message::Close { code, .. } => code.to_string(),
        other => return Ok(format!("{}, {} bytes", other.kind(), frame.len())),
    };
    Ok(format!("{}, {} bytes: {detail}", message.kind(), frame.len()))
}
