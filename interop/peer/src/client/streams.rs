//! Streams: to the server, from it, and through it to others.

use std::time::Duration;

use futures_util::future::try_join_all;
use gatewire::{Client, FormatId, IntoValue, Object, StreamReader, Value};
use serde::Serialize;
use tokio::sync::mpsc;

use super::stage::{Inbox, Stage, rest, settle, settle_all};
use super::{Scenario, expect, scenario};
use crate::describe::describe;
use crate::pattern::{chunks, pattern, summary, summary_of_pattern};
use crate::{Outcome, wire};

const MIB: u64 = 1 << 20;

/// Nothing, little, and the lengths around which fast-tcp pauses its socket and, by defect S2, may leave it so.
const LENGTHS: [(u64, &str); 6] = [
    (0, "0 bytes"),
    (1, "1 byte"),
    (16_383, "16,383 bytes"),
    (16_384, "16,384 bytes"),
    (20_000, "20,000 bytes"),
    (MIB, "1 MiB"),
];

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (length, name) in LENGTHS {
        scenarios
            .push(scenario(format!("streams: {name} to the server"), move |at| to(at, length)));
        scenarios
            .push(scenario(format!("streams: {name} from the server"), move |at| from(at, length)));
    }
    scenarios.extend([
        scenario("streams: to a room", to_a_room),
        scenario("streams: to another", to_another),
        scenario("streams: to all", to_all),
        scenario("streams: from the server to a room", from_the_server_to_a_room),
        scenario("streams: from the server to all", from_the_server_to_all),
        scenario("streams: what is sent in front of the bytes", infos),
        scenario("streams: 2,000 pieces of one byte", pieces),
        scenario("streams: one piece of 2 MiB", one_piece),
        scenario("streams: 64 MiB to the server", |at| to(at, 64 * MIB)),
        scenario("streams: 64 MiB from the server", |at| from(at, 64 * MIB)),
        scenario("streams: eight at once, of different lengths", eight),
        scenario("streams: both directions at once", both),
        scenario("streams: messages between the pieces", messages_between),
        scenario("streams: a slow reader at the client holds no message up", slow_reader),
        scenario("streams: a slow reader at the client gets all", slow_and_long),
        scenario("streams: a writer waits for a reader at the server", slow_server),
        scenario("streams: a reader at the client that wants no more", no_more),
        scenario("streams: one that the client does not take", not_taken),
        scenario("streams: a writer that gives up", given_up),
    ]);
    scenarios
}

/// Writes `length` bytes of the pattern to `event`; the answer.
async fn upload(
    client: &Client,
    event: &str,
    info: impl IntoValue,
    length: u64,
) -> Outcome<String> {
    let mut stream = client.stream(event, info).await?;
    for chunk in chunks(length) {
        stream.send(chunk).await?;
    }
    Ok(stream.finish().await?)
}

/// What comes under `file`: what was in front of the bytes, and the reader.
fn files(client: &Client) -> mpsc::UnboundedReceiver<(Value, StreamReader)> {
    let (sender, files) = mpsc::unbounded_channel();
    client.on("file", move |info: Value, stream: StreamReader| {
        drop(sender.send((info, stream)));
    });
    files
}

/// As that, but read: the description of both.
fn read_files(client: &Client) -> mpsc::UnboundedReceiver<String> {
    let (sender, files) = mpsc::unbounded_channel();
    client.on("file", move |info: Value, stream: StreamReader| {
        let sender = sender.clone();
        async move {
            let text = match summary(stream).await {
                Ok(text) => text,
                Err(error) => error.to_string(),
            };
            drop(sender.send(format!("{}: {text}", describe(&info))));
            text
        }
    });
    files
}

/// What [`read_files`] says of a stream of the server.
fn of_server(length: u64) -> String {
    format!("object {{\"bytes\":{length}}}: {}", summary_of_pattern(length))
}

#[derive(Serialize)]
struct Download {
    bytes: u64,
    answered: bool,
}

async fn to(stage: Stage, length: u64) -> Outcome {
    let client = stage.connect().await?;
    expect(upload(&client, "upload", (), length).await?, summary_of_pattern(length))?;
    settle(&client).await?;

    let mut deposited = Inbox::<String>::of(&client, "deposited");
    let mut stream = client.stream("deposit", ()).unanswered().await?;
    for chunk in chunks(length) {
        stream.send(chunk).await?;
    }
    stream.finish::<()>().await?;
    expect(deposited.next().await?, summary_of_pattern(length))?;
    settle(&client).await
}

async fn from(stage: Stage, length: u64) -> Outcome {
    let client = stage.connect().await?;
    let mut files = read_files(&client);
    client.emit("download", Object(Download { bytes: length, answered: false }))?;
    expect(files.recv().await, Some(of_server(length)))?;
    settle(&client).await?;

    let mut answers = Inbox::<String>::of(&client, "download answered");
    client.emit("download", Object(Download { bytes: length, answered: true }))?;
    expect(files.recv().await, Some(of_server(length)))?;
    expect(answers.next().await?, summary_of_pattern(length))?;
    settle(&client).await
}

/// Three clients, the first two of them in the room `r`, and what they read.
async fn three(stage: &Stage) -> Outcome<([Client; 3], [mpsc::UnboundedReceiver<String>; 3])> {
    let clients: [Client; 3] = stage.connect_many().await?;
    clients[0].join("r").await?;
    clients[1].join("r").await?;
    settle_all(&clients).await?;
    let files = clients.each_ref().map(read_files);
    Ok((clients, files))
}

/// Exactly these get a stream of this description, once each.
async fn only(
    clients: &[Client],
    files: &mut [mpsc::UnboundedReceiver<String>; 3],
    receivers: &[usize],
    text: &str,
) -> Outcome {
    for receiver in receivers {
        expect(files[*receiver].recv().await.as_deref(), Some(text))?;
    }
    settle_all(clients).await?;
    let more = files.each_mut().map(|files| files.try_recv().ok());
    expect(more, [None, None, None])
}

const ROUTED: u64 = 100_000;

async fn to_a_room(stage: Stage) -> Outcome {
    let (clients, mut files) = three(&stage).await?;
    let mut stream = clients[0].to("r").stream("file", "info").await?;
    for chunk in chunks(ROUTED) {
        stream.send(chunk).await?;
    }
    stream.finish().await?;
    let text = format!("string info: {}", summary_of_pattern(ROUTED));
    only(&clients, &mut files, &[1], &text).await
}

async fn to_another(stage: Stage) -> Outcome {
    let (clients, mut files) = three(&stage).await?;
    let mut stream = clients[0].to_id(wire::id(&clients[2])).stream("file", "info").await?;
    for chunk in chunks(ROUTED) {
        stream.send(chunk).await?;
    }
    stream.finish().await?;
    let text = format!("string info: {}", summary_of_pattern(ROUTED));
    only(&clients, &mut files, &[2], &text).await
}

async fn to_all(stage: Stage) -> Outcome {
    let (clients, mut files) = three(&stage).await?;
    let mut stream = clients[0].broadcast().stream("file", "info").await?;
    for chunk in chunks(ROUTED) {
        stream.send(chunk).await?;
    }
    stream.finish().await?;
    let text = format!("string info: {}", summary_of_pattern(ROUTED));
    only(&clients, &mut files, &[1, 2], &text).await
}

#[derive(Serialize)]
struct Broadcast {
    bytes: u64,
    rooms: &'static [&'static str],
}

async fn from_the_server_to_a_room(stage: Stage) -> Outcome {
    let (clients, mut files) = three(&stage).await?;
    clients[2].emit("send stream", Object(Broadcast { bytes: 10_000, rooms: &["r"] }))?;
    only(&clients, &mut files, &[0, 1], &of_server(10_000)).await
}

async fn from_the_server_to_all(stage: Stage) -> Outcome {
    let (clients, mut files) = three(&stage).await?;
    clients[2].emit("send stream", Object(Broadcast { bytes: 10_000, rooms: &[] }))?;
    only(&clients, &mut files, &[0, 1, 2], &of_server(10_000)).await
}

async fn infos(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let json = Value::Object { format: FormatId::JSON, bytes: r#"{"a":[1,null]}"#.into() };
    let infos = [
        Value::String("text".into()),
        Value::String(String::new()),
        Value::Binary(vec![1, 0].into()),
        Value::Integer(-5),
        Value::Decimal(0.25),
        json,
        Value::Bool(false),
        Value::Empty,
    ];
    for info in infos {
        expect(upload(&client, "upload described", &info, 10).await?, describe(&info))?;
    }
    Ok(())
}

async fn pieces(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut stream = client.stream("upload", ()).await?;
    for begin in 0..2000 {
        stream.send(pattern(begin, begin + 1)).await?;
    }
    let answer: String = stream.finish().await?;
    expect(answer, summary_of_pattern(2000))?;
    settle(&client).await
}

async fn one_piece(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut stream = client.stream("upload", ()).await?;
    stream.send(pattern(0, 2 * MIB)).await?;
    let answer: String = stream.finish().await?;
    expect(answer, summary_of_pattern(2 * MIB))?;
    settle(&client).await
}

async fn eight(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let lengths = (0..8).map(|i| i * 9999);
    let sent = lengths.clone().map(|length| upload(&client, "upload", (), length));
    let answers = try_join_all(sent).await?;
    expect(answers, lengths.map(summary_of_pattern).collect::<Vec<_>>())?;
    settle(&client).await
}

async fn both(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut files = read_files(&client);
    for _ in 0..4 {
        client.emit("download", Object(Download { bytes: 50_000, answered: false }))?;
    }
    let sent = (0..4).map(|i| upload(&client, "upload", (), 40_000 + i));
    let answers = try_join_all(sent).await?;
    expect(answers, (0..4).map(|i| summary_of_pattern(40_000 + i)).collect::<Vec<_>>())?;
    for _ in 0..4 {
        expect(files.recv().await, Some(of_server(50_000)))?;
    }
    settle(&client).await
}

async fn messages_between(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut stream = client.stream("upload", ()).await?;
    for number in 0..50 {
        stream.send(pattern(number * 100, (number + 1) * 100)).await?;
        client.emit("count", number)?;
        let counted: String = client.request("counted", ()).await?;
        expect(counted, format!("{}, in order", number + 1))?;
    }
    let answer: String = stream.finish().await?;
    expect(answer, summary_of_pattern(5000))
}

async fn slow_reader(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut files = files(&client);
    client.emit("download", Object(Download { bytes: 100_000, answered: false }))?;
    let (_, stream) = files.recv().await.ok_or("the client is gone")?;
    for number in 0..10 {
        let double: i64 = client.request("double", number).await?;
        expect(double, 2 * number)?;
    }
    expect(summary(stream).await?, summary_of_pattern(100_000))
}

async fn slow_and_long(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut files = files(&client);
    client.emit("download", Object(Download { bytes: 4 * MIB, answered: false }))?;
    let (_, stream) = files.recv().await.ok_or("the client is gone")?;
    rest(Duration::from_millis(300)).await;
    expect(summary(stream).await?, summary_of_pattern(4 * MIB))?;
    settle(&client).await
}

async fn slow_server(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut stream = client.stream("upload slowly", ()).await?;
    let mut sent = 0;
    let writing = async {
        for chunk in chunks(64 * MIB) {
            sent += chunk.len();
            stream.send(chunk).await?;
        }
        Outcome::Ok(())
    };
    let stalled = tokio::time::timeout(Duration::from_millis(500), writing).await;
    expect(stalled.is_err(), true)?;
    // The kernel has the most of it.
    expect(sent < 32 << 20, true)?;
    expect(client.queued_bytes() < 1 << 20, true)
}

async fn no_more(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut files = files(&client);
    client.emit("download", Object(Download { bytes: MIB, answered: false }))?;
    let (_, mut stream) = files.recv().await.ok_or("the client is gone")?;
    expect(stream.chunk().await?.is_some(), true)?;
    stream.stop();
    settle(&client).await
}

async fn not_taken(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    client.emit("download", Object(Download { bytes: MIB, answered: false }))?;
    settle(&client).await?;
    let double: i64 = client.request("double", 4).await?;
    expect(double, 8)
}

async fn given_up(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut stream = client.stream("upload", ()).await?;
    stream.send(pattern(0, 1000)).await?;
    drop(stream);
    settle(&client).await
}
