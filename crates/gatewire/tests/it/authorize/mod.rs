//! What the application decides about the messages of its clients.

mod bounds;
mod ends;
mod faults;
mod kinds;
mod order;
mod several;
mod streams;
mod ttl;

use gatewire::authorize::{Action, Decision, Verdict};
use gatewire::{Client, Error, ErrorCode, RequestError, Server, ServerBuilder};
use tokio::sync::oneshot;

use crate::rig::{Record, build, connect, record, serve_with};

/// An action as text.
fn name(action: Action<'_>) -> String {
    match action {
        Action::Join { room } => format!("join {room}"),
        Action::Emit { event } => format!("emit {event}"),
        Action::EmitRoom { room, event } => format!("emit {event} to room {room}"),
        Action::EmitSocket { socket, event } => format!("emit {event} to socket {socket}"),
        Action::Broadcast { event } => format!("broadcast {event}"),
        Action::Stream { event } => format!("stream {event}"),
        other => format!("{other:?}"),
    }
}

/// A question that the server has, and waits for.
struct Asked {
    action: String,
    answer: oneshot::Sender<Decision>,
}

impl Asked {
    fn allow(self) {
        self.decide(Decision::Allow);
    }

    fn decide(self, decision: Decision) {
        self.answer.send(decision).expect("it is waited for");
    }
}

/// A server that asks the test about everything but fences.
async fn serve_asking(
    change: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> (Server, Record<Asked>) {
    let (asking, questions) = record();
    let server = serve_with(|builder| {
        change(builder).authorize(move |_, action| {
            if is_fence(action) {
                return Decision::Allow.into();
            }
            let (answer, decision) = oneshot::channel();
            asking.note(Asked { action: name(action), answer });
            Verdict::later(async move { decision.await.expect("the test answers") })
        })
    })
    .await;
    (server, questions)
}

/// A server that decides at once, and what it was asked, but for fences.
async fn serve_deciding(
    change: impl FnOnce(ServerBuilder) -> ServerBuilder,
    decide: impl Fn(&str) -> Decision + Send + Sync + 'static,
) -> (Server, Record<String>) {
    let (asked, questions) = record();
    let server = serve_with(|builder| {
        change(builder).authorize(move |_, action| {
            if is_fence(action) {
                return Decision::Allow;
            }
            let action = name(action);
            let decision = decide(&action);
            asked.note(action);
            decision
        })
    })
    .await;
    (server, questions)
}

fn is_fence(action: Action<'_>) -> bool {
    action == Action::Emit { event: "fence" }
}

/// A client, and what its server complains of.
async fn dial(server: &Server) -> (Client, Record<Error>) {
    let client = build(server, |builder| builder);
    let (heard, errors) = record();
    client.on_error(move |error| heard.note(error));
    connect(&client).await;
    (client, errors)
}

fn denied(reason: &str) -> RequestError {
    RequestError::Denied(reason.to_owned())
}

fn refused(reason: &str) -> Error {
    Error::Refused { code: ErrorCode::Denied, text: reason.to_owned() }
}
