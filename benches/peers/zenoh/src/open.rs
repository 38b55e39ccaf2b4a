//! Sessions, with the settings of all runs.

use gatewire_harness::Failure;
use zenoh::pubsub::Publisher;
use zenoh::qos::CongestionControl;
use zenoh::{Config, Session, Wait};

/// A router that listens on the loopback port, and is connected to the one at `uplink`.
pub(crate) fn router(port: u16, uplink: Option<&str>) -> Result<Session, Failure> {
    let listen = format!("[\"tcp/127.0.0.1:{port}\"]");
    let connect = uplink.map_or("[]".to_owned(), |address| format!("[\"tcp/{address}\"]"));
    open(&[("mode", "\"router\""), ("listen/endpoints", &listen), ("connect/endpoints", &connect)])
}

/// A client of the router at this address.
pub(crate) fn client(address: &str) -> Result<Session, Failure> {
    let connect = format!("[\"tcp/{address}\"]");
    open(&[("mode", "\"client\""), ("connect/endpoints", &connect)])
}

/// A publisher that waits for a slow receiver and drops nothing. With `express` each event leaves at once: what
/// somebody wants who looks at latencies.
pub(crate) fn publisher(
    session: &Session,
    key: &'static str,
    express: bool,
) -> Result<Publisher<'static>, Failure> {
    let publisher = session.declare_publisher(key);
    let publisher = publisher.congestion_control(CongestionControl::Block).express(express);
    publisher.wait().map_err(failed)
}

/// An error of zenoh as a failure.
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
pub(crate) fn failed(error: zenoh::Error) -> Failure {
    Failure::new(error.to_string())
}

fn open(settings: &[(&str, &str)]) -> Result<Session, Failure> {
    let mut config = Config::default();
    for (key, value) in settings.iter().chain(SETTINGS) {
        config.insert_json5(key, value).map_err(failed)?;
    }
    zenoh::open(config).wait().map_err(failed)
}

/// Nobody is looked for on the network, and a router takes as many clients as come.
const SETTINGS: &[(&str, &str)] = &[
    ("scouting/multicast/enabled", "false"),
    ("scouting/gossip/enabled", "false"),
    ("transport/unicast/max_sessions", "60000"),
];

/// Events to the server.
pub(crate) const EVENTS: &str = "news";
/// A query for what the server has received.
pub(crate) const COUNT: &str = "count";
/// A query that is answered with its payload.
pub(crate) const ASK: &str = "ask";
/// An event that the server answers with [`PONG`].
pub(crate) const PING: &str = "ping";
/// The answer to [`PING`].
pub(crate) const PONG: &str = "pong";
/// Events to the members of the room.
pub(crate) const ROOM: &str = "room";
