//! See `gatewire_fuzz::server::listener`.
#![no_main]

use tokio::signal::unix::{SignalKind, signal};

// A program of Rust ignores SIGPIPE, which a vectored write to a connection that is gone may raise; the fuzzer, whose
// `main` is not Rust's, would die of it. Once it is handled it stays so.
libfuzzer_sys::fuzz_target!(
    init: {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        runtime.expect("a runtime").block_on(async {
            let _handled_from_now_on = signal(SignalKind::pipe()).expect("a handler");
        });
    },
    |input: &[u8]| gatewire_fuzz::server::listener(input)
);
