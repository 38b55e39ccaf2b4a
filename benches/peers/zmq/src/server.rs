//! The server's sockets: PULL for events, ROUTER for requests and idle connections, a proxy of XSUB and XPUB
//! for rooms. One I/O thread, and one thread that is the application.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use gatewire_harness::{
    Checker, Failure, Params, Received, Server, Workload, exit_when_stdin_closes, ready,
    sequence_of,
};
use zmq::{Context, Message, PULL, ROUTER, SNDMORE, Socket, XPUB, XSUB};

use crate::control::{self, Endpoints, bind_free};
use crate::node;

/// Serves until stdin is closed.
pub(crate) fn serve(server: &Server) -> Result<(), Failure> {
    let params = &server.params;
    if params.workload == Workload::Line {
        return node::serve(server);
    }
    let context = Context::new();
    let (control_socket, address) = control::bind(&context)?;
    let (sender, counts) = channel();
    let work = Work::open(&context, params)?;
    let endpoints = work.endpoints.clone();
    thread::spawn(move || {
        if let Err(failure) = control::answer(&control_socket, &endpoints, &counts) {
            eprintln!("{failure}");
        }
    });
    exit_when_stdin_closes();
    ready(address.parse()?)?;
    work.run(&sender)
}

/// The marks of sending and receiving above which libzmq makes a sender wait: enough for the small
/// messages, not too much memory for the large ones.
pub(crate) fn high_water_mark(params: &Params) -> i32 {
    if params.size() > 8192 { 1_000 } else { 100_000 }
}

/// The number in the message after the last event.
pub(crate) const END: u64 = u64::MAX;

/// The two sockets of a room, XSUB for its publishers and XPUB for its subscribers, and where they are.
pub(crate) fn room(context: &Context) -> Result<(Socket, Socket, Endpoints), Failure> {
    let (publishers, subscribers) = (context.socket(XSUB)?, context.socket(XPUB)?);
    for socket in [&publishers, &subscribers] {
        socket.set_sndhwm(0)?;
        socket.set_rcvhwm(0)?;
        socket.set_backlog(BACKLOG)?;
    }
    let endpoints =
        Endpoints { inward: bind_free(&publishers)?, outward: bind_free(&subscribers)? };
    Ok((publishers, subscribers, endpoints))
}

/// The data sockets of one workload.
struct Work {
    endpoints: Endpoints,
    sockets: Sockets,
}

enum Sockets {
    Events(Socket),
    Requests(Socket),
    Room { publishers: Socket, subscribers: Socket },
}

impl Work {
    fn open(context: &Context, params: &Params) -> Result<Self, Failure> {
        if params.workload.is_fan_out() {
            let (publishers, subscribers, endpoints) = room(context)?;
            return Ok(Self { endpoints, sockets: Sockets::Room { publishers, subscribers } });
        }
        let events = matches!(params.workload, Workload::Events | Workload::Bulk);
        let socket = context.socket(if events { PULL } else { ROUTER })?;
        socket.set_sndhwm(high_water_mark(params))?;
        socket.set_rcvhwm(high_water_mark(params))?;
        socket.set_backlog(BACKLOG)?;
        let address = bind_free(&socket)?;
        let endpoints = Endpoints { inward: address.clone(), outward: address };
        let sockets = if events { Sockets::Events(socket) } else { Sockets::Requests(socket) };
        Ok(Self { endpoints, sockets })
    }

    /// Runs until the process ends, or a socket fails.
    fn run(self, counts: &Sender<Received>) -> Result<(), Failure> {
        match self.sockets {
            Sockets::Events(socket) => count(&socket, counts),
            Sockets::Requests(socket) => echo(&socket),
            Sockets::Room { publishers, subscribers } => Ok(zmq::proxy(&publishers, &subscribers)?),
        }
    }
}

fn count(socket: &Socket, counts: &Sender<Received>) -> Result<(), Failure> {
    let mut checker = Checker::new();
    let mut message = Message::new();
    loop {
        socket.recv(&mut message, 0)?;
        if sequence_of(&message) == Some(END) {
            counts.send(checker.received())?;
            continue;
        }
        checker.check(&message);
    }
}

fn echo(socket: &Socket) -> Result<(), Failure> {
    loop {
        let client = socket.recv_msg(0)?;
        let body = socket.recv_msg(0)?;
        socket.send(client, SNDMORE)?;
        socket.send(body, 0)?;
    }
}

/// Connections that may wait to be accepted: all that the idle workload opens at the same time.
const BACKLOG: i32 = 1024;
