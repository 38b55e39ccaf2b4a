//! The one answer that a request gets.

use std::sync::Arc;

use gatewire_codec::{NackCode, ValueRef};
use gatewire_format::{Answer, EncodeContext, FormatError, IntoAnswer};

use crate::error::{EmitError, Error};
use crate::net::link::{HasLink, Session, with_scratch};

/// The right to answer a request, once. Dropped without an answer, the requester learns that the
/// handler panicked: nothing else drops it.
#[expect(unreachable_pub, reason = "part of a hidden type of a public trait")]
pub struct Reply {
    owner: Arc<dyn HasLink>,
    /// The connection that asked: another has nothing to do with the answer.
    session: Session,
    id: u32,
    event: Box<str>,
    answered: bool,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Reply {
    pub(crate) fn new(owner: Arc<dyn HasLink>, session: Session, id: u32, event: &str) -> Self {
        Self { owner, session, id, event: event.into(), answered: false }
    }

    pub(crate) fn answer(mut self, answer: &impl IntoAnswer) {
        let link = self.owner.link();
        let sent = with_scratch(|scratch| {
            let context = EncodeContext::new(&link.formats, &self.event, scratch);
            // A panic of the format is the handler's: the reply is dropped without an answer.
            let answer = answer.to_answer(context)?;
            link.answer(&self.owner, self.session, |outbound| match answer {
                Answer::Ack(value) => outbound.ack(self.id, value),
                Answer::Rejected(value) => outbound.nack(self.id, NackCode::Rejected, value),
            })
        });
        self.answered = true;
        match sent {
            // Gone with the connection: so is the requester's interest.
            Ok(()) | Err(EmitError::Closed | EmitError::NotConnected) => {}
            Err(EmitError::TooLarge { .. }) => self.refuse(NackCode::TooLarge, ""),
            Err(error) => {
                self.refuse(NackCode::Unanswered, &error.to_string());
                self.owner.report(Error::Answer { event: self.event.to_string(), error });
            }
        }
    }

    pub(crate) fn undecodable(mut self, error: &FormatError) {
        self.answered = true;
        self.refuse(NackCode::Decode, &error.to_string());
    }

    pub(crate) fn no_handler(mut self) {
        self.answered = true;
        self.refuse(NackCode::NoHandler, "");
    }

    fn refuse(&self, code: NackCode, text: &str) {
        let value = if text.is_empty() { ValueRef::Empty } else { ValueRef::String(text) };
        let refused = self
            .owner
            .link()
            .answer(&self.owner, self.session, |outbound| outbound.nack(self.id, code, value));
        if let Err(error) = refused {
            tracing::debug!(%error, event = &*self.event, "a refusal was not sent");
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.answered {
            self.refuse(NackCode::Panicked, "");
        }
    }
}
