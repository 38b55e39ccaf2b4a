//! A server whose process is out of file descriptors. In a process of its own: the limit holds for all of it.
#![cfg(unix)]

use std::fs::File;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use gatewire::{Client, Server};
use tokio::time::timeout;

/// Few enough to be used up at once.
const LIMIT: u64 = 128;

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_server_without_file_descriptors_accepts_again_when_it_has_some() {
    let (_, hard) = rlimit::Resource::NOFILE.get().expect("a limit");
    rlimit::Resource::NOFILE.set(LIMIT, hard).expect("a lower limit");
    let server = Server::builder().bind("127.0.0.1:0").await.expect("a free port");
    server.on("double", |number: u32| number * 2);
    let before = connect(server.local_addr()).await;

    // The system accepts them for the server, which has no descriptors for its ends.
    let waiting: Vec<TcpStream> =
        (0..8).map(|_| TcpStream::connect(server.local_addr()).expect("a listener")).collect();
    let rest = use_up();
    eventually(|| server.admission().accept_errors >= 2).await;
    // Who is in is in.
    assert_eq!(before.request::<u32, _>("double", 4).await, Ok(8));
    assert_eq!(server.admission().arrived, 1);

    drop(rest);
    eventually(|| server.admission().arrived == 9).await;
    let after = connect(server.local_addr()).await;
    assert_eq!(after.request::<u32, _>("double", 5).await, Ok(10));
    drop(waiting);
    server.close().await;
}

async fn connect(address: SocketAddr) -> Client {
    let client = timeout(PATIENCE, Client::builder().connect(address)).await;
    client.expect("within seconds").expect("a connection")
}

/// Opens files until there are no more descriptors.
fn use_up() -> Vec<File> {
    let mut files = Vec::new();
    loop {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) => {
                // EMFILE has no kind of its own.
                assert!(error.raw_os_error().is_some() && error.kind() != ErrorKind::NotFound);
                return files;
            }
        }
        assert!(files.len() < usize::try_from(LIMIT).expect("a small number"));
    }
}

async fn eventually(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it happens within seconds");
}
