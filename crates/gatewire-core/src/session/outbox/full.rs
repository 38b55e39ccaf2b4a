//! What happens to a frame that does not fit.

use super::{Class, Frames, Outbox, Overflow};
use crate::DropReason;
use crate::session::SendError;
use gatewire_codec::{LENGTH_PREFIX, Message, Target, v3};

impl Outbox {
    pub(super) fn push_into_full(
        &mut self,
        class: Class,
        frame: &Frames<'_>,
    ) -> Result<(), SendError> {
        match (class, self.limits.overflow) {
            // It takes no other's place, and is not worth the connection.
            (Class::Volatile, _) => {
                self.ledger.accepted += 1;
                self.ledger.drop_for(DropReason::Volatile, 1);
                return Ok(());
            }
            (Class::Control, _) | (_, Overflow::Disconnect) => return Err(self.overflowed()),
            (_, Overflow::DropNewest) => {}
            (_, Overflow::DropOldest) => {
                let (soft_bytes, soft_frames) =
                    (self.limits.soft_bytes(), self.limits.soft_frames());
                let mut bytes = self.bytes + frame.bytes().len();
                let mut frames = self.queued_frames() + 1;
                self.retain(DropReason::Displaced, |queued| {
                    let enough = bytes <= soft_bytes && frames <= soft_frames;
                    if enough || event_key(queued).is_none() {
                        return true;
                    }
                    bytes -= queued.len();
                    frames -= 1;
                    false
                });
            }
            (_, Overflow::Latest) => {
                if let Some(key) = event_key(frame.bytes()) {
                    self.retain(DropReason::Superseded, |queued| event_key(queued) != Some(key));
                }
            }
        }
        if self.fits(class, frame.bytes().len(), 1) {
            self.append(frame);
            return Ok(());
        }
        self.ledger.accepted += 1;
        self.ledger.drop_for(DropReason::QueueFull, 1);
        Err(SendError::QueueFull)
    }

    fn overflowed(&mut self) -> SendError {
        self.overflowed = true;
        self.ledger.accepted += 1;
        self.ledger.drop_for(DropReason::QueueFull, 1);
        SendError::SlowConsumer
    }
}

/// The event that a frame carries and for whom; `None`: it is no event that may be dropped for newer
/// ones, but an answer, a request or control.
pub(super) fn event_key(frame: &[u8]) -> Option<(Option<Target<'_>>, &str)> {
    match v3::decode(frame.get(LENGTH_PREFIX..)?) {
        Ok(Message::Event { event, .. }) => Some((None, event)),
        Ok(Message::Publish { request: None, target, event, .. }) => Some((Some(target), event)),
        _ => None,
    }
}
