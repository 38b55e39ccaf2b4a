//! Requests to rooms whose members are at several nodes, and their reports.

use std::time::Duration;

use futures_util::StreamExt;
use gatewire::{Client, RequestError, RoomReport, SocketAddress};

use super::{Node, close_all, line};
use crate::rig::{record, within};

/// A member of `room` at each of the nodes; it answers `double`.
async fn members(nodes: &[Node], room: &str) -> Vec<Client> {
    let mut members = Vec::new();
    for node in nodes {
        let client = node.client().await;
        client.on("double", |number: i64| number * 2);
        within(client.join(room)).await.expect("it may");
        members.push(client);
    }
    for from in nodes {
        let others: Vec<&Node> =
            nodes.iter().filter(|to| to.router.name() != from.router.name()).collect();
        from.knows(room, &others).await;
    }
    members
}

fn addresses(clients: &[Client]) -> Vec<SocketAddress> {
    let mut all: Vec<_> = clients.iter().map(|client| client.address().expect("online")).collect();
    all.sort();
    all
}

#[track_caller]
fn check(report: &RoomReport<i64>, expected: &[SocketAddress]) {
    assert!(report.is_complete(), "{report:?}");
    let mut found = report.expected().to_vec();
    found.sort();
    assert_eq!(found, expected);
    assert!(report.received().all(|(_, answer)| *answer == 14));
    assert_eq!(report.received().count(), expected.len());
    assert_eq!(report.unreachable().len(), 0);
}

#[tokio::test]
async fn a_room_answers_from_all_nodes_to_a_server_a_socket_a_client_and_a_router() {
    let nodes = line(3).await;
    let members = members(&nodes, "all").await;
    let everybody = addresses(&members);
    let asker = nodes[0].client().await;
    let of_server = nodes[0].server.to("all").request::<i64, _>("double", 7);
    check(&within(of_server).await.expect("it was asked"), &everybody);
    let of_client = asker.to("all").request::<i64, _>("double", 7);
    check(&within(of_client).await.expect("it was asked"), &everybody);
    let of_router = nodes[1].router.to("all").request::<i64, _>("double", 7);
    check(&within(of_router).await.expect("it was asked"), &everybody);
    // A member itself is left out, and so is whoever is excepted.
    let first = &members[0];
    let without = everybody[2].clone();
    let of_member = first.to("all").except(&without).request::<i64, _>("double", 7);
    let report = within(of_member).await.expect("it was asked");
    assert_eq!(report.expected().len(), 1, "{report:?}");
    close_all(nodes).await;
}

#[tokio::test]
async fn who_is_silent_and_who_refuses_is_named_with_its_node() {
    let nodes = line(2).await;
    let members = members(&nodes, "all").await;
    members[1].off_event("double");
    let deaf = nodes[1].client().await;
    deaf.on("double", |_: i64| std::future::pending::<i64>());
    within(deaf.join("all")).await.expect("it may");
    // The server of that node has the join; the room was known before.
    let asked = nodes[0].server.to("all").request::<i64, _>("double", 1);
    let report = within(asked.timeout(Duration::from_millis(300))).await.expect("it was asked");
    assert_eq!(report.expected().len(), 3);
    assert_eq!(report.received().count(), 1);
    let silent = deaf.address().expect("online");
    assert_eq!(report.missing().collect::<Vec<_>>(), [&silent]);
    let refused = members[1].address().expect("online");
    assert_eq!(report.failed().collect::<Vec<_>>(), [(&refused, &RequestError::NoHandler)]);
    close_all(nodes).await;
}

#[tokio::test]
async fn a_node_that_is_gone_meanwhile_is_named_and_its_members_are_missing() {
    let mut nodes = line(2).await;
    let far = nodes[1].client().await;
    let (begun, mut begins) = record();
    far.on("double", move |_: i64| {
        begun.note(());
        std::future::pending::<i64>()
    });
    within(far.join("all")).await.expect("it may");
    nodes[0].knows("all", &[&nodes[1]]).await;
    let server = nodes[0].server.clone();
    let asked = tokio::spawn(async move {
        server.to("all").request::<i64, _>("double", 1).timeout(Duration::from_secs(60)).await
    });
    begins.next().await;
    let address = far.address().expect("online");
    let gone = nodes.pop().expect("there are two");
    within(gone.router.close()).await;
    let report = within(asked).await.expect("no panic").expect("it was asked");
    assert_eq!(report.missing().collect::<Vec<_>>(), [&address]);
    assert_eq!(report.unreachable().collect::<Vec<_>>(), ["n1"]);
    within(gone.server.close()).await;
    close_all(nodes).await;
}

#[tokio::test]
async fn a_socket_of_a_node_that_is_not_there_makes_the_node_unreachable() {
    let nodes = line(2).await;
    let members = members(&nodes, "all").await;
    let session = members[0].id().expect("online");
    let nowhere = SocketAddress::new("nowhere", session).expect("a name");
    let to = nodes[0].server.to("all").to_socket(&nowhere);
    let report = within(to.request::<i64, _>("double", 1)).await.expect("it was asked");
    assert_eq!(report.received().count(), 2);
    assert_eq!(report.unreachable().collect::<Vec<_>>(), ["nowhere"]);
    assert!(!report.is_complete());
    close_all(nodes).await;
}

#[tokio::test]
async fn answers_of_many_members_come_one_by_one_and_then_the_end() {
    let nodes = line(3).await;
    let mut all = Vec::new();
    for node in &nodes {
        for _ in 0..20 {
            let client = node.client().await;
            client.on("name", || "x".repeat(100));
            within(client.join("crowd")).await.expect("it may");
            all.push(client);
        }
    }
    nodes[0].knows("crowd", &[&nodes[1], &nodes[2]]).await;
    let mut answers =
        nodes[0].router.to("crowd").request::<String, _>("name", ()).answers().expect("it is sent");
    let mut heard = Vec::new();
    while let Some((address, answer)) = within(answers.next()).await {
        assert_eq!(answer.map(|text| text.len()), Ok(100));
        heard.push(address);
    }
    heard.sort();
    assert_eq!(heard, addresses(&all));
    close_all(nodes).await;
}
