//! The inputs that the fuzzer starts from and those that it found, replayed.

use std::fs;
use std::path::Path;

use crate::properties;

#[test]
fn every_stored_input_of_the_listeners_fuzzer_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/listener");
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
        properties::listener(&fs::read(&path).expect("the file can be read"));
        inputs += 1;
    }
    assert!(inputs >= 5, "there are {inputs} inputs");
}
