//! Requests to sockets of other nodes, and how they end.

use std::time::Duration;

use gatewire::{RequestError, SocketAddress, SocketId, Value};

use super::{close_all, line};
use crate::rig::within;

#[tokio::test]
async fn a_request_is_answered_across_nodes_from_anywhere() {
    let nodes = line(3).await;
    let target = nodes[2].client().await;
    target.on("double", |number: i64| number * 2);
    let address = target.address().expect("it is connected");
    let client = nodes[0].client().await;
    let answer: i64 =
        within(client.to_socket(&address).request("double", 4)).await.expect("it answers");
    assert_eq!(answer, 8);
    let answer: i64 =
        within(nodes[0].server.to_socket(&address).request("double", 5)).await.expect("it answers");
    assert_eq!(answer, 10);
    let answer: i64 =
        within(nodes[1].router.to_socket(&address).request("double", 6)).await.expect("it answers");
    assert_eq!(answer, 12);
    let socket = nodes[0].server.sockets()[0].clone();
    let answer: i64 =
        within(socket.to_socket(&address).request("double", 7)).await.expect("it answers");
    assert_eq!(answer, 14);
    close_all(nodes).await;
}

#[tokio::test]
async fn refusals_come_back_by_their_names() {
    let nodes = line(2).await;
    let target = nodes[1].client().await;
    target.on("refuse", || Err::<(), _>("no"));
    target.on("number", |_: i64| ());
    let address = target.address().expect("it is connected");
    let client = nodes[0].client().await;
    let to = client.to_socket(&address);
    let ask = |event: &'static str| to.request::<(), _>(event, "text");
    let no = RequestError::Rejected(Value::String("no".to_owned()));
    assert_eq!(within(ask("refuse")).await, Err(no));
    assert_eq!(within(ask("nobody listens")).await, Err(RequestError::NoHandler));
    assert!(matches!(within(ask("number")).await, Err(RequestError::Decode(_))));
    let nobody = SocketAddress::new("n1", SocketId::from_bytes([7; 16])).expect("a name");
    let outcome = within(client.to_socket(&nobody).request::<(), _>("x", ())).await;
    assert_eq!(outcome, Err(RequestError::NoSuchSocket));
    let nowhere = SocketAddress::new("n9", address.session()).expect("a name");
    let outcome = within(client.to_socket(&nowhere).request::<(), _>("x", ())).await;
    assert_eq!(outcome, Err(RequestError::Unreachable));
    let outcome = within(nodes[0].router.to_socket(&nowhere).request::<(), _>("x", ())).await;
    assert_eq!(outcome, Err(RequestError::Unreachable));
    close_all(nodes).await;
}

#[tokio::test]
async fn a_request_ends_when_its_time_is_over_or_its_node_is_gone() {
    let mut nodes = line(2).await;
    let target = nodes[1].client().await;
    let (begun, mut begins) = crate::rig::record();
    let never = gatewire::concurrent(8, move || {
        begun.note(());
        std::future::pending::<()>()
    });
    target.on("never", never);
    let address = target.address().expect("it is connected");
    let to = nodes[0].server.to_socket(&address);
    let brief = to.request::<(), _>("never", ()).timeout(Duration::from_millis(50));
    assert_eq!(within(brief).await, Err(RequestError::Timeout));
    begins.next().await;
    let waiting = tokio::spawn({
        let (server, address) = (nodes[0].server.clone(), address.clone());
        async move { server.to_socket(&address).request::<(), _>("never", ()).await }
    });
    begins.next().await;
    nodes.pop().expect("there are two").close().await;
    assert_eq!(within(waiting).await.expect("no panic"), Err(RequestError::MaybeDelivered));
    close_all(nodes).await;
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_the_way_is_told_as_such() {
    let nodes = line(2).await;
    let target = nodes[1].client().await;
    target.on("long", |length: i64| vec![0_u8; usize::try_from(length).unwrap_or_default()]);
    let address = target.address().expect("it is connected");
    let to = nodes[0].server.to_socket(&address);
    let outcome = within(to.request::<Vec<u8>, _>("long", 1 << 21)).await;
    assert_eq!(outcome.map(|bytes| bytes.len()), Err(RequestError::TooLarge));
    let outcome = within(to.request::<Vec<u8>, _>("long", 1 << 19)).await;
    assert_eq!(outcome.map(|bytes| bytes.len()), Ok(1 << 19));
    close_all(nodes).await;
}

#[tokio::test]
async fn many_requests_at_once_each_get_their_own_answer() {
    let nodes = line(3).await;
    let target = nodes[2].client().await;
    target.on("same", |number: i64| number);
    let address = target.address().expect("it is connected");
    let client = nodes[0].client().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..500_i64 {
        let (client, address) = (client.clone(), address.clone());
        tasks.spawn(async move {
            let answer: Result<i64, _> = client.to_socket(&address).request("same", number).await;
            assert_eq!(answer, Ok(number));
        });
    }
    within(async { while tasks.join_next().await.transpose().expect("no panic").is_some() {} })
        .await;
    close_all(nodes).await;
}
