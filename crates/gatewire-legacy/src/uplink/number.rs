//! Message ids of a connection.

/// The ids of what is sent on one connection. They count up, and 0 is never one.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessageIds(u32);

impl MessageIds {
    /// Ids behind the last of the handshake.
    pub(super) fn behind(last: u32) -> Self {
        Self(last)
    }

    pub(super) fn allocate(&mut self) -> u32 {
        self.0 = self.0.checked_add(1).unwrap_or(1);
        self.0
    }
}
