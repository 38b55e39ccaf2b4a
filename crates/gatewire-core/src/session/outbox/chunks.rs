//! Frames of streams. They pass the bounds: streams have buffers with bounds of their own, and only one
//! batch of them is moved here at a time.

use bytes::{Bytes, BytesMut};

use super::{Outbox, SHARE_ABOVE};
use gatewire_codec::{EncodeError, Message, v3};

impl Outbox {
    /// Appends a chunk of a stream, whose `length` bytes come in pieces: long ones are shared. So a frame
    /// may lie in several segments; its header lies in one.
    pub(in crate::session) fn push_chunk(
        &mut self,
        id: u32,
        length: usize,
        pieces: impl Iterator<Item = Bytes>,
    ) {
        self.push_parts(|out| v3::encode_chunk_header(id, length, out), pieces);
    }

    /// Appends the end of a stream of `length` bytes.
    pub(in crate::session) fn push_finish(&mut self, id: u32, length: u64) {
        let finish = Message::StreamFinish { id, event: "", length: Some(length) };
        self.push_parts(|out| v3::encode(&finish, out), std::iter::empty());
    }

    fn push_parts(
        &mut self,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
        pieces: impl Iterator<Item = Bytes>,
    ) {
        let start = self.tail.len();
        encode(&mut self.tail).expect("an id and a length always fit");
        let mut length = self.tail.len() - start;
        for piece in pieces {
            length += piece.len();
            if piece.len() <= SHARE_ABOVE {
                self.tail.extend_from_slice(&piece);
            } else {
                self.seal();
                self.sealed.push_back(piece);
            }
        }
        self.note(length, 1);
    }
}
