//! The codes of version 3's control frames. Each is one byte; unknown values are kept, so that a
//! newer peer's code still reaches the application.

macro_rules! code {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $value:literal => $text:literal,)* }) => {
        $(#[$doc])*
        ///
        /// Two codes are equal when their bytes are.
        #[derive(Debug, Clone, Copy)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A code that this version of gatewire does not know.
            Other(u8),
        }

        // By the byte: `Other` may hold the byte of a code that has a name, and is that code then.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.to_u8() == other.to_u8()
            }
        }

        impl Eq for $name {}

        impl core::hash::Hash for $name {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.to_u8().hash(state);
            }
        }

        impl $name {
            /// The byte on the wire.
            #[must_use]
            pub fn to_u8(self) -> u8 {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Other(code) => code,
                }
            }

            /// The code for a byte of the wire.
            #[must_use]
            pub fn from_u8(code: u8) -> Self {
                match code {
                    $($value => Self::$variant,)*
                    code => Self::Other(code),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($text),)*
                    Self::Other(code) => write!(f, "code {code}"),
                }
            }
        }
    };
}

code! {
    /// Why a handshake was refused.
    RejectCode {
        /// Unknown key id or wrong proof; which of the two is not told.
        Auth = 1 => "authentication failed",
        /// No wire version in common.
        Version = 2 => "no wire version in common",
        /// No suite in common.
        Suite = 3 => "no authentication suite in common",
        /// Too many connections; try again later.
        Busy = 4 => "the server is busy",
        /// The peer is this very endpoint.
        Self_ = 5 => "connected to itself",
        /// Another node has this name.
        NameTaken = 6 => "the name is taken",
        /// The key, or a listener without keys, does not allow this role or name.
        NotAllowed = 7 => "not allowed",
        /// The listener takes TLS connections only.
        TlsOnly = 8 => "the server takes TLS connections only",
    }
}

code! {
    /// Why a connection is closed.
    CloseCode {
        /// The application closed it.
        Normal = 0 => "closed",
        /// The server goes away; reconnect after the time given by its GOAWAY.
        GoingAway = 1 => "going away",
        /// The peer broke the protocol.
        Protocol = 2 => "protocol error",
        /// The peer did not read fast enough.
        SlowConsumer = 3 => "slow consumer",
        /// The peer was silent for too long.
        IdleTimeout = 4 => "idle timeout",
        /// A frame was longer than the limit.
        TooLarge = 5 => "frame too large",
        /// The server's application disconnected this client; it should not come back by itself.
        Kicked = 6 => "disconnected by the server",
    }
}

code! {
    /// Why the server will close connections soon.
    GoAwayCode {
        /// It shuts down; others may take its place.
        Shutdown = 0 => "shutting down",
        /// The key has expired: authenticate again.
        Reauthenticate = 1 => "authenticate again",
    }
}

code! {
    /// Why a request has no answer.
    NackCode {
        /// Nobody listens for this event.
        NoHandler = 1 => "no handler for this event",
        /// The handler refused; the value says why.
        Rejected = 2 => "rejected by the handler",
        /// The value was not what the handler takes.
        Decode = 3 => "the value could not be decoded",
        /// The handler panicked.
        Panicked = 4 => "the handler panicked",
        /// No socket has this id.
        NoSuchSocket = 5 => "no such socket",
        /// The answer is longer than the peer's frame limit.
        TooLarge = 6 => "the answer is too large",
        /// The peer's permissions do not allow it.
        Denied = 7 => "denied",
        /// The addressed socket disconnected before it answered; it may have run its handler.
        Disconnected = 8 => "the addressed socket disconnected",
        /// The addressed socket did not answer in time.
        Timeout = 9 => "the addressed socket did not answer in time",
        /// The addressed socket's queue is full, or too many streams are open; the handler did not run.
        Busy = 10 => "the addressed socket's queue is full",
        /// The handler ran, but its answer could not be sent.
        Unanswered = 11 => "the answer could not be sent",
        /// The node of the addressed socket cannot be reached; the handler did not run.
        Unreachable = 12 => "the node of the addressed socket cannot be reached",
        /// The wire version of the addressed socket, 1 or 2, cannot carry it; the text says what.
        Untranslatable = 13 => "the wire version of the peer cannot carry it",
    }
}

code! {
    /// Why something that asked for no answer was refused.
    ErrorCode {
        /// The permissions do not allow it.
        Denied = 1 => "denied",
        /// Too many rooms for one session.
        TooManyRooms = 2 => "too many rooms",
        /// A room name is empty or too long.
        BadRoomName = 3 => "bad room name",
        /// The frame was well-formed but has no meaning here.
        Unexpected = 4 => "unexpected message",
        /// The frame could not be decoded.
        Malformed = 5 => "malformed message",
        /// The wire version of the receiver, 1 or 2, cannot carry it; the text says what.
        Untranslatable = 6 => "the wire version of the peer cannot carry it",
    }
}

code! {
    /// Why a stream ended before its end. From 64 on the codes are the application's.
    StreamCode {
        /// The reader has all that it wanted. Not an error.
        Enough = 0 => "the reader wants no more",
        /// The writer or the reader was dropped before the end.
        Dropped = 1 => "dropped before the end",
        /// The application gave up; the text says why.
        Cancelled = 2 => "cancelled",
        /// The receiver was too far behind the others of the stream.
        SlowReceiver = 3 => "the receiver is too slow",
        /// The server lost the connection of the stream's sender.
        SenderLost = 4 => "the sender's connection was lost",
        /// Too many streams are open.
        TooMany = 5 => "too many streams are open",
        /// Nobody listens for the event. Only for a stream that wants no outcome: the others have a
        /// [`NackCode`].
        NotTaken = 6 => "nobody takes the stream",
        /// The way through the cluster was lost.
        PathLost = 7 => "the path was lost",
        /// The endpoint goes away.
        Closed = 8 => "the endpoint is closed",
    }
}
