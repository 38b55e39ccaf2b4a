//! A way to a listener that can be held up and cut.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Takes one connection and passes it on.
pub(super) struct Cable {
    pub(super) address: SocketAddr,
    way: watch::Sender<Way>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// What the dialler sends stays where it is.
    Held,
}

impl Cable {
    pub(super) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (way, ways) = watch::channel(Way::Open);
        tokio::spawn(async move {
            let (near, _) = listener.accept().await.expect("somebody dials");
            drop(listener);
            let far = TcpStream::connect(target).await.expect("it listens");
            pass_on(near, far, ways).await;
        });
        Self { address, way }
    }

    pub(super) fn hold(&self) {
        self.way.send_replace(Way::Held);
    }

    /// What is on its way is lost.
    pub(super) fn cut(self) {}
}

async fn pass_on(near: TcpStream, far: TcpStream, mut ways: watch::Receiver<Way>) {
    let ((mut near_in, mut near_out), (mut far_in, mut far_out)) =
        (near.into_split(), far.into_split());
    let (mut to_far, mut to_near) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let open = *ways.borrow_and_update() == Way::Open;
        let passed = tokio::select! {
            changed = ways.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            read = near_in.read(&mut to_far), if open => match read {
                Ok(read @ 1..) => far_out.write_all(&to_far[..read]).await,
                _ => return,
            },
            read = far_in.read(&mut to_near) => match read {
                Ok(read @ 1..) => near_out.write_all(&to_near[..read]).await,
                _ => return,
            },
        };
        if passed.is_err() {
            return;
        }
    }
}
