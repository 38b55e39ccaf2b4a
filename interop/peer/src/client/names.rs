//! Names that version 1 cannot carry, and those that it just can.

use gatewire::{Object, StreamError, Value};
use serde::Serialize;

use super::stage::{Inbox, Stage, members, settle, settle_all};
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
        scenario("names: a list of rooms that is too long for one frame", long_lists),
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
    client.request::<Value, _>("send", Object(Order { event, value: 2 })).await?;
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
        client
            .request::<Value, _>("send", Object(Order { event: event.to_owned(), value: 2 }))
            .await?;
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
    let [client, first, last] = stage.connect_many().await?;
    first.join("room 0").await?;
    last.join("room 6999").await?;
    settle_all(&[first.clone(), last.clone()]).await?;
    let (mut to_first, mut to_last) = (Inbox::<i64>::of(&first, "news"), Inbox::of(&last, "news"));
    let rooms: Vec<String> = (0..7000).map(|number| format!("room {number}")).collect();
    client.to_rooms(rooms.iter().map(String::as_str)).emit("news", 1)?;
    settle_all(&[client, first, last]).await?;
    expect((to_first.rest(), to_last.rest()), (vec![1], vec![1]))
}
