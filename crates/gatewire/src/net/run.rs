//! The run of a message through its handlers.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gatewire_codec::{NackCode, ValueRef};
use gatewire_core::DropReason;
use gatewire_format::DecodeContext;

use super::assembly::Frame;
use super::link::{HasLink, Session};
use super::side::Side;
use crate::error::Error;
use crate::handler::{Claim, Delivery, Flow, Listener, caught, report_panic};
use crate::stream::StreamReader;

/// One run of an async handler.
pub(super) type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A message one of whose handlers waits.
pub(super) struct Unfinished<C> {
    /// Whether it counts as dropped, because of a handler that ran before.
    pub(super) dropped: Option<DropReason>,
    pub(super) rest: Option<Rest<C>>,
}

/// The handlers of a message that are still to run, and its frame. They were listed when the first
/// began: what has changed since then is for later messages.
pub(super) struct Rest<C> {
    pub(super) frame: Bytes,
    pub(super) listeners: Vec<Arc<Listener<C>>>,
}

/// One message.
#[derive(Clone, Copy)]
pub(super) struct Received<'f> {
    pub(super) event: &'f str,
    pub(super) value: &'f ValueRef<'f>,
    pub(super) request: Option<u32>,
}

/// How far the handlers of a message came.
pub(super) enum Ran<C> {
    /// To their end.
    All {
        /// How many ran.
        count: usize,
        /// Why the message counts as dropped, if it does.
        dropped: Option<DropReason>,
    },
    /// One waits.
    Waits { future: Run, unfinished: Unfinished<C> },
}

impl<C> Ran<C> {
    /// The message counts as dropped for an earlier reason.
    pub(super) fn or_dropped(mut self, earlier: Option<DropReason>) -> Self {
        let (Self::All { dropped, .. }
        | Self::Waits { unfinished: Unfinished { dropped, .. }, .. }) = &mut self;
        *dropped = earlier.or(*dropped);
        self
    }

    /// The message counts as dropped if no handler ran: there is none, or only such as run once and
    /// have.
    pub(super) fn or_unheard(mut self) -> Self {
        if let Self::All { count: 0, dropped } = &mut self {
            *dropped = Some(DropReason::NoHandler);
        }
        self
    }
}

/// Runs handlers one after the other, until one has to wait. The first that runs answers.
#[inline]
pub(super) fn run<S: Side>(
    side: &S,
    received: Received<'_>,
    session: Session,
    listeners: &[Arc<Listener<S::Context>>],
    frame: &Frame<'_>,
    context: &mut Context<'_>,
) -> Ran<S::Context> {
    let Received { event, value, request } = received;
    let owner = side.owner();
    let decode = DecodeContext::new(&owner.link().formats, event).in_frame(frame.owned());
    let mut delivery = Delivery {
        event,
        value,
        context: decode,
        request,
        stream: None,
        pipe: None,
        session,
        owner,
    };
    let (mut count, mut dropped) = (0, None);
    for (index, listener) in listeners.iter().enumerate() {
        if !claim(side, listener) {
            continue;
        }
        count += 1;
        let flow = catch_unwind(AssertUnwindSafe(|| {
            match (listener.call)(side.context(), &mut delivery) {
                Flow::Later(mut future) => match future.as_mut().poll(context) {
                    Poll::Ready(()) => Flow::Done,
                    Poll::Pending => Flow::Later(future),
                },
                done => done,
            }
        }));
        match flow {
            Ok(Flow::Done) => {}
            Ok(Flow::Undecodable(error)) => {
                dropped = Some(DropReason::Decode);
                owner.report(Error::Decode { event: event.to_owned(), error: *error });
            }
            Ok(Flow::Later(future)) => {
                let rest = listeners.get(index + 1..).filter(|rest| !rest.is_empty());
                let rest =
                    rest.map(|rest| Rest { frame: frame.to_bytes(), listeners: rest.to_vec() });
                return Ran::Waits { future, unfinished: Unfinished { dropped, rest } };
            }
            Err(panic) => {
                dropped = Some(DropReason::Panicked);
                delivery.refuse(NackCode::Panicked, "");
                report_panic(&**owner, event, &*panic);
            }
        }
    }
    // Nobody listens, or only `once` handlers that have run already.
    delivery.refuse(NackCode::NoHandler, "");
    Ran::All { count, dropped }
}

/// Gives a stream to the first of its handlers: why the message that opened it counts as dropped, if it does.
pub(super) fn run_stream<'l, S: Side>(
    side: &S,
    received: Received<'_>,
    stream: StreamReader,
    session: Session,
    listeners: impl Iterator<Item = &'l Arc<Listener<S::Context>>>,
) -> Option<DropReason> {
    let Received { event, value, request } = received;
    let owner = side.owner();
    let context = DecodeContext::new(&owner.link().formats, event);
    let pipe = Arc::clone(stream.pipe());
    let mut delivery = Delivery {
        event,
        value,
        context,
        request,
        stream: Some(stream),
        pipe: Some(pipe),
        session,
        owner,
    };
    for listener in listeners {
        if !claim(side, listener) {
            continue;
        }
        let call = || (listener.call)(side.context(), &mut delivery);
        let dropped = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Flow::Done) => None,
            Ok(Flow::Undecodable(error)) => {
                owner.report(Error::Decode { event: event.to_owned(), error: *error });
                Some(DropReason::Decode)
            }
            Ok(Flow::Later(future)) => {
                let (owner, event) = (Arc::clone(owner), event.to_owned());
                tokio::spawn(async move {
                    if let Err(panic) = caught(future).await {
                        report_panic(&*owner, &event, &*panic);
                    }
                });
                None
            }
            Err(panic) => {
                delivery.refuse(NackCode::Panicked, "");
                report_panic(&**owner, event, &*panic);
                Some(DropReason::Panicked)
            }
        };
        delivery.leave_stream();
        return dropped;
    }
    delivery.refuse(NackCode::NoHandler, "");
    delivery.leave_stream();
    Some(DropReason::NoHandler)
}

/// Whether a handler is to run. One that runs once is taken off.
#[inline]
fn claim<S: Side>(side: &S, listener: &Listener<S::Context>) -> bool {
    match listener.claim() {
        Claim::Run => true,
        Claim::Skip => false,
        Claim::RunAndRemove => {
            if !side.own_handlers().is_some_and(|own| own.remove(listener.id)) {
                side.handlers().remove(listener.id);
            }
            true
        }
    }
}
