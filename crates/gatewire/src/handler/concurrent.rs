//! Handlers that need no order.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Flow, Handler, Listen, caught, report_panic};
use crate::net::link::HasLink;

/// Lets up to `limit` runs of an async handler go on at the same time, each on a task of its own, the
/// messages of one connection included. Beyond the limit messages wait in order. A message counts as
/// handled when its run begins.
///
/// ```
/// # async fn example(server: gatewire::Server) {
/// use gatewire::concurrent;
/// server.on("resize", concurrent(4, |path: String| async move {
///     // Slow work that may finish in any order.
///     path.len() as u64
/// }));
/// # }
/// ```
pub fn concurrent<C, M, H: Handler<C, M>>(limit: usize, handler: H) -> Concurrent<C, M, H> {
    Concurrent { limit: limit.max(1), handler, marker: PhantomData }
}

/// See [`concurrent`].
pub struct Concurrent<C, M, H> {
    limit: usize,
    handler: H,
    marker: PhantomData<fn(C) -> M>,
}

impl<C, M, H> std::fmt::Debug for Concurrent<C, M, H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Concurrent").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Marks the implementation for [`Concurrent`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Concurrently<M>(PhantomData<fn() -> M>);

impl<C, M, H> Handler<C, Concurrently<M>> for Concurrent<C, M, H>
where
    C: 'static,
    M: 'static,
    H: Handler<C, M>,
{
    const TAKES_STREAMS: bool = H::TAKES_STREAMS;

    fn into_listener(self) -> Arc<Listen<C>> {
        let permits = Arc::new(Semaphore::new(self.limit));
        let inner = self.handler.into_listener();
        Arc::new(move |context, delivery| {
            let (owner, event) = (delivery.owner, delivery.event);
            let run = match inner(context, delivery) {
                done @ (Flow::Done | Flow::Undecodable(_)) => return done,
                Flow::Later(run) => Run { run, owner: owner.share(), event: event.into() },
            };
            match Arc::clone(&permits).try_acquire_owned() {
                Ok(permit) => {
                    tokio::spawn(run.holding(permit));
                    Flow::Done
                }
                Err(_) => {
                    let permits = Arc::clone(&permits);
                    Flow::Later(Box::pin(async move {
                        // The semaphore is never closed.
                        if let Ok(permit) = permits.acquire_owned().await {
                            tokio::spawn(run.holding(permit));
                        }
                    }))
                }
            }
        })
    }
}

/// One run of an async handler on a task of its own.
struct Run {
    run: Pin<Box<dyn Future<Output = ()> + Send>>,
    owner: Arc<dyn HasLink>,
    event: Box<str>,
}

impl Run {
    async fn holding(self, permit: OwnedSemaphorePermit) {
        if let Err(panic) = caught(self.run).await {
            report_panic(&*self.owner, &self.event, &*panic);
        }
        drop(permit);
    }
}
