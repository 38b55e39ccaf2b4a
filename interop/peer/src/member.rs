//! A member of a room, of version 1 or 3: prints what comes, and does what it is told.
//!
//! | line | what it does |
//! |---|---|
//! | `emit TEXT` | sends the text to the room |
//! | `integer N` | sends the integer |
//! | `stream N` | sends so many bytes of the pattern to the room |
//! | `to ID TEXT` | sends the text to one socket |
//! | `ask ID N` | asks one socket `double`, and prints `answer N` |
//! | `upload ID N` | sends one socket a stream of so many bytes, and prints `answer TEXT` |
//! | `leave` | leaves the room, and prints `left` |

use gatewire::{Client, SocketId, StreamReader, Value};

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
    let own = client.id().map(|id| id.to_string());
    println!("joined {}", own.unwrap_or_default());

    let mut lines = input();
    while let Some(line) = lines.next_line().await? {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        match words[..] {
            ["emit", ..] => client.to(room).emit("news", line.trim_start_matches("emit "))?,
            ["integer", number] => client.to(room).emit("news", number.parse::<i64>()?)?,
            ["stream", length] => stream(&client, room, length.parse()?).await?,
            ["to", id, text] => client.to_socket(id.parse::<SocketId>()?).emit("news", text)?,
            ["ask", id, number] => ask(&client, id.parse()?, number.parse()?).await?,
            ["upload", id, length] => upload(&client, id.parse()?, length.parse()?).await?,
            ["leave"] => {
                client.leave(room).await?;
                println!("left");
            }
            _ => return Err(format!("it cannot do `{line}`").into()),
        }
    }
    client.close().await;
    Ok(())
}

async fn ask(client: &Client, id: SocketId, number: i64) -> Outcome {
    let answer: Value = client.to_socket(id).request("double", number).await?;
    println!("answer {}", describe(&answer));
    Ok(())
}

async fn upload(client: &Client, id: SocketId, length: u64) -> Outcome {
    let mut stream = client.to_socket(id).stream("file", ()).await?;
    for chunk in chunks(length) {
        stream.send(chunk).await?;
    }
    let answer: Value = stream.finish().await?;
    println!("answer {}", describe(&answer));
    Ok(())
}

async fn stream(client: &Client, room: &str, length: u64) -> Outcome {
    let mut stream = client.to(room).stream("file", ()).await?;
    for chunk in chunks(length) {
        stream.send(chunk).await?;
    }
    stream.finish().await?;
    Ok(())
}
