//! What comes before a client is registered.

use bytes::{Bytes, BytesMut};
use gatewire::{Client, Wire};
use gatewire_codec::{Message, ValueRef, Version, legacy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::rig::secret;
use crate::rig::{record, within};

fn frame(message: &Message<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    legacy::encode(message, Version::V2, 2, &mut out).expect("a frame of version 2");
    out
}

#[tokio::test]
async fn a_long_event_that_comes_before_the_id_is_handled_behind_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let client = Client::builder().wire(Wire::V2).v2_key(secret()).build(address);
    let (seen, mut record) = record();
    client.on("early", move |bytes: Bytes| seen.note(bytes.len().to_string()));
    let server = async {
        let (mut peer, _) = listener.accept().await.expect("the client");
        let value = ValueRef::Binary(&[7; 20_000]);
        let early = frame(&Message::Event { event: "early", value });
        let seed = frame(&Message::AuthSeed { seed: "0123456789abcdefghijklmnopqrstuv" });
        peer.write_all(&[early.clone(), seed, early].concat()).await.expect("sent");
        // AUTH_HMAC and DOWNLINK.
        peer.read_exact(&mut [0; 84 + 20]).await.expect("the answer");
        let register = frame(&Message::Register { socket_id: "aB3x9aB3" });
        peer.write_all(&register).await.expect("sent");
        peer
    };
    let (connected, peer) = within(async { tokio::join!(client.connect(), server) }).await;
    connected.expect("connected");
    for _ in 0..2 {
        assert_eq!(record.next().await, "20000");
    }
    drop(peer);
    client.close().await;
}
