//! See `gatewire_fuzz::uplink::legacy_uplink`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gatewire_fuzz::uplink::legacy_uplink(input));
