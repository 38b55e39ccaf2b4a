//! What the scripts of the recorded clients do.

use std::collections::BTreeMap;

use gatewire::{Client, Object, StreamReader, Value};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::rig::within;

/// The clients of a recording, by the names of their connections.
pub(super) type Clients = BTreeMap<String, Client>;

/// The handlers of the recorded clients.
pub(super) fn listen(client: &Client) {
    client.on("ask", |number: i64| number * 2);
    client.on("img", |_: Value, mut stream: StreamReader| async move {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("the whole stream");
    });
}

/// Does one step of a script. What waits for the server goes on by itself.
pub(super) async fn act(clients: &Clients, step: &str) {
    let client = |name: &str| clients[name].clone();
    let id = |name: &str| clients[name].registered_id().expect("registered").to_string();
    match step {
        "client emits before it is connected" => {
            client("client").emit("early", "queued").expect("queued");
        }
        "client emits while disconnected" => {
            let client = client("client");
            crate::rig::eventually(|| !client.is_connected()).await;
            client.emit("while-down", "queued2").expect("queued");
        }
        "client emits every data type" => emit_all(&client("client")),
        "client emits with ack" => drop(tokio::spawn(ask_all(client("client")))),
        "b joins room1" => join(client("b"), &["room1"]).await,
        "a joins room1" | "a joins room1 AGAIN: the count goes to 3" => {
            join(client("a"), &["room1"]).await;
        }
        "c joins room1,room2 (array)" => join(client("c"), &["room1", "room2"]).await,
        "a emits to room1" => client("a").to("room1").emit("r1", "x").expect("queued"),
        "a emits to room1,room2: c gets two copies" => {
            let (a, object) = (client("a"), Object(json!({"n": 1})));
            a.to("room1").to("room2").emit("r12", object).expect("queued");
        }
        "b (a member) emits to room1: not echoed to b" => {
            client("b").to("room1").emit("r1b", 1).expect("queued");
        }
        "a broadcasts" => {
            let a = client("a");
            if clients.contains_key("c") {
                a.broadcast().emit("bc", true).expect("queued");
            } else {
                a.broadcast().emit("e", "x").expect("queued");
            }
        }
        "a to-socket b" => client("a").to_id(id("b")).emit("ts", &b"bin"[..]).expect("queued"),
        "a to-socket b and c" => {
            client("a").to_id(id("b")).to_id(id("c")).emit("ts2", 2.5).expect("queued");
        }
        "a to itself" => client("a").to_id(id("a")).emit("self", ()).expect("queued"),
        "broadcast + own id" => {
            client("a").broadcast().emit("both", "x").expect("queued");
            client("a").to_id(id("a")).emit("both", "x").expect("queued");
        }
        "c leaves room1" => within(client("c").leave("room1")).await.expect("left"),
        "a leaves room1" => within(client("a").leave("room1")).await.expect("left"),
        "a emits to room1 (only b)" => {
            client("a").to("room1").emit("r1-after", "x").expect("queued");
        }
        "c leaveAll" => within(client("c").leave_all()).await.expect("left"),
        "a emits to room2 (nobody)" => {
            client("a").to("room2").emit("r2-after", "x").expect("queued");
        }
        "a to room1" => client("a").to("room1").emit("e", "x").expect("queued"),
        "a to socket b" => client("a").to_id(id("b")).emit("e", "x").expect("queued"),
        _ => stream(clients, step).await,
    }
}

async fn join(client: Client, rooms: &[&str]) {
    within(client.join_rooms(rooms.iter().copied())).await.expect("joined");
}

fn emit_all(client: &Client) {
    client.emit("t-string", "h\u{e9}llo").expect("queued");
    client.emit("t-int", 42).expect("queued");
    client.emit("t-negint", -42).expect("queued");
    client.emit("t-decimal", 3.25).expect("queued");
    client.emit("t-true", true).expect("queued");
    client.emit("t-false", false).expect("queued");
    client.emit("t-null", ()).expect("queued");
    client.emit("t-undef", ()).expect("queued");
    client.emit("t-binary", &[0, 1, 254, 255][..]).expect("queued");
    client.emit("t-object", Object(json!({"a": 1, "b": [true, null, "x"]}))).expect("queued");
    client.emit("t-array", Object(json!([1, 2, 3]))).expect("queued");
}

async fn ask_all(client: Client) {
    let object =
        |text: &str| Object(serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
    let echoed = within(client.request::<String, _>("echo", "h\u{e9}llo")).await;
    assert_eq!(echoed.as_deref(), Ok("h\u{e9}llo"));
    assert_eq!(within(client.request("echo", 42)).await, Ok(42));
    assert_eq!(within(client.request("echo", -42)).await, Ok(-42));
    assert_eq!(within(client.request("echo", 3.25)).await, Ok(3.25));
    assert_eq!(within(client.request("echo", true)).await, Ok(true));
    assert_eq!(within(client.request("echo", false)).await, Ok(false));
    assert_eq!(within(client.request("echo", ())).await, Ok(Value::Empty));
    assert_eq!(within(client.request("echo", ())).await, Ok(Value::Empty));
    let bytes = &[0, 1, 254, 255][..];
    assert_eq!(within(client.request("echo", bytes)).await, Ok(bytes::Bytes::from_static(bytes)));
    for text in [r#"{"a":1,"b":[true,null,"x"]}"#, "[1,2,3]"] {
        let echoed = client.request::<Object<serde_json::Value>, _>("echo", object(text));
        assert_eq!(within(echoed).await.expect("an answer").0, object(text).0);
    }
    assert_eq!(within(client.request("sum", object(r#"{"a":2,"b":3}"#))).await, Ok(5));
}

async fn stream(clients: &Clients, step: &str) {
    let client = |name: &str| clients[name].clone();
    let id = |name: &str| clients[name].registered_id().expect("registered").to_string();
    match step {
        "plain stream, 2 chunks" => {
            let open = client("a").stream("sink", Object(json!({"name": "x"}))).unanswered();
            let mut writer = open.await.expect("a stream");
            writer.send("hello ").await.expect("sent");
            writer.send("world").await.expect("sent");
            within(writer.finish::<()>()).await.expect("finished");
        }
        "stream with ack" => answered(client("a"), Object(json!({"name": "x"})), 1000, 1000),
        "empty stream with ack" => answered(client("a"), (), 0, 1),
        "one 100000-byte write" => answered(client("a"), "big", 100_000, 100_000),
        "200000 bytes in 16384-byte writes" => answered(client("b"), "big2", 200_000, 16_384),
        "stream to room1" => {
            many(client("a").to("room1").stream("img", numbered(1)), &["abc", "def"]).await;
        }
        "stream to socket b" => {
            many(client("a").to_id(id("b")).stream("img", numbered(2)), &["to-b"]).await;
        }
        "stream to sockets b,c" => {
            let a = client("a");
            let both = a.to_id(id("b")).to_id(id("c"));
            many(both.stream("img", numbered(3)), &["to-bc"]).await;
        }
        "stream broadcast" => {
            many(client("a").broadcast().stream("img", numbered(4)), &["to-all"]).await;
        }
        "two interleaved streams" => {
            let a = client("a");
            let mut first = a.stream("sink", "s1").unanswered().await.expect("a stream");
            let mut second = a.stream("sink", "s2").unanswered().await.expect("a stream");
            for (to_first, bytes) in
                [(true, "1a"), (false, "2a"), (true, "1b"), (false, "2b"), (true, "1c")]
            {
                let writer = if to_first { &mut first } else { &mut second };
                writer.send(bytes).await.expect("sent");
                within(a.flush()).await.expect("written");
            }
            within(second.finish::<()>()).await.expect("finished");
            within(first.finish::<()>()).await.expect("finished");
        }
        _ => {}
    }
}

fn numbered(n: i64) -> Object<serde_json::Value> {
    Object(json!({"n": n}))
}

/// A stream whose reader answers with its digest.
fn answered(
    client: Client,
    info: impl gatewire::IntoValue + Send + 'static,
    length: usize,
    piece: usize,
) {
    let bytes: Vec<u8> =
        (0..length).map(|index| (index * 31 + 7 + (index >> 8)).to_le_bytes()[0]).collect();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    tokio::spawn(async move {
        let mut writer = client.stream("stream-sha", info).await.expect("a stream");
        for piece in bytes.chunks(piece) {
            writer.send(piece.to_vec()).await.expect("sent");
        }
        assert_eq!(within(writer.finish::<String>()).await, Ok(digest));
    });
}

/// A stream to others.
async fn many<V: gatewire::IntoValue>(open: gatewire::OpenFanout<'_, V>, pieces: &[&'static str]) {
    let mut writer = open.await.expect("a stream");
    for piece in pieces {
        writer.send(*piece).await.expect("sent");
    }
    let report = within(writer.finish()).await.expect("finished");
    assert_eq!(report.receipts().len(), 0, "nothing is told of the readers");
}
