//! Rooms, and messages to their members.

use gatewire::{Client, Value};
use serde::Serialize;

use super::stage::{Inbox, Stage, members, settle, settle_all};
use super::{Scenario, expect, scenario};
use crate::describe::describe;
use crate::{Outcome, wire};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("rooms: join and leave", join_and_leave),
        scenario("rooms: to join twice is to join once", twice),
        scenario("rooms: to leave one that was not joined", not_joined),
        scenario("rooms: lists of names", lists),
        scenario("rooms: leave all", leave_all),
        scenario("rooms: names beyond ASCII, with spaces", unicode),
        scenario("rooms: a message reaches the members but its sender", not_the_sender),
        scenario("rooms: who is not a member may send to them", from_outside),
        scenario("rooms: nothing comes after leaving", after_leaving),
        scenario("rooms: a message to several rooms", several),
        scenario("rooms: an empty one", empty),
        scenario("rooms: each type of value", each_type),
        scenario("rooms: 2,000 messages in order", in_order),
        scenario("rooms: the server sends to one", from_the_server),
        scenario("rooms: the server puts clients in and takes them out", by_the_server),
    ]
}

/// Three clients of which the first two are in the room `r`, and what comes to them.
async fn two_and_one(stage: &Stage) -> Outcome<([Client; 3], [Inbox<i64>; 3])> {
    let clients: [Client; 3] = stage.connect_many().await?;
    clients[0].join("r").await?;
    clients[1].join("r").await?;
    // A server of version 1 does not say that it has joined.
    settle_all(&clients).await?;
    let inboxes = clients.each_ref().map(|client| Inbox::of(client, "news"));
    Ok((clients, inboxes))
}

async fn received(clients: &[Client], inboxes: &mut [Inbox<i64>; 3]) -> Outcome<[Vec<i64>; 3]> {
    settle_all(clients).await?;
    Ok(inboxes.each_mut().map(Inbox::rest))
}

async fn join_and_leave(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    client.join("r").await?;
    expect(members(&client, "r").await?, 1)?;
    expect(client.rooms(), ["r"])?;
    client.leave("r").await?;
    expect(members(&client, "r").await?, 0)
}

async fn twice(stage: Stage) -> Outcome {
    let [a, b] = stage.connect_many().await?;
    a.join("r").await?;
    a.join("r").await?;
    expect(members(&a, "r").await?, 1)?;
    let mut inbox = Inbox::<i64>::of(&a, "news");
    b.to("r").emit("news", 1)?;
    settle_all(&[a, b]).await?;
    expect(inbox.rest(), [1])
}

async fn not_joined(stage: Stage) -> Outcome {
    let [a, b] = stage.connect_many().await?;
    a.join("r").await?;
    b.leave("r").await?;
    b.leave("s").await?;
    settle(&a).await?;
    expect(members(&b, "r").await?, 1)
}

async fn lists(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    client.join_rooms(["a", "b", "c"]).await?;
    for room in ["a", "b", "c"] {
        expect(members(&client, room).await?, 1)?;
    }
    client.leave_rooms(["a", "c"]).await?;
    for (room, number) in [("a", 0), ("b", 1), ("c", 0)] {
        expect(members(&client, room).await?, number)?;
    }
    Ok(())
}

async fn leave_all(stage: Stage) -> Outcome {
    let clients: [Client; 2] = stage.connect_many().await?;
    for client in &clients {
        client.join("a").await?;
        client.join("b").await?;
    }
    settle_all(&clients).await?;
    clients[0].leave_all().await?;
    for room in ["a", "b"] {
        expect(members(&clients[0], room).await?, 1)?;
    }
    Ok(())
}

async fn unicode(stage: Stage) -> Outcome {
    let [a, b] = stage.connect_many().await?;
    let room = "sala de espa\u{f1}a \u{1f389}";
    a.join(room).await?;
    expect(members(&a, room).await?, 1)?;
    let mut inbox = Inbox::<i64>::of(&a, "news");
    b.to(room).emit("news", 1)?;
    expect(inbox.next().await?, 1)
}

async fn not_the_sender(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = two_and_one(&stage).await?;
    clients[0].to("r").emit("news", 1)?;
    expect(received(&clients, &mut inboxes).await?, [vec![], vec![1], vec![]])
}

async fn from_outside(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = two_and_one(&stage).await?;
    clients[2].to("r").emit("news", 1)?;
    expect(received(&clients, &mut inboxes).await?, [vec![1], vec![1], vec![]])
}

async fn after_leaving(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = two_and_one(&stage).await?;
    clients[1].leave("r").await?;
    settle_all(&clients).await?;
    clients[2].to("r").emit("news", 1)?;
    expect(received(&clients, &mut inboxes).await?, [vec![1], vec![], vec![]])
}

async fn several(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = two_and_one(&stage).await?;
    clients[0].join("other").await?;
    settle_all(&clients).await?;
    clients[2].to("r").to("other").to("nobody").emit("news", 1)?;
    // Defect C8: fast-tcp sends one copy per room.
    expect(received(&clients, &mut inboxes).await?, [vec![1, 1], vec![1], vec![]])
}

async fn empty(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = two_and_one(&stage).await?;
    clients[0].to("nobody is here").emit("news", 1)?;
    expect(received(&clients, &mut inboxes).await?.concat(), Vec::<i64>::new())
}

async fn each_type(stage: Stage) -> Outcome {
    let clients: [Client; 2] = stage.connect_many().await?;
    clients[1].join("r").await?;
    settle_all(&clients).await?;
    let mut inbox = Inbox::<Value>::of(&clients[1], "news");
    let to = clients[0].to("r");
    to.emit("news", "text")?;
    to.emit("news", vec![0_u8, 255])?;
    to.emit("news", -7)?;
    to.emit("news", 0.5)?;
    to.emit("news", gatewire::Object([1, 2]))?;
    to.emit("news", true)?;
    to.emit("news", ())?;
    settle_all(&clients).await?;
    let texts: Vec<_> = inbox.rest().iter().map(describe).collect();
    let binary = describe(&Value::Binary(vec![0, 255].into()));
    let expected = [
        "string text",
        &binary,
        "integer -7",
        "decimal 3fe0000000000000",
        "object [1,2]",
        "boolean true",
        "empty",
    ];
    expect(texts, expected)
}

async fn in_order(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = two_and_one(&stage).await?;
    let numbers: Vec<i64> = (0..2000).collect();
    for number in &numbers {
        clients[2].to("r").emit("news", number)?;
    }
    expect(received(&clients, &mut inboxes).await?, [numbers.clone(), numbers, vec![]])
}

#[derive(Serialize)]
struct Order {
    event: &'static str,
    value: i64,
    rooms: [&'static str; 1],
    except: Vec<String>,
}

async fn from_the_server(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = two_and_one(&stage).await?;
    let order =
        |value, except| gatewire::Object(Order { event: "news", value, rooms: ["r"], except });
    clients[2].request::<Value, _>("send", order(1, vec![])).await?;
    clients[2].request::<Value, _>("send", order(2, vec![wire::id(&clients[0])])).await?;
    expect(received(&clients, &mut inboxes).await?, [vec![1], vec![1, 2], vec![]])
}

async fn by_the_server(stage: Stage) -> Outcome {
    let [a, b] = stage.connect_many().await?;
    let mut inbox = Inbox::<i64>::of(&a, "news");
    for room in ["r", "s"] {
        a.request::<Value, _>("put", room).await?;
        expect(members(&a, room).await?, 1)?;
    }
    b.to("r").emit("news", 1)?;
    expect(inbox.next().await?, 1)?;
    a.request::<Value, _>("take", "r").await?;
    expect(members(&a, "r").await?, 0)?;
    a.request::<Value, _>("take all", ()).await?;
    expect(members(&a, "s").await?, 0)?;
    b.to("r").to("s").emit("news", 2)?;
    settle_all(&[a, b]).await?;
    expect(inbox.rest(), Vec::<i64>::new())
}
