//! Messages to all, to others by the ids that the server gave them, and to oneself.

use std::collections::HashSet;

use gatewire::{Client, Object, Value};
use serde::Serialize;

use super::stage::{Inbox, Stage, settle, settle_all, until};
use super::{Scenario, expect, scenario};
use crate::{Outcome, wire};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("sockets: ids are those that the server gave", ids),
        scenario("sockets: a broadcast reaches all but its sender", broadcast),
        scenario("sockets: a message to one", one),
        scenario("sockets: a message to several", several),
        scenario("sockets: a message to oneself", oneself),
        scenario("sockets: an unknown id is nobody", unknown),
        scenario("sockets: one who has gone is nobody", gone),
        scenario("sockets: the server sends to all", from_the_server),
        scenario("sockets: the server sends to all but one", all_but_one),
        scenario("sockets: the server sends to some", some),
        scenario("sockets: a conversation of two", conversation),
        scenario("sockets: a conversation with fast-tcp", conversation_with_node),
    ]
}

/// An id that no socket has.
const NOBODY: &str = "zzzzz";

type Three<T> = [T; 3];

/// Three clients, and what comes to them.
async fn three(stage: &Stage) -> Outcome<(Three<Client>, Three<Inbox<i64>>)> {
    let clients: Three<Client> = stage.connect_many().await?;
    let inboxes = clients.each_ref().map(|client| Inbox::of(client, "news"));
    Ok((clients, inboxes))
}

async fn received(clients: &[Client], inboxes: &mut Three<Inbox<i64>>) -> Outcome<Three<Vec<i64>>> {
    settle_all(clients).await?;
    Ok(inboxes.each_mut().map(Inbox::rest))
}

async fn ids(stage: Stage) -> Outcome {
    let clients: [Client; 20] = stage.connect_many().await?;
    let ids: HashSet<String> = clients.iter().map(wire::id).collect();
    expect(ids.len(), clients.len())?;
    expect(ids.iter().all(|id| id.len() == 5), true)
}

async fn broadcast(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = three(&stage).await?;
    clients[0].broadcast().emit("news", 1)?;
    expect(received(&clients, &mut inboxes).await?, [vec![], vec![1], vec![1]])
}

async fn one(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = three(&stage).await?;
    clients[0].to_id(wire::id(&clients[1])).emit("news", 1)?;
    expect(received(&clients, &mut inboxes).await?, [vec![], vec![1], vec![]])
}

async fn several(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = three(&stage).await?;
    let [_, b, c] = clients.each_ref().map(wire::id);
    clients[0].to_id(b).to_id(c).emit("news", 1)?;
    expect(received(&clients, &mut inboxes).await?, [vec![], vec![1], vec![1]])
}

async fn oneself(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = three(&stage).await?;
    clients[0].to_id(wire::id(&clients[0])).emit("news", 1)?;
    expect(received(&clients, &mut inboxes).await?, [vec![1], vec![], vec![]])
}

async fn unknown(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = three(&stage).await?;
    clients[0].to_id(NOBODY).emit("news", 1)?;
    clients[0].to_id(NOBODY).to_id(wire::id(&clients[2])).emit("news", 2)?;
    expect(received(&clients, &mut inboxes).await?, [vec![], vec![], vec![2]])
}

async fn gone(stage: Stage) -> Outcome {
    let [a, b] = stage.connect_many().await?;
    let id = wire::id(&b);
    b.close().await;
    until(&a, "sockets", "", 1).await?;
    a.to_id(&id).emit("news", 1)?;
    settle(&a).await
}

/// What the server is to send, and to whom.
#[derive(Default, Serialize)]
struct Order {
    event: &'static str,
    value: i64,
    sockets: Vec<String>,
    except: Vec<String>,
}

impl Order {
    fn news() -> Self {
        Self { event: "news", value: 1, ..Self::default() }
    }
}

async fn from_the_server(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = three(&stage).await?;
    clients[0].request::<Value, _>("send", Object(Order::news())).await?;
    expect(received(&clients, &mut inboxes).await?, [vec![1], vec![1], vec![1]])
}

async fn all_but_one(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = three(&stage).await?;
    let except = vec![wire::id(&clients[1])];
    clients[0].request::<Value, _>("send", Object(Order { except, ..Order::news() })).await?;
    expect(received(&clients, &mut inboxes).await?, [vec![1], vec![], vec![1]])
}

async fn some(stage: Stage) -> Outcome {
    let (clients, mut inboxes) = three(&stage).await?;
    let sockets = vec![wire::id(&clients[0]), wire::id(&clients[2]), NOBODY.to_owned()];
    clients[0].request::<Value, _>("send", Object(Order { sockets, ..Order::news() })).await?;
    expect(received(&clients, &mut inboxes).await?, [vec![1], vec![], vec![1]])
}

async fn conversation(stage: Stage) -> Outcome {
    let [a, b] = stage.connect_many().await?;
    let (mut pings, mut pongs) = (Inbox::<i64>::of(&b, "ping"), Inbox::<i64>::of(&a, "pong"));
    let (id_a, id_b) = (wire::id(&a), wire::id(&b));
    for number in 0..100 {
        a.to_id(&id_b).emit("ping", number)?;
        expect(pings.next().await?, number)?;
        b.to_id(&id_a).emit("pong", -number)?;
        expect(pongs.next().await?, -number)?;
    }
    Ok(())
}

async fn conversation_with_node(mut stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut pongs = Inbox::<String>::of(&client, "pong");
    stage.ask("start node client").await?;
    for number in 0..100 {
        let text = format!("number {number}");
        // It tells whom to answer.
        client.to("r").emit("ping", Object([wire::id(&client), text.clone()]))?;
        expect(pongs.next().await?, text)?;
    }
    Ok(())
}
