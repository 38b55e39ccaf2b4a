//! The servers, the runtime in which they live, and its clock.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewire::keys::{KeyEntry, Roles, UnixTime};
use gatewire::tls::Identity;
use gatewire::{Client, KeyRing, Psk, Server, ServerBuilder};
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::advance;

use super::{Commands, Stranger};
use crate::anybody::connector;

/// How long a stranger may hold a connection: 5 s for the handshake, half of one until it is answered, and one to take
/// the answer.
const DEADLINE: Duration = Duration::from_millis(6600);

/// In such steps the clock goes on.
const STEP: Duration = Duration::from_millis(200);

/// Turns of the runtime after which the server has done what it can do now. Too few make an input mean less, and break
/// nothing.
const TURNS: usize = 6;

/// What each input is tried on. It is made once.
static WORLD: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(World::new()));

pub(super) struct World {
    runtime: Runtime,
    servers: [Speaking; 3],
    /// Messages that came to a handler.
    early: Arc<AtomicUsize>,
    /// The stranger's address, another one for each: one that fails often may be refused for it.
    source: u32,
    /// As long as somebody waits for it, the clock stands still on its own.
    _still: mpsc::Sender<()>,
}

struct Speaking {
    server: Server,
    plain: bool,
    tls: bool,
}

impl World {
    pub(super) fn with(check: impl FnOnce(&mut Self)) {
        check(&mut WORLD.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        // A paused clock jumps to the next timer when nothing else is to be done, and would not wait for
        // bytes that are on their way. It does not while a blocking task runs.
        let (still, ends) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || {
            let _at_the_end_of_the_process = ends.recv();
        });
        let early = Arc::new(AtomicUsize::new(0));
        let serve = |change: fn(ServerBuilder) -> ServerBuilder, plain, tls| {
            let bound = runtime.block_on(change(Server::builder().psk(ring())).bind("127.0.0.1:0"));
            let server = bound.expect("a free port");
            let count = Arc::clone(&early);
            server.on("early", move |_: i64| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            server.on("fence", || ());
            Speaking { server, plain, tls }
        };
        let servers = [
            serve(ServerBuilder::plain, true, false),
            serve(|builder| builder.tls(identity()), false, true),
            serve(ServerBuilder::tls_or_plain, true, true),
        ];
        Self { runtime, servers, early, source: 0, _still: still }
    }

    /// Lets a stranger do what the commands say. The lowest bits of `first` choose the server, the next whether the
    /// stranger speaks TLS and does all inside of it, the next whether somebody honest is to try it afterwards.
    pub(super) fn check(&mut self, first: u8, commands: &mut Commands<'_>) {
        let Self { runtime, servers, early, source, .. } = self;
        *source = source.wrapping_add(1) % (1 << 22);
        let speaking = &servers[usize::from(first & 3) % 3];
        let inside = speaking.tls && first & 4 != 0;
        let server = &speaking.server;
        let failed = server.counters().handshakes_failed + 1;
        runtime.block_on(async {
            let tcp = connect(server.local_addr(), *source).await;
            let mut stranger = if inside {
                let name = ServerName::try_from("any").expect("a name");
                let connector = connector(&[&rustls::version::TLS13]);
                Stranger::inside(connector.connect(name, tcp).await.expect("a TLS server"))
            } else {
                Stranger::plain(tcp)
            };
            while let Some(command) = commands.next() {
                stranger.act(command, commands).await;
            }
            expect_hung_up(&mut stranger).await;
            drop(stranger);
            while server.counters().handshakes_failed < failed {
                yield_now().await;
            }
            if first & 8 != 0 {
                check_alive(speaking).await;
            }
        });
        let counters = server.counters();
        assert_eq!(counters.handshakes_failed, failed);
        assert_eq!((counters.connections, counters.handler_panics), (0, 0));
        assert_eq!(early.load(Ordering::Relaxed), 0, "a stranger speaks to a handler");
    }
}

/// From an address of its own, where the system gives more than one to the loopback interface.
async fn connect(server: SocketAddr, source: u32) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let [_, b, c, d] = source.to_be_bytes();
    let _or_from_the_usual_one = socket.bind((Ipv4Addr::new(127, b + 1, c, d), 0).into());
    socket.connect(server).await.expect("a server")
}

/// Lets the server do what it can do without more time or more bytes.
pub(super) async fn settle() {
    for _ in 0..TURNS {
        yield_now().await;
    }
}

/// The server hangs up before its deadline is long over.
async fn expect_hung_up(stranger: &mut Stranger) {
    let mut waited = Duration::ZERO;
    loop {
        settle().await;
        if stranger.hear() {
            return;
        }
        assert!(waited <= DEADLINE, "a stranger holds a connection for {waited:?}");
        advance(STEP).await;
        waited += STEP;
    }
}

/// Somebody who knows the key is served.
async fn check_alive(speaking: &Speaking) {
    let builder = Client::builder().psk("one", key()).no_reconnect();
    let builder = if speaking.plain && !speaking.tls { builder.plain() } else { builder };
    let client = builder.build(speaking.server.local_addr());
    client.connect().await.expect("the key is right");
    client.request::<(), _>("fence", ()).await.expect("an answer");
    client.close().await;
    while !speaking.server.is_empty() {
        yield_now().await;
    }
}

fn key() -> Psk {
    Psk::new([1; 32]).expect("a long key")
}

fn ring() -> KeyRing {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let entry = |id| KeyEntry::new(id, key());
    KeyRing::new()
        .with_entry(entry("one"))
        .with_entry(entry("old").not_after(UnixTime::from_secs(now - 10)))
        .with_entry(entry("new").not_before(UnixTime::from_secs(now + 1_000_000)))
        .with_entry(entry("hub").roles(Roles::ROUTER))
}

fn identity() -> Identity {
    Identity::self_signed().expect("random numbers")
}
