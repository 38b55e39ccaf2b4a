//! Events through a line of routers (`w6`): a publisher at its first, a subscriber at its last.

use std::net::{Ipv4Addr, SocketAddr};

use gatewire_harness::{
    Driver, Failure, Outcome, Server, Stopwatch, Window, free_port, ready, serve_line,
    wait_until_stdin_closes,
};
use zenoh::pubsub::Publisher;

use crate::fan_out::{Room, member};
use crate::open::{ROOM, client, publisher, router};

/// Serves until stdin is closed: one router, which is connected to the one before it, or a process for each of
/// several.
pub(crate) fn serve(server: &Server) -> Result<(), Failure> {
    if server.params.nodes() > 1 {
        return serve_line(server);
    }
    let port = free_port()?;
    let _session = router(port, server.uplink.as_deref())?;
    ready(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    wait_until_stdin_closes();
    // Not closed in good order: a neighbour that is still there shall not hold it up.
    std::process::exit(0);
}

/// As fast as it goes, then one at a time, of which each is timed.
pub(crate) fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let params = &driver.params;
    let room = Room::new(params);
    let _member = member(driver, &room)?;
    let session = client(driver.first())?;
    let news = publisher(&session, ROOM, false)?;
    room.probe(&news, 1)?;
    let mut line = Line { room: &room, half: params.in_flight() / 2, sent: 0 };
    line.keep_going(&news, WARM_UP)?;
    let before = line.sent;
    let window = Window::begin(&driver.server_pids)?;
    line.keep_going(&news, params.seconds())?;
    let measured = window.end(line.sent - before)?;
    room.time(true);
    line.one_by_one(&publisher(&session, ROOM, true)?, params.seconds())?;
    let outcome = outcome.with_measured(&measured);
    Ok(match room.latencies() {
        Some(latencies) => outcome.with_latencies(&latencies),
        None => outcome,
    })
}

/// The publishing end.
struct Line<'a> {
    room: &'a Room,
    half: u64,
    /// Events up to now, which is the number of the next.
    sent: u64,
}

impl Line<'_> {
    /// Half of what may be in flight is published at once, the next half when the one before has arrived.
    fn keep_going(&mut self, news: &Publisher<'_>, seconds: f64) -> Result<(), Failure> {
        let mut stopwatch = Stopwatch::start(seconds, 1);
        loop {
            let before = self.sent;
            while self.sent < before + self.half {
                self.room.publish(news, self.sent)?;
                self.sent += 1;
            }
            if stopwatch.is_over() {
                return self.room.until(self.sent);
            }
            self.room.until(before)?;
        }
    }

    fn one_by_one(&mut self, news: &Publisher<'_>, seconds: f64) -> Result<(), Failure> {
        let mut stopwatch = Stopwatch::start(seconds, 1);
        while !stopwatch.is_over() {
            self.room.publish(news, self.sent)?;
            self.sent += 1;
            self.room.until(self.sent)?;
        }
        Ok(())
    }
}

/// Seconds of sending before anything is measured.
const WARM_UP: f64 = 0.2;
