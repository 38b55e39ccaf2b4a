//! A run does not count when something is missing: the driver against servers that are at fault.

use std::collections::HashMap;
use std::sync::Arc;

use gatewire_harness::{Cli, Failure, Role, sequence_of};
use tokio::net::TcpListener;

use super::server::{Handler, Server, accept, handlers};
use super::{ASK, COUNT, NEWS, drive};

/// What the driver says of a server with these handlers.
fn failure(handlers: HashMap<Vec<u8>, Handler>, workload: &str) -> String {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    runtime.spawn(accept(listener, Arc::new(Server::new(handlers))));
    let own = std::process::id();
    let line = format!("driver --address {address} --server-pids {own} --workload {workload}");
    let Role::Driver(driver) = Cli::read(&line).expect("a good command line").role else {
        panic!("{line:?} is a driver's")
    };
    drive(&driver).expect_err("the server is at fault").to_string()
}

/// All handlers but one, which is wrapped.
fn with(name: &[u8], wrap: impl FnOnce(Handler) -> Handler) -> HashMap<Vec<u8>, Handler> {
    let mut handlers = handlers();
    let right = handlers.remove(name).expect("there is one");
    handlers.insert(name.into(), wrap(right));
    handlers
}

#[test]
fn an_event_that_is_lost_is_found() {
    let handlers = with(NEWS, |right| {
        Box::new(move |payload, answer| {
            if sequence_of(payload) != Some(7) {
                right(payload, answer);
            }
        })
    });
    let failure = failure(handlers, "w4 --size 16 --bytes 1024");
    assert!(failure.contains("sent 64 payloads of 16 bytes; received 63 "), "{failure}");
}

#[test]
fn a_wrong_reply_is_found() {
    let handlers = with(ASK, |right| {
        Box::new(move |payload, answer| {
            let wrong = sequence_of(payload) == Some(7);
            right(if wrong { &[0; 16] } else { payload }, answer);
        })
    });
    let failure = failure(handlers, "w2 --outstanding 4");
    assert!(failure.contains("reply 7 is not its request"), "{failure}");
}

#[test]
fn a_connection_that_is_gone_is_found() {
    let mut handlers = handlers();
    let nine = 9_u64.to_le_bytes();
    handlers.insert(COUNT.into(), Box::new(move |_, answer| answer.extend_from_slice(&nine)));
    let failure = failure(handlers, "w5 --connections 10");
    assert!(failure.contains("8 of 10"), "{failure}");
}

/// The driver's error names what broke.
#[test]
fn a_server_that_is_not_there_is_an_error() {
    let line = "driver --address 127.0.0.1:1 --server-pids 1 --workload w1";
    let Role::Driver(driver) = Cli::read(line).expect("a good command line").role else {
        panic!("{line:?} is a driver's")
    };
    let refused: Failure = drive(&driver).expect_err("nobody listens on port 1");
    assert!(refused.to_string().contains("refused"), "{refused}");
}
