//! Values and questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use gatewire::{Rejection, Server, Socket, Value, concurrent};

use super::long_event;
use crate::describe::describe;

/// How many requests of a client may wait.
const WAITING: usize = 64;

pub(super) fn listen(server: &Server) {
    for event in ["echo", "a|b,c", "\u{20ac}", &long_event()] {
        server.on(event, |value: Value| value);
    }
    server.on("describe", |value: Value| describe(&value));
    server.on("bounce", |socket: Socket, value: Value| {
        socket.emit("bounced", value).map_err(Rejection::from)
    });
    server.on("send wide", |socket: &Socket| {
        for value in [1 << 47, -(1 << 47) - 1, 1 << 53, i64::MIN] {
            socket.emit("wide", value)?;
        }
        Ok::<_, Rejection>(())
    });

    server.on("double", |number: i64| 2 * number);
    server.on("refuse", || Err::<(), _>(Rejection::new("refused")));
    server.on(
        "late",
        concurrent(WAITING, |delay: u64| async move {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            delay
        }),
    );
    let silent = Arc::new(AtomicI64::new(0));
    let counted = Arc::clone(&silent);
    server.on(
        "silence",
        concurrent(WAITING, move |_: Value| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<()>()
        }),
    );
    server.on("silent", move || silent.load(Ordering::Relaxed));
    server.on(
        "quiz",
        concurrent(WAITING, |socket: Socket, value: Value| async move {
            socket.request::<Value, _>("question", value).await.map_err(Rejection::from)
        }),
    );
    server.on(
        "ask many",
        concurrent(WAITING, |socket: Socket, number: i64| async move {
            let asked = (0..number).map(|i| socket.request::<i64, _>("double", i).into_future());
            let answers = join_all(asked).await;
            let right = |(answer, number): &(_, i64)| *answer == Ok(2 * number);
            answers.into_iter().zip(0..).filter(right).count() as u64
        }),
    );
}
