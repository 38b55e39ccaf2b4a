//! The inputs that the fuzzer starts from and those that it found, replayed; and random ones.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::{properties, property};

#[test]
fn every_stored_input_of_the_fuzzer_passes() {
    replay("streams", properties::streams);
}

#[test]
fn every_stored_input_of_the_handshakes_fuzzer_passes() {
    replay("handshake", properties::handshake);
}

/// Gives `property` all inputs of the target called `name`.
fn replay(name: &str, property: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    if !corpus.is_dir() {
        // The published crate has no `fuzz/`.
        eprintln!("{} is not there: nothing to replay", corpus.display());
        return;
    }
    let mut inputs = 0;
    for file in fs::read_dir(corpus).expect("the target has inputs") {
        let path = file.expect("the folder can be read").path();
        // Printed by the test harness when the property does not hold.
        println!("{}", path.display());
        property(&fs::read(&path).expect("the file can be read"));
        inputs += 1;
    }
    assert!(inputs >= 5, "there are {inputs} inputs");
}

#[test]
fn streams_keep_their_promises_whatever_is_done_with_them() {
    property::check(150, &prop::collection::vec(any::<u8>(), 0..400), |input| {
        properties::streams(&input);
    });
}

#[test]
fn handshakes_keep_their_promises_whatever_the_network_does() {
    property::check(1000, &prop::collection::vec(any::<u8>(), 0..120), |input| {
        properties::handshake(&input);
    });
}
