//! The life of a client: before its connection, between connections, and its end.

mod close;
mod connect;
mod offline;
mod reconnect;

use std::time::Duration;

use gatewire::{Backoff, Client, DisconnectReason, Error, SocketId};

use crate::rig::{Record, record};

/// Longer than any test: what comes earlier did not wait for it.
const HOUR: Duration = Duration::from_secs(3600);

/// Reconnects without a wait that would be felt.
const AT_ONCE: Backoff = Backoff::Fixed(Duration::from_millis(1));

/// What a client tells of its connection.
#[derive(Debug, Clone, PartialEq)]
enum Life {
    Connected(SocketId),
    Disconnected(DisconnectReason),
    Reconnecting(u32, Duration),
    Error(Error),
}

fn record_life(client: &Client) -> Record<Life> {
    let (note, life) = record();
    let connected = note.clone();
    client.on_connect(move |id| connected.note(Life::Connected(id)));
    let disconnected = note.clone();
    client.on_disconnect(move |reason| disconnected.note(Life::Disconnected(reason.clone())));
    let reconnecting = note.clone();
    client.on_reconnecting(move |attempt, delay| {
        reconnecting.note(Life::Reconnecting(attempt, delay));
    });
    client.on_error(move |error| note.note(Life::Error(error)));
    life
}
