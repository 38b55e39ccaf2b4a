//! Requests to many: who is asked, what each said, and who is missing.

mod ends;
mod outcomes;
mod reports;
mod wire;

use gatewire::{Client, RoomReport, RoomRequest, Server, Socket, SocketAddress};

use crate::rig::{dial, serve, serve_with, within};

/// Members of the room `all`, which answer `ask` with their numbers.
struct Room {
    server: Server,
    members: Vec<Client>,
}

async fn room(count: u64) -> Room {
    Room::at(serve().await, count).await
}

impl Room {
    async fn at(server: Server, count: u64) -> Self {
        let mut members = Vec::new();
        for number in 0..count {
            let client = dial(&server).await;
            client.on("ask", move || number);
            within(client.join("all")).await.expect("joined");
            members.push(client);
        }
        Self { server, members }
    }

    /// One more, which does what its handlers do.
    async fn join(&self) -> Client {
        let client = dial(&self.server).await;
        within(client.join("all")).await.expect("joined");
        client
    }

    fn addresses(&self) -> Vec<SocketAddress> {
        self.members.iter().map(address).collect()
    }

    async fn close(self) {
        for member in &self.members {
            within(member.close()).await;
        }
        within(self.server.close()).await;
    }
}

fn address(client: &Client) -> SocketAddress {
    client.address().expect("connected")
}

/// Each kind of sender. Those that are sockets are in no room.
struct Senders {
    server: Server,
    client: Client,
    socket: Socket,
}

impl Senders {
    async fn of(server: &Server) -> Self {
        let client = dial(server).await;
        let other = dial(server).await;
        let socket = server.socket(&other.id().expect("connected")).expect("connected");
        Self { server: server.clone(), client, socket }
    }

    /// The same request to `all` from each.
    fn ask(&self, event: &'static str) -> [RoomRequest<'_, u64, ()>; 3] {
        [
            self.server.to("all").request(event, ()),
            self.socket.to("all").request(event, ()),
            self.client.to("all").request(event, ()),
        ]
    }
}

/// Who answered what, sorted.
fn received<T: Clone + Ord>(report: &RoomReport<T>) -> Vec<(SocketAddress, T)> {
    sorted(report.received().map(|(address, answer)| (address.clone(), answer.clone())))
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}
