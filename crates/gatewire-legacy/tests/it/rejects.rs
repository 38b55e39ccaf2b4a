//! The byte sequences on which Node peers were tried: what comes of each here.

use bytes::BytesMut;
use gatewire_codec::{Framer, Version, split_frame, v3};
use gatewire_legacy::downlink::{PeerError, Side, Translator};
use gatewire_legacy::handshake::{Dialler, ExpectProof, Progress, Role, Seed, V2Secret};
use serde_json::Value as Json;

use crate::downlink::bounds::settings;

/// The vectors of the codec, or nothing in a published crate.
fn entries(version: Version) -> Vec<(String, String, Vec<u8>)> {
    let path = format!(
        "{}/../gatewire-codec/tests/vectors/v{}.json",
        env!("CARGO_MANIFEST_DIR"),
        version as u8
    );
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    let golden: Json = serde_json::from_str(&text).expect("JSON");
    let entries = golden["reject"].as_array().expect("a list");
    let with_bytes = entries.iter().filter(|entry| entry["hex"].is_string());
    with_bytes
        .map(|entry| {
            let hex = entry["hex"].as_str().expect("a text");
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits");
            let bytes = (0..hex.len()).step_by(2).map(byte).collect();
            let text = |key: &str| entry[key].as_str().expect("a text").to_owned();
            (text("name"), text("kind"), bytes)
        })
        .collect()
}

/// A whole frame that means something, for behind an entry.
fn event(version: Version) -> BytesMut {
    let mut out = BytesMut::new();
    let event =
        gatewire_codec::Message::Event { event: "behind", value: gatewire_codec::ValueRef::Empty };
    gatewire_codec::legacy::encode(&event, version, 2, &mut out).expect("a short frame");
    out
}

#[test]
fn a_translator_survives_every_bad_sequence() {
    for version in [Version::V1, Version::V2] {
        for (name, kind, bytes) in entries(version) {
            for side in [Side::Server, Side::Client] {
                let whole = take(version, side, &[&bytes[..]]);
                let cut: Vec<&[u8]> = bytes.chunks(1).collect();
                let error = take(version, side, &cut);
                assert_eq!(error, whole, "{name}: in one piece, and byte by byte");
                match kind.as_str() {
                    // More is waited for.
                    "incomplete" => assert_eq!(whole, Ok(()), "{name}"),
                    // Each frame is good: what it means is ignored, or passed on.
                    "semantic" => match whole {
                        Ok(()) | Err(PeerError::StreamId(_)) => {}
                        Err(error) => panic!("{name}: {error}"),
                    },
                    _ => {}
                }
            }
        }
    }
}

/// What comes of the pieces, each followed by a look at the outputs.
fn take(version: Version, side: Side, pieces: &[&[u8]]) -> Result<(), PeerError> {
    let mut translator = Translator::new(settings(version, side), 3);
    for piece in pieces {
        let taken = translator.handle_peer(piece);
        let near = translator.near_output().split();
        let mut rest = &near[..];
        while let Some((frame, behind)) = split_frame(rest, u32::MAX).expect("whole frames") {
            v3::decode(frame).expect("version 3");
            rest = behind;
        }
        taken?;
    }
    Ok(())
}

#[test]
fn what_is_wrong_inside_one_frame_costs_no_other() {
    for version in [Version::V1, Version::V2] {
        for (name, kind, bytes) in entries(version) {
            let good = split_frame(&bytes, 1 << 20);
            if kind != "malformed" || !matches!(good, Ok(Some((_, [])))) {
                continue;
            }
            let mut translator = Translator::new(settings(version, Side::Server), 3);
            if translator.handle_peer(&bytes).is_err() {
                // Lengths that do not agree, or another version: nothing behind can be trusted.
                continue;
            }
            translator.near_output().clear();
            translator.handle_peer(&event(version)).unwrap();
            assert!(!translator.near_output().is_empty(), "{name}: the next event");
        }
    }
}

#[test]
fn a_handshake_survives_every_bad_sequence() {
    for version in [Version::V1, Version::V2] {
        for (_, kind, bytes) in entries(version) {
            let mut buffer = BytesMut::from(&bytes[..]);
            let Ok(Some(first)) = Framer::new(512).next_frame(&mut buffer) else { continue };
            assert_ne!(kind, "incomplete");
            let secret = || V2Secret::new(*b"This is a test key");
            if version == Version::V2 {
                for keys in [&[secret()][..], &[]] {
                    let expect = ExpectProof::start(Seed::new([7; 32])).1;
                    if let Ok(Ok(expect)) = expect.handle(&first, keys) {
                        drop(expect.handle(&first));
                    }
                }
            }
            for secret in [None, Some(secret())] {
                let step = Dialler { version, secret, role: Role::Client }.start().1;
                if let Ok(Progress::Waits(_, step)) = step.handle(&first) {
                    drop(step.handle(&first));
                }
            }
        }
    }
}
