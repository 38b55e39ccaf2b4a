//! See `gatewire_fuzz::codec::legacy_decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::codec::legacy_decode(input));
