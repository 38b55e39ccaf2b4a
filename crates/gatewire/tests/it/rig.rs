//! What the tests stand on: servers and clients on loopback, waiting with a limit, and records of
//! what was seen.

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use gatewire::{Client, ClientBuilder, DisconnectReason, Limits, Server, ServerBuilder, SocketId};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The longest time that anything here may take: far more than it does on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The outcome of a future. If it takes too long the test fails.
#[track_caller]
pub(crate) fn within<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = Location::caller();
    async move {
        let Ok(output) = timeout(PATIENCE, future).await else {
            panic!("nothing happened within {PATIENCE:?} at {caller}");
        };
        output
    }
}

/// Waits until something holds that nothing announces.
#[track_caller]
pub(crate) fn eventually(holds: impl Fn() -> bool) -> impl Future<Output = ()> {
    within(async move {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
}

/// A server on a free port. It answers `fence`.
pub(crate) async fn serve() -> Server {
    serve_with(|builder| builder).await
}

pub(crate) async fn serve_with(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Server {
    let server = change(Server::builder()).bind("127.0.0.1:0").await.expect("a free port");
    server.on("fence", || ());
    server
}

/// A client of `server`, connected. It answers `fence`.
pub(crate) async fn dial(server: &Server) -> Client {
    dial_with(server, |builder| builder).await
}

pub(crate) async fn dial_with(
    server: &Server,
    change: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    let client = build(server, change);
    connect(&client).await;
    client
}

/// A client of `server`, not connected yet.
pub(crate) fn build(
    server: &Server,
    change: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    let client = change(Client::builder()).build(server.local_addr());
    client.on("fence", || ());
    client
}

pub(crate) async fn connect(client: &Client) -> SocketId {
    within(client.connect()).await.expect("a connection");
    client.id().expect("an id while connected")
}

pub(crate) fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// Waits until the server has handled all that `client` sent before.
pub(crate) async fn fence(client: &Client) {
    within(client.request::<(), _>("fence", ())).await.expect("the server answers");
}

/// Waits until all clients have handled all that the server sent them before.
pub(crate) async fn fence_all(server: &Server) {
    for socket in server.sockets() {
        within(socket.request::<(), _>("fence", ())).await.expect("the client answers");
    }
}

/// What the handlers of a test saw, in order.
pub(crate) fn record<T>() -> (Recorder<T>, Record<T>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Recorder(sender), Record(receiver))
}

/// Where handlers note what they see.
pub(crate) struct Recorder<T>(mpsc::UnboundedSender<T>);

impl<T> Clone for Recorder<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Recorder<T> {
    pub(crate) fn note(&self, seen: T) {
        // The test may be over.
        drop(self.0.send(seen));
    }
}

/// Where a test reads it.
pub(crate) struct Record<T>(mpsc::UnboundedReceiver<T>);

impl<T> Record<T> {
    /// The next thing that is seen.
    #[track_caller]
    pub(crate) fn next(&mut self) -> impl Future<Output = T> + '_ {
        let next = within(self.0.recv());
        async move { next.await.expect("a recorder is left") }
    }

    /// The next `count` things.
    #[track_caller]
    pub(crate) fn next_many(&mut self, count: usize) -> impl Future<Output = Vec<T>> + '_ {
        within(async move {
            let mut seen = Vec::with_capacity(count);
            while seen.len() < count {
                seen.push(self.0.recv().await.expect("a recorder is left"));
            }
            seen
        })
    }

    /// What was seen since the last look. Put a fence before it.
    pub(crate) fn so_far(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }

    /// As [`expect_nothing`](Self::expect_nothing), of what cannot be shown.
    #[track_caller]
    pub(crate) fn expect_none(&mut self) {
        assert_eq!(self.so_far().len(), 0, "something was seen");
    }

    /// Nothing was seen since the last look. Put a fence before it.
    #[track_caller]
    pub(crate) fn expect_nothing(&mut self)
    where
        T: Debug,
    {
        let seen = self.so_far();
        assert!(seen.is_empty(), "{seen:?}");
    }
}

/// Why the server's sockets end, in order.
pub(crate) fn record_ends(server: &Server) -> Record<(SocketId, DisconnectReason)> {
    let (ended, ends) = record();
    server.on_disconnect(move |socket, reason| {
        ended.note((socket.id(), reason));
        std::future::ready(())
    });
    ends
}
