//! Gatewire at both ends.

use bytes::Bytes;
use gatewire::keys::{Permissions, Profile};
use gatewire::legacy::{V2Key, V2Keys};
use gatewire::{EmitError, Object, RequestError, StreamReader, Value, Wire};
use tokio::io::AsyncReadExt;

use super::rig::{Everything, WIRES, secret};
use crate::rig::{fence, record, within};

#[tokio::test]
async fn a_request_is_answered_in_each_version() {
    let all = Everything::new().await;
    all.server.on("hello", |name: String| format!("hello {name}"));
    for wire in WIRES {
        let client = all.client(wire).await;
        let answer: String = within(client.request("hello", "ada")).await.expect("an answer");
        assert_eq!(answer, "hello ada", "{wire}");
        client.close().await;
    }
    all.server.close().await;
}

#[tokio::test]
async fn members_of_all_versions_share_a_room() {
    let all = Everything::new().await;
    let mut clients = Vec::new();
    for wire in WIRES {
        let client = all.client(wire).await;
        let (seen, record) = record();
        client.on("news", move |text: String| seen.note(text));
        within(client.join("readers")).await.expect("joined");
        fence(&client).await;
        clients.push((wire, client, record));
    }
    for sender in WIRES {
        let from = &clients[sender as usize].1;
        from.to("readers").emit("news", format!("from {sender}")).expect("queued");
        for (wire, _, record) in &mut clients {
            if *wire != sender {
                assert_eq!(record.next().await, format!("from {sender}"), "at {wire}");
            }
        }
    }
    all.server.to("readers").emit("news", "from the server").expect("queued");
    for (_, client, record) in &mut clients {
        assert_eq!(record.next().await, "from the server");
        fence(client).await;
        record.expect_nothing();
    }
}

#[tokio::test]
async fn a_stream_to_one_client_goes_by_the_id_that_its_server_gave_it() {
    let all = Everything::new().await;
    for wire in [Wire::V1, Wire::V2] {
        let (writer, reader) = (all.client(wire).await, all.client(wire).await);
        let (seen, mut sums) = record();
        reader.on("file", move |info: Value, stream: StreamReader| {
            let seen = seen.clone();
            async move { seen.note(digest(stream, info).await) }
        });
        let id = reader.registered_id().expect("connected");
        let mut stream = writer.to_id(&*id).stream("file", ()).await.expect("a stream");
        let bytes = pattern(20_000);
        within(stream.send(bytes.clone())).await.expect("sent");
        within(stream.finish()).await.expect("finished");
        assert_eq!(sums.next().await, summed(&bytes), "{wire}");
    }
}

#[tokio::test]
async fn a_name_that_no_old_frame_has_room_for_is_refused_at_once() {
    let all = Everything::new().await;
    let event = "n".repeat(65_535);
    for wire in [Wire::V1, Wire::V2] {
        let client = all.client(wire).await;
        assert_eq!(client.emit(&event, 1), Ok(()), "{wire}");
        let refused = client.to("room").emit(&event, 1);
        assert!(matches!(refused, Err(EmitError::Encode(_))), "{wire}: {refused:?}");
    }
}

/// Reads a stream, and answers with its length and a sum over its bytes.
async fn digest(mut stream: StreamReader, _info: Value) -> (u64, u64) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("the whole stream");
    summed(&bytes)
}

fn summed(bytes: &[u8]) -> (u64, u64) {
    let weighed =
        bytes.iter().zip(1_u64..).map(|(byte, index)| u64::from(*byte) * (index % 65_521));
    (bytes.len() as u64, weighed.sum())
}

fn pattern(length: usize) -> Bytes {
    (0..length).map(|index| (index * 31 + 7 + (index >> 8)).to_le_bytes()[0]).collect()
}

#[tokio::test]
async fn streams_of_all_lengths_cross_in_each_version_both_ways() {
    let all = Everything::new().await;
    let (seen, mut sums) = record();
    let handler = {
        let seen = seen.clone();
        move |info: Value, stream: StreamReader| {
            let seen = seen.clone();
            async move { seen.note(digest(stream, info).await) }
        }
    };
    all.server.on("upload", handler.clone());
    for wire in WIRES {
        let client = all.client(wire).await;
        client.on("upload", handler.clone());
        let socket = all.server.socket(&client.id().expect("connected")).expect("a socket");
        for length in [0, 1, 16_383, 16_384, 20_000, 3_000_000] {
            let bytes = pattern(length);
            for answered in [true, false] {
                for up in [true, false] {
                    let open =
                        if up { client.stream("upload", ()) } else { socket.stream("upload", ()) };
                    let open = if answered { open } else { open.unanswered() };
                    let mut writer = open.await.expect("a stream");
                    within(writer.send(bytes.clone())).await.expect("sent");
                    within(writer.finish::<()>()).await.expect("finished");
                    assert_eq!(
                        sums.next().await,
                        summed(&bytes),
                        "{wire} {length} {answered} {up}"
                    );
                }
            }
        }
        fence(&client).await;
        client.close().await;
    }
}

/// What those may do who cannot show a key, or show one of version 2.
#[tokio::test]
async fn permissions_hold_for_older_peers() {
    let restricted = || Permissions::from(Profile::Restricted);
    let key = V2Key::new("services", secret()).permissions(restricted());
    let all = Everything::with(|builder| {
        builder.v1_permissions(restricted()).v2_keys(V2Keys::new().with(key))
    });
    let all = all.await;
    let (seen, mut news) = record();
    let listener = all.client(Wire::V3).await;
    listener.on("news", move |text: String| seen.note(text));
    within(listener.join("lobby")).await.expect("joined");
    for (wire, key_id) in [(Wire::V1, ""), (Wire::V2, "services")] {
        let client = all.client(wire).await;
        let (seen, mut errors) = record();
        client.on_error(move |error| seen.note(error.to_string()));
        client.broadcast().emit("news", "to all").expect("queued");
        let denied = errors.next().await;
        assert!(denied.contains("broadcast"), "{denied}");
        client.to("lobby").emit("news", "to a room").expect("queued");
        assert_eq!(news.next().await, "to a room");
        let socket = all.server.socket(&client.id().expect("connected")).expect("a socket");
        assert_eq!(socket.key_id(), key_id);
    }
}

#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
struct Point {
    #[prost(int64, tag = "1")]
    x: i64,
}

/// A format that needs a schema is not turned into JSON: who sent it is told.
#[tokio::test]
async fn an_object_that_does_not_describe_itself_is_an_error_that_says_so() {
    let format = gatewire_protobuf::Protobuf::new().with::<Point>();
    let all = Everything::with(|builder| builder.accept_format(format.clone())).await;
    let (seen, mut errors) = record();
    all.server.on_error(move |_, error| seen.note(error.to_string()));
    let sender = all.client_with(Wire::V3, |builder| builder.format(format.clone())).await;
    for wire in [Wire::V1, Wire::V2] {
        let client = all.client(wire).await;
        within(client.join("lobby")).await.expect("joined");
        fence(&client).await;
        sender.to("lobby").emit("point", Object(Point { x: 3 })).expect("queued");
        let error = errors.next().await;
        assert!(error.contains("protobuf (3) cannot be turned into JSON"), "{error}");
        let asked = sender
            .to_socket(client.id().expect("connected"))
            .request::<(), _>("point", Object(Point { x: 3 }));
        let refused = within(asked).await;
        assert!(matches!(&refused, Err(RequestError::Untranslatable(_))), "{refused:?}");
        client.close().await;
        // One that speaks the wire itself knows when it emits.
        let old = all.client_with(wire, |builder| builder.format(format.clone())).await;
        let refused = old.emit("point", Object(Point { x: 3 }));
        assert!(matches!(&refused, Err(EmitError::Format(_))), "{refused:?}");
        old.close().await;
    }
}
