//! A run of events that does not fit where newer ones take the place of older ones.
//!
//! Each frame alone would look through the whole queue for what it supersedes: seconds for one run, under
//! the locks of the queue and of the hub. So what would happen frame by frame is worked out with the
//! number of the queued events of each name, and done at once.

use std::collections::BTreeMap;

use super::full::event_key;
use super::{Class, Frames, LENGTH_PREFIX, Outbox};
use crate::DropReason;
use crate::session::SendError;

/// The events of one name.
#[derive(Default)]
struct Events {
    /// In the queue, before the run.
    queued: u64,
    bytes: usize,
    superseded: bool,
    /// Of the run, by their places in it.
    kept: Vec<usize>,
}

impl Outbox {
    /// Does with each frame of a run what [`push_frames`](Self::push_frames) says. `None`: they are not
    /// all events, and nothing has happened.
    pub(super) fn push_latest(
        &mut self,
        max_frame: u32,
        frames: &Frames<'_>,
    ) -> Option<Result<(), SendError>> {
        let mut by_name: BTreeMap<&str, Events> = BTreeMap::new();
        for frame in frames.slices() {
            let (None, name) = event_key(frame)? else { return None };
            by_name.entry(name).or_default();
        }
        self.retain(DropReason::Superseded, |queued| {
            if let Some((None, name)) = event_key(queued)
                && let Some(events) = by_name.get_mut(name)
            {
                events.queued += 1;
                events.bytes += queued.len();
            }
            true
        });

        let mut run: Vec<Option<&[u8]>> = Vec::new();
        let (mut bytes, mut queued) = (self.bytes, self.ledger.queued);
        let (mut emptied, mut result) = (false, Ok(()));
        for frame in frames.slices() {
            let length = frame.len() - LENGTH_PREFIX;
            if length > max_frame as usize {
                self.ledger.accepted += 1;
                self.ledger.drop_for(DropReason::TooLarge, 1);
                result = Err(SendError::TooLarge { length, limit: max_frame });
                continue;
            }
            let Some((_, name)) = event_key(frame) else { continue };
            let events = by_name.entry(name).or_default();
            let fits = |waiting| self.fits_behind(waiting, Class::Normal, frame.len(), 1);
            if !fits((bytes, queued)) {
                if !events.superseded {
                    events.superseded = true;
                    (bytes, queued) = (bytes - events.bytes, queued - events.queued);
                }
                for place in events.kept.drain(..) {
                    let superseded = run[place].take().map_or(0, <[u8]>::len);
                    (bytes, queued) = (bytes - superseded, queued - 1);
                    self.ledger.accepted += 1;
                    self.ledger.drop_for(DropReason::Superseded, 1);
                }
                emptied |= bytes == 0;
                let fits = |waiting| self.fits_behind(waiting, Class::Normal, frame.len(), 1);
                if !fits((bytes, queued)) {
                    self.ledger.accepted += 1;
                    self.ledger.drop_for(DropReason::QueueFull, 1);
                    result = Err(SendError::QueueFull);
                    continue;
                }
            }
            (bytes, queued) = (bytes + frame.len(), queued + 1);
            events.kept.push(run.len());
            run.push(Some(frame));
        }

        let blocked = self.blocked;
        self.retain(DropReason::Superseded, |queued| match event_key(queued) {
            Some((None, name)) => !by_name.get(name).is_some_and(|events| events.superseded),
            _ => true,
        });
        if !emptied {
            self.blocked = blocked;
        }
        let any = !run.is_empty();
        for frame in run.into_iter().flatten() {
            self.append(&Frames::copied(frame));
        }
        Some(if any { Ok(()) } else { result })
    }
}
