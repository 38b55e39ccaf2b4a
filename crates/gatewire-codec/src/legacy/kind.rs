//! The message types of versions 1 and 2, under one set of names.

use crate::Version;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $v1:expr, $v2:expr;)*) => {
        /// What a packet is (`MT_*` in the Node packages).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
            /// A code that nobody has assigned. The Node packages ignore it.
            Unassigned(u8),
        }

        impl Kind {
            /// The code of this kind; `None`: the version has no such kind.
            #[must_use]
            pub fn code(self, version: Version) -> Option<u8> {
                let (v1, v2): (Option<u8>, Option<u8>) = match self {
                    $(Self::$kind => ($v1, $v2),)*
                    // Only while it is unassigned: the byte of a kind that has a name means that kind.
                    Self::Unassigned(code) => {
                        let free = Self::from_code(version, code) == self;
                        let code = free.then_some(code);
                        (code, code)
                    }
                };
                match version {
                    Version::V1 => v1,
                    Version::V2 => v2,
                    Version::V3 => None,
                }
            }

            /// The kind with this code.
            #[must_use]
            pub fn from_code(version: Version, code: u8) -> Self {
                let is = |v1: Option<u8>, v2: Option<u8>| match version {
                    Version::V1 => v1 == Some(code),
                    Version::V2 => v2 == Some(code),
                    Version::V3 => false,
                };
                $(if is($v1, $v2) { return Self::$kind; })*
                Self::Unassigned(code)
            }
        }
    };
}

kinds! {
    /// A text for the peer's `error` event. Clients show it, servers ignore it.
    Error = Some(0), Some(0);
    /// The string to authenticate.
    AuthSeed = None, Some(1);
    /// The proof.
    AuthHmac = None, Some(2);
    /// The peer is a router.
    Uplink = None, Some(3);
    /// The peer is a client.
    Downlink = None, Some(4);
    /// The socket id given to the peer.
    Register = Some(1), Some(5);
    /// An event.
    Data = Some(2), Some(100);
    /// An event for sockets: `id1,id2|event`.
    DataToSocket = Some(3), Some(101);
    /// An event for rooms: `room1,room2|event`.
    DataToRoom = Some(4), Some(102);
    /// An event for all.
    DataBroadcast = Some(5), Some(103);
    /// An event that wants an answer.
    DataWithAck = Some(6), Some(104);
    /// The answer.
    Ack = Some(7), Some(105);
    /// Join rooms.
    JoinRoom = Some(8), Some(106);
    /// Leave rooms.
    LeaveRoom = Some(9), Some(107);
    /// Leave all rooms.
    LeaveAllRooms = Some(10), Some(108);
    /// Open a stream.
    StreamOpen = Some(11), Some(109);
    /// Bytes of a stream.
    Stream = Some(12), Some(110);
    /// End of a stream.
    StreamClose = Some(13), Some(111);
    /// Open a stream that is to be acknowledged.
    StreamOpenWithAck = Some(14), Some(112);
    /// Open a stream to sockets.
    StreamOpenToSocket = Some(15), Some(113);
    /// Open a stream to rooms.
    StreamOpenToRoom = Some(16), Some(114);
    /// Open a stream to all.
    StreamOpenBroadcast = Some(17), Some(115);
    /// A link of the cluster appeared.
    NewLink = None, Some(200);
    /// A link of the cluster is gone.
    DelLink = None, Some(201);
    /// A room has members on a host.
    LinkJoinRoom = None, Some(202);
    /// A room lost members on a host.
    LinkLeaveRoom = None, Some(203);
}
