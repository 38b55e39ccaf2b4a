//! What listens for events.

mod answer;
mod caught;
mod concurrent;
mod rejection;
mod table;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use gatewire_format::{DecodeContext, FormatError, FromValue, IntoAnswer, ValueRef};

use crate::net::link::HasLink;

pub(crate) use answer::Reply;
pub(crate) use caught::{caught, report_panic};
pub use concurrent::{Concurrent, concurrent};
pub use rejection::Rejection;
pub use table::HandlerId;
pub(crate) use table::{Claim, Handlers, Listener, Table};

/// A closure that listens for an event. `C` is what it gets besides the value: a
/// [`Socket`](crate::Socket) on a server, a [`Client`](crate::Client) on a client.
///
/// Implemented for sync and async closures with no argument, with the value, with `C`, or with `C`
/// and the value. The value is any [`FromValue`]; an event whose value is of another type does not reach the
/// closure: a requester is told, an event counts as dropped, and `on_error` hears of it. What the
/// closure returns is the answer if one was asked for: any [`IntoAnswer`].
///
/// A sync closure runs on the task that reads the connection: it must not block. An async one is
/// polled there at once and costs no task switch if it is ready; while it waits, the later messages
/// of the same connection wait too, in order. It is never cancelled: if the connection ends it goes on.
///
/// `M` only tells the implementations apart; it is inferred.
pub trait Handler<C, M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn into_listener(self) -> Arc<Listen<C>>;
}

#[doc(hidden)]
#[expect(
    unreachable_pub,
    reason = "named by a hidden method of a public trait, which so is sealed"
)]
pub type Listen<C> = dyn Fn(&C, Delivery<'_>) -> Flow + Send + Sync;

/// One event on its way to a closure.
#[doc(hidden)]
pub struct Delivery<'a> {
    pub(crate) event: &'a str,
    pub(crate) value: ValueRef<'a>,
    pub(crate) context: DecodeContext<'a>,
    pub(crate) reply: Option<Reply>,
    /// Where a run that outlives the delivery reports its panic.
    pub(crate) owner: &'a dyn ShareOwner,
}

impl std::fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("event", &self.event).finish_non_exhaustive()
    }
}

/// An `Arc` of the connection's owner, to be cloned only where one is needed.
pub(crate) trait ShareOwner {
    fn share(&self) -> Arc<dyn HasLink>;
}

impl<T: HasLink> ShareOwner for Arc<T> {
    fn share(&self) -> Arc<dyn HasLink> {
        self.clone()
    }
}

/// How far a closure came.
#[doc(hidden)]
pub enum Flow {
    /// To its end. `Err`: the value was of another type; the closure did not run.
    Done(Result<(), FormatError>),
    /// It is async: poll it.
    Later(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Done(_) => "Done",
            Self::Later(_) => "Later",
        })
    }
}

impl Delivery<'_> {
    /// The value as the closure takes it. If it is of another type the requester is told.
    fn decode<T: FromValue>(&mut self) -> Result<T, FormatError> {
        T::from_value(self.value, &self.context).inspect_err(|error| {
            if let Some(reply) = self.reply.take() {
                reply.undecodable(error);
            }
        })
    }
}

fn finish(reply: Option<Reply>, answer: &impl IntoAnswer) {
    if let Some(reply) = reply {
        reply.answer(answer);
    }
}

/// Marks the implementations for closures that are not async.
#[doc(hidden)]
#[derive(Debug)]
pub struct Sync_;

/// Marks the implementations for async closures.
#[doc(hidden)]
#[derive(Debug)]
pub struct Async_;

macro_rules! handler {
    ($($kind:ident: ($($argument:ident),*) [$($value:ident)?], |$context:ident, $delivery:ident| ($($call:expr),*);)*) => {$(
        impl<C, F, R, $($value)?> Handler<C, (Sync_, $kind, fn($($argument),*) -> R)> for F
        where
            C: Clone + Send + Sync + 'static,
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: IntoAnswer + 'static,
            $($value: FromValue + 'static,)?
        {
            fn into_listener(self) -> Arc<Listen<C>> {
                Arc::new(move |$context: &C, mut $delivery: Delivery<'_>| {
                    let _ = (&$context, &mut $delivery);
                    let answer = self($($call),*);
                    finish($delivery.reply, &answer);
                    Flow::Done(Ok(()))
                })
            }
        }

        impl<C, F, Fut, R, $($value)?> Handler<C, (Async_, $kind, fn($($argument),*) -> Fut)> for F
        where
            C: Clone + Send + Sync + 'static,
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoAnswer + 'static,
            $($value: FromValue + 'static,)?
        {
            fn into_listener(self) -> Arc<Listen<C>> {
                Arc::new(move |$context: &C, mut $delivery: Delivery<'_>| {
                    let _ = (&$context, &mut $delivery);
                    let running = self($($call),*);
                    let reply = $delivery.reply;
                    Flow::Later(Box::pin(async move {
                        let answer = running.await;
                        finish(reply, &answer);
                    }))
                })
            }
        }
    )*};
}

/// Tells a closure without arguments apart.
#[doc(hidden)]
#[derive(Debug)]
pub struct Nothing;

/// Tells a closure of the value apart.
#[doc(hidden)]
#[derive(Debug)]
pub struct ValueOnly;

/// Tells a closure of the context apart.
#[doc(hidden)]
#[derive(Debug)]
pub struct ContextOnly;

/// Tells a closure of the context and the value apart.
#[doc(hidden)]
#[derive(Debug)]
pub struct ContextAndValue;

/// Decodes the value, or ends the delivery.
macro_rules! value {
    ($delivery:ident) => {
        match $delivery.decode() {
            Ok(value) => value,
            Err(error) => return Flow::Done(Err(error)),
        }
    };
}

handler! {
    Nothing: () [], |context, delivery| ();
    ValueOnly: (T) [T], |context, delivery| (value!(delivery));
    ContextOnly: (C) [], |context, delivery| (context.clone());
    ContextAndValue: (C, T) [T], |context, delivery| (context.clone(), value!(delivery));
}
