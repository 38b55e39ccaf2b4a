//! How a router leaves its cluster.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use gatewire_codec::CloseCode;
use tokio::time::timeout;

use super::RouterInner;

/// A task of a router, counted as long as it lives.
pub(super) struct Task(Arc<RouterInner>);

impl Task {
    pub(super) fn begin(router: &Arc<RouterInner>) -> Self {
        router.live.send_modify(|live| *live += 1);
        Self(Arc::clone(router))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.live.send_modify(|live| *live -= 1);
    }
}

/// How long closing waits for the links to be closed: longer than what is queued has to be written.
const CLOSE_LIMIT: Duration = Duration::from_secs(4);

impl RouterInner {
    /// Runs a future until the router is closed.
    pub(super) async fn unless_closing<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut closing = self.closing.subscribe();
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => None,
            output = future => Some(output),
        }
    }

    pub(super) async fn close(self: Arc<Self>) {
        self.control(|plane, now| plane.router.leave_cluster(now));
        self.closing.send_replace(true);
        self.end_links(CloseCode::GoingAway, "");
        // By itself: whoever waits may give up, and the servers have to be let go nevertheless.
        if let Err(error) = tokio::spawn(self.finish_closing()).await
            && error.is_panic()
        {
            resume_unwind(error.into_panic());
        }
    }

    async fn finish_closing(self: Arc<Self>) {
        let mut live = self.live.subscribe();
        if timeout(CLOSE_LIMIT, live.wait_for(|live| *live == 0)).await.is_err() {
            tracing::debug!(node = %self.name, "closed while links still end");
        }
        self.fail_all_asks();
        self.forget_servers();
        self.end_events();
        self.reach.send_modify(|count| *count += 1);
    }
}
