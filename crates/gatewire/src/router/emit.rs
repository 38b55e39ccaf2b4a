//! What a router itself sends, and whom it finds.

use std::cell::Cell;
use std::sync::Arc;

use gatewire_codec::{SocketAddress, Target, v3};
use gatewire_core::session::{Class, FrameBuffer};
use gatewire_format::{EncodeContext, Formats, IntoValue};

use super::inner::RouterInner;
use crate::error::EmitError;
use crate::net::link::with_scratch;
use crate::server::{Questions, Socket};

thread_local! {
    static EVENT: Cell<Option<Box<FrameBuffer>>> = const { Cell::new(None) };
}

impl RouterInner {
    /// Emits an event to a target, on this node and on others.
    pub(crate) fn emit(
        &self,
        target: &Target<'_>,
        class: Class,
        event: &str,
        value: &impl IntoValue,
    ) -> Result<(), EmitError> {
        with_scratch(value.uses_scratch(), |scratch| {
            let value = value.to_value(EncodeContext::new(&self.formats, event, scratch))?;
            let mut frame = EVENT.take().unwrap_or_default();
            let encoded = frame.push(|out| v3::encode_event(event, value, out));
            if encoded.is_ok() {
                frame.drain(|frame| self.publish(None, target, 0, class, frame));
            }
            EVENT.set(Some(frame));
            Ok(encoded?)
        })
    }

    /// What the router itself asks many.
    pub(crate) fn questions(self: &Arc<Self>) -> Questions<'_> {
        Questions { server: None, router: Some(self), sender: None, formats: &self.formats }
    }

    /// The formats of what the router itself sends.
    pub(crate) fn formats(&self) -> &Formats {
        &self.formats
    }

    /// The socket with this address, if it is one of this node's.
    pub(crate) fn find(&self, address: &SocketAddress) -> Option<Socket> {
        if self.other_node(address).is_some() { None } else { self.socket(address.session()) }
    }
}
