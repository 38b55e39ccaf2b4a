//! See `gatewire_fuzz::server::listener`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::server::listener(input));
