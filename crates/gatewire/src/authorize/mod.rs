//! What clients may do, as the application decides.
//!
//! [`ServerBuilder::authorize`](crate::ServerBuilder::authorize) takes a closure that is asked before a client's
//! message takes effect. It gets the [`Socket`](crate::Socket) and the [`Action`], and answers with a [`Verdict`]:
//! a [`Decision`], at once or later. It runs on the task that reads the connection, so it must not block: what
//! takes time belongs into a future.
//!
//! ```
//! use std::time::Duration;
//!
//! use gatewire::authorize::{Action, Decision, Verdict};
//! use gatewire::{Client, KeyRing, Psk, RequestError, Server};
//!
//! /// In place of a database.
//! async fn is_member(user: &str, room: &str) -> bool {
//!     user == "ana" && room == "tea"
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = || Psk::new([7; 32]);
//! let server = Server::builder()
//!     .psk(KeyRing::new().with("ana", key()?))
//!     .authorize(|socket, action| match action {
//!         Action::Join { room } => {
//!             // The future outlives the message: it takes what it needs along.
//!             let (user, room) = (socket.key_id().to_owned(), room.to_owned());
//!             Verdict::later(async move {
//!                 match is_member(&user, &room).await {
//!                     true => Decision::AllowFor(Duration::from_secs(60)),
//!                     false => Decision::deny("members only"),
//!                 }
//!             })
//!         }
//!         Action::Broadcast { .. } => Decision::deny("use a room").into(),
//!         _ => Decision::Allow.into(),
//!     })
//!     .bind("127.0.0.1:0")
//!     .await?;
//!
//! let ana = Client::builder().psk("ana", key()?).connect(server.local_addr()).await?;
//! ana.join("tea").await?;
//! let refused = ana.join("coffee").await;
//! assert_eq!(refused, Err(RequestError::Denied("members only".to_owned())));
//! # ana.close().await;
//! # server.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is asked
//!
//! Each join, and each message, request and stream, to the server too. Leaving is not asked for, nor is the
//! rest of a stream once it is open. What the [permissions](crate::keys::Permissions) of the client's key or the
//! [limits](crate::Limits) refuse is refused without asking. A message is asked for once, by the server that its
//! sender is connected to; one with several targets once for each, in their order, until one is denied. Then
//! all of it is. (Of several rooms to join at once, each is joined or not by itself.)
//!
//! What the server's own code does, `socket.join(room)` for one, asks nobody.
//!
//! # What becomes of a denied message
//!
//! It is answered, and the connection goes on: requests, joins that are awaited and streams end in
//! [`RequestError::Denied`](crate::RequestError) with the reason; of everything else the client's `on_error` is
//! told. Messages to the server count as [`DropReason::Denied`](crate::DropReason).
//!
//! # While a decision is waited for
//!
//! The client's later messages, joins and leaves wait behind it, so that they take effect in the order in which
//! they were sent. Answers, pings, and streams that are open already pass by: so the closure may ask the very
//! client with [`Socket::request`](crate::Socket::request). What waits counts against
//! [`Limits::handler_queue`](crate::Limits), at whose bound the connection is not read. Other connections notice
//! nothing. Nothing is asked before [`on_connect`](crate::Server::on_connect) is done.
//!
//! After [`Limits::authorize_timeout`](crate::Limits) the answer is no. It is no, too, when the closure or its
//! future panics, which counts as the panic of a handler named `authorize`.
//!
//! When the connection is lost, or the server ends it, the future is dropped, and with it what waited: messages to the
//! server count as [`DropReason::Disconnected`](crate::DropReason). A client that closes in order, or leaves for
//! another connection, does so behind what it sent: decisions about that are still made, but for no longer
//! than one may take.
//!
//! # What it costs
//!
//! Without the closure: nothing. With it: its call for each action, before which a message is decoded in full
//! (names that came lately are not recognised by their bytes, and publishes do not travel in runs). A decision
//! at once allocates nothing; a future is boxed.

mod grants;
mod questions;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use gatewire_core::SocketId;

pub(crate) use grants::Grants;
pub(crate) use questions::questions;

/// What a client wants to do. A request counts as the message that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<'a> {
    /// To be in a room that it is not in yet.
    Join {
        /// The room's name.
        room: &'a str,
    },
    /// To send a message to the server.
    Emit {
        /// The message's event.
        event: &'a str,
    },
    /// To send a message to a room, whether it is a member or not.
    EmitRoom {
        /// The room's name.
        room: &'a str,
        /// The message's event.
        event: &'a str,
    },
    /// To send a message to one socket, which may have gone, or be its own.
    EmitSocket {
        /// The socket's id, also if it was addressed behind the name of a node.
        socket: SocketId,
        /// The message's event.
        event: &'a str,
    },
    /// To send a message to all sockets.
    Broadcast {
        /// The message's event.
        event: &'a str,
    },
    /// To open a stream. Behind it comes what would be asked for a message in its place: `Emit` for one to the
    /// server, `EmitRoom` for one to a room.
    Stream {
        /// The stream's event.
        event: &'a str,
    },
}

/// Whether a client may do what it wants to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may, this time.
    Allow,
    /// It may, and the closure is not asked again for the same action of the same socket (the same room, socket
    /// and event) for so long. That cannot be taken back, but by disconnecting the socket.
    ///
    /// A socket remembers 256 of these, with 16 KiB of names in all and 1 KiB in each; beyond, those that end
    /// first are forgotten, and one with longer names is `Allow`.
    AllowFor(Duration),
    /// It may not. The client is told why, in 255 bytes at most.
    Deny(Cow<'static, str>),
}

impl Decision {
    /// A denial with its reason, for the client to read.
    pub fn deny(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Deny(reason.into())
    }
}

/// A decision that takes its time.
pub(crate) type Deciding = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// What the closure answers: a decision, at once or later. Both [`Decision`]s and futures of them are turned into
/// one by `into`, and a closure that always returns the one or always the other need not do so.
pub enum Verdict {
    /// Decided. The message goes on, or does not, at once.
    Now(Decision),
    /// To be decided. The future is polled by the task of the connection; if it is ready at once nothing
    /// waits.
    Later(Pin<Box<dyn Future<Output = Decision> + Send>>),
}

impl Verdict {
    /// The decision is what this future gives.
    pub fn later(decision: impl Future<Output = Decision> + Send + 'static) -> Self {
        Self::Later(Box::pin(decision))
    }
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        Self::Now(decision)
    }
}

impl<F: Future<Output = Decision> + Send + 'static> From<F> for Verdict {
    fn from(decision: F) -> Self {
        Self::later(decision)
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(decision) => f.debug_tuple("Now").field(decision).finish(),
            Self::Later(_) => f.debug_struct("Later").finish_non_exhaustive(),
        }
    }
}
