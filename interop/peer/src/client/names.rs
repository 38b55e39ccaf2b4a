//! Names that version 1 cannot carry, and those that it just can.

use gatewire::{Object, StreamError};
use serde::Serialize;

use super::stage::{Inbox, Stage, members, settle};
use super::{Scenario, expect, scenario};
use crate::Outcome;

/// As long as an event name can be: the length has 16 bits.
const LONGEST: usize = 65_535;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("names: an event of 65,535 bytes", longest),
        scenario("names: an event of 65,536 bytes is refused", too_long),
        scenario("names: events with separators, beyond ASCII", separators),
        scenario(
            "names: events with separators are refused where they would be cut",
            routed_events,
        ),
        scenario("names: rooms with separators are refused", rooms),
        scenario("names: lists of rooms that are too long are refused", long_lists),
    ]
}

#[derive(Serialize)]
struct Order {
    event: String,
    value: i64,
}

async fn longest(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let event = "n".repeat(LONGEST);
    let echo: i64 = client.request(&event, 1).await?;
    expect(echo, 1)?;
    let mut inbox = Inbox::<i64>::of(&client, &event);
    client.emit("send", Object(Order { event, value: 2 }))?;
    expect(inbox.next().await?, 2)
}

async fn too_long(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let event = "n".repeat(LONGEST + 1);
    expect(client.emit(&event, 1).is_err(), true)?;
    expect(client.request::<i64, _>(&event, 1).await.is_err(), true)?;
    // The room belongs to the name on the wire.
    let event = "n".repeat(LONGEST);
    expect(client.to("r").emit(&event, 1).is_err(), true)?;
    settle(&client).await
}

async fn separators(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    for event in ["a|b,c", "\u{20ac}"] {
        let echo: i64 = client.request(event, 1).await?;
        expect(echo, 1)?;
        let mut inbox = Inbox::<i64>::of(&client, event);
        client.emit("send", Object(Order { event: event.to_owned(), value: 2 }))?;
        expect(inbox.next().await?, 2)?;
    }
    Ok(())
}

async fn routed_events(stage: Stage) -> Outcome {
    let [a, b] = stage.connect_many().await?;
    b.join("r").await?;
    let mut cut = Inbox::<i64>::of(&b, "a");
    expect(a.to("r").emit("a|b", 1).is_err(), true)?;
    let stream = async {
        let stream = a.to("r").stream("a|b", ()).await?;
        stream.finish().await
    };
    let stream: Result<_, StreamError> = stream.await;
    expect(stream.is_err(), true)?;
    settle(&a).await?;
    settle(&b).await?;
    expect(cut.rest(), Vec::<i64>::new())
}

async fn rooms(stage: Stage) -> Outcome {
    let [a, b] = stage.connect_many().await?;
    for room in ["x,y", "x|y", ","] {
        expect(a.join(room).await.is_err(), true)?;
        expect(a.to(room).emit("news", 1).is_err(), true)?;
    }
    for part in ["x", "y", "x,y", "x|y"] {
        expect(members(&b, part).await?, 0)?;
    }
    Ok(())
}

async fn long_lists(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let rooms: Vec<String> = (0..7000).map(|i| format!("room {i}")).collect();
    let to = client.to_rooms(rooms.iter().map(String::as_str));
    expect(to.emit("news", 1).is_err(), true)?;
    settle(&client).await
}
