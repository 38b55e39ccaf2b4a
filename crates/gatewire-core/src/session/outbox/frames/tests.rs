//! What a buffer keeps.

use super::FrameBuffer;

/// Longer than what is kept.
const LONG: usize = 4 << 20;

fn push(buffer: &mut FrameBuffer, length: usize, sound: bool) {
    let pushed = buffer.push(|out| {
        out.extend_from_slice(&vec![0; length]);
        if sound { Ok(()) } else { Err(()) }
    });
    assert_eq!(pushed.is_ok(), sound);
}

#[test]
fn a_long_frame_is_not_kept_room_for_sound_or_not() {
    for sound in [true, false] {
        let mut buffer = FrameBuffer::default();
        push(&mut buffer, LONG, sound);
        if sound {
            buffer.drain(|frames| assert_eq!((frames.count(), frames.bytes().len()), (1, LONG)));
        }
        assert!(buffer.is_empty() && buffer.bytes().is_empty());
        assert!(buffer.bytes.capacity() <= FrameBuffer::KEEP_CAPACITY, "sound: {sound}");
    }
}

#[test]
fn what_stands_in_front_of_an_unsound_frame_stays() {
    let mut buffer = FrameBuffer::default();
    push(&mut buffer, 100, true);
    push(&mut buffer, LONG, false);
    push(&mut buffer, 50, true);
    buffer.drain(|frames| assert_eq!((frames.count(), frames.bytes().len()), (2, 150)));
    assert!(buffer.bytes.capacity() <= FrameBuffer::KEEP_CAPACITY);
}
