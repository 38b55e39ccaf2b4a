//! The public states against the vectors of an independent implementation, byte for byte.
//!
//! Every field of the vectors can be said through the public API. The values in between (`prk`,
//! `th1`, `th2`) are private; a unit test beside the key schedule compares those. The dialler does
//! not report `auth_timeout_s`: it is compared as a part of the CHALLENGE that a listener makes.

use std::sync::Arc;

use gatewire_codec::v3::handshake::{Accept, Challenge, Hello, Proof, extension};
use gatewire_codec::{LENGTH_PREFIX, Message, split_frame, v3};
use gatewire_core::SocketId;
use gatewire_core::handshake::{
    ChannelBinding, Decoys, DiallerConfig, Established, ExpectHello, KeyEntry, KeyRing,
    ListenerConfig, Psk, ResumeSecret, Roles,
};
use serde_json::Value;

use super::{DECOY, NOW};

#[test]
fn a_dialler_reproduces_hello_and_proof_of_the_vectors() {
    check_vectors(|vector| {
        let (hello, proof) = (vector.hello(), vector.proof());
        let (sent, next) = vector
            .dialler()
            .start(hello.nonce, vector.binding(), hello.extensions)
            .expect("a short HELLO");
        assert_eq!(sent, vector.frame("hello"), "{}: HELLO", vector.name);

        let (sent, next) =
            next.handle(vector.body("challenge"), proof.extensions).expect("CHALLENGE is taken");
        assert_eq!(sent, vector.frame("proof"), "{}: PROOF", vector.name);

        let established = next.handle(vector.body("accept")).expect("ACCEPT is taken");
        assert_eq!(established, vector.established(), "{}", vector.name);
    });
}

#[test]
fn a_listener_reproduces_challenge_and_accept_of_the_vectors() {
    check_vectors(|vector| {
        let (challenge, accept) = (vector.challenge(), vector.accept());
        let config = vector.listener();
        let (sent, next) = ExpectHello::new(&config, NOW)
            .handle(vector.body("hello"), challenge.nonce, vector.binding(), challenge.extensions)
            .expect("HELLO is taken");
        assert_eq!(sent, vector.frame("challenge"), "{}: CHALLENGE", vector.name);

        let id = SocketId::from_bytes(accept.session_id);
        let (sent, established) =
            next.handle(vector.body("proof"), id, accept.extensions).expect("PROOF is taken");
        assert_eq!(sent, vector.frame("accept"), "{}: ACCEPT", vector.name);
        assert_eq!(established, vector.established(), "{}", vector.name);
    });
}

#[test]
fn the_vectors_cover_each_role_suite_and_channel() {
    let mut seen = Vec::new();
    check_vectors(|vector| {
        let (hello, challenge) = (vector.hello(), vector.challenge());
        let bound = vector.exporter.is_some();
        seen.push((
            hello.role as u8,
            challenge.suite,
            bound,
            !hello.extensions.as_bytes().is_empty(),
        ));
    });
    assert_eq!(
        seen,
        [(0, 1, false, false), (0, 1, true, false), (1, 1, true, true), (0, 0, false, false)]
    );
}

/// What the vectors say of a handshake beside its frames is what the frames say; and there is no field that no
/// test looks at.
#[test]
fn each_field_of_the_vectors_is_used() {
    const DERIVED: [&str; 5] = ["prk", "th1", "mac_c", "th2", "mac_s"];
    check_vectors(|vector| {
        let name = &vector.name;
        let fields = vector.frames.as_object().expect("an object");
        let (hello, challenge) = (vector.hello(), vector.challenge());
        assert_eq!(vector.frames["role"], hello.role as u8, "{name}");
        assert_eq!(vector.frames["suite"], challenge.suite, "{name}");
        assert_eq!(hello.suites, [challenge.suite], "{name}");
        assert_eq!(vector.key_id, hello.key_id, "{name}");
        assert_eq!(vector.key().is_some(), challenge.suite == 1, "{name}");
        let mut known = vec!["name", "psk", "key_id", "suite", "role", "resume_secret"];
        known.extend(["channel_binding_type", "channel_binding"]);
        known.extend(["hello", "challenge", "proof", "accept"]);
        // Private values: a unit test beside the key schedule compares them.
        known.extend(DERIVED);
        for field in fields.keys() {
            assert!(known.contains(&field.as_str()), "{name}: nobody looks at {field}");
        }
        assert_eq!(fields.len(), known.len(), "{name}");
    });
}

/// One handshake of the vectors.
struct Vector {
    name: String,
    psk: Vec<u8>,
    key_id: String,
    exporter: Option<[u8; 32]>,
    resume_secret: ResumeSecret,
    frames: Value,
    bodies: [(&'static str, Vec<u8>); 4],
}

#[track_caller]
fn check_vectors(mut check: impl FnMut(&Vector)) {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/v3-handshake.json"))
        .expect("the vectors are JSON");
    let vectors = vectors.as_array().expect("a list");
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        check(&Vector::new(vector));
    }
}

impl Vector {
    fn new(vector: &Value) -> Self {
        let text = |field: &str| vector[field].as_str().expect("a text").to_owned();
        let bytes = |field: &str| unhex(&text(field));
        let body = |field: &str| {
            let whole = bytes(field);
            let (frame, rest) = split_frame(&whole, 512).expect("framed").expect("whole");
            assert_eq!(rest, b"", "one frame");
            frame.to_vec()
        };
        let exporter = match text("channel_binding_type").as_str() {
            "none" => None,
            "tls-exporter" => Some(bytes("channel_binding").try_into().expect("32 bytes")),
            other => panic!("unknown binding {other}"),
        };
        Self {
            name: text("name"),
            psk: bytes("psk"),
            key_id: text("key_id"),
            exporter,
            resume_secret: ResumeSecret::from_bytes(
                bytes("resume_secret").try_into().expect("32 bytes"),
            ),
            frames: vector.clone(),
            bodies: ["hello", "challenge", "proof", "accept"].map(|name| (name, body(name))),
        }
    }

    fn key(&self) -> Option<Psk> {
        if self.psk.is_empty() { None } else { Some(Psk::new(self.psk.clone()).expect("long")) }
    }

    fn dialler(&self) -> DiallerConfig {
        let hello = self.hello();
        let key = self.key().map(|key| (self.key_id.clone(), key));
        DiallerConfig { role: hello.role, key, instance: hello.instance }
    }

    fn listener(&self) -> ListenerConfig {
        let Challenge { instance, max_frame, auth_timeout_s, ping_s, .. } = self.challenge();
        let keys = match self.key() {
            Some(key) => KeyRing::new()
                .with("another", super::psk(1))
                .with_entry(KeyEntry::new(&*self.key_id, key).roles(Roles::BOTH)),
            None => KeyRing::new(),
        };
        ListenerConfig {
            keys,
            decoys: Decoys::new(DECOY),
            instance,
            max_frame,
            max_router_frame: max_frame,
            auth_timeout_s,
            ping_s,
        }
    }

    fn binding(&self) -> ChannelBinding<'_> {
        self.exporter.as_ref().map_or(ChannelBinding::None, ChannelBinding::TlsExporter)
    }

    fn established(&self) -> Established {
        let (hello, challenge) = (self.hello(), self.challenge());
        Established {
            session_id: SocketId::from_bytes(self.accept().session_id),
            role: hello.role,
            node_name: hello
                .extensions
                .find(extension::NODE_NAME)
                .map(|name| String::from_utf8(name.to_vec()).expect("UTF-8")),
            server_name: challenge
                .extensions
                .find(extension::SERVER_NAME)
                .map(|name| String::from_utf8(name.to_vec()).expect("UTF-8")),
            key_id: self.key_id.clone(),
            grant: Arc::default(),
            max_frame: challenge.max_frame,
            ping_s: challenge.ping_s,
            resume_secret: self.resume_secret.clone(),
        }
    }

    /// A frame with its length prefix.
    fn frame(&self, name: &str) -> Vec<u8> {
        unhex(self.frames[name].as_str().expect("a text"))
    }

    /// A frame without its length prefix.
    fn body(&self, name: &str) -> &[u8] {
        let (_, body) = self.bodies.iter().find(|(found, _)| *found == name).expect("a frame");
        assert_eq!(self.frame(name).len(), LENGTH_PREFIX + body.len());
        body
    }

    fn hello(&self) -> Hello<'_> {
        match v3::decode(self.body("hello")) {
            Ok(Message::Hello(hello)) => hello,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    fn challenge(&self) -> Challenge<'_> {
        match v3::decode(self.body("challenge")) {
            Ok(Message::Challenge(challenge)) => challenge,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    fn proof(&self) -> Proof<'_> {
        match v3::decode(self.body("proof")) {
            Ok(Message::Proof(proof)) => proof,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    fn accept(&self) -> Accept<'_> {
        match v3::decode(self.body("accept")) {
            Ok(Message::Accept(accept)) => accept,
            other => panic!("{}: {other:?}", self.name),
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}
