//! A recorded session.

use gatewire_codec::Version;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What happened, in order.
pub(super) struct Session {
    pub(super) version: Version,
    pub(super) entries: Vec<Entry>,
}

pub(super) enum Entry {
    /// The script of the recording did this.
    Step(String),
    /// A client has connected.
    Open(String),
    /// One side ends the connection.
    End { conn: String, from_client: bool },
    /// One side sends a frame, given with its length prefix.
    Frame { conn: String, from_client: bool, frame: Vec<u8> },
}

macro_rules! session {
    ($name:literal) => {
        super::recorded::Session::parse(include_str!(concat!(
            "../../../../../gatewire-legacy/tests/sessions/",
            $name,
            ".json"
        )))
    };
}
pub(super) use session;

impl Session {
    pub(super) fn parse(text: &str) -> Self {
        let session: Value = serde_json::from_str(text).expect("a transcript");
        let name = session["name"].as_str().expect("a name");
        let version = if name.starts_with("v1") { Version::V1 } else { Version::V2 };
        let mut cut = Cut::default();
        let transcript = session["transcript"].as_array().expect("a transcript");
        let entries = transcript.iter().filter_map(|entry| Entry::parse(entry, &mut cut)).collect();
        Self { version, entries }
    }
}

impl Entry {
    fn parse(entry: &Value, cut: &mut Cut) -> Option<Self> {
        let text = |key: &str| entry[key].as_str().map(str::to_owned);
        if let Some(step) = text("step") {
            return Some(Self::Step(step));
        }
        let conn = text("conn").expect("a connection");
        match (entry["event"].as_str(), entry["dir"].as_str()) {
            (Some("open"), _) => Some(Self::Open(conn)),
            (Some("fin"), Some(dir)) => Some(Self::End { conn, from_client: dir == "c2s" }),
            // What the proxy of the recording did is seen from the ends.
            (Some(_), _) => None,
            (None, Some(dir)) => {
                let frame = cut.whole(entry);
                Some(Self::Frame { conn, from_client: dir == "c2s", frame })
            }
            _ => panic!("{entry}"),
        }
    }
}

/// Long chunks, of which the recording has the head and the digest: they go on with one pattern.
#[derive(Default)]
struct Cut {
    /// Of which stream, and how much of the pattern it has had.
    stream: Option<(String, usize)>,
}

impl Cut {
    fn whole(&mut self, entry: &Value) -> Vec<u8> {
        let decoded = &entry["decoded"];
        let stream = format!("{} {}", entry["conn"], decoded["message_id"]);
        let at = self.stream.take().filter(|(same, _)| *same == stream).map_or(0, |(_, at)| at);
        if let Some(hex) = entry["hex"].as_str() {
            return unhex(hex);
        }
        let length = usize::try_from(entry["len"].as_u64().expect("a length")).expect("a length");
        let data =
            usize::try_from(decoded["data"]["len"].as_u64().expect("a length")).expect("a length");
        let mut frame = unhex(entry["head_hex"].as_str().expect("a head"));
        frame.truncate(length - data);
        frame.extend((at..at + data).map(|index| (index * 31 + 7 + (index >> 8)).to_le_bytes()[0]));
        self.stream = Some((stream, at + data));
        let digest = Sha256::digest(&frame);
        assert_eq!(unhex(entry["sha256"].as_str().expect("a digest")), digest[..], "{decoded}");
        frame
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}
