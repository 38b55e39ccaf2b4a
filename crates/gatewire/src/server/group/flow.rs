//! From the source to the receivers.

use std::sync::Arc;

use bytes::Bytes;
use gatewire_codec::StreamCode;
use gatewire_core::session::{FlowError, ReadFailure};

use super::Group;
use crate::net::pipes::IncomingStream;

/// Pieces that may wait for one receiver: as many as the lag allows of the longest ones, sixteen times over. A
/// queue of very short ones costs more than their bytes, so that a receiver which is behind is cut earlier.
const MAX_PIECES: usize = 16_384;

impl Group {
    /// The source has a chunk, within the limit. Each receiver that is left gets it.
    pub(crate) fn push(&self, chunk: &Bytes) {
        let members = self.update(|state, now| {
            // The last receiver may have ended a moment ago.
            if !state.finished {
                state.fanout.push(chunk.len() as u64, now);
            }
            Arc::clone(&state.members)
        });
        for member in &*members {
            if member.push(chunk) > MAX_PIECES {
                self.cut(member);
            }
        }
    }

    /// Whether the source may go on: nobody whom it has to wait for is far behind. If not, it is told when it
    /// may.
    pub(crate) fn may_push(&self) -> bool {
        self.update(|state, now| {
            let may = state.fanout.head() < state.fanout.limit();
            if !may {
                state.fanout.source_waits(now);
            }
            may
        })
    }

    /// The source has no more.
    pub(crate) fn finish(&self) {
        let members = self.update(|state, now| {
            state.finished = true;
            state.fanout.finish(now);
            Arc::clone(&state.members)
        });
        for member in &*members {
            member.finish();
            // It may have answered before, and taken everything.
            let taken = self.lock().fanout.taken(member.place);
            self.progress(member, taken);
        }
    }

    /// How much has come from the source, for people.
    pub(super) fn how_far(&self) -> String {
        format!("after {} bytes", self.lock().fanout.head())
    }

    /// The source gave up, or is lost: so is the stream at each receiver.
    pub(crate) fn abort(&self, code: StreamCode, text: &str) {
        for member in &*self.close() {
            member.reset(code, text);
        }
    }
}

/// A client's stream, on its way to others.
impl IncomingStream for Group {
    fn handle_data(&self, bytes: &[u8], frame: Option<&Bytes>) -> Result<bool, FlowError> {
        {
            let state = self.lock();
            if state.finished {
                // What it sent before it heard that nobody is left.
                return if state.closed { Ok(false) } else { Err(FlowError::AfterEnd) };
            }
            if state.fanout.head() + bytes.len() as u64 > state.limit {
                return Err(FlowError::BeyondCredit);
            }
        }
        let chunk = match frame {
            Some(frame) => frame.slice_ref(bytes),
            None => Bytes::copy_from_slice(bytes),
        };
        self.push(&chunk);
        // A client that has used its credit up waits, as far as anybody can tell.
        self.may_push();
        Ok(false)
    }

    fn handle_finish(&self, length: Option<u64>) -> Result<(), FlowError> {
        {
            let state = self.lock();
            if state.finished {
                return if state.closed { Ok(()) } else { Err(FlowError::AfterEnd) };
            }
            if length.is_some_and(|length| length != state.fanout.head()) {
                return Err(FlowError::WrongLength);
            }
        }
        self.finish();
        Ok(())
    }

    fn handle_failure(&self, why: ReadFailure) {
        match why {
            ReadFailure::Reset { code, text } => self.abort(code, &text),
            ReadFailure::Disconnected => {
                let code = self.source.lost_as();
                let text = match code {
                    StreamCode::PathLost => self.how_far(),
                    _ => String::new(),
                };
                self.abort(code, &text);
            }
        }
    }

    fn handle_probed(&self) {}
}
