//! Connections that begin, break and end.

use std::time::Duration;

use gatewire::{Client, ConnectError, DisconnectReason, SocketId};
use tokio::sync::mpsc;

use super::stage::{Inbox, Stage, members, rest, settle, settle_all, until};
use super::{Scenario, expect, scenario};
use crate::{Outcome, wire};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("life: many clients in one process", many),
        scenario("life: 200 clients one after another", one_after_another),
        scenario("life: the client closes", close),
        scenario("life: what was sent before the close arrives", sent_before),
        scenario("life: the client is killed", killed),
        scenario("life: a client by fast-tcp is killed", node_killed),
        scenario("life: the server hangs up, the client comes again", hung_up),
        scenario("life: the server hangs up on who does not come again", for_good),
        scenario("life: what the server sent before it hung up arrives", sent_before_hanging_up),
        scenario("life: the server is killed and comes again", server_killed),
        scenario("life: rooms are joined again", rooms_again),
        scenario("life: what was sent while the server was away arrives in order", offline),
        scenario("life: a request that waits when the server is killed", waiting),
        scenario("life: a client that was there before the server", no_server),
    ]
}

/// The ends of the client's connections.
fn ends(client: &Client) -> mpsc::UnboundedReceiver<DisconnectReason> {
    let (sender, ends) = mpsc::unbounded_channel();
    client.on_disconnect(move |reason| drop(sender.send(reason.clone())));
    ends
}

/// The beginnings of the client's connections from now on.
fn begins(client: &Client) -> mpsc::UnboundedReceiver<SocketId> {
    let (sender, begins) = mpsc::unbounded_channel();
    client.on_connect(move |id| {
        // Nobody waits for it any more.
        let _ = sender.send(id);
    });
    begins
}

async fn many(stage: Stage) -> Outcome {
    let clients: [Client; 50] = stage.connect_many().await?;
    until(&clients[0], "sockets", "", 50).await?;
    let mut inboxes = clients.each_ref().map(|client| Inbox::<i64>::of(client, "news"));
    clients[0].broadcast().emit("news", 1)?;
    settle_all(&clients).await?;
    let received = inboxes.each_mut().map(Inbox::rest);
    expect(received[0].is_empty(), true)?;
    expect(received[1..].iter().all(|values| *values == [1]), true)
}

async fn one_after_another(stage: Stage) -> Outcome {
    for number in 0..200 {
        let client = stage.connect().await?;
        let double: i64 = client.request("double", number).await?;
        expect(double, 2 * number)?;
        client.close().await;
    }
    let observer = stage.connect().await?;
    until(&observer, "disconnects", "", 200).await
}

async fn close(stage: Stage) -> Outcome {
    let [client, observer] = stage.connect_many().await?;
    let mut ends = ends(&client);
    client.join("r").await?;
    settle(&client).await?;
    client.close().await;
    expect(ends.recv().await, Some(DisconnectReason::Closed))?;
    until(&observer, "disconnects", "", 1).await?;
    expect(members(&observer, "r").await?, 0)
}

async fn sent_before(stage: Stage) -> Outcome {
    let [client, observer] = stage.connect_many().await?;
    observer.join("r").await?;
    settle(&observer).await?;
    let mut inbox = Inbox::<i64>::of(&observer, "news");
    for number in 0..1000 {
        client.to("r").emit("news", number)?;
    }
    client.close().await;
    expect(inbox.take(1000).await?, (0..1000).collect::<Vec<_>>())
}

async fn killed(mut stage: Stage) -> Outcome {
    let observer = stage.connect().await?;
    for disconnects in 1..=2 {
        stage.ask("start gatewire client").await?;
        until(&observer, "members", "r", 1).await?;
        stage.ask("kill client").await?;
        until(&observer, "members", "r", 0).await?;
        until(&observer, "disconnects", "", disconnects).await?;
    }
    Ok(())
}

async fn node_killed(mut stage: Stage) -> Outcome {
    let observer = stage.connect().await?;
    stage.ask("start node client").await?;
    expect(members(&observer, "r").await?, 1)?;
    stage.ask("kill client").await?;
    until(&observer, "members", "r", 0).await?;
    observer.to("r").emit("news", 1)?;
    settle(&observer).await
}

async fn hung_up(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let (mut ends, mut begins) = (ends(&client), begins(&client));
    let first = wire::id(&client);
    client.emit("hang up", ())?;
    expect(ends.recv().await.is_some(), true)?;
    expect(begins.recv().await.is_some(), true)?;
    expect(wire::id(&client) != first, true)?;
    settle(&client).await
}

async fn for_good(stage: Stage) -> Outcome {
    let client = wire::builder().no_reconnect().connect(stage.address()).await?;
    client.emit("hang up", ())?;
    client.closed().await;
    expect(client.is_connected(), false)?;
    let observer = stage.connect().await?;
    until(&observer, "sockets", "", 1).await
}

async fn sent_before_hanging_up(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut numbers = Inbox::<i64>::of(&client, "number");
    client.emit("emit many", 1000)?;
    client.emit("hang up", ())?;
    expect(numbers.take(1000).await?, (0..1000).collect::<Vec<_>>())
}

async fn server_killed(mut stage: Stage) -> Outcome {
    let clients: [Client; 3] = stage.connect_many().await?;
    let mut all_ends = clients.each_ref().map(ends);
    let mut all_begins = clients.each_ref().map(begins);
    let first = clients.each_ref().map(wire::id);
    stage.ask("kill server").await?;
    for ends in &mut all_ends {
        expect(ends.recv().await.is_some(), true)?;
    }
    stage.ask("start server").await?;
    for begins in &mut all_begins {
        expect(begins.recv().await.is_some(), true)?;
    }
    for (client, first) in clients.iter().zip(first) {
        settle(client).await?;
        expect(wire::id(client) != first, true)?;
    }
    let mut inbox = Inbox::<i64>::of(&clients[1], "news");
    clients[0].to_id(wire::id(&clients[1])).emit("news", 1)?;
    expect(inbox.next().await?, 1)
}

async fn rooms_again(mut stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut begins = begins(&client);
    for room in ["r", "s", "t"] {
        client.join(room).await?;
    }
    client.leave("s").await?;
    settle(&client).await?;
    stage.ask("kill server").await?;
    stage.ask("start server").await?;
    expect(begins.recv().await.is_some(), true)?;
    settle(&client).await?;
    for (room, number) in [("r", 1), ("s", 0), ("t", 1)] {
        expect(members(&client, room).await?, number)?;
    }
    Ok(())
}

async fn offline(mut stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let (mut ends, mut begins) = (ends(&client), begins(&client));
    stage.ask("kill server").await?;
    expect(ends.recv().await.is_some(), true)?;
    for number in 0..1000 {
        client.emit("count", number)?;
    }
    rest(Duration::from_millis(100)).await;
    stage.ask("start server").await?;
    expect(begins.recv().await.is_some(), true)?;
    let counted: String = client.request("counted", ()).await?;
    expect(counted, "1000, in order")
}

async fn waiting(mut stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let silent = tokio::spawn(client.request::<i64, _>("silence", 1).into_future());
    until(&client, "silent", "", 1).await?;
    stage.ask("kill server").await?;
    expect(silent.await?, Err(gatewire::RequestError::MaybeDelivered))?;
    stage.ask("start server").await
}

async fn no_server(mut stage: Stage) -> Outcome {
    stage.ask("kill server").await?;
    let client = stage.client();
    let refused = client.connect().await;
    expect(matches!(refused, Err(ConnectError::Io(_))), true)?;
    for number in 0..100 {
        client.emit("count", number)?;
    }
    stage.ask("start server").await?;
    client.connect().await?;
    let counted: String = client.request("counted", ()).await?;
    expect(counted, "100, in order")
}
