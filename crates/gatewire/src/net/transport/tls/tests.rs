use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use super::BUFFER;
use crate::net::channel::{Channel, Looked};
use crate::net::transport::{Transport, TransportReader};
use crate::tls::{Acceptor, Connector, Identity, Verify};

const HELLO: &[u8] = b"hello";

type End = (Arc<Transport>, TransportReader);

async fn pair() -> (End, End) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let identity = Identity::self_signed().expect("random numbers");
    let acceptor = Acceptor::new(&identity, None).expect("a good certificate");
    let connector = Connector::new(&Verify::Psk).expect("nothing to be wrong");
    let server = async {
        let (tcp, _) = listener.accept().await.expect("a client");
        let accepted = Channel::accept(Looked::new(tcp), &acceptor).await;
        let mut channel = accepted.expect("a TLS client");
        let mut hello = BytesMut::with_capacity(HELLO.len());
        channel.read(&mut hello).await.expect("a live connection");
        assert_eq!(hello, HELLO);
        channel
    };
    let client = async {
        let tcp = TcpStream::connect(address).await.expect("a server");
        let connected = Channel::connect(Looked::new(tcp), &connector, "any:1").await;
        let mut channel = connected.expect("a TLS server");
        // The end of the client's handshake leaves with what it says first.
        channel.send(HELLO).await.expect("a live connection");
        channel
    };
    let (server, client) = tokio::join!(server, client);
    (server.into_transport(), client.into_transport())
}

/// Whatever the peer does not read, no more than a batch of it is kept; and none of it is lost.
#[tokio::test]
async fn what_is_held_back_is_bounded_and_leaves_first() {
    let ((sender, _), (_, mut reader)) = pair().await;
    let tls = sender.layer.as_ref().expect("TLS");
    let piece = [7; 100_000];
    let mut taken = 0;
    while let Ok(written @ 1..) = tls.write(sender.tcp(), &[IoSlice::new(&piece)]) {
        taken += written;
    }
    assert!(sender.has_unsent());
    let sent = usize::try_from(sender.sent()).expect("a short test");
    assert!(taken <= sent + BUFFER, "{taken} taken, {sent} sent");

    let read = async {
        let mut buffer = vec![0; 1 << 16];
        let mut length = 0;
        while length < taken {
            let read = reader.read(&mut buffer).await.expect("a live connection");
            assert!(buffer[..read].iter().all(|byte| *byte == 7));
            length += read;
        }
        length
    };
    let flushed = poll_fn(|context| sender.poll_writable(context));
    let (length, flushed) = tokio::join!(read, flushed);
    flushed.expect("a live connection");
    assert_eq!(length, taken);
    assert!(!sender.has_unsent());
}

/// The end comes behind all that was taken before, and only then is it with the kernel.
#[tokio::test]
async fn the_end_waits_for_what_is_held_back() {
    let ((sender, _), (_, mut reader)) = pair().await;
    let tls = sender.layer.as_ref().expect("TLS");
    let mut taken = 0;
    while let Ok(written @ 1..) = tls.write(sender.tcp(), &[IoSlice::new(&[7; 100_000])]) {
        taken += written;
    }
    let mut received = Vec::new();
    let end = poll_fn(|context| sender.poll_shutdown(context));
    let (read, end) = tokio::join!(reader.read_to_end(&mut received), end);
    end.expect("a live connection");
    assert_eq!(read.expect("a good end"), taken);
}
