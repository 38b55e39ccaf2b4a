//! The inputs that the fuzzer starts from and those that it found, replayed; and random ones.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::{properties, property};

#[test]
fn every_stored_input_of_the_fuzzer_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/streams");
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
        properties::streams(&fs::read(&path).expect("the file can be read"));
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
