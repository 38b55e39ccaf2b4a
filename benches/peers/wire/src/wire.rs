//! What the light drivers have to know of one peer's bytes.

use gatewire_harness::{Failure, Received};

use crate::body::Body;
use crate::connection::Opening;

/// The client's half of one peer's protocol, as little of it as a workload needs.
///
/// An implementation keeps no state: the bytes of a connection are cut by [`Wire::decode`] alone.
pub trait Wire: Clone + 'static {
    /// What is written when [`Item::Ping`] was read.
    const PONG: &'static [u8];

    /// Where a connection in `role` goes, if not to the `given` address of the server.
    fn address<'a>(&'a self, given: &'a str, _role: Role) -> &'a str {
        given
    }

    /// Does the handshake of a connection in `role` and waits until the peer has confirmed it.
    ///
    /// # Errors
    ///
    /// When the peer refuses, ends the connection or answers something else.
    fn open(&self, opening: &mut Opening, role: Role) -> impl Future<Output = Result<(), Failure>>;

    /// Appends an event with `body`, to whoever receives events.
    fn publish(&self, body: Body, out: &mut Vec<u8>);

    /// The first complete item of `bytes` and its length in bytes; `None` when it is incomplete.
    ///
    /// # Errors
    ///
    /// When the bytes are nothing that this workload brings about.
    fn decode(&self, bytes: &[u8]) -> Result<Option<(Item, usize)>, Failure>;
}

/// A wire with requests and answers.
pub trait RequestWire: Wire {
    /// Appends a request of `kind` with `body`.
    fn request(&self, kind: Request, body: Body, out: &mut Vec<u8>);
}

/// A wire whose requests a broker hands on to another client.
pub trait RespondWire: RequestWire {
    /// Appends the answer to a request.
    fn respond(&self, body: Body, out: &mut Vec<u8>);
}

/// What a connection is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sends events.
    Publisher,
    /// Receives events: a member of the room.
    Subscriber,
    /// Sends requests and receives their answers.
    Requester,
    /// Receives requests and answers them.
    Responder,
    /// Is only there.
    Idle,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// The same body back.
    Echo,
    /// How many events the server has handled: [`Item::Counted`].
    Count,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// An event.
    Message(Body),
    /// A request to be answered.
    Asked(Body),
    /// The answer to a request.
    Answer(Body),
    /// The answer to [`Request::Count`].
    Counted(Received),
    /// A heartbeat that wants an answer.
    Ping,
    /// Something that needs no attention.
    Other,
}
