//! The stream is cut where the frames end, whatever the pieces in which it arrives.

use bytes::{Bytes, BytesMut};
use gatewire_codec::{FrameError, Framer, LENGTH_PREFIX, Version, split_frame};

use crate::golden::Golden;

const LIMIT: u32 = 1 << 20;

#[test]
fn version_1_frames_come_out_of_chunks_of_any_size() {
    check_chunks(Version::V1, 136);
}

#[test]
fn version_2_frames_come_out_of_chunks_of_any_size() {
    check_chunks(Version::V2, 168);
}

#[test]
fn a_frame_longer_than_the_limit_is_refused_from_its_length() {
    check_length(LIMIT, Ok(None));
    check_length(LIMIT + 1, Err(FrameError::TooLarge { length: LIMIT + 1, limit: LIMIT }));
    check_length(u32::MAX, Err(FrameError::TooLarge { length: u32::MAX, limit: LIMIT }));
}

#[test]
fn a_frame_without_room_for_version_and_kind_is_refused_from_its_length() {
    check_length(0, Err(FrameError::TooShort { length: 0 }));
    check_length(1, Err(FrameError::TooShort { length: 1 }));
    check_length(2, Ok(None));
}

#[test]
fn three_bytes_of_a_length_say_nothing_yet() {
    for prefix in [&b""[..], b"\xff", b"\xff\xff", b"\xff\xff\xff"] {
        assert_eq!(split_frame(prefix, LIMIT), Ok(None));
        assert_eq!(Framer::new(LIMIT).missing(prefix), Ok(None));
    }
}

#[test]
fn an_announced_length_reserves_no_memory() {
    let mut buffer = BytesMut::with_capacity(8);
    buffer.extend_from_slice(&LIMIT.to_le_bytes());
    let capacity = buffer.capacity();
    let mut framer = Framer::new(LIMIT);
    for byte in 0..4 {
        assert_eq!(framer.next_frame(&mut buffer), Ok(None));
        assert_eq!(buffer.capacity(), capacity);
        buffer.extend_from_slice(&[byte]);
    }
    assert_eq!(framer.missing(&buffer), Ok(Some(LIMIT as usize - 4)));
}

#[test]
fn a_refused_stream_is_left_as_it_is() {
    let mut buffer = BytesMut::from(&b"\xff\xff\xff\xff\x03\x08"[..]);
    let mut framer = Framer::new(LIMIT);
    let error = FrameError::TooLarge { length: u32::MAX, limit: LIMIT };
    assert_eq!(framer.next_frame(&mut buffer), Err(error));
    assert_eq!(framer.next_frame(&mut buffer), Err(error));
    assert_eq!(buffer, b"\xff\xff\xff\xff\x03\x08"[..]);
}

#[test]
fn frames_share_the_memory_of_the_read_buffer() {
    let mut buffer = BytesMut::from(&b"\x02\0\0\0\x03\x08\x03\0\0\0\x03\x17\x01"[..]);
    let start = buffer.as_ptr();
    let mut framer = Framer::new(LIMIT);
    let first = framer.next_frame(&mut buffer).expect("in step").expect("whole");
    let second = framer.next_frame(&mut buffer).expect("in step").expect("whole");
    assert_eq!((&first[..], &second[..]), (&b"\x03\x08"[..], &b"\x03\x17\x01"[..]));
    assert_eq!(first.as_ptr() as usize - start as usize, LENGTH_PREFIX);
    assert_eq!(second.as_ptr() as usize - start as usize, 2 * LENGTH_PREFIX + 2);
}

#[test]
fn missing_counts_down_to_a_whole_frame() {
    let frame = b"\x05\0\0\0abcdef";
    let framer = Framer::new(LIMIT);
    for (length, missing) in [(4, 5), (5, 4), (8, 1), (9, 0), (10, 0)] {
        assert_eq!(framer.missing(&frame[..length]), Ok(Some(missing)));
    }
    assert_eq!(framer.missing(b"\x01\0\0\0"), Err(FrameError::TooShort { length: 1 }));
}

#[test]
fn the_limit_can_be_raised_between_two_frames() {
    let mut buffer = BytesMut::from(&b"\x02\0\0\0\x03\x08\x03\0\0\0\x03\x17\x01"[..]);
    let mut framer = Framer::new(2);
    assert_eq!(framer.next_frame(&mut buffer), Ok(Some(Bytes::from_static(b"\x03\x08"))));
    assert_eq!(framer.next_frame(&mut buffer), Err(FrameError::TooLarge { length: 3, limit: 2 }));
    framer.set_limit(3);
    assert_eq!(framer.limit(), 3);
    assert_eq!(framer.next_frame(&mut buffer), Ok(Some(Bytes::from_static(b"\x03\x17\x01"))));
}

#[track_caller]
fn check_length(length: u32, expected: Result<Option<()>, FrameError>) {
    let mut buffer = BytesMut::from(&length.to_le_bytes()[..]);
    let split = split_frame(&buffer, LIMIT);
    assert_eq!(split.map(|found| found.map(|_| ())), expected);
    let framed = Framer::new(LIMIT).next_frame(&mut buffer);
    assert_eq!(framed.map(|found| found.map(|_| ())), expected);
}

/// All golden frames in the chunk sizes in which the Node reader got them.
#[track_caller]
fn check_chunks(version: Version, count: usize) {
    let golden = Golden::of(version);
    let stream = golden.stream();
    let whole = split_all(&stream);
    assert_eq!(whole.len(), count);
    let checks = golden.framing();
    assert_eq!(checks.len(), 10);
    for (chunk_size, frames) in checks {
        assert_eq!(frames, count);
        assert!(frame_all(&stream, chunk_size) == whole, "chunks of {chunk_size}");
        assert!(split_chunks(&stream, chunk_size) == whole, "chunks of {chunk_size}");
    }
}

/// By [`split_frame`] on the whole stream.
fn split_all(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut rest = stream;
    while let Some((frame, behind)) = split_frame(rest, LIMIT).expect("in step") {
        frames.push(frame.to_vec());
        rest = behind;
    }
    assert_eq!(rest, b"");
    frames
}

/// By [`split_frame`] on what has arrived so far.
fn split_chunks(stream: &[u8], chunk_size: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut arrived = Vec::new();
    for chunk in stream.chunks(chunk_size) {
        arrived.extend_from_slice(chunk);
        let mut used = 0;
        while let Some((frame, _)) = split_frame(&arrived[used..], LIMIT).expect("in step") {
            used += LENGTH_PREFIX + frame.len();
            frames.push(frame.to_vec());
        }
        arrived.drain(..used);
    }
    assert_eq!(arrived, b"");
    frames
}

/// By a [`Framer`] on a growing buffer.
fn frame_all(stream: &[u8], chunk_size: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut buffer = BytesMut::new();
    let mut framer = Framer::new(LIMIT);
    for chunk in stream.chunks(chunk_size) {
        buffer.extend_from_slice(chunk);
        while let Some(frame) = framer.next_frame(&mut buffer).expect("in step") {
            frames.push(frame.to_vec());
        }
    }
    assert!(buffer.is_empty());
    frames
}
