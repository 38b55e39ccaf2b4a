//! A server with a bystander, and what a script says to it.

use gatewire::DisconnectReason;
use gatewire_codec::{Message, ValueRef, v3};

use super::frames::ack;
use super::kit::{Gate, gated_reader};
use crate::faults::bystander::Scene;
use crate::raw::{Raw, frame};

/// A server that reads `file` when the gate is open.
pub(super) async fn scene() -> (Scene, Gate) {
    let scene = Scene::new().await;
    let (handler, _, gate) = gated_reader();
    scene.server.on("file", handler);
    (scene, gate)
}

/// The connection is as good as ever. What came before the answer is skipped.
pub(super) async fn expect_alive(raw: &mut Raw) {
    raw.send(&Message::Request { id: 999, event: "add", value: ValueRef::Integer(1) }).await;
    loop {
        let found = raw.read().await.expect("a frame");
        if v3::decode(&found) == Ok(ack(999, ValueRef::Integer(2))) {
            return;
        }
    }
}

/// The next message is this one, besides those with which streams are paced.
pub(super) async fn expect(raw: &mut Raw, message: &Message<'_>) {
    loop {
        let found = raw.read().await.expect("a frame");
        match v3::decode(&found).expect("a message") {
            Message::StreamCredit { .. } => {}
            Message::Ping { token } => raw.send(&Message::Pong { token }).await,
            other => return assert_eq!(other, *message),
        }
    }
}

pub(super) async fn leave(mut scene: Scene, raw: Raw) {
    let id = raw.id();
    scene.expect_undisturbed().await;
    drop(raw);
    scene.expect_end(id, DisconnectReason::Lost).await;
}

pub(super) fn push(all: &mut Vec<u8>, message: &Message<'_>) {
    all.extend_from_slice(&frame(message));
}
