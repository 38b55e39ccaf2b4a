//! The application's say in what a socket may do.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, PoisonError};

use gatewire_core::session::Incoming;

use super::hub::is_short;
use super::{Inner, Socket};
use crate::authorize::{Action, Verdict};
use crate::handler::report_panic;
use crate::net::decisions::{Authority, Decisions, Refusal};

type Ask = dyn Fn(&Socket, Action<'_>) -> Verdict + Send + Sync;

/// The application's closure.
#[derive(Clone)]
pub(super) struct Hook(Arc<Ask>);

impl Hook {
    pub(super) fn new<V: Into<Verdict>>(
        hook: impl Fn(&Socket, Action<'_>) -> V + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |socket, action| hook(socket, action).into()))
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl Socket {
    /// `None`: the application is not asked.
    pub(super) fn decisions(&self) -> Option<Decisions> {
        let server = &self.inner.server;
        let hook = server.authorize.clone()?;
        let asked = Asked { socket: self.clone(), hook };
        Some(Decisions::new(Box::new(asked), server.limits.authorize_timeout))
    }
}

/// A socket, and who is asked about it.
struct Asked {
    socket: Socket,
    hook: Hook,
}

impl Asked {
    fn server(&self) -> &Inner {
        &self.socket.inner.server
    }
}

impl Authority for Asked {
    fn concerns(&self, incoming: &Incoming<'_>) -> bool {
        match incoming {
            Incoming::Publish { target, .. }
            | Incoming::StreamOpen { target: Some(target), .. } => is_short(target),
            Incoming::Join { rooms, .. } => self.server().may_name(*rooms),
            Incoming::Event { .. }
            | Incoming::Request { .. }
            | Incoming::StreamOpen { target: None, .. } => true,
            _ => false,
        }
    }

    fn ask(&self, action: Action<'_>) -> Verdict {
        (self.hook.0)(&self.socket, action)
    }

    fn may_join(&self, room: &str) -> Result<bool, Refusal> {
        let hub = self.server().hub.read().unwrap_or_else(PoisonError::into_inner);
        Ok(self.socket.inner.may_join(&hub, room)?)
    }

    fn join(&self, room: &str) -> Result<(), Refusal> {
        let mut hub = self.server().hub.write().unwrap_or_else(PoisonError::into_inner);
        Ok(self.socket.inner.join(&mut hub, room)?)
    }

    fn answer_join(&self, id: u32, refused: Option<Refusal>) {
        self.socket.inner.answer_join(id, refused);
    }

    fn report_panic(&self, panic: &(dyn Any + Send)) {
        report_panic(&*self.socket.inner, "authorize", panic);
    }
}
