//! Closures that listen for streams: as those for messages, with the reader as their last argument.
//!
//! An async one runs on a task of its own, beside the later messages of its connection.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use gatewire_codec::StreamCode;
use gatewire_format::{FromValue, IntoAnswer};

use super::{Async_, Delivery, Flow, Handler, Listen, Sync_};
use crate::net::link::{HasLink, Session};
use crate::net::pipes::{Pipe, Slot};
use crate::stream::StreamReader;

/// The run of an async handler: it takes one of the places of its connection until it ends.
struct Handling {
    slot: Slot,
    pipe: Arc<Pipe>,
    session: Session,
    owner: Arc<dyn HasLink>,
}

impl Handling {
    /// Of the stream that waits for its handler.
    fn of(delivery: &Delivery<'_>) -> Self {
        let stream = delivery.stream.as_ref().expect("only streams are for handlers of streams");
        let (slot, pipe) = (stream.slot(), Arc::clone(stream.pipe()));
        Self { slot, pipe, session: delivery.session, owner: delivery.owner.share() }
    }

    /// Runs the handler. If it drops the reader before the end and goes on, the writer is told; if it ends
    /// then, the answer tells. The place is free before that answer: who hears it may open the next stream.
    async fn run<T>(self, handler: impl Future<Output = T>) -> T {
        let mut handler = pin!(handler);
        let answer = poll_fn(|context| {
            let polled = handler.as_mut().poll(context);
            if polled.is_pending() && self.pipe.go_on(context.waker()) {
                let (link, id) = (self.owner.link(), self.pipe.id());
                link.stop_stream(&self.owner, self.session, id, StreamCode::Dropped, "");
            }
            polled
        });
        let answer = answer.await;
        drop(self.slot);
        answer
    }
}

/// Ends the delivery if the value that came with the stream is of another type.
macro_rules! info {
    ($delivery:ident) => {
        match $delivery.decode() {
            Ok(info) => info,
            Err(flow) => return flow,
        }
    };
}

/// Closures by their arguments in front of the reader: a type that tells them apart, the arguments, and where
/// each comes from.
macro_rules! sync_handlers {
    ($($(#[$doc:meta])* $kind:ident: ($($argument:ty),*) [$($value:ident)?], |$context:ident, $delivery:ident| ($($call:expr),*);)*) => {$(
        $(#[$doc])*
        #[doc(hidden)]
        #[derive(Debug)]
        pub struct $kind;

        impl<C, F, R, $($value)?> Handler<C, (Sync_, $kind, fn($($argument,)* StreamReader) -> R)> for F
        where
            C: Clone + Send + Sync + 'static,
            F: Fn($($argument,)* StreamReader) -> R + Send + Sync + 'static,
            R: IntoAnswer + 'static,
            $($value: FromValue + 'static,)?
        {
            const TAKES_STREAMS: bool = true;

            fn into_listener(self) -> Arc<Listen<C>> {
                Arc::new(move |$context: &C, $delivery: &mut Delivery<'_>| {
                    let _ = &$context;
                    let answer = self($($call,)* $delivery.stream());
                    $delivery.answer(&answer);
                    Flow::Done
                })
            }
        }
    )*};
}

sync_handlers! {
    /// Tells a closure of the stream apart.
    StreamOnly: () [], |context, delivery| ();
    /// Tells a closure of the value and the stream apart.
    ValueAndStream: (T) [T], |context, delivery| (info!(delivery));
    /// Tells a closure of the context and the stream apart.
    ContextAndStream: (C) [], |context, delivery| (context.clone());
    /// Tells a closure of the context, the value and the stream apart.
    ContextValueAndStream: (C, T) [T], |context, delivery| (context.clone(), info!(delivery));
    /// Tells a closure of the borrowed context and the stream apart.
    BorrowedContextAndStream: (&C) [], |context, delivery| (context);
    /// Tells a closure of the borrowed context, the value and the stream apart.
    BorrowedContextValueAndStream: (&C, T) [T], |context, delivery| (context, info!(delivery));
}

macro_rules! async_handlers {
    ($($kind:ident: ($($argument:ident),*) [$($value:ident)?], |$context:ident, $delivery:ident| ($($call:expr),*);)*) => {$(
        impl<C, F, Fut, R, $($value)?> Handler<C, (Async_, $kind, fn($($argument,)* StreamReader) -> Fut)> for F
        where
            C: Clone + Send + Sync + 'static,
            F: Fn($($argument,)* StreamReader) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoAnswer + 'static,
            $($value: FromValue + 'static,)?
        {
            const TAKES_STREAMS: bool = true;

            fn into_listener(self) -> Arc<Listen<C>> {
                Arc::new(move |$context: &C, $delivery: &mut Delivery<'_>| {
                    let _ = &$context;
                    let handling = Handling::of($delivery);
                    let running = self($($call,)* $delivery.stream());
                    let reply = $delivery.reply();
                    Flow::Later(Box::pin(async move {
                        let answer = handling.run(running).await;
                        if let Some(reply) = reply {
                            reply.answer(&answer);
                        }
                    }))
                })
            }
        }
    )*};
}

async_handlers! {
    StreamOnly: () [], |context, delivery| ();
    ValueAndStream: (T) [T], |context, delivery| (info!(delivery));
    ContextAndStream: (C) [], |context, delivery| (context.clone());
    ContextValueAndStream: (C, T) [T], |context, delivery| (context.clone(), info!(delivery));
}
