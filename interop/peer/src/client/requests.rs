//! Requests and their answers, and the order of messages.

use std::time::Duration;

use futures_util::future::join_all;
use gatewire::{Client, RequestError, Value};

use super::stage::{Inbox, Stage, settle, until};
use super::{Scenario, expect, scenario};
use crate::Outcome;

const MANY: i64 = 10_000;

/// Long enough for a wrong answer to arrive.
const MOMENT: Duration = Duration::from_millis(200);

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("order: 10,000 messages to the server", to_the_server),
        scenario("order: 10,000 messages from the server", from_the_server),
        scenario("order: a request does not overtake the messages before it", no_overtaking),
        scenario("requests: 10,000 at once, each with its own answer", many),
        scenario("requests: the server asks 10,000 at once", asked_many),
        scenario("requests: both ends ask 1,000 at once", both),
        scenario("requests: an answer may come after that of a later request", out_of_order),
        scenario("requests: a question is answered after one that its answer needed", nested),
        scenario("requests: one that nobody answers ends in time and holds nothing up", silence),
        scenario("requests: an answer that comes too late is passed over", too_late),
        scenario("requests: one for an unknown event ends in time", unknown),
        scenario("requests: a refusal of the client is an answer", refusal),
        scenario("requests: one that the client has no handler for", no_handler),
        scenario("requests: an answer of another type than was asked for", bad_answer),
        scenario("events: an unknown one is passed over", unknown_event),
    ]
}

async fn to_the_server(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    for number in 0..MANY {
        client.ready().await?;
        client.emit("count", number)?;
    }
    let counted: String = client.request("counted", ()).await?;
    expect(counted, "10000, in order")
}

async fn from_the_server(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let mut numbers = Inbox::<i64>::of(&client, "number");
    client.emit("emit many", MANY)?;
    settle(&client).await?;
    expect(numbers.rest(), (0..MANY).collect::<Vec<_>>())
}

async fn no_overtaking(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    for number in 0..200 {
        client.emit("count", number)?;
        let counted: String = client.request("counted", ()).await?;
        expect(counted, format!("{}, in order", number + 1))?;
    }
    Ok(())
}

async fn many(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    ask_many(&client, MANY).await
}

async fn ask_many(client: &Client, number: i64) -> Outcome {
    let asked = (0..number).map(|i| client.request::<i64, _>("double", i).into_future());
    let answers = join_all(asked).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    expect(answers, (0..number).map(|i| 2 * i).collect::<Vec<_>>())
}

async fn asked_many(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    client.on("double", |number: i64| 2 * number);
    let right: i64 = client.request("ask many", MANY).timeout(Duration::from_secs(15)).await?;
    expect(right, MANY)
}

async fn both(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    client.on("double", |number: i64| 2 * number);
    let theirs = client.request::<i64, _>("ask many", 1000).into_future();
    let (ours, theirs) = tokio::join!(ask_many(&client, 1000), theirs);
    ours?;
    expect(theirs?, 1000)
}

async fn out_of_order(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let late = client.request::<i64, _>("late", 150).into_future();
    let soon = client.request::<i64, _>("late", 1).into_future();
    tokio::select! {
        early = late => Err(format!("{early:?} came first").into()),
        answer = soon => expect(answer?, 1),
    }
}

async fn nested(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    client.on("question", |client: Client, question: i64| async move {
        client.request::<i64, _>("double", question).await.map_err(gatewire::Rejection::from)
    });
    let answer: i64 = client.request("quiz", 21).await?;
    expect(answer, 42)
}

async fn silence(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let silent = client.request::<Value, _>("silence", 1).timeout(MOMENT).into_future();
    let silent = tokio::spawn(silent);
    until(&client, "silent", "", 1).await?;
    expect(silent.await?, Err(RequestError::Timeout))?;
    settle(&client).await
}

async fn too_late(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let late = client.request::<i64, _>("late", 200).timeout(Duration::from_millis(20)).await;
    expect(late, Err(RequestError::Timeout))?;
    let later: i64 = client.request("late", 300).await?;
    expect(later, 300)
}

async fn unknown(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let event = "nobody listens for this";
    let unknown = client.request::<Value, _>(event, 1).timeout(MOMENT).await;
    expect(unknown, Err(RequestError::Timeout))?;
    settle(&client).await
}

async fn refusal(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    client.on("question", |_: Value| Err::<(), _>(gatewire::Rejection::new("not today")));
    let answer: String = client.request("quiz", 1).await?;
    expect(answer, "not today")
}

async fn no_handler(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    // The server asks the client, who does not listen, and so never answers either.
    let answer = client.request::<Value, _>("quiz", 1).timeout(MOMENT).await;
    expect(answer, Err(RequestError::Timeout))?;
    settle(&client).await
}

async fn bad_answer(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    let answer = client.request::<i64, _>("echo", "no number").await;
    expect(matches!(answer, Err(RequestError::BadAnswer(_))), true)?;
    settle(&client).await
}

async fn unknown_event(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    client.emit("nobody listens for this", 1)?;
    settle(&client).await
}
