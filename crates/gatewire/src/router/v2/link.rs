//! A connection to an old router.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatewire_codec::Framer;
use gatewire_legacy::uplink::{Cost, LinkNumber, LinkRefused, LinkUp};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::V2Cluster;
use super::writer::Writer;
use crate::net::channel::Channel;
use crate::net::legacy::linger;
use crate::router::Task;
use crate::router::event::RouterEvent;
use crate::router::inner::RouterInner;
use crate::server;

/// An old router that has shaken hands.
pub(crate) struct Shaken {
    pub(crate) channel: Channel,
    /// What was read behind the handshake.
    pub(crate) leftover: BytesMut,
    pub(crate) link: String,
    pub(crate) host: String,
    pub(crate) cost: Cost,
    pub(crate) last_message_id: u32,
    /// The server to which it has come. `None`: it was dialled.
    pub(crate) server: Option<Weak<server::Inner>>,
}

/// What everybody who sends to an old router shares.
pub(crate) struct V2Link {
    queue: Mutex<Queue>,
    wake: Notify,
    /// How many bytes may wait.
    limit: usize,
    server: Option<Weak<server::Inner>>,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    ended: Option<String>,
}

/// What is written at once, unless one frame is longer.
const BATCH: usize = 256 << 10;
/// What is read at once.
const READ: usize = 64 << 10;
/// For how long what is queued is written when the router is closed.
const FAREWELL: Duration = Duration::from_secs(2);

impl V2Link {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a frame. A link that does not keep up is ended: all is told anew on the next.
    pub(super) fn queue(&self, frame: Bytes) {
        let mut queue = self.lock();
        if queue.ended.is_some() {
            return;
        }
        if queue.bytes + frame.len() > self.limit {
            queue.ended = Some("it does not keep up".to_owned());
        } else {
            queue.bytes += frame.len();
            queue.frames.push_back(frame);
        }
        self.wake.notify_one();
    }

    /// Ends the link.
    pub(super) fn end(&self, why: &str) {
        self.lock().ended.get_or_insert_with(|| why.to_owned());
        self.wake.notify_one();
    }

    /// Whether its peer has come to this server.
    pub(in crate::router) fn is_of(&self, server: &Arc<server::Inner>) -> bool {
        let of = self.server.as_ref();
        of.is_some_and(|found| std::ptr::eq(found.as_ptr(), Arc::as_ptr(server)))
    }

    /// The next bytes to write, once there are some. `Err`: why there are no more.
    pub(super) async fn take(&self) -> Result<BytesMut, String> {
        loop {
            {
                let mut queue = self.lock();
                if let Some(why) = queue.ended.clone() {
                    return Err(why);
                }
                let batch = queue.take();
                if !batch.is_empty() {
                    return Ok(batch);
                }
            }
            self.wake.notified().await;
        }
    }

    /// The next bytes to write. Empty: there are none, now.
    pub(super) fn take_queued(&self) -> BytesMut {
        self.lock().take()
    }
}

impl Queue {
    fn take(&mut self) -> BytesMut {
        let mut batch = BytesMut::new();
        while let Some(frame) = self.frames.front()
            && (batch.is_empty() || batch.len() + frame.len() <= BATCH)
        {
            batch.extend_from_slice(frame);
            self.bytes -= frame.len();
            self.frames.pop_front();
        }
        batch
    }
}

impl Shaken {
    /// The link lives, and ends.
    pub(crate) async fn run(self, router: &Arc<RouterInner>, old: &Arc<V2Cluster>) {
        let _task = Task::begin(router);
        let host = self.host.clone();
        let Some(mut stream) = self.channel.into_plain() else { return };
        let link = Arc::new(V2Link {
            queue: Mutex::default(),
            wake: Notify::new(),
            limit: router.limits.outbox.max_bytes,
            server: self.server,
        });
        let up = LinkUp {
            link: &self.link,
            host: &host,
            cost: self.cost,
            last_message_id: self.last_message_id,
        };
        let up = match Up::begin(router, old, &link, &up) {
            Ok(up) => up,
            Err(refused) => {
                let (address, error) = (host, refused.to_string());
                tracing::debug!(node = %router.name, %address, %error, "an old router was sent away");
                router.tell(RouterEvent::LinkFailed { address, error });
                return linger(stream).await;
            }
        };
        router.tell(RouterEvent::V2LinkUp { host: host.clone() });
        let reason = up.drive(&mut stream, self.leftover, &link).await;
        tracing::debug!(node = %router.name, %host, %reason, "the link to an old router is down");
        drop(up);
        router.tell(RouterEvent::V2LinkDown { host, reason });
        // Down first: nothing is to be sent where nobody reads.
        linger(stream).await;
    }
}

/// A link that is up. Dropped, it is down.
struct Up<'a> {
    router: &'a Arc<RouterInner>,
    old: &'a V2Cluster,
    number: LinkNumber,
}

impl<'a> Up<'a> {
    fn begin(
        router: &'a Arc<RouterInner>,
        old: &'a V2Cluster,
        link: &Arc<V2Link>,
        up: &LinkUp<'_>,
    ) -> Result<Self, LinkRefused> {
        let (number, _none) = old.change(|state| {
            let number = state.machine.link_up(up)?;
            state.links.insert(number, Arc::clone(link));
            Ok(number)
        });
        let up = Self { router, old, number: number? };
        old.gateways_changed();
        // Behind it, as those who end all links do not wait for the next one.
        if link
            .server
            .as_ref()
            .is_some_and(|server| server.upgrade().is_none_or(|server| !server.is_open()))
        {
            link.end("its server is closed");
        }
        if !router.is_running() {
            link.end("the router takes part in no cluster");
        }
        Ok(up)
    }

    /// Reads and writes until one of them ends, or the router is closed: why.
    async fn drive(&self, stream: &mut TcpStream, leftover: BytesMut, link: &V2Link) -> String {
        let (reader, writer) = stream.split();
        let mut writer = Writer::new(writer, self.router.limits.write_stall);
        let both = async {
            tokio::select! {
                biased;
                reason = writer.run(link) => reason,
                reason = self.read(reader, leftover) => reason,
            }
        };
        let reason = self.router.unless_closing(both).await;
        if reason.is_none() {
            // An error, or too late: it is over either way.
            let _written = timeout(FAREWELL, writer.drain(link)).await;
        }
        reason.unwrap_or_else(|| "the router is closed".to_owned())
    }

    async fn read(&self, mut reader: ReadHalf<'_>, mut buffer: BytesMut) -> String {
        let mut framer = Framer::new(self.router.limits.max_frame);
        loop {
            loop {
                match framer.next_frame(&mut buffer) {
                    Ok(Some(frame)) => self.take(&frame),
                    Ok(None) => break,
                    Err(error) => return error.to_string(),
                }
            }
            buffer.reserve(READ);
            match reader.read_buf(&mut buffer).await {
                Ok(0) => return "it has hung up".to_owned(),
                Ok(_) => {}
                Err(error) => return error.to_string(),
            }
        }
    }

    fn take(&self, frame: &[u8]) {
        let ((), deliveries) =
            self.old.change(|state| state.machine.handle_frame(self.number, frame));
        if deliveries.is_empty() {
            // Maybe links or rooms have changed, and somebody waits for that.
            self.router.reach.send_modify(|count| *count += 1);
        }
        for delivery in deliveries {
            self.router.take_from_old_hosts(&delivery);
        }
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        let ((), _none) = self.old.change(|state| {
            state.links.remove(&self.number);
            state.machine.link_down(self.number);
        });
        self.old.gateways_changed();
        self.router.reach.send_modify(|count| *count += 1);
    }
}
