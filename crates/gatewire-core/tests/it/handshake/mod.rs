//! The four frames: against vectors, against every way to get them wrong, and against tampering.

mod agreement;
mod keys;
mod order;
mod refusal;
mod rings;
mod secrets;
mod tampering;
mod transcript;
mod vectors;

use bytes::{Bytes, BytesMut};
use gatewire_codec::v3::handshake::{Extensions, Role};
use gatewire_codec::{LENGTH_PREFIX, Message, RejectCode, v3};
use gatewire_core::handshake::{
    ChannelBinding, Decoys, DiallerConfig, Established, ExpectChallenge, ExpectHello,
    HandshakeError, KeyRing, ListenerConfig, Psk,
};
use gatewire_core::{SocketId, UnixTime};

const CLIENT_INSTANCE: [u8; 16] = [0xc1; 16];
const SERVER_INSTANCE: [u8; 16] = [0x51; 16];
const CLIENT_NONCE: [u8; 32] = [0x11; 32];
const SERVER_NONCE: [u8; 32] = [0x22; 32];
const DECOY: [u8; 32] = [0x33; 32];
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const SESSION_ID: SocketId = SocketId::from_bytes([0x53; 16]);

/// Which frame passes the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Hello,
    Challenge,
    Proof,
    Accept,
}

/// How a handshake ended on each side. `None`: the connection was closed while this side waited.
#[derive(Debug)]
struct Outcome {
    dialler: Option<Result<Established, HandshakeError>>,
    listener: Option<Result<Established, HandshakeError>>,
    reject: Option<Bytes>,
}

fn psk(byte: u8) -> Psk {
    Psk::new([byte; 32]).expect("32 bytes are enough")
}

fn dialler(key: Option<(&str, Psk)>) -> DiallerConfig {
    let key = key.map(|(id, key)| (id.to_owned(), key));
    DiallerConfig { role: Role::Client, key, instance: CLIENT_INSTANCE }
}

fn listener(keys: KeyRing) -> ListenerConfig {
    ListenerConfig {
        keys,
        decoys: Decoys::new(DECOY),
        instance: SERVER_INSTANCE,
        max_frame: 1 << 20,
        max_router_frame: 1 << 20,
        auth_timeout_s: 5,
        ping_s: 10,
    }
}

/// A dialler and a listener that share a key.
fn friends() -> (DiallerConfig, ListenerConfig) {
    (dialler(Some(("alpha", psk(7)))), listener(KeyRing::new().with("alpha", psk(7))))
}

/// The frame without its length prefix, as a [`Framer`](gatewire_codec::Framer) gives it.
fn body(frame: &Bytes) -> Bytes {
    frame.slice(LENGTH_PREFIX..)
}

fn start(config: DiallerConfig) -> (Bytes, ExpectChallenge<'static>) {
    let (hello, next) =
        config.start(CLIENT_NONCE, ChannelBinding::None, Extensions::NONE).expect("a short HELLO");
    (body(&hello), next)
}

fn encode_body(message: &Message<'_>) -> Bytes {
    let mut out = BytesMut::new();
    v3::encode(message, &mut out).expect("encodes");
    body(&out.freeze())
}

fn rejected(code: RejectCode) -> HandshakeError {
    HandshakeError::Rejected { code, retry_after_s: 0 }
}

/// Runs a handshake to its end over a wire that gives each frame to `wire` and delivers what that
/// returns.
fn run(
    dialler: DiallerConfig,
    listener: &ListenerConfig,
    mut wire: impl FnMut(Step, Bytes) -> Bytes,
) -> Outcome {
    let none = Extensions::NONE;
    let (hello, expect_challenge) = start(dialler);
    let hello = wire(Step::Hello, hello);
    let expect_hello = ExpectHello::new(listener, NOW);
    let challenged = expect_hello.handle(&hello, SERVER_NONCE, ChannelBinding::None, none);
    let (challenge, expect_proof) = match challenged {
        Ok(next) => next,
        Err(refusal) => {
            let told = |reject| expect_challenge.handle(&body(reject), none).map(|_| ());
            let dialler = refusal.reject.as_ref().map(told);
            let dialler = dialler.map(|result| Err(result.expect_err("a REJECT ends it")));
            return Outcome { dialler, listener: Some(Err(refusal.error)), reject: refusal.reject };
        }
    };
    let challenge = wire(Step::Challenge, body(&challenge));
    let (proof, expect_accept) = match expect_challenge.handle(&challenge, none) {
        Ok(next) => next,
        Err(error) => {
            // The dialler hangs up; the listener never sees a PROOF.
            return Outcome { dialler: Some(Err(error)), listener: None, reject: None };
        }
    };
    let proof = wire(Step::Proof, body(&proof));
    match expect_proof.handle(&proof, SESSION_ID, none) {
        Ok((accept, established)) => {
            let accept = wire(Step::Accept, body(&accept));
            let dialler = Some(expect_accept.handle(&accept));
            Outcome { dialler, listener: Some(Ok(established)), reject: None }
        }
        Err(refusal) => {
            let dialler = refusal.reject.as_ref().map(|reject| expect_accept.handle(&body(reject)));
            Outcome { dialler, listener: Some(Err(refusal.error)), reject: refusal.reject }
        }
    }
}

/// A wire that changes nothing.
fn honest(_: Step, frame: Bytes) -> Bytes {
    frame
}

/// The four frames of a handshake between friends, without their length prefixes.
fn recorded() -> [(Step, Bytes); 4] {
    let (dialler, listener) = friends();
    let mut frames = Vec::new();
    let outcome = run(dialler, &listener, |step, frame| {
        frames.push((step, frame.clone()));
        frame
    });
    assert!(matches!(outcome.listener, Some(Ok(_))));
    frames.try_into().expect("four frames")
}
