//! The server of all runs: a router whose own session receives events and answers queries.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use gatewire_harness::{
    Checker, Failure, Server, Workload, free_port, ready, wait_until_stdin_closes,
};
use zenoh::Wait;
use zenoh::query::Query;

use crate::line;
use crate::open::{ASK, COUNT, EVENTS, PING, PONG, failed, publisher, router};

/// Serves until stdin is closed.
///
/// # Errors
///
/// The session cannot be opened.
pub fn serve(server: &Server) -> Result<(), Failure> {
    if server.params.workload == Workload::Line {
        return line::serve(server);
    }
    let port = free_port()?;
    let session = router(port, None)?;
    let checked = Arc::new(Mutex::new(Checker::new()));
    let counted = Arc::clone(&checked);
    let _events = session
        .declare_subscriber(EVENTS)
        .callback(move |sample| {
            let mut checker = checked.lock().unwrap_or_else(PoisonError::into_inner);
            checker.check(&sample.payload().to_bytes());
        })
        .wait()
        .map_err(failed)?;
    let _count = session
        .declare_queryable(COUNT)
        .callback(move |query| {
            let received = counted.lock().unwrap_or_else(PoisonError::into_inner).received();
            answer(&query, COUNT, received.to_bytes().to_vec());
        })
        .wait()
        .map_err(failed)?;
    let _ask = session
        .declare_queryable(ASK)
        .callback(|query| {
            let payload = query.payload().map(|payload| payload.to_bytes().into_owned());
            answer(&query, ASK, payload.unwrap_or_default());
        })
        .wait()
        .map_err(failed)?;
    let pong = publisher(&session, PONG, server.params.outstanding() == 1)?;
    let _ping = session
        .declare_subscriber(PING)
        .callback(move |sample| {
            if let Err(error) = pong.put(sample.payload().clone()).wait() {
                eprintln!("no pong was sent: {error}");
            }
        })
        .wait()
        .map_err(failed)?;
    ready(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    wait_until_stdin_closes();
    // Not closed in good order: a driver that is still there shall not hold the server up.
    std::process::exit(0);
}

/// What was not answered is missed by the driver; this says why.
fn answer(query: &Query, key: &'static str, payload: Vec<u8>) {
    if let Err(error) = query.reply(key, payload).wait() {
        eprintln!("no answer was sent: {error}");
    }
}
