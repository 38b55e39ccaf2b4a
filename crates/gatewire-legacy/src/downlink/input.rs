//! From what was read to frames, and to the bytes of chunks that are longer than a frame may be.
//!
//! The Node packages write into one frame whatever the application writes to a stream at once, so a chunk may have any
//! length. A frame that is too long is refused, unless it is a chunk: that is taken as its bytes come, and
//! nothing of it is kept here.

use bytes::{Buf, Bytes, BytesMut};
use gatewire_codec::legacy::Kind;
use gatewire_codec::{FrameError, Framer, LENGTH_PREFIX, Version, split_frame};

/// What a peer sends, one after the other.
#[derive(Debug)]
pub(super) struct Input {
    version: Version,
    framer: Framer,
    /// The beginning of a frame.
    partial: BytesMut,
    /// A long chunk under way.
    chunk: Option<LongChunk>,
}

#[derive(Debug, Clone, Copy)]
struct LongChunk {
    id: u32,
    left: usize,
}

/// A piece of what was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'i> {
    /// A frame, without its length prefix.
    Frame(Frame<'i>),
    /// Bytes of a chunk of this stream.
    Chunk { id: u32, bytes: &'i [u8] },
}

/// A frame where it was read, or put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'i> {
    Borrowed(&'i [u8]),
    Owned(Bytes),
}

impl Frame<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Input {
    pub(super) fn new(version: Version, limit: u32) -> Self {
        Self { version, framer: Framer::new(limit), partial: BytesMut::new(), chunk: None }
    }

    /// The next piece of `input`, which is moved on. `None`: all is taken.
    ///
    /// # Errors
    ///
    /// [`FrameError`]: the stream cannot go on.
    pub(super) fn next<'i>(
        &mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Piece<'i>>, FrameError> {
        loop {
            if let Some(LongChunk { id, left }) = self.chunk {
                let (bytes, rest) = input.split_at(left.min(input.len()));
                if bytes.is_empty() {
                    return Ok(None);
                }
                *input = rest;
                let left = left - bytes.len();
                self.chunk = (left > 0).then_some(LongChunk { id, left });
                return Ok(Some(Piece::Chunk { id, bytes }));
            }
            if self.partial.is_empty() {
                match split_frame(input, self.framer.limit()) {
                    Ok(Some((frame, rest))) => {
                        *input = rest;
                        return Ok(Some(Piece::Frame(Frame::Borrowed(frame))));
                    }
                    // All of it is needed to say more.
                    Ok(None) | Err(FrameError::TooLarge { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            if input.is_empty() {
                return Ok(None);
            }
            if let Some(piece) = self.gather(input)? {
                return Ok(Some(piece));
            }
        }
    }

    /// Moves bytes of a frame that is not whole, or too long, to where they are put together.
    fn gather(&mut self, input: &mut &[u8]) -> Result<Option<Piece<'static>>, FrameError> {
        let lacks = match self.framer.missing(&self.partial) {
            Ok(None) => LENGTH_PREFIX - self.partial.len(),
            Ok(Some(missing)) => missing,
            Err(error @ FrameError::TooLarge { .. }) => {
                match chunk_header(self.version, &self.partial) {
                    Err(Lacks(bytes)) => bytes,
                    Ok(None) => return Err(error),
                    Ok(chunk) => {
                        self.partial.clear();
                        self.chunk = chunk;
                        return Ok(None);
                    }
                }
            }
            Err(error) => return Err(error),
        };
        let taken = lacks.min(input.len());
        self.partial.extend_from_slice(&input[..taken]);
        *input = &input[taken..];
        match self.framer.missing(&self.partial) {
            Ok(Some(0)) => {}
            Err(error @ FrameError::TooShort { .. }) => return Err(error),
            // Too long: it is looked at with the next bytes, since it may be a chunk.
            _ => return Ok(None),
        }
        let mut frame = std::mem::take(&mut self.partial);
        frame.advance(LENGTH_PREFIX);
        Ok(Some(Piece::Frame(Frame::Owned(frame.freeze()))))
    }
}

/// So many more bytes are needed.
struct Lacks(usize);

/// Reads the head of a frame that is too long: the chunk that it is, or `None`. An empty chunk is none: it would not be
/// too long.
fn chunk_header(version: Version, partial: &[u8]) -> Result<Option<LongChunk>, Lacks> {
    let mut head = partial;
    let length = u32::from_le_bytes(*take(&mut head)?) as usize;
    let &[found, _, data_type, kind] = take(&mut head)?;
    // Binary, or a text, which Node takes for its bytes.
    let is_data = matches!(data_type, 1 | 2);
    if found != version as u8 || Kind::from_code(version, kind) != Kind::Stream || !is_data {
        return Ok(None);
    }
    if version == Version::V2 {
        let &[_, cells] = take(&mut head)?;
        skip(&mut head, cells.into())?;
    }
    let id = u32::from_le_bytes(*take(&mut head)?);
    let event = u16::from_le_bytes(*take(&mut head)?);
    skip(&mut head, event.into())?;
    let left = u32::from_le_bytes(*take(&mut head)?) as usize;
    let header = partial.len() - head.len() - LENGTH_PREFIX;
    Ok((header + left == length && left > 0).then_some(LongChunk { id, left }))
}

/// The kind of a frame (without its length prefix) and its id, whatever is wrong with what stands behind the two.
pub(super) fn kind_and_id(version: Version, frame: &[u8]) -> Option<(Kind, u32)> {
    let mut head = frame;
    let &[.., kind] = take::<4>(&mut head).ok()?;
    if version == Version::V2 {
        let &[_, cells] = take(&mut head).ok()?;
        skip(&mut head, cells.into()).ok()?;
    }
    let id = take(&mut head).ok()?;
    Some((Kind::from_code(version, kind), u32::from_le_bytes(*id)))
}

fn take<'h, const N: usize>(head: &mut &'h [u8]) -> Result<&'h [u8; N], Lacks> {
    let (taken, rest) = head.split_first_chunk().ok_or(Lacks(N - head.len().min(N)))?;
    *head = rest;
    Ok(taken)
}

fn skip(head: &mut &[u8], count: usize) -> Result<(), Lacks> {
    *head = head.get(count..).ok_or_else(|| Lacks(count - head.len()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use gatewire_codec::{Message, legacy};

    use super::*;

    const LIMIT: u32 = 100;

    fn chunk(version: Version, length: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..length).map(|index| index.to_le_bytes()[0]).collect();
        let mut out = BytesMut::new();
        let chunk = Message::StreamChunk { id: 7, event: "upload", bytes: &bytes };
        legacy::encode(&chunk, version, 0, &mut out).unwrap();
        out.to_vec()
    }

    fn event() -> Vec<u8> {
        let mut out = BytesMut::new();
        let event = Message::Event { event: "e", value: gatewire_codec::ValueRef::Integer(1) };
        legacy::encode(&event, Version::V1, 2, &mut out).unwrap();
        out.to_vec()
    }

    /// What comes of `bytes`, read in pieces of `size`: frames, and the chunk's bytes.
    fn read(version: Version, bytes: &[u8], size: usize) -> Result<(usize, Vec<u8>), FrameError> {
        let mut input = Input::new(version, LIMIT);
        let (mut frames, mut data) = (0, Vec::new());
        for mut piece in bytes.chunks(size) {
            while let Some(piece) = input.next(&mut piece)? {
                match piece {
                    Piece::Frame(_) => frames += 1,
                    Piece::Chunk { id: 7, bytes } => data.extend_from_slice(bytes),
                    Piece::Chunk { .. } => panic!("another stream"),
                }
            }
        }
        Ok((frames, data))
    }

    #[test]
    fn a_chunk_of_any_length_is_taken_however_it_is_cut() {
        for version in [Version::V1, Version::V2] {
            let bytes = chunk(version, 1000);
            for size in [1, 2, 3, 7, 20, 64, 1000, 2000] {
                let (frames, data) = read(version, &bytes, size).unwrap();
                assert_eq!((frames, data.len()), (0, 1000), "pieces of {size}");
                assert_eq!(data[255..258], [255, 0, 1]);
            }
        }
    }

    #[test]
    fn frames_around_a_long_chunk_are_frames() {
        let bytes = [event(), chunk(Version::V1, 500), event(), event()].concat();
        for size in [1, 5, 30, 600] {
            let (frames, data) = read(Version::V1, &bytes, size).unwrap();
            assert_eq!((frames, data.len()), (3, 500), "pieces of {size}");
        }
    }

    #[test]
    fn a_long_frame_that_is_no_chunk_is_refused() {
        let mut bytes = chunk(Version::V1, 500);
        bytes[7] = 2;
        let length = u32::from_le_bytes(*bytes.first_chunk().unwrap());
        let refused = Err(FrameError::TooLarge { length, limit: LIMIT });
        for size in [1, 8, 1000] {
            assert_eq!(read(Version::V1, &bytes, size), refused);
        }
        let mut wrong = chunk(Version::V1, 500);
        wrong[0] ^= 1;
        assert!(read(Version::V1, &wrong, 1000).is_err(), "the lengths do not agree");
    }
}
