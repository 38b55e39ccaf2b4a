//! A server and some clients with letters for names, which note what they hear.

use gatewire::{Client, Server, Socket, SocketId};

use crate::rig::{Record, dial, fence, fence_all, record, serve, within};

pub(crate) struct Party {
    pub(crate) server: Server,
    guests: Vec<(char, Client)>,
    heard: Record<char>,
}

impl Party {
    /// A client for each letter.
    pub(crate) async fn of(names: &str) -> Self {
        let server = serve().await;
        let (note, heard) = record();
        let mut guests = Vec::new();
        for name in names.chars() {
            let client = dial(&server).await;
            let note = note.clone();
            client.on("news", move || note.note(name));
            guests.push((name, client));
        }
        Self { server, guests, heard }
    }

    /// These clients join a room.
    pub(crate) async fn join(&self, names: &str, room: &str) {
        for name in names.chars() {
            within(self.client(name).join(room)).await.expect("joined");
        }
    }

    pub(crate) fn client(&self, name: char) -> &Client {
        &self.guests.iter().find(|(other, _)| *other == name).expect("a guest").1
    }

    pub(crate) fn id(&self, name: char) -> SocketId {
        self.client(name).id().expect("connected")
    }

    pub(crate) fn socket(&self, name: char) -> Socket {
        self.server.socket(&self.id(name)).expect("connected")
    }

    /// The names of a room's members, sorted.
    pub(crate) fn members(&self, room: &str) -> String {
        let members = self.server.members(room);
        let is_member = |id: SocketId| members.iter().any(|socket| socket.id() == id);
        self.guests
            .iter()
            .filter(|(_, client)| client.id().is_some_and(is_member))
            .map(|(name, _)| *name)
            .collect()
    }

    /// The names of those who have heard `news` since the last look, sorted, one letter for each time.
    pub(crate) async fn heard(&mut self) -> String {
        for (_, client) in &self.guests {
            if client.is_connected() {
                fence(client).await;
            }
        }
        fence_all(&self.server).await;
        let mut heard = self.heard.so_far();
        heard.sort_unstable();
        heard.into_iter().collect()
    }
}
