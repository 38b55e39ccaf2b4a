//! The closures that can answer, on both sides.

use gatewire::{Client, Object, RequestError, Socket, Value};
use serde::{Deserialize, Serialize};

use crate::rig::{dial, serve, within};

#[tokio::test]
async fn a_server_answers_from_closures_of_every_shape() {
    let server = serve().await;
    server.on("nothing", || 1);
    server.on("value", |number: i64| number + 1);
    server.on("both", |socket: Socket, number: i64| format!("{number} from {}", socket.id()));
    server.on("nothing async", || async { 2 });
    server.on("value async", |number: i64| async move { number + 2 });
    server.on("both async", |socket: Socket, number: i64| async move {
        format!("{number} from {}", socket.id())
    });
    server.on("closure async", async |number: i64| number + 3);
    server.on("no answer", |_: i64| {});

    let client = dial(&server).await;
    let ask = async |event, number: i64| {
        within(client.request::<i64, _>(event, number)).await.expect("an answer")
    };
    assert_eq!(ask("nothing", 0).await, 1);
    assert_eq!(ask("value", 10).await, 11);
    assert_eq!(ask("nothing async", 0).await, 2);
    assert_eq!(ask("value async", 10).await, 12);
    assert_eq!(ask("closure async", 10).await, 13);

    let expected = format!("5 from {}", client.id().expect("connected"));
    for event in ["both", "both async"] {
        let answer: String = within(client.request(event, 5)).await.expect("an answer");
        assert_eq!(answer, expected);
    }
    let answer: Value = within(client.request("no answer", 5)).await.expect("an answer");
    assert_eq!(answer, Value::Empty);
}

#[tokio::test]
async fn a_client_answers_from_closures_of_every_shape() {
    let server = serve().await;
    let client = dial(&server).await;
    client.on("nothing", || 1);
    client.on("value", |number: i64| number + 1);
    client.on("both", |client: Client, number: i64| client.id().map(|id| format!("{number} {id}")));
    client.on("nothing async", || async { 2 });
    client.on("value async", |number: i64| async move { number + 2 });
    client.on("both async", |client: Client, number: i64| async move {
        client.id().map(|id| format!("{number} {id}"))
    });

    let socket = server.sockets().pop().expect("a socket");
    let ask = async |event, number: i64| {
        within(socket.request::<i64, _>(event, number)).await.expect("an answer")
    };
    assert_eq!(ask("nothing", 0).await, 1);
    assert_eq!(ask("value", 10).await, 11);
    assert_eq!(ask("nothing async", 0).await, 2);
    assert_eq!(ask("value async", 10).await, 12);
    for event in ["both", "both async"] {
        let answer: String = within(socket.request(event, 5)).await.expect("an answer");
        assert_eq!(answer, format!("5 {}", socket.id()));
    }
    let answer = within(server.to_socket(socket.id()).request::<i64, _>("value", 1)).await;
    assert_eq!(answer, Ok(2));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Refusal {
    code: u16,
}

#[tokio::test]
async fn an_err_is_a_rejection_that_carries_its_value() {
    let server = serve().await;
    server.on("half", |number: i64| {
        if number % 2 == 0 { Ok(number / 2) } else { Err(format!("{number} is odd")) }
    });
    server.on("silent", async || Err::<(), ()>(()));
    server.on("structured", || Err::<i64, _>(Object(Refusal { code: 403 })));
    let client = dial(&server).await;
    let ask = async |event, number: i64| within(client.request::<i64, _>(event, number)).await;

    assert_eq!(ask("half", 8).await, Ok(4));
    let odd = Value::String("9 is odd".to_owned());
    assert_eq!(ask("half", 9).await, Err(RequestError::Rejected(odd)));
    assert_eq!(ask("silent", 0).await, Err(RequestError::Rejected(Value::Empty)));
    let structured = ask("structured", 0).await;
    let Err(RequestError::Rejected(Value::Object { bytes, .. })) = structured else {
        panic!("{structured:?}")
    };
    assert_eq!(bytes, r#"{"code":403}"#);
}

#[tokio::test]
async fn a_rejection_of_a_client_reaches_the_server() {
    let server = serve().await;
    let client = dial(&server).await;
    client.on("never", || Err::<(), _>("no"));
    let socket = server.sockets().pop().expect("a socket");
    let answer = within(socket.request::<(), _>("never", ())).await;
    assert_eq!(answer, Err(RequestError::Rejected(Value::String("no".to_owned()))));
}

#[tokio::test]
async fn a_handler_may_ask_the_very_peer_whose_request_it_handles() {
    let server = serve().await;
    server.on("sum", |socket: Socket, count: i64| async move {
        let mut sum = 0;
        for number in 0..count {
            sum += socket.request::<i64, _>("square", number).await.map_err(|e| e.to_string())?;
        }
        Ok::<_, String>(sum)
    });
    server.on("one", || 1);
    let client = dial(&server).await;
    client.on("square", |client: Client, number: i64| async move {
        // And back again, while the server's handler waits for this one.
        let one: i64 = client.request("one", ()).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(number * number * one)
    });
    // The server handles one message of a connection at a time: `one` would wait behind `sum`.
    // So the question goes over another connection.
    let asker = dial(&server).await;
    asker.on("square", |number: i64| number * number);
    assert_eq!(within(asker.request::<i64, _>("sum", 4)).await, Ok(14));
}

#[tokio::test]
async fn a_handler_may_ask_its_peer_while_more_messages_wait_behind_it() {
    let server = serve().await;
    server.on("greet", |socket: Socket, number: i64| async move {
        let name: String = socket.request("name", ()).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(format!("{number} {name}"))
    });
    let client = dial(&server).await;
    client.on("name", || "alejandro");
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..100_i64 {
        let client = client.clone();
        asked.spawn(async move {
            let answer = client.request::<String, _>("greet", number).await;
            assert_eq!(answer, Ok(format!("{number} alejandro")));
        });
    }
    while let Some(done) = within(asked.join_next()).await {
        done.expect("an answer for each");
    }
}
