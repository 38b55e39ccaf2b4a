//! The one answer that a request gets.

use std::sync::Arc;

use gatewire_codec::{NackCode, StreamCode, ValueRef};
use gatewire_format::{Answer, EncodeContext, IntoAnswer};

use crate::error::{EmitError, Error};
use crate::net::link::{HasLink, Link, Session, SharedOwner, with_scratch};
use crate::net::pipes::{IncomingStream, Pipe, reset};

/// Sends what a handler returned to the connection that asked.
pub(crate) fn answer(
    owner: &(impl SharedOwner + ?Sized),
    session: Session,
    id: u32,
    event: &str,
    answer: &impl IntoAnswer,
    stream: Option<&Arc<Pipe>>,
) {
    let link = owner.as_owner().link();
    let sent = with_scratch(answer.uses_scratch(), |scratch| {
        match answer.to_answer(EncodeContext::new(&link.formats, event, scratch))? {
            Answer::Ack(value) => link.answer(owner, session, |outbound| {
                if stream.is_some_and(|stream| stream.answer()) {
                    outbound.stop_stream(id, StreamCode::Dropped, "")?;
                }
                outbound.ack(id, value)
            }),
            Answer::Rejected(value) => {
                end_stream(link, stream);
                link.answer(owner, session, |outbound| outbound.nack(id, NackCode::Rejected, value))
            }
        }
    });
    match sent {
        // Gone with the connection: so is the requester's interest.
        Ok(()) | Err(EmitError::Closed | EmitError::NotConnected) => {}
        Err(EmitError::TooLarge { .. }) => {
            refuse(owner, session, id, event, stream, NackCode::TooLarge, "");
        }
        Err(error) => {
            let text = error.to_string();
            refuse(owner, session, id, event, stream, NackCode::Unanswered, &text);
            owner.as_owner().report(Error::Answer { event: event.to_owned(), error });
        }
    }
}

/// The writer of a stream that is refused sends no more, so who reads on is not to wait for it. What came can
/// be read; a stream that is finished stays so.
fn end_stream(link: &Link, stream: Option<&Arc<Pipe>>) {
    if let Some(stream) = stream {
        link.close_pipe(stream.id(), &**stream);
        stream.handle_failure(reset(StreamCode::Cancelled, "its handler refused the stream"));
    }
}

/// Tells the connection that asked that there will be no answer.
#[cold]
pub(crate) fn refuse(
    owner: &(impl SharedOwner + ?Sized),
    session: Session,
    id: u32,
    event: &str,
    stream: Option<&Arc<Pipe>>,
    code: NackCode,
    text: &str,
) {
    end_stream(owner.as_owner().link(), stream);
    let value = if text.is_empty() { ValueRef::Empty } else { ValueRef::String(text) };
    let link = owner.as_owner().link();
    let refused = link.answer(owner, session, |outbound| outbound.nack(id, code, value));
    if let Err(error) = refused {
        tracing::debug!(%error, event, "a refusal was not sent");
    }
}

/// The right to answer a request once, later. Dropped without an answer, the requester learns that the
/// handler panicked: nothing else drops it.
pub(crate) struct Reply {
    stream: Option<Arc<Pipe>>,
    owner: Arc<dyn HasLink>,
    /// The connection that asked: another has nothing to do with the answer.
    session: Session,
    id: u32,
    event: Box<str>,
    answered: bool,
}

impl Reply {
    pub(crate) fn new(
        owner: Arc<dyn HasLink>,
        session: Session,
        id: u32,
        event: &str,
        stream: Option<Arc<Pipe>>,
    ) -> Self {
        Self { stream, owner, session, id, event: event.into(), answered: false }
    }

    pub(crate) fn answer(mut self, value: &impl IntoAnswer) {
        // A panic of the format is the handler's: then the reply is dropped without an answer.
        let stream = self.stream.as_ref();
        answer(&self.owner, self.session, self.id, &self.event, value, stream);
        self.answered = true;
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.answered {
            let (stream, code) = (self.stream.as_ref(), NackCode::Panicked);
            refuse(&self.owner, self.session, self.id, &self.event, stream, code, "");
        }
    }
}
