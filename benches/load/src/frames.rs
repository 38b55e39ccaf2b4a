//! Reading many frames with few system calls, into one buffer per thread.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// What one read may bring. The frames of one batch are cut out of it where they lie.
const BUFFER: usize = 512 << 10;

thread_local! {
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// What a connection keeps of its stream between two reads: a frame that came in part, so nothing
/// while it is idle.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    partial: Vec<u8>,
}

/// A frame and the bytes behind it.
pub(crate) type Split<'a> = (&'a [u8], &'a [u8]);

impl Frames {
    /// Reads once, and calls `each` for each frame that is whole then. `split` cuts the first frame off
    /// the bytes, or says that it is not whole. `false`: the stream has ended.
    pub(crate) fn poll_read(
        &mut self,
        stream: Pin<&mut impl AsyncRead>,
        context: &mut Context<'_>,
        split: impl Fn(&[u8]) -> io::Result<Option<Split<'_>>>,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Poll<io::Result<bool>> {
        SHARED.with_borrow_mut(|buffer| {
            let held = self.partial.len();
            let Some(free) = buffer.get_mut(held..).filter(|free| !free.is_empty()) else {
                return Poll::Ready(Err(io::Error::other("a frame is longer than the buffer")));
            };
            let mut read = ReadBuf::new(free);
            ready!(stream.poll_read(context, &mut read))?;
            let length = read.filled().len();
            if length == 0 {
                return Poll::Ready(Ok(false));
            }
            buffer[..held].copy_from_slice(&self.partial);
            let mut rest = &buffer[..held + length];
            while let Some((frame, behind)) = split(rest)? {
                each(frame)?;
                rest = behind;
            }
            self.keep(rest);
            Poll::Ready(Ok(true))
        })
    }

    fn keep(&mut self, rest: &[u8]) {
        if rest.is_empty() && self.partial.capacity() > 0 {
            self.partial = Vec::new();
        }
        self.partial.clear();
        self.partial.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::raw::wire;

    fn read(frames: &mut Frames, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        let read = frames.poll_read(Pin::new(&mut bytes), &mut context, wire::split, |frame| {
            found.push(frame.to_vec());
            Ok(())
        });
        assert!(matches!(read, Poll::Ready(Ok(true))), "{read:?}");
        found
    }

    #[test]
    fn frames_are_found_wherever_a_read_cuts_them() {
        let stream = b"\x01\0\0\0a\x02\0\0\0bc\x01\0\0\0d";
        for cut in 1..stream.len() {
            let mut frames = Frames::default();
            let mut found = read(&mut frames, &stream[..cut]);
            found.extend(read(&mut frames, &stream[cut..]));
            assert_eq!(found, [&b"a"[..], b"bc", b"d"], "cut at {cut}");
            assert_eq!(frames.partial.capacity(), 0, "an idle stream keeps nothing");
        }
    }

    #[test]
    fn the_end_is_told() {
        let mut context = Context::from_waker(Waker::noop());
        let end =
            Frames::default()
                .poll_read(Pin::new(&mut &b""[..]), &mut context, wire::split, |_| Ok(()));
        assert!(matches!(end, Poll::Ready(Ok(false))), "{end:?}");
    }
}
