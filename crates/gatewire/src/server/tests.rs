//! What changes when a server is a node with a name. No builder gives it one yet.

use crate::{Client, RequestError, Server, SocketAddress};

/// A server, and a client of it that answers `ask` and is in the room `all`.
async fn node(name: &str) -> (Server, Client) {
    let server = Server::builder().bind("127.0.0.1:0").await.expect("a free port");
    assert!(server.inner.set_node(name));
    let client = Client::builder().connect(server.local_addr()).await.expect("a connection");
    client.on("ask", || true);
    client.join("all").await.expect("joined");
    (server, client)
}

#[tokio::test]
async fn a_socket_is_reached_by_its_id_and_behind_the_name_of_its_node() {
    let (server, client) = node("host1").await;
    let id = client.id().expect("connected");
    let near = SocketAddress::from(id);
    let named = SocketAddress::new("host1", id).expect("a name");
    let elsewhere = SocketAddress::new("host2", id).expect("a name");
    let socket = server.socket(&id).expect("connected");
    assert_eq!(socket.address(), named);

    let nobody = Err(RequestError::NoSuchSocket);
    for (address, reached) in [(near, Ok(true)), (named, Ok(true)), (elsewhere, nobody)] {
        let asked = server.to_socket(&address).request("ask", ()).await;
        assert_eq!(asked, reached, "by the server: {address}");
        let asked = socket.to_socket(&address).request("ask", ()).await;
        assert_eq!(asked, reached, "by a socket: {address}");
        let asked = client.to_socket(&address).request("ask", ()).await;
        assert_eq!(asked, reached, "by a client: {address}");
        let opened = server.to_socket(&address).stream("file", ()).await;
        assert_eq!(opened.is_ok(), reached.is_ok(), "a stream: {address}");
    }
    client.close().await;
    server.close().await;
}

#[tokio::test]
async fn a_server_is_named_once_and_as_nodes_are() {
    let (server, client) = node("host1").await;
    assert!(!server.inner.set_node("host2"));
    assert_eq!(server.inner.node(), Some("host1"));
    let unnamed = Server::builder().bind("127.0.0.1:0").await.expect("a free port");
    assert!(!unnamed.inner.set_node("a/b"));
    assert_eq!(unnamed.inner.node(), None);
    client.close().await;
    server.close().await;
    unnamed.close().await;
}
