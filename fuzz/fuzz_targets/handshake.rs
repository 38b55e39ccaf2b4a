//! See `gatewire_fuzz::session::handshake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::session::handshake(input));
