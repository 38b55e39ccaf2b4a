//! Streams whose opening is decided about.

use gatewire::{Client, StreamError, StreamReader};

use super::{Asked, denied, dial, serve_asking};
use crate::rig::{Record, eventually, fence, record, within};
use gatewire::authorize::Decision;

/// Opens a stream to the server's `file`, writes `length` bytes, finishes it: the answer.
fn upload(client: &Client, length: usize) -> tokio::task::JoinHandle<Result<u64, StreamError>> {
    let client = client.clone();
    tokio::spawn(async move {
        let mut stream = client.stream("file", ()).await?;
        for start in (0..length).step_by(10_000) {
            let end = length.min(start + 10_000);
            let bytes: Vec<u8> = (start..end).map(|place| place.to_le_bytes()[0]).collect();
            stream.send(bytes).await?;
        }
        stream.finish().await
    })
}

/// The length of what comes, if it is what [`upload`] writes.
async fn read(mut stream: StreamReader) -> u64 {
    let mut length = 0_u64;
    while let Some(chunk) = stream.chunk().await.expect("all of it comes") {
        for byte in &*chunk {
            assert_eq!(*byte, length.to_le_bytes()[0]);
            length += 1;
        }
    }
    length
}

async fn allow(asked: &mut Record<Asked>, actions: [&str; 2]) {
    for action in actions {
        let question = asked.next().await;
        assert_eq!(question.action, action);
        question.allow();
    }
}

#[tokio::test]
async fn what_is_written_before_the_decision_arrives_whole() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    server.on("file", read);
    let (client, _) = dial(&server).await;
    for length in [0, 1, 100_000, 3_000_000] {
        let upload = upload(&client, length);
        let question = asked.next().await;
        assert_eq!(question.action, "stream file");
        if length == 100_000 {
            // All of it is there, and waits.
            within(client.flush()).await.expect("written");
            let (other, _) = dial(&server).await;
            fence(&other).await;
        }
        question.allow();
        let question = asked.next().await;
        assert_eq!(question.action, "emit file");
        question.allow();
        assert_eq!(within(upload).await.expect("no panic"), Ok(length as u64));
    }
    within(server.close()).await;
}

#[tokio::test]
async fn a_stream_that_is_denied_ends_its_writer_and_nothing_else() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    server.on("file", read);
    let (client, _) = dial(&server).await;
    for _ in 0..3 {
        let upload = upload(&client, 3_000_000);
        asked.next().await.allow();
        asked.next().await.decide(Decision::deny("too large"));
        let end = within(upload).await.expect("no panic");
        assert_eq!(end, Err(StreamError::Refused(denied("too large"))));
    }
    fence(&client).await;
    within(server.close()).await;
}

#[tokio::test]
async fn a_stream_that_is_open_goes_on_while_another_waits() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    server.on("file", read);
    let (client, _) = dial(&server).await;
    let mut open = client.stream("file", ()).await.expect("opened");
    allow(&mut asked, ["stream file", "emit file"]).await;
    let waits = upload(&client, 100_000);
    let question = asked.next().await;
    // Far more than its first credit, so it is read.
    let length = 3_000_000_usize;
    let bytes: Vec<u8> = (0..length).map(|place| place.to_le_bytes()[0]).collect();
    within(open.send(bytes)).await.expect("sent");
    assert_eq!(within(open.finish::<u64>()).await, Ok(length as u64));
    assert!(!waits.is_finished());
    question.allow();
    asked.next().await.allow();
    assert_eq!(within(waits).await.expect("no panic"), Ok(100_000));
    within(server.close()).await;
}

#[tokio::test]
async fn a_stream_to_a_room_goes_to_those_who_are_members_when_it_is_allowed() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    let (client, _) = dial(&server).await;
    let (member, _) = dial(&server).await;
    let (said, mut hears) = record();
    member.on("file", move |stream: StreamReader| {
        let said = said.clone();
        async move { said.note(read(stream).await) }
    });
    let sending = tokio::spawn(async move {
        let mut stream = client.to("tea").stream("file", ()).await?;
        stream.send(vec![0, 1, 2]).await?;
        stream.finish().await
    });
    let question = asked.next().await;
    let id = member.id().expect("connected");
    server.socket(&id).expect("a socket").join("tea").expect("a room");
    question.allow();
    let question = asked.next().await;
    assert_eq!(question.action, "emit file to room tea");
    question.allow();
    assert_eq!(hears.next().await, 3);
    within(sending).await.expect("no panic").expect("a report");
    within(server.close()).await;
}

#[tokio::test]
async fn a_stream_whose_opening_waits_ends_with_its_connection() {
    let (server, mut asked) = serve_asking(|builder| builder).await;
    server.on("file", read);
    let (client, _) = dial(&server).await;
    let upload = upload(&client, 3_000_000);
    let mut question = asked.next().await;
    server.sockets()[0].disconnect();
    within(question.answer.closed()).await;
    within(upload).await.expect("no panic").expect_err("it was not taken");
    eventually(|| server.is_empty()).await;
    assert!(server.counters().inbound.is_balanced());
    within(server.close()).await;
}
