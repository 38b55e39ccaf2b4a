//! The server: a task per connection, handlers by name, rooms.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use gatewire_harness::{
    Failure, Server as Role, Workload, exit_when_stdin_closes, ready as say_ready, serve_line,
};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};

use super::driver::line::Line;
use super::peer::Peer;
use super::wire::{Frame, decode, encode, encode_reply, split};
use super::{ASK, COUNT, NEWS, REPORT, ROOM};
use crate::frames::Frames;
use crate::tally::Tally;

/// Gets the payload, and appends its answer to the second argument if one was asked for.
pub(super) type Handler = Box<dyn Fn(&[u8], &mut Vec<u8>) + Send + Sync>;

pub(super) struct Server {
    handlers: HashMap<Vec<u8>, Handler>,
    connections: Arc<AtomicU64>,
    rooms: Mutex<HashMap<Vec<u8>, Vec<Arc<Peer>>>>,
}

/// The server role: listens on a free loopback port, says so, and serves until stdin is closed.
///
/// # Errors
///
/// It cannot listen or say so; or it has nothing of this kind.
///
/// # Panics
///
/// Called inside of a runtime: it brings its own.
#[tokio::main]
pub async fn serve(role: &Role) -> Result<(), Failure> {
    if role.params.workload.is_requests() && role.params.workload != Workload::Requests {
        // Messages that overtake bytes take two queues for one connection: there a library begins.
        return Err(Failure::new("not supported: requests beside bytes"));
    }
    if role.params.nodes() > 1 {
        return serve_line(role);
    }
    let server = Arc::new(Server::new(handlers()));
    if let Some(uplink) = &role.uplink {
        hear(Arc::clone(&server), uplink).await?;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    exit_when_stdin_closes();
    say_ready(listener.local_addr()?)?;
    // Accepts on a worker: what runs on the main thread would wake another for each connection.
    tokio::spawn(accept(listener, server)).await?
}

/// Serves whoever connects, forever.
pub(super) async fn accept(listener: TcpListener, server: Arc<Server>) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(Connection::new(Arc::clone(&server), stream).run());
    }
}

/// Joins the room of the node at `uplink`, and tells the own members what it hears there. There is one
/// room, so a link names none.
async fn hear(server: Arc<Server>, uplink: &str) -> io::Result<()> {
    let mut line = Line::connect(uplink).await?;
    line.ask(&Frame::Join { id: 0, room: ROOM }).await?;
    let mut link = Connection::new(server, line.into_stream());
    link.relays = true;
    tokio::spawn(link.run());
    Ok(())
}

/// The handlers, which check what gatewire's handlers check.
pub(super) fn handlers() -> HashMap<Vec<u8>, Handler> {
    let tally = Arc::new(Tally::default());
    let report = Arc::clone(&tally);
    let mut handlers: HashMap<Vec<u8>, Handler> = HashMap::new();
    handlers.insert(NEWS.into(), Box::new(move |payload, _| tally.check(payload)));
    handlers.insert(ASK.into(), Box::new(|payload, answer| answer.extend_from_slice(payload)));
    handlers.insert(
        REPORT.into(),
        Box::new(move |_, answer| answer.extend_from_slice(&report.take().to_bytes())),
    );
    handlers
}

struct Connection {
    server: Arc<Server>,
    stream: OwnedReadHalf,
    frames: Frames,
    peer: Arc<Peer>,
    /// Whether this is the link to another node, whose events are told on.
    relays: bool,
}

/// What one read brings about. Of the thread, since no batch outlives a poll.
#[derive(Default)]
struct Batch {
    replies: Vec<u8>,
    /// The events of each room that is published to.
    rooms: Vec<(Vec<u8>, Vec<u8>)>,
}

thread_local! {
    static BATCH: RefCell<Batch> = RefCell::default();
}

impl Connection {
    fn new(server: Arc<Server>, stream: TcpStream) -> Self {
        let (stream, writer) = stream.into_split();
        let peer = Arc::new(Peer::new(writer));
        server.connections.fetch_add(1, Ordering::Relaxed);
        Self { server, stream, frames: Frames::default(), peer, relays: false }
    }

    async fn run(mut self) {
        // However it ends, the peer is gone: there is nobody to tell.
        drop(poll_fn(|context| self.poll(context)).await);
        self.server.connections.fetch_sub(1, Ordering::Relaxed);
        for members in self.server.lock_rooms().values_mut() {
            members.retain(|member| !Arc::ptr_eq(member, &self.peer));
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.peer.poll_flush(context) == Poll::Ready(false) {
            return Poll::Ready(Ok(()));
        }
        while ready!(self.poll_batch(context))? {}
        Poll::Ready(Ok(()))
    }

    /// One read, all its frames, then the writes. `false`: the peer has hung up.
    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let Self { server, stream, frames, peer, relays } = self;
        BATCH.with_borrow_mut(|batch| {
            let read = frames.poll_read(Pin::new(stream), context, split, |frame| {
                let frame = decode(frame)?;
                if *relays { batch.relay(&frame) } else { server.handle(frame, peer, batch) }
            });
            batch.write(server, peer);
            read
        })
    }
}

impl Server {
    /// A server with these handlers, and one that counts the connections.
    pub(super) fn new(mut handlers: HashMap<Vec<u8>, Handler>) -> Self {
        let connections = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&connections);
        let count = move || counted.load(Ordering::Relaxed).to_le_bytes();
        handlers
            .entry(COUNT.into())
            .or_insert_with(|| Box::new(move |_, answer| answer.extend_from_slice(&count())));
        Self { handlers, connections, rooms: Mutex::default() }
    }

    fn handle(&self, frame: Frame<'_>, peer: &Arc<Peer>, batch: &mut Batch) -> io::Result<()> {
        match frame {
            Frame::Event { name, payload } => self.handler(name)?(payload, &mut Vec::new()),
            Frame::Request { id, name, payload } => {
                let handler = self.handler(name)?;
                encode_reply(id, &mut batch.replies, |answer| handler(payload, answer));
            }
            Frame::Join { id, room } => {
                self.lock_rooms().entry(room.to_vec()).or_default().push(Arc::clone(peer));
                encode_reply(id, &mut batch.replies, |_| ());
            }
            Frame::Publish { room, name, payload } => {
                encode(&Frame::Event { name, payload }, batch.room(room));
            }
            Frame::Reply { .. } => return Err(io::Error::other("nobody asked")),
        }
        Ok(())
    }

    fn handler(&self, name: &[u8]) -> io::Result<&Handler> {
        self.handlers.get(name).ok_or_else(|| io::Error::other("no handler"))
    }

    fn lock_rooms(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Vec<Arc<Peer>>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    /// The events of a room. There are few rooms in one batch.
    fn room(&mut self, name: &[u8]) -> &mut Vec<u8> {
        let index = self.rooms.iter().position(|(room, _)| room == name).unwrap_or_else(|| {
            self.rooms.push((name.to_vec(), Vec::new()));
            self.rooms.len() - 1
        });
        &mut self.rooms[index].1
    }

    /// Takes an event for the members of the room as it is.
    fn relay(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let Frame::Event { .. } = frame else {
            return Err(io::Error::other("only events of the room were due"));
        };
        encode(frame, self.room(ROOM));
        Ok(())
    }

    /// One write per receiver. The memory stays for the next batch.
    fn write(&mut self, server: &Server, peer: &Peer) {
        if !self.replies.is_empty() {
            peer.send(&self.replies);
            self.replies.clear();
        }
        for (room, events) in self.rooms.iter_mut().filter(|(_, events)| !events.is_empty()) {
            for member in server.lock_rooms().get(room).into_iter().flatten() {
                member.send(events);
            }
            events.clear();
        }
    }
}
