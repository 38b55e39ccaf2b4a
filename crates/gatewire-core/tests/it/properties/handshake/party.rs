//! One side of a handshake: its state, and all that it took and gave.

use bytes::Bytes;
use gatewire_codec::v3::handshake::Extensions;
use gatewire_codec::{Message, v3};
use gatewire_core::SocketId;
use gatewire_core::handshake::{
    ChannelBinding, Established, ExpectAccept, ExpectChallenge, ExpectHello, ExpectProof,
    HandshakeError, Refusal,
};

use super::body;

/// A dialler. It has sent HELLO.
pub(super) struct Dialler {
    state: Dialling,
    pub(super) sent: Vec<Bytes>,
    pub(super) received: Vec<Bytes>,
    pub(super) outcome: Option<Result<Established, HandshakeError>>,
}

enum Dialling {
    Challenge(ExpectChallenge<'static>),
    Accept(ExpectAccept),
    Over,
}

impl Dialler {
    pub(super) fn new(hello: &Bytes, next: ExpectChallenge<'static>) -> Self {
        let (state, sent) = (Dialling::Challenge(next), vec![body(hello)]);
        Self { state, sent, received: Vec::new(), outcome: None }
    }

    pub(super) fn established(&self) -> Option<&Established> {
        self.outcome.as_ref()?.as_ref().ok()
    }

    /// Takes a frame; gives its answer. Who has hung up takes nothing.
    pub(super) fn handle(&mut self, frame: &Bytes) -> Option<Bytes> {
        let result = match std::mem::replace(&mut self.state, Dialling::Over) {
            Dialling::Challenge(state) => match state.handle(frame, Extensions::NONE) {
                Ok((proof, next)) => {
                    self.state = Dialling::Accept(next);
                    self.sent.push(body(&proof));
                    self.received.push(frame.clone());
                    return self.sent.last().cloned();
                }
                Err(error) => Err(error),
            },
            Dialling::Accept(state) => state.handle(frame),
            Dialling::Over => return None,
        };
        self.received.push(frame.clone());
        assert!(self.received.len() <= 2);
        self.outcome = Some(result);
        None
    }
}

/// A listener's handshake with one dialler.
pub(super) struct Listener<'c> {
    state: Listening<'c>,
    nonce: [u8; 32],
    binding: ChannelBinding<'static>,
    pub(super) sent: Vec<Bytes>,
    pub(super) received: Vec<Bytes>,
    pub(super) outcome: Option<Result<Established, Refusal>>,
}

enum Listening<'c> {
    Hello(ExpectHello<'c>),
    Proof(Box<ExpectProof>),
    Over,
}

impl<'c> Listener<'c> {
    pub(super) fn new(
        state: ExpectHello<'c>,
        nonce: [u8; 32],
        binding: ChannelBinding<'static>,
    ) -> Self {
        let state = Listening::Hello(state);
        Self { state, nonce, binding, sent: Vec::new(), received: Vec::new(), outcome: None }
    }

    pub(super) fn established(&self) -> Option<&Established> {
        self.outcome.as_ref()?.as_ref().ok()
    }

    /// Takes a frame; gives its answer. Who has hung up takes nothing.
    pub(super) fn handle(&mut self, frame: &Bytes) -> Option<Bytes> {
        let none = Extensions::NONE;
        let result = match std::mem::replace(&mut self.state, Listening::Over) {
            Listening::Hello(state) => {
                state.handle(frame, self.nonce, self.binding, none).map(|(challenge, next)| {
                    self.state = Listening::Proof(Box::new(next));
                    (challenge, None)
                })
            }
            Listening::Proof(state) => {
                let id = SocketId::from_bytes([self.nonce[0]; 16]);
                state.handle(frame, id, none).map(|(accept, session)| (accept, Some(session)))
            }
            Listening::Over => return None,
        };
        self.received.push(frame.clone());
        assert!(self.received.len() <= 2);
        let answer = match result {
            Ok((answer, session)) => {
                self.outcome = session.map(Ok);
                Some(body(&answer))
            }
            Err(refusal) => {
                check_refusal(&refusal, self.received.len());
                let reject = refusal.reject.as_ref().map(body);
                self.outcome = Some(Err(refusal));
                reject
            }
        };
        self.sent.extend(answer.clone());
        answer
    }
}

/// What is told of a fault says no more than it may, and comes when it may.
fn check_refusal(refusal: &Refusal, frames: usize) {
    // Nothing that depends on a key is told before a proof was there to be looked at.
    let (code, after) = match refusal.error {
        HandshakeError::Malformed(_) | HandshakeError::Unexpected { .. } => {
            assert_eq!(refusal.reject, None, "garbage is not answered");
            return;
        }
        HandshakeError::Proof | HandshakeError::Key(_) => (1, 2),
        HandshakeError::Version => (2, 1),
        HandshakeError::Suite => (3, 1),
        HandshakeError::SelfConnection => (5, 1),
        HandshakeError::Role | HandshakeError::NodeName => (7, 2),
        ref other => panic!("{other:?} is no fault of the dialler"),
    };
    assert_eq!(frames, after, "{:?}", refusal.error);
    let reject = refusal.reject.as_ref().expect("it is told");
    match v3::decode(&body(reject)) {
        Ok(Message::Reject { code: told, retry_after_s: 0 }) => assert_eq!(told.to_u8(), code),
        other => panic!("{other:?}"),
    }
}
