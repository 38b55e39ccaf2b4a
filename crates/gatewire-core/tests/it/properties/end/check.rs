//! What is true of an end at each moment, and when everything has arrived.

use gatewire_core::session::Read;

use super::{End, LIMITS};

impl End {
    pub(in super::super) fn check(&self) {
        let ledger = self.outbound.outbox().ledger();
        assert!(ledger.is_balanced(), "{ledger:?}");
        for reading in self.reads.values() {
            let stream = &reading.stream;
            assert!(stream.received() <= reading.limit);
            assert!(stream.buffered() <= LIMITS.max_credit);
            assert_eq!(stream.buffered(), stream.received() - reading.consumed);
        }
    }

    /// Nothing came that the peer did not write.
    pub(in super::super) fn check_against(&self, peer: &Self) {
        for (id, reading) in &self.reads {
            let written = &peer.written[id];
            assert!(reading.stream.received() <= written.length);
            if reading.stream.is_finished() {
                assert!(written.finished && reading.stream.received() == written.length);
            }
        }
    }

    /// All has come that could.
    pub(in super::super) fn check_all_arrived(&self, peer: &Self) {
        for (id, reading) in &self.reads {
            let written = &peer.written[id];
            if !written.cut {
                assert_eq!(reading.consumed, written.length);
                assert_eq!(reading.end == Some(Read::End), written.finished);
            } else if reading.end.is_none() {
                panic!("stream {id} was cut off, and its reader does not know");
            }
        }
    }

    pub(in super::super) fn drop_streams(&mut self) {
        self.reads.clear();
        assert_eq!(self.pool.left(), LIMITS.max_total_credit);
    }
}
