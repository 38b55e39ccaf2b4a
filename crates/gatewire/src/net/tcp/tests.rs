//! What the kernel says that its sockets are set to.

use tokio::net::TcpListener;

use super::*;

async fn configured(keep_alive: Option<Duration>) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let stream = TcpStream::connect(address).await.expect("a connection");
    let options = TcpOptions { keep_alive, ..TcpOptions::default() };
    configure(&stream, &options).expect("the system can do it");
    stream
}

#[tokio::test]
async fn a_peer_that_vanishes_is_probed_for_half_the_idle_time() {
    let times = [(60, 60, 7), (3_600, 3_600, 450), (2, 2, 1), (0, 1, 1), (u64::MAX, 32_767, 4_095)];
    for (idle, time, interval) in times {
        let stream = configured(Some(Duration::from_secs(idle))).await;
        let socket = SockRef::from(&stream);
        assert_eq!(socket.keepalive().ok(), Some(true), "{idle} s");
        assert_eq!(socket.tcp_keepalive_time().ok(), Some(Duration::from_secs(time)));
        assert_eq!(socket.tcp_keepalive_interval().ok(), Some(Duration::from_secs(interval)));
        assert_eq!(socket.tcp_keepalive_retries().ok(), Some(4));
        let unacknowledged = Duration::from_millis(1_500 * time);
        assert_eq!(socket.tcp_user_timeout().ok(), Some(Some(unacknowledged)));
    }
}

#[tokio::test]
async fn nobody_is_probed_unless_it_is_wanted() {
    let stream = configured(None).await;
    assert_eq!(SockRef::from(&stream).keepalive().ok(), Some(false));
}
