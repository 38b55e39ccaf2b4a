//! Streams to readers at other nodes: all bytes, an answer or an end for each, and the pace of the readers.

use gatewire::{
    Client, RequestError, SocketAddress, SocketId, StreamCode, StreamError, StreamReader,
};
use gatewire::{StreamReport, Value};

use super::{Node, close_all, line};
use crate::rig::{Record, record, within};

/// Bytes that are told apart by their place.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251).to_le_bytes()[0]).collect()
}

/// A client that reads streams under `file`, and answers how long they were, if they are the pattern.
async fn reader(node: &Node, rooms: &[&str]) -> Client {
    let client = node.client().await;
    client.on("file", |name: String, mut stream: StreamReader| async move {
        let mut read = Vec::new();
        while let Some(bytes) = stream.chunk().await? {
            read.extend_from_slice(&bytes);
        }
        assert_eq!(read, pattern(read.len()));
        Ok::<_, gatewire::Rejection>(format!("{name} {}", read.len()))
    });
    for room in rooms {
        within(client.join(room)).await.expect("it may");
    }
    client
}

fn address(client: &Client) -> SocketAddress {
    client.address().expect("it is connected")
}

#[tokio::test]
async fn a_stream_to_a_socket_of_another_node_is_read_and_answered_from_anywhere() {
    let nodes = line(3).await;
    let target = address(&reader(&nodes[2], &[]).await);
    let client = nodes[0].client().await;
    let bytes = pattern(3 << 20);
    let mut writers = vec![
        client.to_socket(&target).stream("file", "client").await.expect("it is opened"),
        nodes[0].server.to_socket(&target).stream("file", "server").await.expect("it is opened"),
        nodes[1].router.to_socket(&target).stream("file", "router").await.expect("it is opened"),
    ];
    for writer in &mut writers {
        within(writer.send(bytes.clone())).await.expect("it is read");
    }
    for (writer, name) in writers.into_iter().zip(["client", "server", "router"]) {
        let answer: String = within(writer.finish()).await.expect("it answers");
        assert_eq!(answer, format!("{name} {}", 3 << 20));
    }
    close_all(nodes).await;
}

fn answers(report: &StreamReport) -> Vec<(SocketAddress, Value)> {
    let mut answers: Vec<_> = report
        .receipts()
        .iter()
        .map(|receipt| (receipt.socket.clone(), receipt.outcome.clone().expect("it was read")))
        .collect();
    answers.sort_by(|one, other| one.0.cmp(&other.0));
    answers
}

#[tokio::test]
async fn a_stream_to_a_room_reaches_its_members_on_all_nodes_and_reports_each() {
    let nodes = line(3).await;
    let mut members = Vec::new();
    for node in &nodes {
        members.push(reader(node, &["files"]).await);
        members.push(reader(node, &["files"]).await);
    }
    nodes[0].knows("files", &[&nodes[1], &nodes[2]]).await;
    nodes[1].knows("files", &[&nodes[0], &nodes[2]]).await;
    let mut everybody: Vec<_> = members.iter().map(address).collect();
    everybody.sort();
    let bytes = pattern(2 << 20);
    let expected = |name: &str, who: &[SocketAddress]| -> Vec<(SocketAddress, Value)> {
        let answer = Value::String(format!("{name} {}", bytes.len()));
        who.iter().map(|address| (address.clone(), answer.clone())).collect()
    };
    let mut writer =
        nodes[0].server.to("files").stream("file", "server").await.expect("it is opened");
    within(writer.send(bytes.clone())).await.expect("it is read");
    let report = within(writer.finish()).await.expect("a report");
    assert_eq!(answers(&report), expected("server", &everybody));
    let mut writer =
        nodes[1].router.to("files").stream("file", "router").await.expect("it is opened");
    within(writer.send(bytes.clone())).await.expect("it is read");
    let report = within(writer.finish()).await.expect("a report");
    assert_eq!(answers(&report), expected("router", &everybody));
    assert!(report.is_complete());
    // A member is left out of its own.
    let others: Vec<_> =
        everybody.iter().filter(|other| **other != address(&members[0])).cloned().collect();
    let mut writer = members[0].to("files").stream("file", "client").await.expect("it is opened");
    within(writer.send(bytes.clone())).await.expect("it is read");
    let report = within(writer.finish()).await.expect("a report");
    assert_eq!(answers(&report), expected("client", &others));
    close_all(nodes).await;
}

#[tokio::test]
async fn refusals_come_back_to_the_writer() {
    let nodes = line(2).await;
    let deaf = nodes[1].client().await;
    let client = nodes[0].client().await;
    let refused = |to: SocketAddress| {
        let (client, server) = (client.clone(), nodes[0].server.clone());
        async move {
            let mut ends = Vec::new();
            let of_client = client.to_socket(&to).stream("file", ()).await;
            ends.push(within(of_client.expect("queued").finish::<()>()).await);
            match server.to_socket(&to).stream("file", ()).await {
                Ok(writer) => ends.push(within(writer.finish::<()>()).await),
                Err(error) => ends.push(Err(error)),
            }
            ends
        }
    };
    let because = |error: RequestError| Err(StreamError::Refused(error));
    let nobody_listens = because(RequestError::NoHandler);
    assert_eq!(refused(address(&deaf)).await, [nobody_listens.clone(), nobody_listens]);
    let nobody = SocketAddress::new("n1", SocketId::from_bytes([7; 16])).expect("a name");
    let no_socket = because(RequestError::NoSuchSocket);
    assert_eq!(refused(nobody).await, [no_socket.clone(), no_socket]);
    let nowhere = SocketAddress::new("n9", SocketId::from_bytes([7; 16])).expect("a name");
    let no_way = because(RequestError::Unreachable);
    assert_eq!(refused(nowhere).await, [no_way.clone(), no_way]);
    close_all(nodes).await;
}

/// A client that begins to read, and tells how it ends.
async fn slow_reader(node: &Node) -> (Client, Record<()>, Record<StreamError>) {
    let client = node.client().await;
    let ((begun, begins), (ended, ends)) = (record(), record());
    client.on("file", move |(): (), mut stream: StreamReader| {
        let (begun, ended) = (begun.clone(), ended.clone());
        async move {
            begun.note(());
            loop {
                match stream.chunk().await {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => {
                        ended.note(error);
                        break;
                    }
                }
            }
        }
    });
    (client, begins, ends)
}

#[tokio::test]
async fn a_way_that_is_lost_ends_the_stream_at_both_ends_by_its_name() {
    let mut nodes = line(3).await;
    let (target, mut begins, mut ends) = slow_reader(&nodes[2]).await;
    let to = address(&target);
    let mut here = nodes[0].server.to_socket(&to).stream("file", ()).await.expect("it is opened");
    within(here.send(pattern(1000))).await.expect("it is read");
    begins.next().await;
    let client = nodes[0].client().await;
    let mut there = client.to_socket(&to).stream("file", ()).await.expect("it is opened");
    within(there.send(pattern(2000))).await.expect("it is read");
    begins.next().await;
    // The node in the middle goes.
    let middle = nodes.remove(1);
    within(middle.router.close()).await;
    for _ in 0..2 {
        let end = ends.next().await;
        assert!(matches!(end, StreamError::Reset { code: StreamCode::PathLost, .. }), "{end:?}");
    }
    for (writer, name) in [(&mut here, "server"), (&mut there, "client")] {
        let end = loop {
            if let Err(error) = within(writer.send(pattern(1000))).await {
                break error;
            }
        };
        assert!(
            matches!(end, StreamError::Stopped { code: StreamCode::PathLost, .. })
                || end == StreamError::Disconnected,
            "{name}: {end:?}"
        );
    }
    within(middle.server.close()).await;
    close_all(nodes).await;
}

#[tokio::test]
async fn a_node_that_goes_is_named_in_the_report_and_the_others_go_on() {
    let mut nodes = line(3).await;
    let near = reader(&nodes[0], &["files"]).await;
    let (_far, mut begins, _ends) = slow_reader(&nodes[2]).await;
    let info = ();
    within(_far.join("files")).await.expect("it may");
    nodes[0].knows("files", &[&nodes[2]]).await;
    near.off_event("file");
    near.on("file", |(): (), mut stream: StreamReader| async move {
        let mut length = 0_u64;
        while let Some(bytes) = stream.chunk().await? {
            length += bytes.len() as u64;
        }
        Ok::<_, gatewire::Rejection>(length)
    });
    let mut writer = nodes[0].router.to("files").stream("file", info).await.expect("it is opened");
    within(writer.send(pattern(100_000))).await.expect("it is read");
    begins.next().await;
    let far = nodes.pop().expect("there are three");
    within(far.router.close()).await;
    within(writer.send(pattern(100_000))).await.expect("one is left");
    let report = within(writer.finish()).await.expect("a report");
    assert_eq!(report.complete().collect::<Vec<_>>(), [&address(&near)]);
    assert_eq!(report.lost_nodes(), ["n2"]);
    assert!(!report.is_complete());
    within(far.server.close()).await;
    close_all(nodes).await;
}

#[tokio::test]
async fn a_writer_that_gives_up_is_told_to_readers_beyond() {
    let nodes = line(2).await;
    let (target, mut begins, mut ends) = slow_reader(&nodes[1]).await;
    within(target.join("files")).await.expect("it may");
    nodes[0].knows("files", &[&nodes[1]]).await;
    let code = StreamCode::Other(99);
    let mut one =
        nodes[0].server.to_socket(address(&target)).stream("file", ()).await.expect("opened");
    within(one.send(pattern(10))).await.expect("it is read");
    begins.next().await;
    one.reset(code, "enough");
    let told = StreamError::Reset { code, text: "enough".to_owned() };
    assert_eq!(ends.next().await, told);
    let mut many = nodes[0].server.to("files").stream("file", ()).await.expect("opened");
    within(many.send(pattern(10))).await.expect("it is read");
    begins.next().await;
    many.reset(code, "enough");
    assert_eq!(ends.next().await, told);
    close_all(nodes).await;
}

#[tokio::test]
async fn a_reader_that_stops_early_is_told_and_holds_nobody_up() {
    let nodes = line(2).await;
    let first = reader(&nodes[1], &["files"]).await;
    let second = nodes[1].client().await;
    second.on("file", |_: String, stream: StreamReader| async move {
        stream.stop();
    });
    within(second.join("files")).await.expect("it may");
    nodes[0].knows("files", &[&nodes[1]]).await;
    let mut writer = nodes[0].server.to("files").stream("file", "x").await.expect("it is opened");
    for _ in 0..100 {
        within(writer.send(pattern(251 * 100))).await.expect("one reads on");
    }
    let report = within(writer.finish()).await.expect("a report");
    // Who has enough has what it wanted.
    let mut done: Vec<_> = report.complete().cloned().collect();
    done.sort();
    let mut both = [address(&first), address(&second)];
    both.sort();
    assert_eq!(done, both);
    close_all(nodes).await;
}

#[tokio::test]
async fn messages_overtake_streams_between_nodes_and_many_streams_share_a_link() {
    let nodes = line(3).await;
    let target = reader(&nodes[2], &[]).await;
    target.on("ping", || "pong");
    let to = address(&target);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (server, to) = (nodes[0].server.clone(), to.clone());
        tasks.spawn(async move {
            let mut writer =
                server.to_socket(&to).stream("file", number.to_string()).await.expect("opened");
            for _ in 0..4 {
                writer.send(pattern(251 * 1000)).await.expect("it is read");
            }
            let answer: String = writer.finish().await.expect("it answers");
            assert_eq!(answer, format!("{number} {}", 4 * 251 * 1000));
        });
    }
    for _ in 0..20 {
        let answer: String =
            within(nodes[0].server.to_socket(&to).request("ping", ())).await.expect("it answers");
        assert_eq!(answer, "pong");
    }
    within(async { while tasks.join_next().await.transpose().expect("no panic").is_some() {} })
        .await;
    close_all(nodes).await;
}
