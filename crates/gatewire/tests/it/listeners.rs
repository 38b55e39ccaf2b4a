//! Who listens: several handlers of one event, once, off, catch-alls, handlers of one socket, and the
//! beginning and end of a socket.

use gatewire::{
    CloseCode, DisconnectReason, DropReason, HandlerId, RequestError, Socket, SocketId, Value,
};

use crate::raw::Raw;
use crate::rig::{build, connect, dial, fence, record, record_ends, serve, within};

#[tokio::test]
async fn several_handlers_run_in_order_and_the_first_answers() {
    let server = serve().await;
    let (seen, mut order) = record();
    for name in ["first", "second", "third"] {
        let seen = seen.clone();
        server.on("ask", move || {
            let seen = seen.clone();
            async move {
                tokio::task::yield_now().await;
                seen.note(name);
                name
            }
        });
    }
    let client = dial(&server).await;
    for _ in 0..2 {
        let answer: String = within(client.request("ask", ())).await.expect("an answer");
        assert_eq!(answer, "first");
    }
    client.emit("ask", ()).expect("queued");
    fence(&client).await;
    assert_eq!(order.so_far().concat(), "firstsecondthird".repeat(3));
    client.close().await;
    server.close().await;
    let inbound = server.counters().inbound;
    assert_eq!((inbound.accepted, inbound.done), (4, 4));
}

#[tokio::test]
async fn a_handler_that_cannot_decode_refuses_and_the_next_runs_nevertheless() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.on("ask", |number: i64| number);
    server.on("ask", move |text: String| seen.note(text));
    let client = dial(&server).await;
    let answer = within(client.request::<Value, _>("ask", "text")).await;
    let refused = RequestError::Decode("expected integer, found string".to_owned());
    assert_eq!(answer, Err(refused));
    fence(&client).await;
    assert_eq!(order.so_far(), ["text"]);
}

#[tokio::test]
async fn a_once_handler_runs_for_one_message_of_all_sockets() {
    let server = serve().await;
    let (seen, mut order) = record();
    server.once("ask", move |number: i64| {
        seen.note(number);
        number
    });
    let (one, two) = (dial(&server).await, dial(&server).await);
    assert_eq!(within(one.request::<i64, _>("ask", 1)).await, Ok(1));
    assert_eq!(within(one.request::<i64, _>("ask", 2)).await, Err(RequestError::NoHandler));
    assert_eq!(within(two.request::<i64, _>("ask", 3)).await, Err(RequestError::NoHandler));
    assert_eq!(order.so_far(), [1]);

    one.once("ask", |number: i64| number + 1);
    let socket = server.socket(&one.id().expect("connected")).expect("a socket");
    assert_eq!(within(socket.request::<i64, _>("ask", 1)).await, Ok(2));
    assert_eq!(within(socket.request::<i64, _>("ask", 1)).await, Err(RequestError::NoHandler));
}

/// The list of handlers shrinks while the first of them waits.
#[tokio::test]
async fn a_once_handler_that_waits_does_not_hide_the_handlers_behind_it() {
    let server = serve().await;
    let (seen, mut order) = record();
    let note = seen.clone();
    server.once("event", move || {
        let note = note.clone();
        async move {
            tokio::task::yield_now().await;
            note.note("once");
        }
    });
    for name in ["second", "third"] {
        let seen = seen.clone();
        server.on("event", move || seen.note(name));
    }
    let client = dial(&server).await;
    client.emit("event", ()).expect("queued");
    client.emit("event", ()).expect("queued");
    fence(&client).await;
    assert_eq!(order.so_far(), ["once", "second", "third", "second", "third"]);
}

/// The list of handlers grows and shrinks while the first of them waits.
#[tokio::test]
async fn the_handlers_of_a_message_are_those_of_its_beginning() {
    let server = serve().await;
    let (seen, mut order) = record();
    let (changer, note) = (server.clone(), seen.clone());
    server.on("event", move |socket: Socket, (): ()| {
        let (server, seen) = (changer.clone(), note.clone());
        async move {
            tokio::task::yield_now().await;
            assert_eq!(server.off_event("event"), 2);
            socket.on("event", move || seen.note("later"));
        }
    });
    let note = seen.clone();
    server.on("event", move || note.note("second"));
    let client = dial(&server).await;
    client.emit("event", ()).expect("queued");
    fence(&client).await;
    assert_eq!(order.so_far(), ["second"]);
    client.emit("event", ()).expect("queued");
    fence(&client).await;
    assert_eq!(order.so_far(), ["later"]);
}

#[tokio::test]
async fn off_takes_one_handler_and_off_event_all() {
    let server = serve().await;
    let (seen, mut order) = record();
    let ids: Vec<HandlerId> = (0..4)
        .map(|number| {
            let seen = seen.clone();
            server.on("event", move || seen.note(number))
        })
        .collect();
    let client = dial(&server).await;
    let emit = async || {
        client.emit("event", ()).expect("queued");
        fence(&client).await;
    };
    assert!(server.off(ids[1]));
    assert!(!server.off(ids[1]));
    emit().await;
    assert_eq!(order.so_far(), [0, 2, 3]);
    assert_eq!(server.off_event("event"), 3);
    assert_eq!(server.off_event("event"), 0);
    assert!(!server.off(ids[0]));
    emit().await;
    order.expect_nothing();

    client.on("event", || 1);
    let id = client.on("other", || 2);
    assert!(client.off(id));
    assert_eq!(client.off_event("event"), 1);
    let socket = server.sockets().pop().expect("a socket");
    for event in ["event", "other"] {
        let answer = within(socket.request::<i64, _>(event, ())).await;
        assert_eq!(answer, Err(RequestError::NoHandler));
    }
}

#[tokio::test]
async fn a_catch_all_hears_everything_and_counts_as_a_handler_of_events() {
    let server = serve().await;
    let (seen, mut order) = record();
    let note = seen.clone();
    let any = server.on_any(move |_, event, value| note.note((event.to_owned(), value)));
    server.on("known", move |number: i64| {
        seen.note(("handler".to_owned(), Value::Integer(number)));
    });
    let client = dial(&server).await;
    client.emit("known", 1).expect("queued");
    client.emit("unknown", "text").expect("queued");
    let answer = within(client.request::<(), _>("unknown", ())).await;
    assert_eq!(answer, Err(RequestError::NoHandler));
    let pair = |event: &str, value| (event.to_owned(), value);
    let expected = [
        pair("known", Value::Integer(1)),
        pair("handler", Value::Integer(1)),
        pair("unknown", Value::String("text".to_owned())),
        pair("unknown", Value::Empty),
    ];
    assert_eq!(order.so_far(), expected);
    assert!(server.off(any));
    client.emit("unknown", ()).expect("queued");
    client.close().await;
    server.close().await;
    order.expect_nothing();
    let inbound = server.counters().inbound;
    assert_eq!((inbound.done, inbound.dropped(DropReason::NoHandler)), (3, 1));
}

#[tokio::test]
async fn a_sockets_own_handlers_come_first_and_are_its_alone() {
    let server = serve().await;
    server.on("who", || "server");
    let (one, two) = (dial(&server).await, dial(&server).await);
    let socket = server.socket(&one.id().expect("connected")).expect("a socket");
    let own = socket.on("who", || "socket");
    socket.once("first", |socket: Socket, (): ()| socket.id().to_string());
    let who = async |client: &gatewire::Client, event| {
        within(client.request::<String, _>(event, ())).await
    };
    assert_eq!(who(&one, "who").await.as_deref(), Ok("socket"));
    assert_eq!(who(&two, "who").await.as_deref(), Ok("server"));
    assert_eq!(who(&one, "first").await, Ok(socket.id().to_string()));
    assert_eq!(who(&one, "first").await, Err(RequestError::NoHandler));
    assert!(socket.off(own));
    assert_eq!(who(&one, "who").await.as_deref(), Ok("server"));

    let (seen, mut order) = record();
    socket.on_any(move |socket, event, _| seen.note((socket.id(), event.to_owned())));
    fence(&two).await;
    fence(&one).await;
    assert_eq!(order.so_far(), [(socket.id(), "fence".to_owned())]);
}

/// A handler of the server and one of a socket were told apart by the table only.
#[tokio::test]
async fn ids_of_handlers_are_unique_beyond_their_table() {
    let server = gatewire::Server::builder().bind("127.0.0.1:0").await.expect("a free port");
    let first = server.once("once", || "server");
    let client = dial(&server).await;
    let socket = server.sockets().pop().expect("a socket");
    let own = socket.on("stays", || "socket");
    assert_ne!(first, own);
    assert!(!server.off(own));
    assert!(!socket.off(first));

    let ask = async |event| within(client.request::<String, _>(event, ())).await;
    assert_eq!(ask("once").await.as_deref(), Ok("server"));
    assert_eq!(ask("once").await, Err(RequestError::NoHandler));
    assert_eq!(ask("stays").await.as_deref(), Ok("socket"));
    assert!(!server.off(first));
    assert!(socket.off(own));
}

#[tokio::test]
async fn on_connect_is_done_before_the_first_message_is_handled() {
    let server = serve().await;
    let (seen, mut order) = record();
    let note = seen.clone();
    server.on_connect(move |socket: Socket| {
        let note = note.clone();
        async move {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            socket.emit("welcome", socket.id().to_string()).expect("queued");
            let own = note.clone();
            socket.on("first", move || own.note("own handler"));
            note.note("on_connect");
        }
    });
    server.on("first", move || seen.note("first"));
    let client = build(&server, |builder| builder);
    let (welcomed, mut welcomes) = record();
    client.on("welcome", move |id: String| welcomed.note(id));
    // It goes out with the first bytes of the session.
    client.emit("first", ()).expect("queued");
    let id = connect(&client).await;
    fence(&client).await;
    assert_eq!(order.so_far(), ["on_connect", "own handler", "first"]);
    assert_eq!(welcomes.next().await, id.to_string());
}

#[tokio::test]
async fn the_last_on_connect_and_on_disconnect_count() {
    let server = serve().await;
    let (seen, mut order) = record();
    for name in ["replaced", "last"] {
        let (connected, disconnected) = (seen.clone(), seen.clone());
        server.on_connect(move |_| {
            connected.note(format!("{name} on_connect"));
            std::future::ready(())
        });
        server.on_disconnect(move |_, _| {
            disconnected.note(format!("{name} on_disconnect"));
            std::future::ready(())
        });
    }
    let client = dial(&server).await;
    fence(&client).await;
    client.close().await;
    assert_eq!(order.next_many(2).await, ["last on_connect", "last on_disconnect"]);
}

#[tokio::test]
async fn on_disconnect_is_told_why_after_the_socket_left() {
    let server = serve().await;
    let mut ends = record_ends(&server);
    let mut end = async |id: SocketId| {
        let (ended, reason) = ends.next().await;
        assert_eq!(ended, id);
        assert_eq!(server.socket(&id), None);
        reason
    };

    let client = dial(&server).await;
    let id = client.id().expect("connected");
    client.close().await;
    let code = CloseCode::Normal;
    assert_eq!(end(id).await, DisconnectReason::ClosedByPeer { code, text: String::new() });

    let raw = Raw::dial(server.local_addr()).await;
    let id = raw.id();
    drop(raw);
    assert_eq!(end(id).await, DisconnectReason::Lost);

    let client = dial(&server).await;
    let id = client.id().expect("connected");
    let socket = server.socket(&id).expect("a socket");
    assert!(socket.is_connected());
    socket.disconnect();
    assert_eq!(end(id).await, DisconnectReason::Closed);
    assert!(!socket.is_connected());
    assert_eq!(socket.id(), id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_once_handler_runs_once_however_many_sockets_send_at_the_same_time() {
    let server = serve().await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(dial(&server).await);
    }
    for round in 0..50 {
        let (seen, mut order) = record();
        server.once("race", move || seen.note(round));
        for client in &clients {
            client.emit("race", ()).expect("queued");
        }
        for client in &clients {
            fence(client).await;
        }
        assert_eq!(order.so_far(), [round]);
    }
    assert_eq!(server.off_event("race"), 0);
}
