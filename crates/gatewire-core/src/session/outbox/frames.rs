//! Frames that are encoded once for many outboxes.

use bytes::{Bytes, BytesMut};

use super::{SHARE_ABOVE, frame_length};
use gatewire_codec::{LENGTH_PREFIX, v3};

/// One or several whole frames that many outboxes take: a short one is copied into each, a longer
/// one shared.
#[derive(Debug, Clone)]
pub struct Frames<'b> {
    content: Content<'b>,
    count: u64,
    /// Without its length prefix.
    longest: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Content<'b> {
    Copied(&'b [u8]),
    Shared(Bytes),
}

impl<'b> Frames<'b> {
    /// One whole frame, its length prefix included.
    #[must_use]
    pub fn one(frame: &'b Bytes) -> Self {
        let content = if frame.len() > SHARE_ABOVE {
            Content::Shared(frame.clone())
        } else {
            Content::Copied(frame)
        };
        Self { content, count: 1, longest: frame.len() - LENGTH_PREFIX }
    }

    /// EVENT frames that lie one behind the other, as another hub has encoded them; `share` gives the same bytes to be
    /// kept. `None`: these are no whole frames of events, or none at all. Their contents are not looked at.
    #[must_use]
    pub fn of_events(bytes: &'b [u8], share: impl FnOnce() -> Bytes) -> Option<Self> {
        let (mut count, mut longest, mut rest) = (0, 0, bytes);
        while !rest.is_empty() {
            let (frame, behind) = rest.split_at_checked(frame_length(rest)?)?;
            if !v3::is_event(&frame[LENGTH_PREFIX..]) {
                return None;
            }
            count += 1;
            longest = longest.max(frame.len() - LENGTH_PREFIX);
            rest = behind;
        }
        let long = bytes.len() > SHARE_ABOVE;
        let content = if long { Content::Shared(share()) } else { Content::Copied(bytes) };
        (count > 0).then_some(Self { content, count, longest })
    }

    /// One whole frame that is copied, however long it is.
    pub(super) fn copied(frame: &'b [u8]) -> Self {
        Self { content: Content::Copied(frame), count: 1, longest: frame.len() - LENGTH_PREFIX }
    }

    /// How many frames.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The length of the longest frame, without its length prefix.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The frames, one behind the other.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Copied(bytes) => bytes,
            Content::Shared(bytes) => bytes,
        }
    }

    pub(super) fn content(&self) -> &Content<'b> {
        &self.content
    }

    /// Each frame alone. Copied, unless it is the only one: a part of shared bytes would keep all of
    /// them in memory.
    pub(super) fn each(&self) -> impl Iterator<Item = Frames<'_>> {
        let whole = (self.count == 1).then(|| self.clone());
        let parts = if whole.is_some() { &[] } else { self.bytes() };
        whole.into_iter().chain(split(parts).map(Frames::copied))
    }

    /// The bytes of each frame, its length prefix included.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        split(self.bytes())
    }
}

fn split(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (frame, behind) = rest.split_at_checked(frame_length(rest)?)?;
        rest = behind;
        Some(frame)
    })
}

/// Where frames for many are written, one behind the other. Its memory is kept for the next ones.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: BytesMut,
    count: u64,
    longest: usize,
}

impl FrameBuffer {
    /// A larger buffer is not kept.
    const KEEP_CAPACITY: usize = 128 << 10;

    /// Appends one frame, which `encode` writes at the end of the buffer, with its length prefix.
    ///
    /// # Errors
    ///
    /// What `encode` says; the buffer is as before.
    #[inline]
    pub fn push<E>(
        &mut self,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        if let Err(error) = encode(&mut self.bytes) {
            self.bytes.truncate(start);
            self.release_memory();
            return Err(error);
        }
        self.count += 1;
        self.longest = self.longest.max(self.bytes.len() - start - LENGTH_PREFIX);
        Ok(())
    }

    /// What was written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there is no frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Lends the frames to `deliver`, and is empty then.
    pub fn drain<R>(&mut self, deliver: impl FnOnce(&Frames<'_>) -> R) -> R {
        let (count, longest) = (self.count, self.longest);
        let content = if self.bytes.len() <= SHARE_ABOVE {
            Content::Copied(&self.bytes)
        } else if count == 1 && self.bytes.len() >= self.bytes.capacity() / 2 {
            // Its memory fits: no need to copy a large frame.
            Content::Shared(std::mem::take(&mut self.bytes).freeze())
        } else {
            // Who keeps these bytes keeps no more than it counts.
            Content::Shared(Bytes::copy_from_slice(&self.bytes))
        };
        let result = deliver(&Frames { content, count, longest });
        self.bytes.clear();
        self.release_memory();
        (self.count, self.longest) = (0, 0);
        result
    }

    /// Gives back what one long frame took, even one that was no message after all.
    fn release_memory(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > Self::KEEP_CAPACITY {
            self.bytes = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests;
