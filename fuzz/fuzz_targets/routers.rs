//! See `gatewire_fuzz::codec::routers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::codec::routers(input));
