//! What lies between two routers: it passes bytes on, late or not at all, and cuts connections where it is told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// What becomes of the bytes of all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// They arrive so much later.
    Slow(Duration),
    /// Nobody reads them, and nobody is told. New connections are taken, and left like that.
    Silent,
    /// Connections are reset, new ones too.
    Reset,
    /// In each direction the next frame of at least 16 bytes is passed on by half, and then the connection is reset.
    /// New ones are open.
    ResetWithinFrame,
}

/// A proxy in front of one address. Dropped, it takes no more connections.
pub(crate) struct Proxy {
    address: SocketAddr,
    way: watch::Sender<(u64, Way)>,
    /// Connections that were reset within a frame.
    cut: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (way, ways) = watch::channel((0, Way::Open));
        let cut = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&cut);
        let task = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.expect("a connection");
                tokio::spawn(connect(near, target, ways.clone(), Arc::clone(&counter)));
            }
        });
        Self { address, way, cut, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_modify(|(count, now)| {
            *count += 1;
            *now = way;
        });
    }

    pub(crate) fn cut_within_frames(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Ways = watch::Receiver<(u64, Way)>;

/// The connection is to be reset.
struct Cut;

async fn connect(near: TcpStream, target: SocketAddr, mut ways: Ways, cut: Arc<AtomicU64>) {
    let (begun, way) = *ways.borrow_and_update();
    if way == Way::Reset {
        return reset(&near);
    }
    // Who is not there is not there through the proxy either.
    let Ok(far) = TcpStream::connect(target).await else { return reset(&near) };
    for stream in [&near, &far] {
        stream.set_nodelay(true).expect("a live socket");
    }
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let passed = tokio::try_join!(
        pass(&mut near_read, &mut far_write, (begun, ways.clone()), &cut),
        pass(&mut far_read, &mut near_write, (begun, ways.clone()), &cut),
    );
    if passed.is_err() {
        reset(near_read.as_ref());
        reset(far_read.as_ref());
    }
}

/// When it is dropped, that is.
fn reset(stream: &TcpStream) {
    // It may be broken already.
    let _broken = stream.set_zero_linger();
}

/// When something is to be written; `None`: the connection is to be reset behind it.
type Late = (Instant, Option<Vec<u8>>);

async fn pass(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    (begun, ways): (u64, Ways),
    cut: &AtomicU64,
) -> Result<(), Cut> {
    let (queue, queued) = mpsc::channel(64);
    let reading = read(from, queue, (begun, ways.clone()), cut);
    tokio::try_join!(reading, write(to, queued, ways)).map(|_| ())
}

async fn read(
    from: &mut OwnedReadHalf,
    queue: mpsc::Sender<Late>,
    (begun, mut ways): (u64, Ways),
    cut: &AtomicU64,
) -> Result<(), Cut> {
    let mut buffer = vec![0; 16 << 10];
    let mut frames = Frames::default();
    let mut due = Instant::now();
    loop {
        let (count, way) = *ways.borrow_and_update();
        match way {
            Way::Reset => return Err(Cut),
            Way::Silent => {
                ways.changed().await.map_err(|_| Cut)?;
                continue;
            }
            Way::Open | Way::Slow(_) | Way::ResetWithinFrame => {}
        }
        let read = tokio::select! {
            biased;
            changed = ways.changed() => {
                changed.map_err(|_| Cut)?;
                continue;
            }
            read = from.read(&mut buffer) => read.map_err(|_| Cut)?,
        };
        let delay = if let Way::Slow(delay) = way { delay } else { Duration::ZERO };
        due = due.max(Instant::now() + delay);
        if read == 0 {
            return Ok(());
        }
        let within = frames.pass(&buffer[..read], way == Way::ResetWithinFrame && count > begun);
        let bytes = buffer[..within.unwrap_or(read)].to_vec();
        queue.send((due, Some(bytes))).await.map_err(|_| Cut)?;
        if within.is_some() {
            cut.fetch_add(1, Ordering::Relaxed);
            queue.send((due, None)).await.map_err(|_| Cut)?;
        }
    }
}

async fn write(
    to: &mut OwnedWriteHalf,
    mut queued: mpsc::Receiver<Late>,
    mut ways: Ways,
) -> Result<(), Cut> {
    while let Some((due, bytes)) = queued.recv().await {
        sleep_until(due).await;
        ways.wait_for(|(_, way)| *way != Way::Silent).await.map_err(|_| Cut)?;
        to.write_all(&bytes.ok_or(Cut)?).await.map_err(|_| Cut)?;
    }
    to.shutdown().await.map_err(|_| Cut)
}

/// Where frames begin and end: each has its length before it, in four bytes.
#[derive(Debug, Default)]
struct Frames {
    length: [u8; 4],
    /// How many bytes of the length have come.
    known: usize,
    /// What is still to come of the frame.
    rest: usize,
    /// Behind so many of these the connection is to be cut.
    half: Option<usize>,
}

impl Frames {
    /// Takes bytes that pass. `Some`: so many of them are before the middle of a frame that is to be cut.
    fn pass(&mut self, bytes: &[u8], cut: bool) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.rest > 0 {
                if self.half == Some(self.rest) {
                    return Some(at);
                }
                self.rest -= 1;
                continue;
            }
            self.length[self.known] = *byte;
            self.known = (self.known + 1) % 4;
            if self.known == 0 {
                self.rest = u32::from_le_bytes(self.length) as usize;
                self.half = (cut && self.rest >= 16).then_some(self.rest / 2);
            }
        }
        None
    }
}

#[test]
fn a_frame_is_cut_in_its_middle_wherever_its_bytes_are_split() {
    let bytes = [&[2, 0, 0, 0, 1, 2, 20, 0, 0, 0], &[7_u8; 20][..]].concat();
    for split in 0..=bytes.len() {
        let mut frames = Frames::default();
        let cut = frames.pass(&bytes[..split], true);
        let cut = cut.or_else(|| frames.pass(&bytes[split..], true).map(|at| split + at));
        assert_eq!(cut, Some(20), "split at {split}");
    }
}
