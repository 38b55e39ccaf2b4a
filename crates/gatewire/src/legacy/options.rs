//! Settings for peers of wire versions 1 and 2.

use std::time::Duration;

use gatewire_codec::FormatId;
use gatewire_legacy::downlink::WideIntegers;

/// How a server or a client deals with peers of wire versions 1 and 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyOptions {
    pub(crate) wide_integers: WideIntegers,
    pub(crate) object_format: FormatId,
    pub(crate) stream_buffer: usize,
    pub(crate) stream_stall: Duration,
    pub(crate) pad_streams: bool,
    pub(crate) keep_alive: Option<Duration>,
}

impl Default for LegacyOptions {
    fn default() -> Self {
        Self {
            wide_integers: WideIntegers::default(),
            object_format: FormatId::JSON,
            stream_buffer: 4 << 20,
            stream_stall: Duration::from_secs(2),
            pad_streams: true,
            keep_alive: Some(Duration::from_secs(60)),
        }
    }
}

impl LegacyOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What becomes of integers that need more than 48 bits. By default they go as decimals.
    #[must_use]
    pub fn wide_integers(mut self, rule: WideIntegers) -> Self {
        self.wide_integers = rule;
        self
    }

    /// The format of objects at the peers: JSON, unless their application replaced the package's `objectSerializer`.
    /// Objects in another format than this one are turned into JSON, or refused if it is not JSON.
    #[must_use]
    pub fn object_format(mut self, format: FormatId) -> Self {
        self.object_format = format;
        self
    }

    /// How many bytes of the peer's streams may wait for their readers on one connection, besides 256 KiB and more
    /// that each reader is granted: 4 MiB. Beyond it the peer is not read.
    #[must_use]
    pub fn stream_buffer(mut self, bytes: usize) -> Self {
        self.stream_buffer = bytes.max(1);
        self
    }

    /// How long the peer may go unread because of its streams while no reader takes anything: 2 s. Then the stream
    /// that holds most is given up, with an error at its reader. [`Duration::MAX`] is for ever.
    ///
    /// Not one to others, whose slow receivers are the business of
    /// [`Limits::slow_receivers`](crate::Limits::slow_receivers).
    #[must_use]
    pub fn stream_stall(mut self, stall: Duration) -> Self {
        self.stream_stall = stall;
        self
    }

    /// Whether a stream of 16 KiB or more is followed by 64 KiB of frames that mean nothing, before its end. On by
    /// default: a Node peer that finds the last bytes and the end in one read may stop reading its connection for
    /// ever. Peers that are not Node need it not.
    #[must_use]
    pub fn pad_streams(mut self, on: bool) -> Self {
        self.pad_streams = on;
        self
    }

    /// [TCP keep-alive probes](crate::ServerBuilder::keep_alive) after this much idle time, if the endpoint sets none: 60 s, so
    /// that a peer that has vanished is found within 90 s. There is no heartbeat that would find it.
    #[must_use]
    pub fn keep_alive(mut self, idle: Option<Duration>) -> Self {
        self.keep_alive = idle;
        self
    }
}
