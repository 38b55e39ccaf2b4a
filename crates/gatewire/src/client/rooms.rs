//! The rooms that a client is in.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_channel::oneshot;
use gatewire_codec::Names;
use gatewire_core::Time;
use gatewire_core::session::SendError;

use super::{Client, ClientInner};
use crate::error::{EmitError, RequestError};
use crate::net::link::LinkOutbound;
use crate::net::waiter::Waiter;

impl Client {
    /// Joins a room; done when the server says so. After a reconnect the room is joined again.
    ///
    /// # Errors
    ///
    /// [`RequestError::Denied`]: a bad name or too many rooms. Others as for a request.
    ///
    /// # Cancel safety
    ///
    /// Dropped after it was sent, the room is joined at the server, but not again after a reconnect.
    pub async fn join(&self, room: &str) -> Result<(), RequestError> {
        self.join_rooms([room]).await
    }

    /// Joins rooms, with one message.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join), for the first that is refused: the others are joined, but not again after a reconnect.
    ///
    /// # Cancel safety
    ///
    /// As [`join`](Self::join).
    pub async fn join_rooms<'a>(
        &self,
        rooms: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), RequestError> {
        let rooms: Vec<&str> = rooms.into_iter().collect();
        let session = self.inner.link.session();
        let joining = Joining::begin(&self.inner, &rooms);
        self.ask_to_join(&rooms).await?;
        let rooms = joining.end();
        if self.inner.link.session() == session {
            return Ok(());
        }
        let rooms: Vec<&str> = rooms.iter().map(String::as_str).collect();
        // That connection is lost, and the next may have begun without the rooms. If that one is lost
        // too, the one after it joins the rooms.
        match self.ask_to_join(&rooms).await {
            Err(error) if !is_lost(&error) => {
                self.forget(&rooms);
                Err(error)
            }
            _ => Ok(()),
        }
    }

    async fn ask_to_join(&self, rooms: &[&str]) -> Result<(), RequestError> {
        self.inner.check_rooms(rooms)?;
        if rooms.is_empty() {
            return Ok(());
        }
        self.ask(|outbound, deadline, waiter| {
            outbound.join(Names::from_slice(rooms), deadline, waiter)
        })
        .await
    }

    /// Leaves a room; done when the server says so. It is not joined again in any case.
    ///
    /// A server of wire version 2 is told only of rooms that this client has joined since it connected: see
    /// `docs/protocol/v2.md`.
    ///
    /// # Errors
    ///
    /// As for a request.
    pub async fn leave(&self, room: &str) -> Result<(), RequestError> {
        self.leave_rooms([room]).await
    }

    /// Leaves rooms, with one message.
    ///
    /// # Errors
    ///
    /// As for a request.
    pub async fn leave_rooms<'a>(
        &self,
        rooms: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), RequestError> {
        let rooms: Vec<&str> = rooms.into_iter().collect();
        self.inner.check_rooms(&rooms)?;
        self.forget(&rooms);
        if rooms.is_empty() {
            return Ok(());
        }
        self.ask(|outbound, deadline, waiter| {
            outbound.leave(Names::from_slice(&rooms), deadline, waiter)
        })
        .await
    }

    /// Leaves all rooms; done when the server says so.
    ///
    /// # Errors
    ///
    /// As for a request.
    pub async fn leave_all(&self) -> Result<(), RequestError> {
        {
            let mut known = self.inner.lock_rooms();
            known.joined.clear();
            known.joining.clear();
        }
        self.ask(LinkOutbound::leave_all).await
    }

    /// The rooms that this client joined. Rooms that the server put it into are not among them.
    #[must_use]
    pub fn rooms(&self) -> Vec<String> {
        self.inner.lock_rooms().joined.iter().cloned().collect()
    }

    /// They are not joined again.
    fn forget(&self, rooms: &[&str]) {
        self.inner.lock_rooms().forget(rooms);
    }

    async fn ask(
        &self,
        push: impl FnOnce(&mut LinkOutbound, Time, Waiter) -> Result<u32, (SendError, Waiter)>,
    ) -> Result<(), RequestError> {
        /// The same as a request's.
        const TIMEOUT: Duration = Duration::from_secs(5);

        let link = &self.inner.link;
        let (sender, outcome) = oneshot::channel();
        let deadline = link.clock.now() + TIMEOUT;
        link.request(&self.inner, deadline, |outbound, deadline| {
            push(outbound, deadline, Waiter::Future(sender))
        })
        .map_err(RequestError::NotSent)?;
        outcome.await.unwrap_or(Err(RequestError::MaybeDelivered)).map(drop)
    }
}

/// What a client remembers of its rooms.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// Those to join again after a reconnect.
    pub(super) joined: BTreeSet<String>,
    /// Those that the server is asked for, and that were not left meanwhile.
    joining: Vec<(u64, Vec<String>)>,
    /// How many times it was asked.
    asked: u64,
}

impl Rooms {
    fn forget(&mut self, rooms: &[&str]) {
        for room in rooms {
            self.joined.remove(*room);
        }
        for (_, joining) in &mut self.joining {
            joining.retain(|room| !rooms.contains(&&**room));
        }
    }

    fn take_joining(&mut self, number: u64) -> Vec<String> {
        let at = self.joining.iter().position(|(other, _)| *other == number);
        at.map_or_else(Vec::new, |at| self.joining.swap_remove(at).1)
    }
}

/// A join that waits for its answer. Who leaves a room meanwhile has the last word, as at the server.
struct Joining<'c> {
    client: &'c ClientInner,
    number: u64,
}

impl<'c> Joining<'c> {
    fn begin(client: &'c ClientInner, rooms: &[&str]) -> Self {
        let mut known = client.lock_rooms();
        known.asked += 1;
        let number = known.asked;
        known.joining.push((number, rooms.iter().map(|room| (*room).to_owned()).collect()));
        Self { client, number }
    }

    /// It is confirmed; the rooms that were not left.
    fn end(self) -> Vec<String> {
        let mut known = self.client.lock_rooms();
        let rooms = known.take_joining(self.number);
        known.joined.extend(rooms.iter().cloned());
        rooms
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        self.client.lock_rooms().take_joining(self.number);
    }
}

/// Whether there is no connection any more that the question went over.
fn is_lost(error: &RequestError) -> bool {
    use EmitError::{Closed, NotConnected, SlowConsumer};
    matches!(
        error,
        RequestError::MaybeDelivered | RequestError::NotSent(NotConnected | Closed | SlowConsumer)
    )
}

impl ClientInner {
    /// Whether the wire can carry the names of rooms.
    #[cfg_attr(
        not(feature = "legacy"),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "version 3 can carry any")
    )]
    fn check_rooms(&self, _rooms: &[&str]) -> Result<(), RequestError> {
        #[cfg(feature = "legacy")]
        self.check_names(_rooms).map_err(RequestError::NotSent)?;
        Ok(())
    }
}
