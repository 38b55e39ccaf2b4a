//! What holds for a translator, whatever is said on either side of it. Called with random bytes and the stored inputs
//! by the tests, and with millions of inputs by a target in `fuzz/`, which includes this folder.

mod peer;
mod session;

use std::sync::Arc;

use gatewire_codec::Version;
use gatewire_legacy::downlink::{JsonOnly, Settings, Side, Translator, ValueRules, WideIntegers};

use peer::Peer;
use session::Session;

/// Small, so that many chunks are longer.
const MAX_FRAME: u32 = 300;

/// Less than the credit of two streams beyond what a session grants by itself.
const STREAM_BUFFER: usize = 40_000;

/// A translator between a session and a peer; `input` says what both do, and how far the peer's bytes get.
///
/// * The session reads each byte of the peer's streams once, in order, within its credit, and an end only behind all
///   of them, with their number. All that it gets are frames that it may get.
/// * The peer gets whole frames of its version, with objects that are JSON and integers of 6 bytes; the bytes of
///   streams that are open, in order, and one end; answers to what it asked, one for each.
/// * What is said to be buffered is that, and all is passed on when all is read.
///
/// The first byte chooses the version, the side, the rules, and whether the peer sends what it likes: then only what
/// protects the session is checked.
pub fn translator(input: &[u8]) {
    let mut commands = Commands { rest: input };
    let first = commands.byte();
    let mut world = World::new(first);
    while let Some(command) = commands.next() {
        world.apply(command, &mut commands);
        world.check();
    }
    world.finish();
}

/// The rest of the input.
struct Commands<'i> {
    rest: &'i [u8],
}

impl<'i> Commands<'i> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or_default()
    }

    /// Often small, and up to 131,072.
    fn length(&mut self) -> usize {
        let length = usize::from(self.byte());
        match length {
            0..192 => length,
            192..248 => (length - 191) << 6,
            _ => (length - 247) << 14,
        }
    }

    fn bytes(&mut self, length: usize) -> &'i [u8] {
        let (bytes, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        bytes
    }

    /// Any eight bytes, or as many as there are.
    fn number(&mut self) -> i64 {
        let mut number = [0; 8];
        let bytes = self.bytes(8);
        number[..bytes.len()].copy_from_slice(bytes);
        i64::from_le_bytes(number)
    }
}

/// What stands for the id in the bytes of all streams to the peer, which has other ids than the session.
const DOWN: u32 = 0;

/// The byte of a stream at `offset`: a letter of ASCII, so that chunks may be texts.
fn pattern(id: u32, offset: u64) -> u8 {
    let mixed = offset ^ (offset >> 7) ^ (offset >> 15) ^ u64::from(id);
    mixed.to_le_bytes()[0] & 0x7f
}

fn patterned(id: u32, from: u64, length: usize) -> Vec<u8> {
    (from..from + length as u64).map(|offset| pattern(id, offset)).collect()
}

struct World {
    translator: Translator,
    session: Session,
    peer: Peer,
    honest: bool,
    /// The peer broke the protocol: nothing more is read.
    broken: bool,
    /// Bytes of the peer that the translator took since the outputs were last taken.
    taken: usize,
}

impl World {
    fn new(first: u8) -> Self {
        let version = if first & 1 == 0 { Version::V1 } else { Version::V2 };
        let side = if first & 2 == 0 { Side::Server } else { Side::Client };
        let honest = first & 4 == 0;
        let pad_streams = first & 8 == 0;
        let wide_integers =
            if first & 16 == 0 { WideIntegers::AsDecimal } else { WideIntegers::Refuse };
        // Soon to begin anew.
        let next_id = if first & 32 == 0 { 3 } else { u32::MAX - 3 };
        let settings = Settings {
            version,
            side,
            max_frame: MAX_FRAME,
            stream_buffer: STREAM_BUFFER,
            pad_streams,
            values: ValueRules { wide_integers, ..ValueRules::default() },
            objects: Arc::new(JsonOnly),
        };
        Self {
            translator: Translator::new(settings, next_id),
            session: Session::new(side, honest),
            peer: Peer::new(version, side, pad_streams),
            honest,
            broken: false,
            taken: 0,
        }
    }

    fn apply(&mut self, command: u8, more: &mut Commands<'_>) {
        match command {
            0..=95 => self.peer.speak(command, more),
            96..=127 => {
                let most = more.length();
                self.deliver(most);
            }
            128..=131 if !self.honest => self.peer.damage(more),
            132..=135 if !self.honest => {
                let length = more.length();
                self.peer.blurt(more.bytes(length));
            }
            136 => {
                self.translator.give_up_stream();
                self.session.expect_resets();
            }
            137..=255 => {
                if let Some(frame) = self.session.speak(command, more) {
                    self.translator.handle_near(&frame);
                }
            }
            _ => {}
        }
    }

    /// Some bytes of the peer arrive, if they are wanted.
    fn deliver(&mut self, most: usize) {
        if self.broken || !self.translator.wants_input() {
            return;
        }
        let bytes = self.peer.send(most);
        self.taken += bytes.len();
        match self.translator.handle_peer(&bytes) {
            Ok(()) => {}
            Err(error) if self.honest => panic!("an honest peer broke the protocol: {error}"),
            Err(_) => self.broken = true,
        }
    }

    /// Takes both outputs, and looks at all that can be seen.
    fn check(&mut self) {
        let buffered = self.translator.buffered();
        assert_eq!(self.translator.wants_input(), buffered < STREAM_BUFFER);
        let near = self.translator.near_output().split();
        // A frame of the peer has 18 bytes at least, and what is told of it no more than this.
        let most = self.session.granted() + 8 * self.taken + 4096;
        assert!(near.len() <= most, "{} bytes for the session of {}", near.len(), self.taken);
        self.session.hear(&near);
        let out = self.translator.peer_output().split();
        self.peer.hear(&out, &mut self.session);
        self.taken = 0;
        if self.honest {
            let arrived = self.peer.arrived(|id| self.session.wants(id));
            let held = arrived - self.session.read(|id| self.session.wants(id));
            assert_eq!(buffered as u64, held, "what is buffered");
        }
    }

    /// All arrives, and all is read.
    fn finish(&mut self) {
        for frame in self.session.grant_all() {
            self.translator.handle_near(&frame);
        }
        self.check();
        for _ in 0..1000 {
            if self.broken || self.peer.is_silent() {
                break;
            }
            self.deliver(100_000);
            self.check();
            for frame in self.session.grant_all() {
                self.translator.handle_near(&frame);
            }
            self.check();
        }
        if self.honest {
            assert!(self.peer.is_silent(), "the peer could not send all");
            assert_eq!(self.translator.buffered(), 0);
            for (id, length) in self.peer.finished() {
                self.session.expect_whole(id, length);
            }
            assert_eq!(self.session.events(), self.peer.events(), "events of the peer");
        }
    }
}
