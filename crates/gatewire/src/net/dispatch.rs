//! From a frame to the handlers of its event, in order.
//!
//! One handler runs at a time. A sync handler, or an async one that is ready at once, is done when
//! [`Inbox::deliver`] returns. While an async one waits, later events of the connection are copied
//! into a bounded queue; answers and control messages pass it by, so that a handler can ask the
//! very peer whose event it handles - as long as that queue has room: then nothing is read any more.
//!
//! A server also lets events wait while its own outbox to the same client is above the soft mark, and
//! mostly with answers: who does not read the answers is asked for no more questions. A client does
//! not: if both sides waited for the other to read first, neither would.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use bytes::Bytes;
use gatewire_codec::v3::Named;
use gatewire_codec::{Message, ValueRef, v3};
use gatewire_core::{DropReason, Ledger};

use super::assembly::Frame;
use super::link::{HasLink, Session};
use super::routes::Routes;
use super::run::{Ran, Received, Rest, Run, Unfinished, run, run_stream};
use super::side::Side;
use crate::handler::report_panic;
use crate::stream::StreamReader;

/// Bytes that may wait for a handler, besides the number of messages.
const MAX_QUEUED_BYTES: usize = 4 << 20;

/// The received messages of one connection, and the handler that runs.
pub(crate) struct Inbox<C> {
    routes: Routes<C>,
    running: Option<Running<C>>,
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    max_queued: usize,
    /// Nothing is read before `first` is done.
    paused: bool,
    ledger: Ledger,
    session: Session,
}

/// A message that waits.
struct Queued {
    frame: Bytes,
    /// If it opens a stream.
    stream: Option<StreamReader>,
}

/// An async handler that waits.
struct Running<C> {
    future: Run,
    event: Box<str>,
    /// `None`: it handles no message, it goes before the first.
    message: Option<Unfinished<C>>,
}

impl<C: Clone + Send + Sync + 'static> Inbox<C> {
    /// `first`: runs before any message is handled.
    pub(crate) fn new(
        max_queued: usize,
        first: Option<Run>,
        paused: bool,
        session: Session,
    ) -> Self {
        let running =
            first.map(|future| Running { future, event: "connect".into(), message: None });
        Self {
            routes: Routes::new(),
            running,
            queue: VecDeque::new(),
            queued_bytes: 0,
            max_queued,
            paused,
            ledger: Ledger::default(),
            session,
        }
    }

    /// Whether no more may be read: the handler is behind. `messages`, `bytes`: what waits besides, in front
    /// of the inbox.
    pub(super) fn is_full_with(&self, messages: usize, bytes: usize) -> bool {
        self.paused
            || self.queue.len() + messages >= self.max_queued
            || self.queued_bytes + bytes >= MAX_QUEUED_BYTES
    }

    /// Whether that runs what goes before the first message.
    pub(super) fn is_starting(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.message.is_none())
    }

    /// Whether all that was received is handled.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_none() && self.queue.is_empty()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger
    }

    /// The connection that the messages came from.
    pub(crate) fn session(&self) -> Session {
        self.session
    }

    /// Gives the memory of an idle connection back.
    pub(crate) fn release_memory(&mut self) {
        self.routes.release_memory();
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }

    /// Counts a message that no handler is to see.
    pub(crate) fn count_dropped(&mut self, reason: DropReason) {
        self.ledger.accepted += 1;
        self.ledger.drop_for(reason, 1);
    }

    /// Takes one message: handles it now, or queues it behind the handler that runs.
    #[inline]
    pub(super) fn receive<S: Side<Context = C>>(
        &mut self,
        side: &S,
        received: Received<'_>,
        frame: &Frame<'_>,
        context: &mut Context<'_>,
    ) {
        self.ledger.accepted += 1;
        if self.is_idle() && !is_held(side) {
            self.deliver(side, received, frame, context);
            return;
        }
        self.wait(frame, None);
    }

    /// Takes the beginning of a stream: gives it to its handler now, or queues it behind the handler that
    /// runs.
    pub(super) fn receive_stream<S: Side<Context = C>>(
        &mut self,
        side: &S,
        received: Received<'_>,
        stream: StreamReader,
        frame: &Frame<'_>,
    ) {
        self.ledger.accepted += 1;
        if self.is_idle() && !is_held(side) {
            self.deliver_stream(side, received, stream);
        } else {
            self.wait(frame, Some(stream));
        }
    }

    fn wait(&mut self, frame: &Frame<'_>, stream: Option<StreamReader>) {
        self.ledger.queued += 1;
        let frame = frame.to_bytes();
        self.queued_bytes += frame.len();
        self.queue.push_back(Queued { frame, stream });
    }

    /// Takes a message of an event that came lately, and handles it at once. `false`: it is not one, or
    /// it has to wait; then nothing has happened.
    #[inline]
    pub(crate) fn receive_known<S: Side<Context = C>>(
        &mut self,
        side: &S,
        named: &Named<'_>,
        frame: &Frame<'_>,
        context: &mut Context<'_>,
    ) -> bool {
        if !self.is_idle() || is_held(side) {
            return false;
        }
        self.routes.refresh(side.handlers(), side.own_handlers());
        let Some(route) = self.routes.recall(named.name) else { return false };
        let value = named.value();
        let Ok(value) = &value else { return false };
        self.ledger.accepted += 1;
        let received = Received { event: &route.event, value, request: named.request };
        match run(side, received, self.session, &route.listeners, frame, context) {
            Ran::All { count: 1.., dropped: None } => self.ledger.done += 1,
            ran => {
                let event = route.event.clone();
                self.note(ran.or_unheard(), &event);
            }
        }
        true
    }

    /// Drives the running handler, then the queue behind it.
    pub(crate) fn poll<S: Side<Context = C>>(
        &mut self,
        side: &S,
        hold: bool,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            if let Some(running) = &mut self.running {
                let polled =
                    catch_unwind(AssertUnwindSafe(|| running.future.as_mut().poll(context)));
                let panic = match polled {
                    Ok(Poll::Pending) => return Poll::Pending,
                    Ok(Poll::Ready(())) => None,
                    Err(panic) => Some(panic),
                };
                let Some(Running { event, message, .. }) = self.running.take() else { continue };
                if let Some(panic) = &panic {
                    report_panic(&**side.owner(), &event, &**panic);
                }
                let Some(Unfinished { dropped, rest }) = message else {
                    self.paused = false;
                    continue;
                };
                self.ledger.queued -= 1;
                let dropped = dropped.or(panic.map(|_| DropReason::Panicked));
                match rest {
                    None => self.settle(dropped),
                    Some(rest) => self.resume(side, &rest, dropped, context),
                }
            } else if hold && !self.queue.is_empty() && is_held(side) {
                // The peer does not read what it asked for: it is not asked for more.
                return Poll::Pending;
            } else if let Some(Queued { frame, stream }) = self.queue.pop_front() {
                self.queued_bytes -= frame.len();
                self.ledger.queued -= 1;
                let Some((event, value, request)) = reread(&frame) else {
                    self.settle(Some(DropReason::Decode));
                    continue;
                };
                let received = Received { event, value: &value, request };
                match stream {
                    Some(stream) => self.deliver_stream(side, received, stream),
                    None => self.deliver(side, received, &Frame::Owned(&frame), context),
                }
            } else {
                return Poll::Ready(());
            }
        }
    }

    /// Runs the other handlers of a message after one that had to wait.
    fn resume<S: Side<Context = C>>(
        &mut self,
        side: &S,
        rest: &Rest<C>,
        dropped: Option<DropReason>,
        context: &mut Context<'_>,
    ) {
        let Some((event, value, _)) = reread(&rest.frame) else { return self.settle(dropped) };
        // A request is the first handler's.
        let received = Received { event, value: &value, request: None };
        let frame = &Frame::Owned(&rest.frame);
        let ran = run(side, received, self.session, &rest.listeners, frame, context);
        self.note(ran.or_dropped(dropped), received.event);
    }

    /// Runs the handlers of a message.
    fn deliver<S: Side<Context = C>>(
        &mut self,
        side: &S,
        received: Received<'_>,
        frame: &Frame<'_>,
        context: &mut Context<'_>,
    ) {
        let Received { event, value, .. } = received;
        self.routes.refresh(side.handlers(), side.own_handlers());
        let caught = self.deliver_to_any(side, event, value);
        let listeners = self.routes.find(event).map_or(&[][..], |route| &route.listeners);
        let ran = run(side, received, self.session, listeners, frame, context);
        self.note(if caught { ran } else { ran.or_unheard() }, event);
    }

    /// Gives a stream to its handler.
    fn deliver_stream<S: Side<Context = C>>(
        &mut self,
        side: &S,
        received: Received<'_>,
        stream: StreamReader,
    ) {
        self.routes.refresh(side.handlers(), side.own_handlers());
        self.deliver_to_any(side, received.event, received.value);
        let listeners = self.routes.find_streams(received.event);
        let dropped = run_stream(side, received, stream, self.session, listeners);
        self.settle(dropped);
    }

    fn note(&mut self, ran: Ran<C>, event: &str) {
        match ran {
            Ran::All { dropped, .. } => self.settle(dropped),
            Ran::Waits { future, unfinished } => {
                self.ledger.queued += 1;
                let message = Some(unfinished);
                self.running = Some(Running { future, event: event.into(), message });
            }
        }
    }

    fn settle(&mut self, dropped: Option<DropReason>) {
        match dropped {
            None => self.ledger.done += 1,
            Some(reason) => self.ledger.drop_for(reason, 1),
        }
    }

    /// Catch-all handlers; whether there is one.
    fn deliver_to_any<S: Side<Context = C>>(
        &self,
        side: &S,
        event: &str,
        value: &ValueRef<'_>,
    ) -> bool {
        let mut caught = false;
        for call in self.routes.any() {
            caught = true;
            let run = || call(side.context(), event, value.to_value());
            if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                report_panic(&**side.owner(), event, &*panic);
            }
        }
        caught
    }
}

/// Whether the peer is to read first what it asked for, before it may ask for more.
fn is_held<S: Side>(side: &S) -> bool {
    S::HOLDS && side.owner().link().is_behind()
}

/// Decodes a message again that was kept: its event, its value, and its id if an answer is wanted.
fn reread(frame: &[u8]) -> Option<(&str, ValueRef<'_>, Option<u32>)> {
    match v3::decode(frame) {
        Ok(Message::Event { event, value }) => Some((event, value, None)),
        Ok(Message::Request { id, event, value }) => Some((event, value, Some(id))),
        Ok(Message::StreamOpen { id, event, info, ack, .. }) => {
            Some((event, info, ack.then_some(id)))
        }
        // Only these are kept, after they were decoded once.
        _ => None,
    }
}
