//! What the holder of a key may do.
//!
//! [`Permissions`] belong to a key and are the same for all its sessions. They are asked once for each
//! [`Action`] of a peer, where the peer is attached: what passes there is not asked again further on.
//! A denied action is answered, and the session goes on.
//!
//! Under the profile `open`, which is the default, everything is allowed and a check is one branch.
//! What a session has used up of its [`Rates`] is kept in a [`Meter`] of its own.
//!
//! Nothing here is about one session: no room is joined and no socket is known.

mod action;
mod patterns;
mod rates;

pub use action::{Action, Denied, EmitSocket};
pub use patterns::{PatternError, PatternFault, Patterns};
pub use rates::{Meter, Rates};

/// The rooms that a session may be in, when its key has permissions of its own and says nothing else.
const MAX_ROOMS: usize = 128;

/// What permissions begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Everything is allowed, as in NATS and in the packages that this library succeeds.
    #[default]
    Open,
    /// Joining rooms, messages and streams to named rooms, to the server, and to sockets that are in a
    /// room with the sender. No broadcast, and nothing to other sockets.
    Restricted,
}

/// What the sessions of a key may do. The default is [`Profile::Open`].
///
/// ```
/// use gatewire_core::permissions::{Action, EmitSocket, Patterns, Permissions, Profile};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sensors = Permissions::from(Profile::Restricted)
///     .allow_join(Patterns::none())
///     .allow_events(Patterns::new(["reading.*", "alarm.>"])?);
///
/// sensors.check(&Action::Emit { event: "reading.temperature" })?;
/// let denied = sensors.check(&Action::Emit { event: "reset" }).expect_err("not on the list");
/// assert_eq!(denied.to_string(), "the key lacks the permission `events`");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions {
    /// `None`: everything is allowed.
    rules: Option<Box<Rules>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rules {
    join: Patterns,
    emit_room: Patterns,
    emit_socket: EmitSocket,
    broadcast: bool,
    stream: bool,
    events: Patterns,
    max_rooms: usize,
    rates: Rates,
}

impl Rules {
    fn of(profile: Profile) -> Self {
        let open = profile == Profile::Open;
        Self {
            join: Patterns::all(),
            emit_room: Patterns::all(),
            emit_socket: if open { EmitSocket::Any } else { EmitSocket::SameRoom },
            broadcast: open,
            stream: true,
            events: Patterns::all(),
            max_rooms: MAX_ROOMS,
            rates: Rates::default(),
        }
    }

    fn check(&self, action: &Action<'_>) -> Result<(), Denied> {
        match *action {
            Action::Join { room, joined } => {
                permit(self.join.matches(room), "join")?;
                permit(joined < self.max_rooms, "max_rooms")
            }
            Action::Emit { event } => permit(self.events.matches(event), "events"),
            Action::EmitRoom { room, event } => {
                permit(self.emit_room.matches(room), "emit_room")?;
                permit(self.events.matches(event), "events")
            }
            Action::EmitSocket { shares_room, event } => {
                permit(self.emit_socket.permits(shares_room), "emit_socket")?;
                permit(self.events.matches(event), "events")
            }
            Action::Broadcast { event } => {
                permit(self.broadcast, "broadcast")?;
                permit(self.events.matches(event), "events")
            }
            Action::Stream => permit(self.stream, "stream"),
        }
    }
}

fn permit(permitted: bool, permission: &'static str) -> Result<(), Denied> {
    if permitted { Ok(()) } else { Err(Denied { permission }) }
}

impl From<Profile> for Permissions {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Open => Self { rules: None },
            Profile::Restricted => Self { rules: Some(Box::new(Rules::of(profile))) },
        }
    }
}

impl Permissions {
    /// Everything is allowed.
    #[must_use]
    pub fn open() -> Self {
        Self { rules: None }
    }

    /// Whether there is nothing to check: no action is denied, and no rate is counted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.rules.is_none()
    }

    /// The rooms that may be joined.
    #[must_use]
    pub fn allow_join(self, rooms: Patterns) -> Self {
        self.with(|rules| rules.join = rooms)
    }

    /// The rooms to which messages may be sent. Whether the sender is a member does not matter.
    #[must_use]
    pub fn allow_emit_room(self, rooms: Patterns) -> Self {
        self.with(|rules| rules.emit_room = rooms)
    }

    /// The sockets to which messages may be sent.
    #[must_use]
    pub fn allow_emit_socket(self, sockets: EmitSocket) -> Self {
        self.with(|rules| rules.emit_socket = sockets)
    }

    /// Whether messages may be sent to all.
    #[must_use]
    pub fn allow_broadcast(self, allowed: bool) -> Self {
        self.with(|rules| rules.broadcast = allowed)
    }

    /// Whether streams may be opened. One that goes to a room, to all or to another socket needs the
    /// permission for that too.
    #[must_use]
    pub fn allow_stream(self, allowed: bool) -> Self {
        self.with(|rules| rules.stream = allowed)
    }

    /// The events that may be sent or requested, wherever they go.
    #[must_use]
    pub fn allow_events(self, events: Patterns) -> Self {
        self.with(|rules| rules.events = events)
    }

    /// The most rooms that a session may be in at once: 128 unless told otherwise. The server's own
    /// bound holds besides.
    #[must_use]
    pub fn limit_rooms(self, max_rooms: usize) -> Self {
        self.with(|rules| rules.max_rooms = max_rooms)
    }

    /// How much a session may send. No limit unless told otherwise.
    #[must_use]
    pub fn limit_rates(self, rates: Rates) -> Self {
        self.with(|rules| rules.rates = rates)
    }

    /// Whether a session may do this. Takes no memory; what is counted, [`Meter`] counts.
    ///
    /// # Errors
    ///
    /// [`Denied`] names the first permission that is missing.
    #[inline]
    pub fn check(&self, action: &Action<'_>) -> Result<(), Denied> {
        match &self.rules {
            None => Ok(()),
            Some(rules) => rules.check(action),
        }
    }

    /// Whether [`check`](Self::check) needs to know of sockets that they share a room: not under
    /// [`EmitSocket::Any`] and [`EmitSocket::No`], where the answer does not depend on it.
    #[must_use]
    pub fn asks_for_shared_room(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.emit_socket == EmitSocket::SameRoom)
    }

    /// The limits for which a session needs a [`Meter`]; none under the profile `open`.
    #[must_use]
    pub fn rates(&self) -> Rates {
        self.rules.as_ref().map_or(Rates::default(), |rules| rules.rates)
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(self.rules.get_or_insert_with(|| Box::new(Rules::of(Profile::Open))));
        self
    }
}
