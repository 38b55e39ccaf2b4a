//! Frames come whole and in order, however they are cut and read.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use gatewire_codec::v3;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Assembly, Read};
use crate::net::transport::{Transport, TransportReader};

/// Nothing takes so long.
const LONG: Duration = Duration::from_secs(20);

/// A frame that is as long as that of a whole chunk.
const CHUNK: usize = v3::MAX_CHUNK + 3;

async fn pair() -> (TcpStream, TransportReader) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (writer, reader) = tokio::join!(TcpStream::connect(address), listener.accept());
    let reader = Transport::plain(reader.expect("accepted").0).1;
    (writer.expect("connected"), reader)
}

/// Frames of these lengths, each filled with its number.
fn frames(lengths: &[usize]) -> Vec<Bytes> {
    let numbers = (0..=255).cycle();
    lengths.iter().zip(numbers).map(|(length, number)| vec![number; *length].into()).collect()
}

fn on_the_wire(frames: &[Bytes]) -> Bytes {
    let mut wire = BytesMut::new();
    for frame in frames {
        wire.put_u32_le(u32::try_from(frame.len()).expect("a short frame"));
        wire.extend_from_slice(frame);
    }
    wire.freeze()
}

/// Reads so many frames, as a driver does on a connection where each one longer than what is copied is a chunk; and whether each was
/// owned.
async fn read(
    assembly: &mut Assembly,
    reader: &mut TransportReader,
    count: usize,
) -> Vec<(Bytes, bool)> {
    let mut read = Vec::new();
    while read.len() < count {
        let mut last = 0_usize;
        let progress = timeout(
            LONG,
            poll_fn(|context| {
                assembly.poll_read(reader, context, |frame, _| {
                    if frame.bytes().len() > v3::MAX_CHUNK {
                        last = frame.bytes().len();
                    }
                    read.push((frame.to_bytes(), frame.owned().is_some()));
                    Ok::<(), ()>(())
                })
            }),
        );
        let progress = progress.await.expect("the frames were written").expect("good frames");
        assert_eq!(progress, Read::Progress);
        assembly.expect_chunks(u32::try_from(last).expect("a short frame"));
    }
    read
}

/// What an idle connection holds.
async fn assert_idle(assembly: &mut Assembly, reader: &mut TransportReader) {
    let pending = poll_fn(|context| {
        let polled = assembly.poll_read(reader, context, |_, _| Ok::<(), ()>(()));
        Poll::Ready(polled.is_pending())
    });
    assert!(pending.await, "there is nothing to read");
    assert_eq!((assembly.partial.capacity(), assembly.share.bytes()), (0, 0));
}

async fn check(lengths: &[usize], piece: usize) -> Vec<bool> {
    let (mut writer, mut reader) = pair().await;
    let mut assembly = Assembly::new(1 << 20, BytesMut::new());
    let frames = frames(lengths);
    let wire = on_the_wire(&frames);
    let write = async {
        for piece in wire.chunks(piece) {
            writer.write_all(piece).await.expect("written");
            tokio::task::yield_now().await;
        }
    };
    let ((), read) = tokio::join!(write, read(&mut assembly, &mut reader, frames.len()));
    let (read, owned): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    assert!(read == frames, "{lengths:?} in pieces of {piece}");
    assert_idle(&mut assembly, &mut reader).await;
    owned
}

#[tokio::test]
async fn chunks_are_whole_wherever_they_are_cut() {
    for piece in [1000, CHUNK - 1, CHUNK, CHUNK + 4, 4 * CHUNK, 300_001, 1 << 20] {
        check(&[CHUNK; 40], piece).await;
    }
}

#[tokio::test]
async fn frames_of_all_lengths_among_chunks_are_whole() {
    let c = CHUNK;
    let lengths = [c, c, 2, 17, c, 70_000, c, 300_000, c, 3, c, c, 900_000];
    for piece in [777, 65_540, 131_072, 262_144, 400_000, 2 << 20] {
        check(&lengths.repeat(3), piece).await;
    }
}

#[tokio::test]
async fn chunks_behind_chunks_are_not_copied() {
    let owned = check(&[CHUNK; 100], 1 << 20).await;
    assert!(owned[8..].iter().all(|owned| *owned), "{owned:?}");
}

#[tokio::test]
async fn a_chunk_that_is_kept_is_not_overwritten() {
    let (mut writer, mut reader) = pair().await;
    let mut assembly = Assembly::new(1 << 20, BytesMut::new());
    let frames = frames(&[CHUNK; 64]);
    let wire = on_the_wire(&frames);
    let mut kept = Vec::new();
    for wire in wire.chunks(8 * (CHUNK + 4)) {
        let ((), read) = tokio::join!(
            async { writer.write_all(wire).await.expect("written") },
            read(&mut assembly, &mut reader, 8)
        );
        // One of each eight stays.
        kept.extend(read.into_iter().step_by(8));
        assert_idle(&mut assembly, &mut reader).await;
    }
    let expected: Vec<_> = frames.into_iter().step_by(8).collect();
    assert!(kept.into_iter().map(|(frame, _)| frame).eq(expected));
}

#[tokio::test]
async fn memory_of_chunks_that_were_read_is_used_again() {
    let (mut writer, mut reader) = pair().await;
    let mut assembly = Assembly::new(1 << 20, BytesMut::new());
    let frames = frames(&[CHUNK; 200]);
    let wire = on_the_wire(&frames);
    let write = async { writer.write_all(&wire).await.expect("written") };
    let seen = async {
        let mut places = BTreeSet::new();
        let mut count = 0;
        while count < frames.len() {
            for (frame, owned) in read(&mut assembly, &mut reader, 1).await {
                count += 1;
                if owned {
                    places.insert(frame.as_ptr() as usize / (64 << 10));
                }
            }
        }
        places
    };
    let ((), places) = tokio::join!(write, seen);
    assert!(places.len() < 64, "{} places for 200 chunks", places.len());
}
