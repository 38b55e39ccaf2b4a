//! Two ends of a connection that read and write streams, on a virtual clock.
//!
//! Each direction has a delay, a rate and a kernel buffer. What an application would do is done here:
//! writers keep their buffers full, readers read what they are allowed to, streams that come in are held
//! by their ids. Nothing happens but in [`Net::settle`] and [`Net::advance`].

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatewire_codec::Framer;
use gatewire_core::Time;
use gatewire_core::session::{OutboxLimits, Session, SessionConfig, StreamLimits};

use super::end::End;

/// A client, a server, and what lies between them.
pub(super) struct Net {
    pub(super) now: Time,
    pub(super) client: End,
    pub(super) server: End,
    /// From the client to the server.
    pub(super) up: Link,
    /// From the server to the client.
    pub(super) down: Link,
}

/// One direction of a connection.
pub(super) struct Link {
    pub(super) delay: Duration,
    /// Bytes per second.
    pub(super) rate: u64,
    /// How many bytes the sender's kernel holds that are not on the way.
    pub(super) buffer: usize,
    /// The longest pieces in which bytes arrive, in turn.
    pub(super) pieces: Vec<usize>,
    leaving: VecDeque<(Time, usize)>,
    /// Their sum.
    held: usize,
    travelling: VecDeque<(Time, Bytes)>,
    /// When the last byte in the kernel leaves.
    free_at: Time,
    next_piece: usize,
}

impl Net {
    /// No delay, and a rate that is no limit.
    pub(super) fn new() -> Self {
        Self::with(OutboxLimits::default(), StreamLimits::default())
    }

    pub(super) fn with(outbox: OutboxLimits, streams: StreamLimits) -> Self {
        let config = SessionConfig { outbox, ..SessionConfig::default() };
        let end = || End::new(Session::new(&config, Time::ZERO), streams);
        let (client, server) = (end(), end());
        Self { now: Time::ZERO, client, server, up: Link::new(), down: Link::new() }
    }

    /// Both directions: so long, and so many bytes per second.
    pub(super) fn with_path(delay: Duration, rate: u64) -> Self {
        let mut net = Self::new();
        for link in [&mut net.up, &mut net.down] {
            (link.delay, link.rate) = (delay, rate);
        }
        net
    }

    /// Does all that can be done now.
    pub(super) fn settle(&mut self) {
        let Self { now, client, server, up, down } = self;
        loop {
            client.work();
            server.work();
            let mut moved = write(client, up, *now) | write(server, down, *now);
            moved |= read(server, up, *now) | read(client, down, *now);
            if !moved {
                return;
            }
        }
    }

    /// Lets time pass; everything happens at its time.
    pub(super) fn advance(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.settle();
        loop {
            let timers = [self.client.session.poll_timeout(), self.server.session.poll_timeout()];
            let links = [self.up.due(), self.down.due()];
            let next = timers.into_iter().chain(links).min().unwrap_or(Time::NEVER);
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            self.settle();
            for end in [&mut self.client, &mut self.server] {
                end.session.handle_timeout(self.now);
            }
            self.settle();
        }
        self.now = end;
    }

    /// Lets time pass until something is so; how much.
    #[track_caller]
    pub(super) fn advance_until(&mut self, mut done: impl FnMut(&Self) -> bool) -> Duration {
        let begin = self.now;
        while !done(self) {
            assert!(self.now - begin < Duration::from_secs(1000), "it never comes");
            self.advance(Duration::from_millis(1));
        }
        self.now - begin
    }

    /// The connection is gone at both ends, with all that travels. Who waited at the client.
    pub(super) fn disconnect(&mut self) -> Vec<u32> {
        (self.up, self.down) = (Link::new(), Link::new());
        self.server.disconnect();
        self.client.disconnect()
    }
}

/// Hands as much to the kernel as it takes.
fn write(end: &mut End, link: &mut Link, now: Time) -> bool {
    let room = link.room(now);
    if room == 0 {
        return false;
    }
    let Some(mut batch) = end.session.outbound.take() else { return false };
    let mut slices = [IoSlice::new(&[]); 64];
    let count = batch.slices(&mut slices);
    let mut bytes = BytesMut::new();
    for slice in &slices[..count] {
        let length = slice.len().min(room - bytes.len());
        bytes.extend_from_slice(&slice[..length]);
    }
    batch.advance(bytes.len());
    end.session.outbound.outbox_mut().give_back(batch);
    end.check();
    link.send(now, &bytes.freeze());
    true
}

/// Takes what has arrived.
fn read(end: &mut End, link: &mut Link, now: Time) -> bool {
    let Some(bytes) = link.receive(now) else { return false };
    end.session.heard(now);
    end.buffer.extend_from_slice(&bytes);
    let mut framer = Framer::new(SessionConfig::MAX_FRAME);
    while let Some(frame) = framer.next_frame(&mut end.buffer).expect("in step") {
        end.handle_frame(&frame, now);
    }
    true
}

impl Link {
    fn new() -> Self {
        Self {
            delay: Duration::ZERO,
            rate: u64::MAX,
            buffer: usize::MAX,
            pieces: vec![16 << 10],
            leaving: VecDeque::new(),
            held: 0,
            travelling: VecDeque::new(),
            free_at: Time::ZERO,
            next_piece: 0,
        }
    }

    fn room(&mut self, now: Time) -> usize {
        while let Some((_, length)) = self.leaving.front().filter(|(due, _)| *due <= now) {
            self.held -= length;
            self.leaving.pop_front();
        }
        self.buffer.saturating_sub(self.held)
    }

    fn send(&mut self, now: Time, bytes: &Bytes) {
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let size = self.pieces[self.next_piece % self.pieces.len()].clamp(1, rest.len());
            self.next_piece += 1;
            let piece = rest.split_to(size);
            let nanos = u128::from(size as u64) * 1_000_000_000 / u128::from(self.rate);
            let takes = Duration::from_nanos(u64::try_from(nanos).expect("no such slow link"));
            self.free_at = self.free_at.max(now) + takes;
            self.leaving.push_back((self.free_at, size));
            self.held += size;
            self.travelling.push_back((self.free_at + self.delay, piece));
        }
    }

    fn receive(&mut self, now: Time) -> Option<Bytes> {
        let (due, _) = self.travelling.front()?;
        if *due > now {
            return None;
        }
        self.travelling.pop_front().map(|(_, bytes)| bytes)
    }

    fn due(&self) -> Time {
        let arrival = self.travelling.front().map_or(Time::NEVER, |(due, _)| *due);
        let departure = self.leaving.front().map_or(Time::NEVER, |(due, _)| *due);
        arrival.min(departure)
    }
}
