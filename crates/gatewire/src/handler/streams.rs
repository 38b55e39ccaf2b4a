//! Closures that listen for streams: as those for messages, with the reader as their last argument.
//!
//! An async one runs on a task of its own, beside the later messages of its connection.

use std::future::Future;
use std::sync::Arc;

use gatewire_format::{FromValue, IntoAnswer};

use super::{Async_, Delivery, Flow, Handler, Listen, Sync_};
use crate::stream::StreamReader;

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
                    let running = self($($call,)* $delivery.stream());
                    let reply = $delivery.reply();
                    Flow::Later(Box::pin(async move {
                        let answer = running.await;
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
