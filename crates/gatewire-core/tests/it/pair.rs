//! Two sessions joined by two byte pipes on a virtual clock.
//!
//! Each pipe delivers in pieces of a chosen size, with a chosen delay, and can be held, silenced or
//! cut in the middle of a frame. Nothing happens but in [`Pair::settle`] and [`Pair::advance`].

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatewire_codec::{CloseCode, ErrorCode, Framer, GoAwayCode, NackCode, Value, split_frame, v3};
use gatewire_core::Time;
use gatewire_core::session::{Incoming, ProtocolError, Session, SessionConfig, TimeoutOutcome};

/// A client, a server, and what lies between them.
pub(crate) struct Pair {
    pub(crate) now: Time,
    pub(crate) client: Endpoint,
    pub(crate) server: Endpoint,
    /// From the client to the server.
    pub(crate) up: Pipe,
    /// From the server to the client.
    pub(crate) down: Pipe,
}

/// One side: a session, the bytes that are no frame yet, and what its application saw.
pub(crate) struct Endpoint {
    pub(crate) session: Session<u32>,
    pub(crate) seen: Vec<Result<Seen, ProtocolError>>,
    /// Requests that ended without an answer: when, and whose.
    pub(crate) expired: Vec<(Time, u32)>,
    /// When the peer was found to be dead.
    pub(crate) dead: Option<Time>,
    framer: Framer,
    buffer: BytesMut,
}

/// One direction of a connection.
pub(crate) struct Pipe {
    /// How long each byte travels.
    pub(crate) delay: Duration,
    /// The sizes of the pieces in which bytes arrive, in turn.
    pub(crate) chunks: Vec<usize>,
    /// How many bytes the sender's kernel takes before it is full.
    pub(crate) window: usize,
    /// What is sent is lost without a sign, as on a link that is down.
    pub(crate) silent: bool,
    /// Everything that was sent.
    pub(crate) log: Vec<u8>,
    travelling: VecDeque<(Time, Bytes)>,
    next_chunk: usize,
}

/// What an application saw, copied out of the frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Event(String, Value),
    Request(u32, String, Value),
    Publish(Option<u32>, Vec<String>, String, Value),
    Join(u32, Vec<String>),
    Leave(u32, Vec<String>),
    LeaveAll(u32),
    /// Who waited for it, if still anybody; and the answer.
    Answer(Option<u32>, Result<Value, (NackCode, Value)>),
    GoAway(GoAwayCode, u32),
    Closed(CloseCode, String),
    Error(u32, ErrorCode, String),
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with_config(&SessionConfig::default())
    }

    pub(crate) fn with_config(config: &SessionConfig) -> Self {
        let now = Time::ZERO;
        let (client, server) = (Endpoint::new(config, now), Endpoint::new(config, now));
        Self { now, client, server, up: Pipe::new(), down: Pipe::new() }
    }

    /// Delivers everything that is due, and what comes of it, until nothing moves.
    pub(crate) fn settle(&mut self) {
        let Self { now, client, server, up, down } = self;
        loop {
            let mut moved = client.write(up, *now) | server.write(down, *now);
            moved |= server.read(up, *now) | client.read(down, *now);
            if !moved {
                return;
            }
        }
    }

    /// Lets time pass; everything happens at its time.
    pub(crate) fn advance(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.settle();
        loop {
            let timers = [self.client.due(), self.server.due()];
            let arrivals = [self.up.due(), self.down.due()];
            let next = timers.into_iter().chain(arrivals).min().unwrap_or(Time::NEVER);
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            self.settle();
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    /// What the client's application saw since the last call.
    pub(crate) fn client_saw(&mut self) -> Vec<Result<Seen, ProtocolError>> {
        std::mem::take(&mut self.client.seen)
    }

    /// What the server's application saw since the last call.
    pub(crate) fn server_saw(&mut self) -> Vec<Result<Seen, ProtocolError>> {
        std::mem::take(&mut self.server.seen)
    }

    /// The connection is gone: what travels is lost, and the server's session with it. Gives back
    /// who waited for an answer at the client.
    pub(crate) fn disconnect(&mut self, keep: impl FnMut(&[u8]) -> bool) -> Vec<u32> {
        for pipe in [&mut self.up, &mut self.down] {
            *pipe = Pipe::new();
        }
        self.client.buffer.clear();
        self.server = Endpoint::new(&SessionConfig::default(), self.now);
        self.client.session.outbound.disconnect(keep)
    }
}

impl Endpoint {
    fn new(config: &SessionConfig, now: Time) -> Self {
        Self {
            session: Session::new(config, now),
            seen: Vec::new(),
            expired: Vec::new(),
            dead: None,
            framer: Framer::new(SessionConfig::MAX_FRAME),
            buffer: BytesMut::new(),
        }
    }

    /// Hands as much to the kernel as it takes.
    fn write(&mut self, pipe: &mut Pipe, now: Time) -> bool {
        if pipe.window == 0 {
            return false;
        }
        let outbox = self.session.outbound.outbox_mut();
        let Some(mut batch) = outbox.take() else { return false };
        let mut slices = [IoSlice::new(&[]); 16];
        let count = batch.slices(&mut slices);
        let offered = slices[..count].iter().flat_map(|slice| slice.iter().copied());
        let bytes: Vec<u8> = offered.take(pipe.window).collect();
        batch.advance(bytes.len());
        outbox.give_back(batch);
        pipe.send(now, &bytes);
        true
    }

    /// Takes what has arrived, frame by frame.
    fn read(&mut self, pipe: &mut Pipe, now: Time) -> bool {
        let Some(bytes) = pipe.receive(now) else { return false };
        self.session.heard(now);
        self.buffer.extend_from_slice(&bytes);
        while let Some(frame) = self.framer.next_frame(&mut self.buffer).expect("in step") {
            let incoming = self.session.handle_frame(&frame, now);
            let seen = incoming.map(|incoming| incoming.map(|one| (one, Seen::of(&one))));
            match seen {
                Ok(None) => {}
                Ok(Some((Incoming::Answer { id, .. }, Seen::Answer(_, result)))) => {
                    let waiter = self.session.outbound.answered(id);
                    self.seen.push(Ok(Seen::Answer(waiter, result)));
                }
                Ok(Some((_, seen))) => self.seen.push(Ok(seen)),
                Err(error) => self.seen.push(Err(error)),
            }
        }
        true
    }

    fn due(&self) -> Time {
        // A dead peer has no deadlines: its connection is to be closed.
        if self.dead.is_some() { Time::NEVER } else { self.session.poll_timeout() }
    }

    fn handle_timeout(&mut self, now: Time) {
        if now < self.due() {
            return;
        }
        match self.session.handle_timeout(now) {
            TimeoutOutcome::Nothing => {}
            TimeoutOutcome::Expired(waiters) => {
                self.expired.extend(waiters.into_iter().map(|waiter| (now, waiter)));
            }
            TimeoutOutcome::PeerDead => self.dead = Some(now),
        }
    }
}

impl Pipe {
    fn new() -> Self {
        Self {
            delay: Duration::ZERO,
            chunks: vec![usize::MAX],
            window: usize::MAX,
            silent: false,
            log: Vec::new(),
            travelling: VecDeque::new(),
            next_chunk: 0,
        }
    }

    /// Puts bytes on the way as if the sender had written them.
    pub(crate) fn send(&mut self, now: Time, bytes: &[u8]) {
        self.log.extend_from_slice(bytes);
        if self.window != usize::MAX {
            self.window -= bytes.len();
        }
        let mut rest = bytes;
        while !self.silent && !rest.is_empty() {
            let size = self.chunks[self.next_chunk % self.chunks.len()].clamp(1, rest.len());
            self.next_chunk += 1;
            let (chunk, behind) = rest.split_at(size);
            self.travelling.push_back((now + self.delay, Bytes::copy_from_slice(chunk)));
            rest = behind;
        }
    }

    fn receive(&mut self, now: Time) -> Option<Bytes> {
        if self.due() > now {
            return None;
        }
        self.travelling.pop_front().map(|(_, bytes)| bytes)
    }

    fn due(&self) -> Time {
        self.travelling.front().map_or(Time::NEVER, |(due, _)| *due)
    }

    /// The kinds of the frames that were sent whole, in order.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        let mut rest = &self.log[..];
        while let Some((frame, behind)) = split_frame(rest, u32::MAX).expect("in step") {
            kinds.push(v3::decode(frame).expect("a message").kind());
            rest = behind;
        }
        kinds
    }
}

impl Seen {
    fn of(incoming: &Incoming<'_>) -> Self {
        let strings = |names: gatewire_codec::Names<'_>| names.iter().map(str::to_owned).collect();
        match *incoming {
            Incoming::Event { event, value } => Self::Event(event.to_owned(), value.to_value()),
            Incoming::Request { id, event, value } => {
                Self::Request(id, event.to_owned(), value.to_value())
            }
            Incoming::Publish { request, target, event, value } => {
                Self::Publish(request, strings(target.rooms), event.to_owned(), value.to_value())
            }
            Incoming::Join { id, rooms } => Self::Join(id, strings(rooms)),
            Incoming::Leave { id, rooms } => Self::Leave(id, strings(rooms)),
            Incoming::LeaveAll { id } => Self::LeaveAll(id),
            Incoming::Answer { result, .. } => {
                let refused = |refused: gatewire_core::session::Refused<'_>| {
                    (refused.code, refused.value.to_value())
                };
                Self::Answer(None, result.map(|value| value.to_value()).map_err(refused))
            }
            Incoming::GoAway { code, retry_window_ms } => Self::GoAway(code, retry_window_ms),
            Incoming::Closed { code, text } => Self::Closed(code, text.to_owned()),
            Incoming::Error { id, code, text } => Self::Error(id, code, text.to_owned()),
            Incoming::Control(control) => panic!("the session keeps {control:?} to itself"),
            stream => panic!("no stream is open here, and yet: {stream:?}"),
        }
    }
}
