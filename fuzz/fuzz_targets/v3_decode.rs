//! See `gatewire_fuzz::codec::v3_decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::codec::v3_decode(input));
