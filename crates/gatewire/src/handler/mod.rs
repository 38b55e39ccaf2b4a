//! What listens for events.

mod answer;
mod caught;
mod concurrent;
mod rejection;
mod streams;
mod table;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use gatewire_codec::NackCode;
use gatewire_format::{DecodeContext, FormatError, FromValue, IntoAnswer, ValueRef};

use crate::net::link::{Session, SharedOwner};
use crate::net::pipes::Pipe;
use crate::stream::StreamReader;

use answer::Reply;
pub(crate) use caught::{caught, report_panic};
pub use concurrent::{Concurrent, concurrent};
pub use rejection::Rejection;
pub use table::HandlerId;
pub(crate) use table::{AnyHandler, Claim, Handlers, Listener, Listeners, Table};

/// A closure that listens for an event. `C` is what it gets besides the value: a
/// [`Socket`](crate::Socket) on a server, a [`Client`](crate::Client) on a client.
///
/// Implemented for sync and async closures with no argument, with the value, with `C`, or with `C`
/// and the value; each with a [`StreamReader`](crate::StreamReader) behind them too, for
/// [streams](crate::stream). The value is any [`FromValue`]; an event whose value is of another type does not reach the
/// closure: a requester is told, an event counts as dropped, and `on_error` hears of it. What the
/// closure returns is the answer if one was asked for: any [`IntoAnswer`].
///
/// A sync closure runs on the task that reads the connection: it must not block. It may borrow what it
/// gets, which costs neither a copy nor a reference count: the value as `&[u8]` or `&str` straight from the
/// read buffer, and `C` as `&C`.
///
/// An async closure is polled there at once and costs no task switch if it is ready; while it waits,
/// the later messages of the same connection wait too, in order. It is never cancelled: if the
/// connection ends it goes on.
///
/// `M` only tells the implementations apart; it is inferred.
///
/// # Example
///
/// ```
/// # fn example(server: gatewire::Server) {
/// use gatewire::{Rejection, Socket};
///
/// server.on("length", |text: String| text.len() as u64);
/// // The same, without a copy of the text.
/// server.on("length", |text: &str| text.len() as u64);
/// server.on("upload", |socket: &Socket, bytes: &[u8]| {
///     if bytes.is_empty() {
///         return Err(Rejection::new("nothing to store"));
///     }
///     socket.to("observers").emit("stored", bytes)?;
///     Ok(())
/// });
/// server.on("ask back", |socket: Socket, question: String| async move {
///     socket.request::<String, _>("answer", question).await.map_err(Rejection::from)
/// });
/// # }
/// ```
pub trait Handler<C, M>: Send + Sync + 'static {
    /// Whether it listens for streams, and not for messages.
    #[doc(hidden)]
    const TAKES_STREAMS: bool = false;

    #[doc(hidden)]
    fn into_listener(self) -> Arc<Listen<C>>;
}

#[doc(hidden)]
#[expect(
    unreachable_pub,
    reason = "named by a hidden method of a public trait, which so is sealed"
)]
pub type Listen<C> = dyn Fn(&C, &mut Delivery<'_>) -> Flow + Send + Sync;

/// One event on its way to a closure.
#[doc(hidden)]
pub struct Delivery<'a> {
    pub(crate) event: &'a str,
    /// Borrowed: a value is written once and never moved on its way here.
    pub(crate) value: &'a ValueRef<'a>,
    pub(crate) context: DecodeContext<'a>,
    /// The request that is not answered yet.
    pub(crate) request: Option<u32>,
    /// A stream's reader, until a handler takes it.
    pub(crate) stream: Option<StreamReader>,
    /// Where that stream comes from.
    pub(crate) pipe: Option<Arc<Pipe>>,
    pub(crate) session: Session,
    pub(crate) owner: &'a dyn SharedOwner,
}

impl std::fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("event", &self.event).finish_non_exhaustive()
    }
}

/// How far a closure came.
#[doc(hidden)]
pub enum Flow {
    /// To its end.
    Done,
    /// The value was of another type; the closure did not run.
    Undecodable(Box<FormatError>),
    /// It is async: poll it.
    Later(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Undecodable(_) => "Undecodable",
            Self::Later(_) => "Later",
        })
    }
}

impl Delivery<'_> {
    /// The value as the closure takes it. If it is of another type the requester is told.
    #[inline]
    fn decode<T: FromValue>(&mut self) -> Result<T, Flow> {
        T::from_value(*self.value, &self.context).map_err(|error| self.undecodable(error))
    }

    #[inline]
    fn bytes(&mut self) -> Result<&[u8], Flow> {
        match *self.value {
            ValueRef::Binary(bytes) => Ok(bytes),
            value => Err(self.wrong_type("binary", value)),
        }
    }

    #[inline]
    fn text(&mut self) -> Result<&str, Flow> {
        match *self.value {
            ValueRef::String(text) => Ok(text),
            value => Err(self.wrong_type("string", value)),
        }
    }

    /// The stream, for the handler that takes it. Handlers of streams are not called without one.
    fn stream(&mut self) -> StreamReader {
        self.stream.take().expect("only streams are for handlers of streams")
    }

    /// Nobody has taken the stream: its writer is told, by the refusal if it wanted an answer.
    pub(crate) fn leave_stream(&mut self) {
        if let Some(stream) = self.stream.take() {
            stream.leave();
        }
    }

    fn wrong_type(&mut self, expected: &'static str, found: ValueRef<'_>) -> Flow {
        self.undecodable(FormatError::WrongType { expected, found: found.kind() })
    }

    #[cold]
    fn undecodable(&mut self, error: FormatError) -> Flow {
        let text = error.to_string();
        self.refuse(NackCode::Decode, &text);
        Flow::Undecodable(Box::new(error))
    }

    /// Answers the request, if it is one and nobody has.
    #[inline]
    fn answer(&mut self, answer: &impl IntoAnswer) {
        if let Some(id) = self.request {
            // A panic of the format is the handler's: the request is not answered then.
            let pipe = self.pipe.as_ref();
            answer::answer(self.owner, self.session, id, self.event, answer, pipe);
            self.request = None;
        }
    }

    /// Refuses the request, if it is one and nobody has answered.
    pub(crate) fn refuse(&mut self, code: NackCode, text: &str) {
        if let Some(id) = self.request.take() {
            let pipe = self.pipe.as_ref();
            answer::refuse(self.owner, self.session, id, self.event, pipe, code, text);
        }
    }

    /// The right to answer the request later.
    fn reply(&mut self) -> Option<Reply> {
        let id = self.request.take()?;
        let pipe = self.pipe.clone();
        Some(Reply::new(self.owner.share(), self.session, id, self.event, pipe))
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

/// Ends the delivery if an argument cannot be had.
macro_rules! or_end {
    ($argument:expr) => {
        match $argument {
            Ok(argument) => argument,
            Err(flow) => return flow,
        }
    };
}

/// Closures by their arguments: a type that tells them apart, the arguments, and where each comes from.
macro_rules! sync_handlers {
    ($($(#[$doc:meta])* $kind:ident: ($($argument:ty),*) [$($value:ident)?], |$context:ident, $delivery:ident| ($($call:expr),*);)*) => {$(
        $(#[$doc])*
        #[doc(hidden)]
        #[derive(Debug)]
        pub struct $kind;

        impl<C, F, R, $($value)?> Handler<C, (Sync_, $kind, fn($($argument),*) -> R)> for F
        where
            C: Clone + Send + Sync + 'static,
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: IntoAnswer + 'static,
            $($value: FromValue + 'static,)?
        {
            fn into_listener(self) -> Arc<Listen<C>> {
                Arc::new(move |$context: &C, $delivery: &mut Delivery<'_>| {
                    let _ = &$context;
                    let answer = self($($call),*);
                    $delivery.answer(&answer);
                    Flow::Done
                })
            }
        }
    )*};
}

sync_handlers! {
    /// Tells a closure without arguments apart.
    Nothing: () [], |context, delivery| ();
    /// Tells a closure of the value apart.
    ValueOnly: (T) [T], |context, delivery| (or_end!(delivery.decode()));
    /// Tells a closure of borrowed bytes apart.
    BytesOnly: (&[u8]) [], |context, delivery| (or_end!(delivery.bytes()));
    /// Tells a closure of borrowed text apart.
    TextOnly: (&str) [], |context, delivery| (or_end!(delivery.text()));
    /// Tells a closure of the context apart.
    ContextOnly: (C) [], |context, delivery| (context.clone());
    /// Tells a closure of the context and the value apart.
    ContextAndValue: (C, T) [T],
        |context, delivery| (context.clone(), or_end!(delivery.decode()));
    /// Tells a closure of the context and borrowed bytes apart.
    ContextAndBytes: (C, &[u8]) [],
        |context, delivery| (context.clone(), or_end!(delivery.bytes()));
    /// Tells a closure of the context and borrowed text apart.
    ContextAndText: (C, &str) [],
        |context, delivery| (context.clone(), or_end!(delivery.text()));
    /// Tells a closure of the borrowed context apart.
    BorrowedContext: (&C) [], |context, delivery| (context);
    /// Tells a closure of the borrowed context and the value apart.
    BorrowedContextAndValue: (&C, T) [T],
        |context, delivery| (context, or_end!(delivery.decode()));
    /// Tells a closure of the borrowed context and borrowed bytes apart.
    BorrowedContextAndBytes: (&C, &[u8]) [],
        |context, delivery| (context, or_end!(delivery.bytes()));
    /// Tells a closure of the borrowed context and borrowed text apart.
    BorrowedContextAndText: (&C, &str) [],
        |context, delivery| (context, or_end!(delivery.text()));
}

macro_rules! async_handlers {
    ($($kind:ident: ($($argument:ident),*) [$($value:ident)?], |$context:ident, $delivery:ident| ($($call:expr),*);)*) => {$(
        impl<C, F, Fut, R, $($value)?> Handler<C, (Async_, $kind, fn($($argument),*) -> Fut)> for F
        where
            C: Clone + Send + Sync + 'static,
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoAnswer + 'static,
            $($value: FromValue + 'static,)?
        {
            fn into_listener(self) -> Arc<Listen<C>> {
                Arc::new(move |$context: &C, $delivery: &mut Delivery<'_>| {
                    let _ = &$context;
                    let running = self($($call),*);
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
    Nothing: () [], |context, delivery| ();
    ValueOnly: (T) [T], |context, delivery| (or_end!(delivery.decode()));
    ContextOnly: (C) [], |context, delivery| (context.clone());
    ContextAndValue: (C, T) [T],
        |context, delivery| (context.clone(), or_end!(delivery.decode()));
}
