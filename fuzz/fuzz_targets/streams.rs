//! See `gatewire_fuzz::session::streams`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::session::streams(input));
