//! A member of a room: reads, checks and counts.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use gatewire_harness::{Failure, sequence_of};
use tokio::net::TcpStream;

use super::Crowd;
use crate::frames::{Frames, Split};

/// How frames are read off a member's connection.
pub(crate) trait Wire {
    /// Cuts the first frame off some bytes. `None`: it is not whole.
    fn split(bytes: &[u8]) -> io::Result<Option<Split<'_>>>;

    /// The payload of a frame that is a delivery. `None`: it is something else and harmless; what it
    /// wants as an answer is appended to `answers`.
    fn payload<'f>(frame: &'f [u8], answers: &mut Vec<u8>) -> io::Result<Option<&'f [u8]>>;
}

/// Reads as the member of this number until the task is dropped, and tells the crowd.
pub(super) async fn read<W: Wire>(
    crowd: Arc<Crowd>,
    member: usize,
    stream: TcpStream,
    size: usize,
) {
    if let Err(error) = hear::<W>(&crowd, member, stream, size).await {
        crowd.fail(Failure::new(format!("member {member}: {error}")));
    }
}

async fn hear<W: Wire>(
    crowd: &Crowd,
    member: usize,
    mut stream: TcpStream,
    size: usize,
) -> io::Result<()> {
    let mut frames = Frames::default();
    let mut answers = Vec::new();
    let mut next = 0;
    loop {
        let open = poll_fn(|context| {
            frames.poll_read(Pin::new(&mut stream), context, W::split, |frame| {
                let Some(payload) = W::payload(frame, &mut answers)? else { return Ok(()) };
                if sequence_of(payload) != Some(next) || payload.len() != size {
                    return probed(crowd, next, payload);
                }
                next += 1;
                Ok(())
            })
        })
        .await?;
        crowd.heard(member, next);
        if !answers.is_empty() {
            tokio::io::AsyncWriteExt::write_all(&mut stream, &answers).await?;
            answers.clear();
        }
        if !open {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Takes what is not the next publish: a probe, or an error.
#[cold]
fn probed(crowd: &Crowd, next: u64, payload: &[u8]) -> io::Result<()> {
    let (found, length) = (sequence_of(payload), payload.len());
    if found.is_some_and(|sequence| sequence >= PROBES) {
        crowd.reach();
        return Ok(());
    }
    Err(io::Error::other(format!("publish {next} was due, {found:?} in {length} bytes came")))
}

/// Sequence numbers from here on are probes: they only show that a member is reached.
pub(super) const PROBES: u64 = 1 << 63;

#[cfg(test)]
mod tests {
    use gatewire_harness::Payload;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::raw::RawWire;
    use crate::raw::wire::{Frame, encode};

    /// What a member says when these publishes reach it.
    async fn hears(sequences: &[u64]) -> Result<(), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let stream = TcpStream::connect(address).await.expect("a listener");
        let (mut server, _) = listener.accept().await.expect("a connection");
        let mut payload = Payload::new(16);
        let mut bytes = Vec::new();
        for &sequence in sequences {
            let payload = payload.with(sequence);
            encode(&Frame::Event { name: b"news", payload }, &mut bytes);
        }
        server.write_all(&bytes).await.expect("the member reads");
        let crowd = Arc::new(Crowd::new(1, false));
        let member = tokio::spawn(read::<RawWire>(Arc::clone(&crowd), 0, stream, 16));
        let waited = crowd.until(sequences.len() as u64).await;
        member.abort();
        waited
    }

    #[tokio::test]
    async fn a_member_finds_a_gap_and_a_repeat() {
        hears(&[0, 1, 2]).await.expect("all in order");
        let failure = hears(&[0, 2]).await.expect_err("1 is missing").to_string();
        assert!(failure.contains("publish 1 was due, Some(2)"), "{failure}");
        assert!(hears(&[0, 0]).await.is_err(), "0 came twice");
        assert!(hears(&[PROBES, 1]).await.is_err(), "a probe is no publish");
    }
}
