//! What became of a request to many.

use gatewire_codec::SocketAddress;

use super::arrivals::Summary;
use crate::error::RequestError;

/// What became of a request to many: who was asked, who answered what, and who did not. From a
/// [`RoomRequest`](crate::RoomRequest).
///
/// Each receiver that was asked is in one of [`received`](Self::received), [`failed`](Self::failed) and
/// [`missing`](Self::missing).
#[derive(Debug, Clone, PartialEq)]
pub struct RoomReport<T> {
    expected: Vec<SocketAddress>,
    received: Vec<(SocketAddress, T)>,
    failed: Vec<(SocketAddress, RequestError)>,
    missing: Vec<SocketAddress>,
    unreachable: Vec<Box<str>>,
    /// Whether these are known to be all.
    whole: bool,
}

impl<T> RoomReport<T> {
    pub(super) fn new(
        summary: Summary,
        received: Vec<(SocketAddress, T)>,
        errors: Vec<(SocketAddress, RequestError)>,
    ) -> Self {
        let Summary { expected, unreachable, end } = summary;
        let whole = end == Ok(expected.len() as u64);
        let (silent, failed): (Vec<_>, Vec<_>) =
            errors.into_iter().partition(|(_, error)| error.is_silence());
        let missing = silent.into_iter().map(|(address, _)| address).collect();
        Self { expected, received, failed, missing, unreachable, whole }
    }

    /// All who are known to have been asked: those whom the sender's node addressed when it handled the request, and
    /// those whom each other node addressed when the request came there. None: nobody was addressed.
    #[must_use]
    pub fn expected(&self) -> &[SocketAddress] {
        &self.expected
    }

    /// Who answered, and what, in the order in which the answers came.
    pub fn received(&self) -> impl ExactSizeIterator<Item = (&SocketAddress, &T)> {
        self.received.iter().map(|(address, answer)| (address, answer))
    }

    /// The same, to keep.
    #[must_use]
    pub fn into_received(self) -> Vec<(SocketAddress, T)> {
        self.received
    }

    /// Who was asked and is not known to have done anything: silent when the time was over, or gone. Its handler
    /// may have run.
    pub fn missing(&self) -> impl ExactSizeIterator<Item = &SocketAddress> {
        self.missing.iter()
    }

    /// Who did not answer, and why: it has no handler, refused, is not permitted.
    pub fn failed(&self) -> impl ExactSizeIterator<Item = (&SocketAddress, &RequestError)> {
        self.failed.iter().map(|(address, error)| (address, error))
    }

    /// The nodes of a cluster that could not be reached. Of their members it is not known who was asked, but for
    /// those in [`expected`](Self::expected). On one server: none.
    pub fn unreachable(&self) -> impl ExactSizeIterator<Item = &str> {
        self.unreachable.iter().map(|node| &**node)
    }

    /// Whether everybody who was addressed has answered. Not if the time was over, or the connection to the
    /// server lost, before the server had told that these were all.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.whole
            && self.missing.is_empty()
            && self.failed.is_empty()
            && self.unreachable.is_empty()
    }
}
