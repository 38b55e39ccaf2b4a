//! Rooms, and messages of the server to them.

use gatewire::{Object, Rejection, Server, Socket, SocketId, To, Value};
use serde::Deserialize;

/// Whom a client wants the server to send something to. All lists empty: everybody.
#[derive(Debug, Deserialize)]
pub(super) struct Receivers {
    #[serde(default)]
    rooms: Vec<String>,
    #[serde(default)]
    sockets: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

impl Receivers {
    pub(super) fn of<'a>(&'a self, server: &'a Server) -> To<'a> {
        let everybody = self.rooms.is_empty() && self.sockets.is_empty();
        let rooms = || server.to_rooms(self.rooms.iter().map(String::as_str));
        let to = if everybody { server.broadcast() } else { rooms() };
        let to = ids(&self.sockets).fold(to, To::to_socket);
        ids(&self.except).fold(to, To::except)
    }
}

/// The ids that could be any socket's.
fn ids(texts: &[String]) -> impl Iterator<Item = SocketId> {
    texts.iter().filter_map(|text| text.parse().ok())
}

#[derive(Debug, Deserialize)]
struct Order {
    event: String,
    value: serde_json::Value,
    #[serde(flatten)]
    receivers: Receivers,
}

pub(super) fn listen(server: &Server) {
    server
        .on("members", |socket: Socket, room: String| socket.server().members(&room).len() as u64);
    server.on("put", |socket: Socket, room: String| {
        socket.join(&room)?;
        Ok::<_, Rejection>(())
    });
    server.on("take", |socket: Socket, room: String| {
        socket.leave(&room);
    });
    server.on("take all", |socket: Socket| socket.leave_all());
    server.on("send", |socket: Socket, Object(order): Object<Order>| {
        let server = socket.server();
        let to = order.receivers.of(&server);
        to.emit(&order.event, plain(&order.value)).map_err(Rejection::from)
    });
}

/// A number or a text, as a value of its own and not as JSON.
fn plain(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::String(text) => Value::String(text.clone()),
        other => other.as_i64().map_or(Value::Empty, Value::Integer),
    }
}
