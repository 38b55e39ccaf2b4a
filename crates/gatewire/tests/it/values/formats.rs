//! Object formats: the default, others by name, a user's own, and peers that differ.

use bytes::Bytes;
use gatewire::{
    Client, Error, FormatError, FormatFn, FormatId, Json, Object, RequestError, Server, Value,
};
use gatewire_avro::Avro;
use gatewire_msgpack::MsgPack;
use gatewire_protobuf::Protobuf;
use serde::{Deserialize, Serialize};

use crate::rig::{dial, dial_with, record, serve, serve_with, within};

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
struct Point {
    #[prost(int64, tag = "1")]
    x: i64,
    #[prost(int64, tag = "2")]
    y: i64,
}

const POINT: Point = Point { x: 3, y: -4 };

/// The handler of `mirror` swaps x and y.
fn mirror_at(server: &Server) {
    server.on("mirror", |Object(point): Object<Point>| Object(Point { x: point.y, y: point.x }));
}

async fn ask_mirror(client: &Client) -> Result<Point, RequestError> {
    within(client.request("mirror", Object(POINT))).await.map(|Object(point)| point)
}

const MIRRORED: Point = Point { x: -4, y: 3 };

#[tokio::test]
async fn objects_travel_as_json_unless_told_otherwise() {
    let server = serve().await;
    let (seen, mut values) = record();
    server.on_any(move |_, _, value| seen.note(value));
    let client = dial(&server).await;
    client.emit("point", Object(POINT)).expect("queued");
    let bytes = Bytes::from_static(br#"{"x":3,"y":-4}"#);
    assert_eq!(values.next().await, Value::Object { format: FormatId::JSON, bytes });
}

#[tokio::test]
async fn a_format_that_the_peer_does_not_know_is_an_error_that_names_both() {
    let server = serve().await;
    mirror_at(&server);
    let (told, mut errors) = record();
    server.on_error(move |_, error| told.note(error));
    let client = dial(&server).await;

    let asked = client.request::<Object<Point>, _>("mirror", Object(POINT).with(MsgPack));
    let refused = "the object is in msgpack (2), this endpoint knows json (1)".to_owned();
    assert_eq!(within(asked).await.err(), Some(RequestError::Decode(refused)));

    let error = FormatError::Mismatch {
        found: FormatId::MSGPACK,
        known: vec![(FormatId::JSON, "json".to_owned())],
    };
    // The request was told to its asker and here; the event only here.
    let error = Error::Decode { event: "mirror".to_owned(), error };
    assert_eq!(errors.next().await, error);
    client.emit("mirror", Object(POINT).with(MsgPack)).expect("queued");
    assert_eq!(errors.next().await, error);
}

#[tokio::test]
async fn an_accepted_format_is_understood_and_answered_in_the_default() {
    let server = serve_with(|builder| builder.accept_format(MsgPack)).await;
    mirror_at(&server);
    let client = dial(&server).await;
    let asked = client.request("mirror", Object(POINT).with(MsgPack));
    let Object(answer): Object<Point> = within(asked).await.expect("an answer");
    assert_eq!(answer, MIRRORED);
}

#[tokio::test]
async fn a_new_default_still_understands_the_old_one() {
    let server = serve_with(|builder| builder.format(MsgPack)).await;
    mirror_at(&server);
    let json = dial(&server).await;
    // The server reads JSON and answers in its own default, which this client does not know.
    let error = FormatError::Mismatch {
        found: FormatId::MSGPACK,
        known: vec![(FormatId::JSON, "json".to_owned())],
    };
    assert_eq!(ask_mirror(&json).await, Err(RequestError::BadAnswer(error)));
    let both = dial_with(&server, |builder| builder.accept_format(MsgPack)).await;
    assert_eq!(ask_mirror(&both).await, Ok(MIRRORED));
    let msgpack = dial_with(&server, |builder| builder.format(MsgPack)).await;
    assert_eq!(ask_mirror(&msgpack).await, Ok(MIRRORED));
}

#[tokio::test]
async fn protobuf_and_avro_carry_what_they_were_told_about() {
    let protobuf = || Protobuf::new().with::<Point>();
    let server = serve_with(|builder| builder.format(protobuf())).await;
    mirror_at(&server);
    let client = dial_with(&server, |builder| builder.format(protobuf())).await;
    assert_eq!(ask_mirror(&client).await, Ok(MIRRORED));

    let schema = r#"{"type":"record","name":"Point","fields":[
        {"name":"x","type":"long"},{"name":"y","type":"long"}]}"#;
    let avro = || Avro::new().with::<Point>(schema).expect("a schema");
    let server = serve_with(|builder| builder.format(avro())).await;
    mirror_at(&server);
    let client = dial_with(&server, |builder| builder.format(avro())).await;
    assert_eq!(ask_mirror(&client).await, Ok(MIRRORED));
}

#[tokio::test]
async fn a_users_own_format_travels_under_its_own_id() {
    let own = || {
        FormatFn::new(
            FormatId(64),
            "points",
            |point: &Point, event: &str| Ok(format!("{event}:{};{}", point.x, point.y).into()),
            |bytes: &[u8], event: &str| {
                let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
                let rest = text.strip_prefix(event).and_then(|rest| rest.strip_prefix(':'));
                let (x, y) = rest.and_then(|rest| rest.split_once(';')).ok_or("no point")?;
                let number = |text: &str| text.parse().map_err(|_| format!("bad {text:?}"));
                Ok(Point { x: number(x)?, y: number(y)? })
            },
        )
    };
    let server = serve_with(|builder| builder.format(own())).await;
    mirror_at(&server);
    let (seen, mut values) = record();
    server.on_any(move |_, _, value| seen.note(value));
    let client = dial_with(&server, |builder| builder.format(own()).accept_format(Json)).await;
    assert_eq!(ask_mirror(&client).await, Ok(MIRRORED));
    let bytes = Bytes::from_static(b"mirror:3;-4");
    assert_eq!(values.next().await, Value::Object { format: FormatId(64), bytes });
}

#[tokio::test]
async fn an_object_that_its_format_cannot_read_is_refused_with_the_formats_words() {
    let server = serve().await;
    mirror_at(&server);
    let client = dial(&server).await;
    let broken = Value::Object { format: FormatId::JSON, bytes: Bytes::from_static(b"{\"x\":") };
    let answer = within(client.request::<Value, _>("mirror", broken)).await;
    let Err(RequestError::Decode(text)) = answer else { panic!("{answer:?}") };
    assert!(text.starts_with("json cannot decode: EOF"), "{text}");
}
