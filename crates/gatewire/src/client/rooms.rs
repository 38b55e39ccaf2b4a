//! The rooms that a client is in.

use std::time::Duration;

use futures_channel::oneshot;
use gatewire_codec::Names;
use gatewire_core::Time;
use gatewire_core::session::SendError;

use super::{Client, ClientInner};
use crate::error::RequestError;
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
        self.ask_to_join(&rooms).await?;
        self.inner.lock_rooms().extend(rooms.iter().map(|room| (*room).to_owned()));
        if self.inner.link.session() == session {
            return Ok(());
        }
        // That connection is lost, and the next may have begun without the rooms. If that one is lost
        // too, the one after it joins the rooms.
        match self.ask_to_join(&rooms).await {
            Err(RequestError::Denied(text)) => {
                self.forget(&rooms);
                Err(RequestError::Denied(text))
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
        self.inner.lock_rooms().clear();
        self.ask(LinkOutbound::leave_all).await
    }

    /// The rooms that this client joined. Rooms that the server put it into are not among them.
    #[must_use]
    pub fn rooms(&self) -> Vec<String> {
        self.inner.lock_rooms().iter().cloned().collect()
    }

    /// They are not joined again.
    fn forget(&self, rooms: &[&str]) {
        let mut joined = self.inner.lock_rooms();
        for room in rooms {
            joined.remove(*room);
        }
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
