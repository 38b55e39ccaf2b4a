//! The socket whose address the server prints: it tells where the others are, and what has arrived.
//!
//! ```text
//! driver (REQ)   where                        count
//! server (REP)   127.0.0.1:1 127.0.0.1:2      three numbers: messages, bytes, errors
//! ```

use std::sync::mpsc::Receiver;

use gatewire_harness::{Failure, Received};
use zmq::{Context, REP, REQ, Socket};

/// The addresses of the data sockets, `host:port`. Most workloads have one, in both places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// Where clients send to.
    pub(crate) inward: String,
    /// Where subscribers receive from.
    pub(crate) outward: String,
}

/// The driver's side.
pub(crate) struct Control(Socket);

impl Control {
    pub(crate) fn connect(address: &str) -> Result<Self, Failure> {
        let socket = Context::new().socket(REQ)?;
        socket.set_linger(0)?;
        socket.set_rcvtimeo(PATIENCE)?;
        socket.connect(&format!("tcp://{address}"))?;
        Ok(Self(socket))
    }

    pub(crate) fn endpoints(&self) -> Result<Endpoints, Failure> {
        let answer = self.ask(WHERE)?;
        let text = String::from_utf8_lossy(&answer);
        match text.split_once(' ') {
            Some((inward, outward)) => {
                Ok(Endpoints { inward: inward.to_owned(), outward: outward.to_owned() })
            }
            None => Err(Failure::new(format!("the server does not say where: {text}"))),
        }
    }

    /// What had arrived when the end mark came.
    pub(crate) fn received(&self) -> Result<Received, Failure> {
        Received::from_bytes(&self.ask(COUNT)?)
    }

    fn ask(&self, question: &str) -> Result<Vec<u8>, Failure> {
        self.0.send(question, 0)?;
        Ok(self.0.recv_bytes(0)?)
    }
}

/// The server's side: answers until the process ends. A question for the count waits for `counts`.
pub(crate) fn answer(
    socket: &Socket,
    endpoints: &Endpoints,
    counts: &Receiver<Received>,
) -> Result<(), Failure> {
    loop {
        let question = socket.recv_bytes(0)?;
        if question == COUNT.as_bytes() {
            socket.send(&counts.recv()?.to_bytes()[..], 0)?;
        } else {
            socket.send(&format!("{} {}", endpoints.inward, endpoints.outward), 0)?;
        }
    }
}

/// Binds the server's side to a free port. Gives the socket and its address.
pub(crate) fn bind(context: &Context) -> Result<(Socket, String), Failure> {
    let socket = context.socket(REP)?;
    let address = bind_free(&socket)?;
    Ok((socket, address))
}

/// Binds a socket to a free loopback port and gives its address, `host:port`.
pub(crate) fn bind_free(socket: &Socket) -> Result<String, Failure> {
    socket.bind("tcp://127.0.0.1:*")?;
    let endpoint = socket.get_last_endpoint()?.map_err(|_| Failure::new("no endpoint"))?;
    Ok(endpoint.trim_start_matches("tcp://").to_owned())
}

const WHERE: &str = "where";
const COUNT: &str = "count";

/// How long an answer may take, in milliseconds: as long as what is queued takes to arrive.
const PATIENCE: i32 = 60_000;
