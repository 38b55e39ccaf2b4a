//! See `gatewire_fuzz::codec::framer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::codec::framer(input));
