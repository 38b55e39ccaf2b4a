//! See `gatewire_fuzz::downlink::translator`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::downlink::translator(input));
