//! What holds for every sequence of frames and commands. Each function panics where it does not.
//!
//! Called with random bytes and the stored inputs by the corpus test, and with millions of inputs by
//! the targets in `fuzz/`, which include this folder.

mod end;
mod handshake;
mod pattern;

use gatewire_codec::{NackCode, StreamCode, v3};
use gatewire_core::session::{OutboxLimits, Overflow};

use end::End;
pub use handshake::handshake;

/// Two ends of a connection write and read streams; `input` says what they do, and how far the bytes
/// between them get.
///
/// Readers see what was written, from its beginning and without a gap, and an end only where the writer
/// made one. No reader holds more than it allowed, no byte comes that it did not allow. What was not cut
/// off arrives, when everything is read in the end. Accounts add up, and credit is given back.
///
/// The first byte chooses the policy of the outboxes, and whether one end is replaced by a peer that sends
/// any frames: then only what protects the other one is checked.
pub fn streams(input: &[u8]) {
    let Some((&first, rest)) = input.split_first() else { return };
    let overflow =
        [Overflow::Disconnect, Overflow::DropNewest, Overflow::DropOldest, Overflow::Latest]
            [usize::from(first) % 4];
    let max_bytes = if first & 4 == 0 { 4 << 20 } else { 40_000 };
    let limits = OutboxLimits { max_bytes, max_frames: 1000, overflow };
    let honest = first & 8 == 0;
    let mut both = Both {
        ends: [End::new(limits, honest), End::new(limits, honest)],
        wires: [Vec::new(), Vec::new()],
        honest,
    };
    let mut commands = Commands { rest };
    while let Some(command) = commands.next() {
        both.apply(command, &mut commands);
        both.check();
    }
    both.finish();
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

    /// Often small, and up to 130,000.
    fn length(&mut self) -> usize {
        let length = usize::from(self.byte());
        if length < 128 { length } else { (length - 127) << 10 }
    }

    fn bytes(&mut self, length: usize) -> &'i [u8] {
        let (bytes, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        bytes
    }
}

/// Two ends, and the bytes on their way: `wires[0]` from the first end to the second.
struct Both {
    ends: [End; 2],
    wires: [Vec<u8>; 2],
    honest: bool,
}

impl Both {
    fn apply(&mut self, command: u8, more: &mut Commands<'_>) {
        let side = usize::from(command >> 7);
        let end = &mut self.ends[side];
        match command & 0x7f {
            0..=15 => end.open(),
            16..=35 => {
                let (id, length) = (more.byte(), more.length());
                end.write(id, length, command & 1 == 0);
            }
            36..=40 => end.finish(more.byte()),
            41..=43 => end.reset(more.byte()),
            44..=60 => self.flush(side, more.length()),
            61..=80 => self.deliver(side, more.length()),
            81..=95 => {
                let (id, most) = (more.byte(), more.length());
                end.read(id, most);
            }
            96..=98 => end.stop(more.byte(), StreamCode::Enough),
            99..=102 => end.answer(more.byte(), None),
            103..=104 => end.answer(more.byte(), Some(NackCode::Rejected)),
            105..=110 => end.emit(more.length()),
            111 => end.drop_events(),
            112 => end.release_memory(),
            113 => self.disconnect(more.byte()),
            _ if !self.honest => self.inject(side, more),
            _ => {}
        }
        if self.ends.iter().any(|end| end.broken) {
            self.disconnect(0);
        }
    }

    /// The kernel takes some bytes of what waits.
    fn flush(&mut self, side: usize, most: usize) {
        let written = self.ends[side].flush(most);
        self.wires[side].extend(written);
    }

    /// Some bytes arrive at the other end.
    fn deliver(&mut self, side: usize, most: usize) {
        let length = most.min(self.wires[side].len());
        let rest = self.wires[side].split_off(length);
        let arrived = std::mem::replace(&mut self.wires[side], rest);
        self.ends[1 - side].receive(&arrived);
    }

    /// A frame from nowhere: of a stream, with any body.
    fn inject(&mut self, side: usize, more: &mut Commands<'_>) {
        let (kind, length) = (more.byte(), usize::from(more.byte()));
        let mut frame = vec![3, [24, 25, 26, 27, 28, 29, 32, 18, 19, 9][usize::from(kind) % 10]];
        frame.extend_from_slice(more.bytes(length));
        if kind >= 128 && v3::decode(&frame).is_ok() {
            // A long chunk needs no long input.
            frame.resize(frame.len() + (usize::from(kind - 128) << 9), 0);
        }
        self.ends[side].handle_frame(&frame.into());
    }

    /// The connection is lost; another one takes its place, for which some events are kept.
    fn disconnect(&mut self, salt: u8) {
        self.wires = [Vec::new(), Vec::new()];
        for end in &mut self.ends {
            end.disconnect(salt);
        }
    }

    fn check(&self) {
        for (end, peer) in [(&self.ends[0], &self.ends[1]), (&self.ends[1], &self.ends[0])] {
            end.check();
            if self.honest {
                end.check_against(peer);
            }
        }
    }

    /// Everything flows until nothing is left.
    fn finish(&mut self) {
        loop {
            let mut moved = false;
            for side in [0, 1] {
                self.ends[side].read_all();
                self.flush(side, usize::MAX);
                moved |= !self.wires[side].is_empty();
                self.deliver(side, usize::MAX);
            }
            if self.ends.iter().any(|end| end.broken) {
                self.disconnect(0);
            }
            if !moved {
                break;
            }
        }
        self.check();
        for side in [0, 1] {
            if self.honest {
                self.ends[side].check_all_arrived(&self.ends[1 - side]);
            }
            self.ends[side].drop_streams();
        }
    }
}
