//! A run does not count when something is missing: the driver against servers that are at fault.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use gatewire::{KeyRing, Psk, Rejection, Server, StreamReader};
use gatewire_harness::{Cli, Role, StreamChecker, sequence_of};

use super::server::register;
use super::{ASK, BULK, COUNT, KEY, KEY_ID, NEWS, REPORT, drive};
use crate::tally::Tally;

/// What the driver says of a server that was changed.
fn failure(keys: KeyRing, change: impl FnOnce(&Server), workload: &str) -> String {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = Server::builder().psk(keys).plain().build();
    register(&server);
    change(&server);
    let address = runtime.block_on(server.listen("127.0.0.1:0")).expect("a free port");
    let own = std::process::id();
    let line = format!("driver --address {address} --server-pids {own} --workload {workload}");
    let Role::Driver(driver) = Cli::read(&line).expect("a good command line").role else {
        panic!("{line:?} is a driver's")
    };
    drive(&driver).expect_err("the server is at fault").to_string()
}

#[test]
fn an_event_that_is_lost_is_found() {
    let lose = |server: &Server| {
        server.off_event(NEWS);
        server.off_event(REPORT);
        let tally = std::sync::Arc::new(Tally::default());
        let heard = std::sync::Arc::clone(&tally);
        server.on(NEWS, move |payload: Bytes| {
            if sequence_of(&payload) != Some(7) {
                heard.check(&payload);
            }
        });
        server.on(REPORT, move || tally.take().to_bytes());
    };
    let failure = failure(KeyRing::new(), lose, "w4e --size 65536 --bytes 1048576");
    assert!(failure.contains("sent 16 payloads of 65536 bytes; received 15 "), "{failure}");
}

#[test]
fn a_byte_of_a_stream_that_is_lost_is_found() {
    let lose = |server: &Server| {
        server.off_event(BULK);
        server.on(BULK, async |size: u32, mut stream: StreamReader| {
            let mut checker = StreamChecker::new(size as usize);
            while let Some(chunk) = stream.chunk().await? {
                let first = checker.received().bytes == 0;
                checker.check(&chunk[usize::from(first)..]);
            }
            Ok::<_, Rejection>(checker.received().to_bytes())
        });
    };
    let failure = failure(KeyRing::new(), lose, "w4 --size 65536 --bytes 1048576");
    assert!(failure.contains("received 15 in 1048575 bytes"), "{failure}");
}

#[test]
fn a_wrong_answer_is_found() {
    let swap = |server: &Server| {
        server.off_event(ASK);
        let count = AtomicU64::new(0);
        server.on(ASK, move |payload: Bytes| match count.fetch_add(1, Ordering::Relaxed) {
            7 => Bytes::from_static(&[0; 16]),
            _ => payload,
        });
    };
    for outstanding in [1, 4] {
        let failure = failure(KeyRing::new(), swap, &format!("w2 --outstanding {outstanding}"));
        assert!(failure.contains("is not its request"), "{failure}");
    }
}

#[test]
fn a_connection_that_is_gone_is_found() {
    let keys = KeyRing::new().with(KEY_ID, Psk::new(KEY).expect("a long key"));
    let miscount = |server: &Server| {
        server.off_event(COUNT);
        server.on(COUNT, || 9_u32);
    };
    let failure = failure(keys, miscount, "w5 --connections 10");
    assert!(failure.contains("8 of 10"), "{failure}");
}
