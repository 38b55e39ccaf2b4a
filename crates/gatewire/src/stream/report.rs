//! What became of the readers of a stream to many.

use gatewire_codec::{SocketAddress, Value};

use super::StreamError;

/// What became of one reader.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    /// The reader.
    pub socket: SocketAddress,
    /// What its handler answered (for a writer that is a client, up to 1 KiB of it: a longer one is
    /// [`RequestError::TooLarge`](crate::RequestError)), which means that it got all of it (or politely
    /// [stopped](crate::StreamReader::stop)); or why it did not get all.
    pub outcome: Result<Value, StreamError>,
}

/// What became of each reader of a stream to many. From
/// [`FanoutWriter::finish`](crate::FanoutWriter::finish).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamReport {
    receipts: Vec<Receipt>,
    lost_nodes: Vec<String>,
}

impl StreamReport {
    pub(crate) fn new(receipts: Vec<Receipt>, lost_nodes: Vec<String>) -> Self {
        Self { receipts, lost_nodes }
    }

    /// All readers, those that the stream was opened for. None: nobody was addressed.
    #[must_use]
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// Who got all of it.
    pub fn complete(&self) -> impl Iterator<Item = &SocketAddress> + '_ {
        let complete = self.receipts.iter().filter(|receipt| receipt.outcome.is_ok());
        complete.map(|receipt| &receipt.socket)
    }

    /// Who did not, and why.
    pub fn failed(&self) -> impl Iterator<Item = (&SocketAddress, &StreamError)> + '_ {
        self.receipts.iter().filter_map(|receipt| {
            receipt.outcome.as_ref().err().map(|error| (&receipt.socket, error))
        })
    }

    /// The nodes of a cluster of whose readers, or of some of them, nothing is known: they could not be reached, or the
    /// way there was lost. On one server: none.
    #[must_use]
    pub fn lost_nodes(&self) -> &[String] {
        &self.lost_nodes
    }

    /// Whether all readers got all of it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lost_nodes.is_empty() && self.receipts.iter().all(|receipt| receipt.outcome.is_ok())
    }
}
