//! A member of a room, of version 1 or 3: prints what comes, and does what it is told.
//!
//! | line | what it does |
//! |---|---|
//! | `emit TEXT` | sends the text to the room |
//! | `integer N` | sends the integer |
//! | `stream N` | sends so many bytes of the pattern to the room |
//! | `leave` | leaves the room, and prints `left` |

use gatewire::{Client, StreamReader, Value};

use crate::describe::describe;
use crate::pattern::{chunks, summary};
use crate::{Outcome, input, wire};

pub(crate) async fn run(version: &str, address: &str, room: &str) -> Outcome {
    let builder = match version {
        "v1" => wire::builder(),
        "v3" => Client::builder().limits(wire::limits()),
        other => return Err(format!("there is no version `{other}`").into()),
    };
    let client = builder.build(address);
    client.on("news", |value: Value| println!("news {}", describe(&value)));
    client.on("file", |stream: StreamReader| async move {
        match summary(stream).await {
            Ok(text) => println!("file {text}"),
            Err(error) => println!("file: {error}"),
        }
    });
    client.connect().await?;
    client.join(room).await?;
    println!("joined");

    let mut lines = input();
    while let Some(line) = lines.next_line().await? {
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("emit", text) => client.to(room).emit("news", text)?,
            ("integer", number) => client.to(room).emit("news", number.parse::<i64>()?)?,
            ("stream", length) => send(&client, room, length.parse()?).await?,
            ("leave", _) => {
                client.leave(room).await?;
                println!("left");
            }
            _ => return Err(format!("it cannot do `{line}`").into()),
        }
    }
    client.close().await;
    Ok(())
}

async fn send(client: &Client, room: &str, length: u64) -> Outcome {
    let mut stream = client.to(room).stream("file", ()).await?;
    for chunk in chunks(length) {
        stream.send(chunk).await?;
    }
    stream.finish().await?;
    Ok(())
}
