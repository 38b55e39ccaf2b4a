//! Memory for what is read and then turned into something else, one piece per thread.

use std::cell::Cell;

/// One read: what a batch becomes, with what TLS adds to its records.
const READ: usize = 288 << 10;

/// Lends this thread's buffer.
pub(super) fn with_buffer<R>(f: impl FnOnce(&mut [u8]) -> R) -> R {
    thread_local! {
        static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    }
    let mut buffer = BUFFER.take().unwrap_or_else(|| vec![0; READ].into_boxed_slice());
    let result = f(&mut buffer);
    BUFFER.set(Some(buffer));
    result
}
