//! From a frame to the handlers of its event, in order.
//!
//! One handler runs at a time. A sync handler, or an async one that is ready at once, is done when
//! [`Inbox::deliver`] returns. While an async one waits, later events of the connection are copied
//! into a bounded queue; answers and control messages pass it by, so that a handler can ask the
//! very peer whose event it handles.

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
    running: Option<Running>,
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    max_queued: usize,
    ledger: Ledger,
    session: Session,
}

/// An async handler that waits.
struct Running {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    event: Box<str>,
    /// The message's other handlers, still to run. `None`: this was the last; and no message at all
    /// if `counted` is not set.
    next: Option<Queued>,
    counted: bool,
}

/// A message that waits, from its handler number `next_listener` on.
struct Queued {
    frame: Bytes,
    next_listener: usize,
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
        first: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        session: Session,
    ) -> Self {
        let running = first.map(|future| Running {
            future,
            event: "connect".into(),
            next: None,
            counted: false,
        });
        Self {
            shared: Snapshot::EMPTY,
            own: Snapshot::EMPTY,
            running,
            queue: VecDeque::new(),
            queued_bytes: 0,
            max_queued,
            ledger: Ledger::default(),
            session,
        }
    }

    /// Whether no more may be read: the handler is behind.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= self.max_queued || self.queued_bytes >= MAX_QUEUED_BYTES
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
        if self.is_idle() {
            self.deliver(side, received, 0, frame, context);
            return;
        }
        self.ledger.queued += 1;
        let frame = frame.to_bytes();
        self.queued_bytes += frame.len();
        self.queue.push_back(Queued { frame, next_listener: 0 });
    }

    /// Drives the running handler, then the queue behind it.
    pub(crate) fn poll<S: Side<Context = C>>(
        &mut self,
        side: &S,
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
                let Some(Running { event, next, counted, .. }) = self.running.take() else {
                    continue;
                };
                if counted {
                    self.ledger.queued -= 1;
                }
                let panicked = panic.is_some();
                if let Some(panic) = panic {
                    report_panic(&**side.owner(), &event, &*panic);
                }
                match next {
                    Some(next) => self.redeliver(side, &next, context),
                    None if counted => self.settle(panicked.then_some(DropReason::Panicked)),
                    None => {}
                }
            } else if let Some(next) = self.queue.pop_front() {
                self.queued_bytes -= next.frame.len();
                self.ledger.queued -= 1;
                self.redeliver(side, &next, context);
            } else {
                return Poll::Ready(());
            }
        }
    }

    fn redeliver<S: Side<Context = C>>(
        &mut self,
        side: &S,
        queued: &Queued,
        context: &mut Context<'_>,
    ) {
        let (event, value, request) = match v3::decode(&queued.frame) {
            Ok(Message::Event { event, value }) => (event, value, None),
            Ok(Message::Request { id, event, value }) => (event, value, Some(id)),
            // Only these two are queued, after they were decoded once.
            _ => return self.settle(Some(DropReason::Decode)),
        };
        let received = Received { event, value, request };
        self.deliver(side, received, queued.next_listener, Frame::Owned(&queued.frame), context);
    }

    fn settle(&mut self, dropped: Option<DropReason>) {
        match dropped {
            None => self.ledger.done += 1,
            Some(reason) => self.ledger.drop_for(reason, 1),
        }
    }

    /// Runs the handlers of a message, from number `first` on.
    fn deliver<S: Side<Context = C>>(
        &mut self,
        side: &S,
        received: Received<'_>,
        first: usize,
        frame: Frame<'_>,
        context: &mut Context<'_>,
    ) {
        let Received { event, value, request } = received;
        self.shared.refresh(side.handlers());
        if let Some(own) = side.own_handlers() {
            self.own.refresh(own);
        }
        let mut caught = false;
        if first == 0 {
            caught = self.deliver_to_any(side, event, value);
        }
        let own = self.own.find(event);
        let shared = self.shared.find(event);
        let count = own.len() + shared.len();
        let owner = side.owner();
        // The first handler answers.
        let mut reply = match request {
            Some(id) if first == 0 => Some(Reply::new(owner.clone(), self.session, id, event)),
            _ => None,
        };
        if count == 0 && first == 0 {
            if let Some(reply) = reply {
                reply.no_handler();
            }
            self.settle((!caught).then_some(DropReason::NoHandler));
            return;
        }
        let formats = &owner.link().formats;
        let decode = DecodeContext::new(formats, event).in_frame(frame.owned());
        let mut dropped = None;
        let mut paused = None;
        for (index, listener) in own.iter().chain(shared).enumerate().skip(first) {
            match listener.claim() {
                Claim::Run => {}
                Claim::Skip => continue,
                Claim::RunAndRemove => {
                    if !side.own_handlers().is_some_and(|own| own.remove(listener.id)) {
                        side.handlers().remove(listener.id);
                    }
                }
            }
            let delivery = Delivery { event, value, context: decode, reply: reply.take(), owner };
            let flow = catch_unwind(AssertUnwindSafe(|| {
                match (listener.call)(side.context(), delivery) {
                    Flow::Later(mut future) => match future.as_mut().poll(context) {
                        Poll::Ready(()) => Flow::Done(Ok(())),
                        Poll::Pending => Flow::Later(future),
                    },
                    done @ Flow::Done(_) => done,
                }
            }));
            match flow {
                Ok(Flow::Done(Ok(()))) => {}
                Ok(Flow::Done(Err(error))) => {
                    dropped = Some(DropReason::Decode);
                    owner.report(Error::Decode { event: event.to_owned(), error });
                }
                Ok(Flow::Later(future)) => {
                    paused = Some((future, index + 1));
                    break;
                }
                Err(panic) => {
                    dropped = Some(DropReason::Panicked);
                    report_panic(&**side.owner(), event, &*panic);
                }
            }
        }
        if let Some(reply) = reply {
            // A `once` handler that has run already.
            reply.no_handler();
        }
        match paused {
            None => self.settle(dropped),
            Some((future, next_listener)) => {
                let next = (next_listener < count)
                    .then(|| Queued { frame: frame.to_bytes(), next_listener });
                self.ledger.queued += 1;
                self.running = Some(Running { future, event: event.into(), next, counted: true });
            }
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
