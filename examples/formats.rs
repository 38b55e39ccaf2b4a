//! Objects in five formats. The sender chooses, by default or for one call; the format's id travels
//! with the object, and the receiver takes any format that it was told about.
//!
//! ```text
//! cargo run -p gatewire-examples --example formats
//! ```
//!
//! expect: server: json (1), 27 bytes
//! expect: server: "Hello" has 5 stars
//! expect: server: msgpack (2), 20 bytes
//! expect: server: protobuf (3), 9 bytes
//! expect: server: avro (4), 7 bytes
//! expect: server: "Hello" has 5 stars
//! expect: server: format 64, 7 bytes
//! expect: server: "Hello" has 5 stars
//! expect: client: the peer could not decode the value: the object is in msgpack (2), this endpoint knows json (1)
//! expect: client: the request was not sent: protobuf was not told how to encode

use std::error::Error;
use std::sync::Arc;

use gatewire::avro::Avro;
use gatewire::protobuf::Protobuf;
use gatewire::{Client, FormatFn, FormatId, MsgPack, Object, Server, Socket, Value};
use serde::{Deserialize, Serialize};

/// Serde is enough for JSON and MessagePack. Protocol Buffers want numbers for the fields.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
struct Article {
    #[prost(string, tag = "1")]
    title: String,
    #[prost(int32, tag = "2")]
    stars: i32,
}

/// Avro wants a schema, the same on both sides.
const SCHEMA: &str = r#"{
    "type": "record", "name": "Article", "fields": [
        { "name": "title", "type": "string" },
        { "name": "stars", "type": "int" }
    ]
}"#;

/// A format of one's own, from a pair of closures: "stars title". Ids from 64 up are free. The
/// bytes come from the network: no input may panic.
fn plain_text() -> impl gatewire::Format {
    FormatFn::new(
        FormatId::FIRST_USER,
        "plain text",
        |article: &Article, _event: &str| {
            Ok(format!("{} {}", article.stars, article.title).into_bytes())
        },
        |bytes: &[u8], _event: &str| {
            let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
            let (stars, title) = text.split_once(' ').ok_or("there is no space")?;
            let stars = stars.parse().map_err(|_| format!("{stars:?} is no number"))?;
            Ok(Article { title: title.to_owned(), stars })
        },
    )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Formats that know types are made once and shared.
    let protobuf = Arc::new(Protobuf::new().with::<Article>());
    let avro = Arc::new(Avro::new().with::<Article>(SCHEMA)?);
    let plain = Arc::new(plain_text());

    let server = Server::builder()
        .accept_format(MsgPack)
        .accept_format(Arc::clone(&protobuf))
        .accept_format(Arc::clone(&avro))
        .accept_format(Arc::clone(&plain))
        .bind("127.0.0.1:0")
        .await?;
    server.on_any(|_socket: &Socket, _event, value| {
        if let Value::Object { format, bytes } = value {
            println!("server: {format}, {} bytes", bytes.len());
        }
    });
    // The handler names the type, not the format.
    server.on("article", |Object(article): Object<Article>| {
        println!("server: {:?} has {} stars", article.title, article.stars);
    });

    let client = Client::builder().connect(server.local_addr()).await?;
    let article = Article { title: "Hello".to_owned(), stars: 5 };

    // JSON unless told otherwise; `ClientBuilder::format` and `ServerBuilder::format` tell it.
    client.emit("article", Object(article.clone()))?;
    // Another format for one call.
    client.emit("article", Object(article.clone()).with(MsgPack))?;
    client.emit("article", Object(article.clone()).with(Arc::clone(&protobuf)))?;
    client.emit("article", Object(article.clone()).with(avro))?;
    client.request::<(), _>("article", Object(article.clone()).with(plain)).await?;

    // A server that knows JSON only. A request tells the client what is wrong, and of an event the
    // server's `on_error` hears.
    let other = Server::builder().bind("127.0.0.1:0").await?;
    other.on("article", |Object(_): Object<Article>| "published");
    let guest = Client::builder().connect(other.local_addr()).await?;
    let in_msgpack = Object(article).with(MsgPack);
    if let Err(error) = guest.request::<String, _>("article", in_msgpack).await {
        println!("client: {error}");
    }
    // What cannot be encoded is not sent.
    let untold = Object("no article".to_owned()).with(protobuf);
    if let Err(error) = guest.request::<String, _>("article", untold).await {
        println!("client: {error}");
    }

    guest.close().await;
    other.close().await;
    client.close().await;
    server.close().await;
    Ok(())
}
