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
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gatewire_codec::{Message, ValueRef, v3};
use gatewire_core::{DropReason, Ledger};
use gatewire_format::DecodeContext;

use super::assembly::Frame;
use super::driver::Side;
use super::link::{HasLink, Session};
use crate::error::Error;
use crate::handler::{Claim, Delivery, Flow, Handlers, Listener, Reply, Table, report_panic};

/// Bytes that may wait for a handler, besides the number of messages.
const MAX_QUEUED_BYTES: usize = 4 << 20;

/// A snapshot of a handler table, renewed when the table has changed.
struct Snapshot<C> {
    version: u64,
    table: Option<Arc<Table<C>>>,
}

impl<C> Snapshot<C> {
    const EMPTY: Self = Self { version: 0, table: None };

    fn find(&self, event: &str) -> &[Arc<Listener<C>>] {
        self.table.as_ref().and_then(|table| table.find(event)).map_or(&[], |found| found)
    }

    fn refresh(&mut self, handlers: &Handlers<C>) {
        let version = handlers.version();
        if self.table.is_none() || self.version != version {
            self.version = version;
            self.table = Some(handlers.snapshot());
        }
    }
}

/// The received messages of one connection, and the handler that runs.
pub(crate) struct Inbox<C> {
    shared: Snapshot<C>,
    own: Snapshot<C>,
    running: Option<Running<C>>,
    queue: VecDeque<Bytes>,
    queued_bytes: usize,
    max_queued: usize,
    /// Nothing is read before `first` is done.
    paused: bool,
    ledger: Ledger,
    session: Session,
}

/// One run of an async handler.
type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An async handler that waits.
struct Running<C> {
    future: Run,
    event: Box<str>,
    /// `None`: it handles no message, it goes before the first.
    message: Option<Unfinished<C>>,
}

/// A message one of whose handlers waits.
struct Unfinished<C> {
    /// Whether it counts as dropped, because of a handler that ran before.
    dropped: Option<DropReason>,
    rest: Option<Rest<C>>,
}

/// The handlers of a message that are still to run, and its frame. They were listed when the first
/// began: what has changed since then is for later messages.
struct Rest<C> {
    frame: Bytes,
    listeners: Vec<Arc<Listener<C>>>,
}

/// One message.
#[derive(Clone, Copy)]
pub(crate) struct Received<'f> {
    pub(crate) event: &'f str,
    pub(crate) value: ValueRef<'f>,
    pub(crate) request: Option<u32>,
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
            shared: Snapshot::EMPTY,
            own: Snapshot::EMPTY,
            running,
            queue: VecDeque::new(),
            queued_bytes: 0,
            max_queued,
            paused,
            ledger: Ledger::default(),
            session,
        }
    }

    /// Whether no more may be read: the handler is behind.
    pub(crate) fn is_full(&self) -> bool {
        self.paused || self.queue.len() >= self.max_queued || self.queued_bytes >= MAX_QUEUED_BYTES
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

    /// Counts a message that could not even be read.
    pub(crate) fn count_malformed(&mut self) {
        self.ledger.accepted += 1;
        self.ledger.drop_for(DropReason::Decode, 1);
    }

    /// Takes one message: handles it now, or queues it behind the handler that runs.
    #[inline]
    pub(crate) fn receive<S: Side<Context = C>>(
        &mut self,
        side: &S,
        received: Received<'_>,
        frame: Frame<'_>,
        context: &mut Context<'_>,
    ) {
        self.ledger.accepted += 1;
        if self.is_idle() && !is_held(side) {
            self.deliver(side, received, frame, context);
            return;
        }
        self.ledger.queued += 1;
        let frame = frame.to_bytes();
        self.queued_bytes += frame.len();
        self.queue.push_back(frame);
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
            } else if let Some(frame) = self.queue.pop_front() {
                self.queued_bytes -= frame.len();
                self.ledger.queued -= 1;
                match reread(&frame) {
                    Some(received) => self.deliver(side, received, Frame::Owned(&frame), context),
                    None => self.settle(Some(DropReason::Decode)),
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
        let Some(received) = reread(&rest.frame) else { return self.settle(dropped) };
        let (frame, listeners) = (Frame::Owned(&rest.frame), rest.listeners.iter());
        let ran = run(side, received, None, listeners, frame, context);
        self.note(Ran { dropped: dropped.or(ran.dropped), ..ran }, received.event);
    }

    /// Runs the handlers of a message.
    fn deliver<S: Side<Context = C>>(
        &mut self,
        side: &S,
        received: Received<'_>,
        frame: Frame<'_>,
        context: &mut Context<'_>,
    ) {
        let Received { event, value, request } = received;
        self.shared.refresh(side.handlers());
        if let Some(own) = side.own_handlers() {
            self.own.refresh(own);
        }
        let caught = self.deliver_to_any(side, event, value);
        let listeners = self.own.find(event).iter().chain(self.shared.find(event));
        let owner = side.owner();
        let reply = request.map(|id| Reply::new(owner.clone(), self.session, id, event));
        let mut ran = run(side, received, reply, listeners, frame, context);
        if ran.count == 0 && !caught {
            ran.dropped = Some(DropReason::NoHandler);
        }
        self.note(ran, event);
    }

    fn note(&mut self, ran: Ran<C>, event: &str) {
        match ran.paused {
            None => self.settle(ran.dropped),
            Some((future, rest)) => {
                self.ledger.queued += 1;
                let message = Some(Unfinished { dropped: ran.dropped, rest });
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
        value: ValueRef<'_>,
    ) -> bool {
        let mut caught = false;
        for table in [&self.own.table, &self.shared.table].into_iter().flatten() {
            for (_, call) in table.any() {
                caught = true;
                let run = || call(side.context(), event, value.to_value());
                if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                    report_panic(&**side.owner(), event, &*panic);
                }
            }
        }
        caught
    }
}

/// Whether the peer is to read first what it asked for, before it may ask for more.
fn is_held<S: Side>(side: &S) -> bool {
    S::HOLDS && side.owner().link().is_behind()
}

/// How far the handlers of a message came.
struct Ran<C> {
    /// How many ran.
    count: usize,
    dropped: Option<DropReason>,
    /// The one that waits, and those behind it.
    paused: Option<(Run, Option<Rest<C>>)>,
}

/// Runs handlers one after the other, until one has to wait. The first that runs answers.
fn run<'l, S: Side>(
    side: &S,
    received: Received<'_>,
    mut reply: Option<Reply>,
    mut listeners: impl Iterator<Item = &'l Arc<Listener<S::Context>>>,
    frame: Frame<'_>,
    context: &mut Context<'_>,
) -> Ran<S::Context> {
    let Received { event, value, .. } = received;
    let owner = side.owner();
    let decode = DecodeContext::new(&owner.link().formats, event).in_frame(frame.owned());
    let mut ran = Ran { count: 0, dropped: None, paused: None };
    while let Some(listener) = listeners.next() {
        match listener.claim() {
            Claim::Run => {}
            Claim::Skip => continue,
            Claim::RunAndRemove => {
                if !side.own_handlers().is_some_and(|own| own.remove(listener.id)) {
                    side.handlers().remove(listener.id);
                }
            }
        }
        ran.count += 1;
        let delivery = Delivery { event, value, context: decode, reply: reply.take(), owner };
        let flow =
            catch_unwind(AssertUnwindSafe(|| match (listener.call)(side.context(), delivery) {
                Flow::Later(mut future) => match future.as_mut().poll(context) {
                    Poll::Ready(()) => Flow::Done(Ok(())),
                    Poll::Pending => Flow::Later(future),
                },
                done @ Flow::Done(_) => done,
            }));
        match flow {
            Ok(Flow::Done(Ok(()))) => {}
            Ok(Flow::Done(Err(error))) => {
                ran.dropped = Some(DropReason::Decode);
                owner.report(Error::Decode { event: event.to_owned(), error });
            }
            Ok(Flow::Later(future)) => {
                let listeners: Vec<_> = listeners.cloned().collect();
                let rest =
                    (!listeners.is_empty()).then(|| Rest { frame: frame.to_bytes(), listeners });
                ran.paused = Some((future, rest));
                break;
            }
            Err(panic) => {
                ran.dropped = Some(DropReason::Panicked);
                report_panic(&**owner, event, &*panic);
            }
        }
    }
    if let Some(reply) = reply {
        // Nobody listens, or only `once` handlers that have run already.
        reply.no_handler();
    }
    ran
}

/// Decodes a message again that was kept.
fn reread(frame: &[u8]) -> Option<Received<'_>> {
    match v3::decode(frame) {
        Ok(Message::Event { event, value }) => Some(Received { event, value, request: None }),
        Ok(Message::Request { id, event, value }) => {
            Some(Received { event, value, request: Some(id) })
        }
        // Only these two are kept, after they were decoded once.
        _ => None,
    }
}
