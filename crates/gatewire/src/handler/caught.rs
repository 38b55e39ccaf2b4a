//! Panics of the application's code: they end the run in which they happen, and nothing else.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use crate::error::Error;
use crate::net::link::HasLink;

/// A future's output, or its panic.
pub(crate) async fn caught<T>(
    mut future: Pin<Box<dyn Future<Output = T> + Send>>,
) -> Result<T, Box<dyn Any + Send>> {
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Counts a handler's panic and tells the application.
pub(crate) fn report_panic(owner: &dyn HasLink, event: &str, panic: &(dyn Any + Send)) {
    owner.report(Error::HandlerPanicked { event: event.to_owned(), message: message(panic) });
}

fn message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "not a text".to_owned())
}
