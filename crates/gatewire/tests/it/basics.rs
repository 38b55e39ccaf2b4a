use gatewire::{Client, Server, Socket};

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
