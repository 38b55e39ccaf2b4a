//! What the attacker sends: something that it heard, something that it made of it, or anything.

use bytes::{Bytes, BytesMut};
use gatewire_codec::v3::handshake::{Extensions, Role};
use gatewire_codec::{Message, RejectCode, v3};

use super::Commands;

/// The most frames that it keeps, and the most changes to one frame.
const MEMORY: usize = 32;
const CHANGES: usize = 6;

#[derive(Default)]
pub(super) struct Attacker {
    heard: Vec<Bytes>,
}

impl Attacker {
    pub(super) fn hear(&mut self, frame: &Bytes) {
        if self.heard.len() < MEMORY {
            self.heard.push(frame.clone());
        }
    }

    /// The frame to deliver next: without further commands the one that was heard last.
    pub(super) fn frame(&self, commands: &mut Commands<'_>) -> Bytes {
        let mut frame = self.pick(commands);
        for _ in 0..CHANGES {
            let change = commands.byte();
            if change & 0xf == 0 {
                break;
            }
            frame = self.change(frame, change, commands);
        }
        frame
    }

    fn pick(&self, commands: &mut Commands<'_>) -> Bytes {
        let back = usize::from(commands.byte()) % self.heard.len().max(1);
        self.heard.iter().rev().nth(back).cloned().unwrap_or_default()
    }

    fn change(&self, frame: Bytes, change: u8, commands: &mut Commands<'_>) -> Bytes {
        let mut bytes = frame.to_vec();
        match change & 0xf {
            1..=3 => {
                let position = commands.length() % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(position) {
                    *byte ^= 1 << (change >> 4 & 7);
                }
            }
            4 => bytes.truncate(commands.length() % (bytes.len() + 1)),
            5 => {
                let length = usize::from(commands.byte());
                bytes.extend_from_slice(commands.bytes(length));
            }
            6 => {
                let length = usize::from(commands.byte());
                bytes = commands.bytes(length).to_vec();
            }
            // The beginning of one frame and the end of another.
            7 => {
                let other = self.pick(commands);
                let cut = commands.length() % (bytes.len() + 1);
                bytes.truncate(cut);
                bytes.extend_from_slice(other.get(cut..).unwrap_or_default());
            }
            8 => {
                let code = RejectCode::from_u8(commands.byte());
                return encode(&Message::Reject { code, retry_after_s: 0 }).unwrap_or_default();
            }
            _ => return with_other_field(&frame, commands).unwrap_or(frame),
        }
        bytes.into()
    }
}

/// The same frame with one field changed, and right lengths. `None`: it is no frame of a handshake.
fn with_other_field(frame: &[u8], commands: &mut Commands<'_>) -> Option<Bytes> {
    let mut message = v3::decode(frame).ok()?;
    let (field, value, length) = (commands.byte(), commands.byte(), commands.byte() & 0x3f);
    let bytes = commands.bytes(usize::from(length));
    let extensions = Extensions::new(bytes).unwrap_or_default();
    match &mut message {
        Message::Hello(hello) => match field % 8 {
            0 => hello.min_version = value,
            1 => hello.max_version = value,
            2 => hello.role = if value & 1 == 0 { Role::Client } else { Role::Router },
            3 => hello.key_id = ["", "alpha", "alphe", "old", "new"][usize::from(value) % 5],
            4 => hello.instance = [value; 16],
            5 => hello.nonce = [value; 32],
            6 => hello.suites = bytes,
            _ => hello.extensions = extensions,
        },
        Message::Challenge(challenge) => match field % 8 {
            0 => challenge.version = value,
            1 => challenge.suite = value,
            2 => challenge.instance = [value; 16],
            3 => challenge.nonce = [value; 32],
            4 => challenge.max_frame = u32::from(value),
            5 => challenge.auth_timeout_s = u16::from(value),
            6 => challenge.ping_s = u16::from(value),
            _ => challenge.extensions = extensions,
        },
        Message::Proof(proof) => match field % 2 {
            0 => proof.mac = [value; 32],
            _ => proof.extensions = extensions,
        },
        Message::Accept(accept) => match field % 3 {
            0 => accept.session_id = [value; 16],
            1 => accept.mac = [value; 32],
            _ => accept.extensions = extensions,
        },
        _ => return None,
    }
    encode(&message)
}

/// Without the length prefix.
fn encode(message: &Message<'_>) -> Option<Bytes> {
    let mut out = BytesMut::new();
    v3::encode(message, &mut out).ok()?;
    Some(out.freeze().slice(4..))
}
