use std::time::Duration;

use gatewire::{Client, EmitError, RequestError, Server, Socket};
use gatewire_codec::{EncodeError, Field};

use crate::rig::{dial, dial_with, fence, record, serve, serve_with, within};

#[tokio::test]
async fn a_request_is_answered_over_a_real_socket() {
    let server = Server::builder().bind("127.0.0.1:0").await.expect("bind");
    server.on("hello", |_socket: Socket, name: String| async move { format!("hello {name}") });
    server.on("add", |(): ()| 42);
    let client = Client::builder().connect(server.local_addr()).await.expect("connect");
    let answer: String = client.request("hello", "alejandro").await.expect("an answer");
    assert_eq!(answer, "hello alejandro");
    let answer = client.request::<i64, _>("add", ()).await.expect("an answer");
    assert_eq!(answer, 42);
    client.close().await;
    server.close().await;
}

/// Whatever the TCP sockets are told, the messages are the same.
#[tokio::test]
async fn settings_of_the_sockets_change_no_message() {
    let keep_alive = Some(Duration::from_secs(60));
    let server = serve_with(|builder| builder.nodelay(false).keep_alive(keep_alive)).await;
    let client = dial_with(&server, |builder| builder.nodelay(false).keep_alive(keep_alive)).await;
    for _ in 0..3 {
        fence(&client).await;
    }
    let socket = server.sockets().pop().expect("a socket");
    client.set_nodelay(true).expect("connected");
    socket.set_nodelay(true).expect("connected");
    fence(&client).await;
    client.close().await;
    assert!(client.set_nodelay(true).is_err());
}

#[tokio::test]
async fn an_events_name_has_up_to_65_535_bytes() {
    let server = serve().await;
    let client = dial(&server).await;
    let (seen, mut names) = record();
    server.on_any(move |_, event, _| seen.note(event.to_owned()));
    let longest = "n".repeat(65_535);
    for name in ["", "\0", "a,b|c", &longest] {
        client.emit(name, ()).expect("a good name");
        assert_eq!(names.next().await, name);
    }
    let longer = "n".repeat(65_536);
    let error = EncodeError::TooLong { field: Field::Event, length: 65_536, limit: 65_535 };
    let refused = EmitError::from(error);
    assert_eq!(client.emit(&longer, ()), Err(refused.clone()));
    assert_eq!(client.broadcast().emit(&longer, ()), Err(refused.clone()));
    assert_eq!(server.emit(&longer, ()), Err(refused.clone()));
    assert_eq!(server.sockets()[0].emit(&longer, ()), Err(refused.clone()));
    let asked = within(client.request::<(), _>(&longer, ())).await;
    assert_eq!(asked, Err(RequestError::NotSent(refused)));
}
