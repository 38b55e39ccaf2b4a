//! The stored inputs of the fuzz target, and random ones.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::property::legacy_uplink;

#[test]
fn stored_inputs_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/legacy_uplink");
    let inputs = fs::read_dir(folder).expect("the corpus is there");
    let mut count = 0;
    for input in inputs {
        let path = input.expect("it can be listed").path();
        legacy_uplink(&fs::read(path).expect("it can be read"));
        count += 1;
    }
    assert!(count > 0);
}

proptest! {
    #[test]
    fn random_steps_hold(input in prop::collection::vec(any::<u8>(), 0..400)) {
        legacy_uplink(&input);
    }

    #[test]
    fn damaged_inputs_hold(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/legacy_uplink");
        let path = folder.join("seed-ring-host2");
        let mut input = fs::read(path).expect("the corpus is there");
        let at = at.index(input.len());
        input[at] = byte;
        legacy_uplink(&input);
    }
}
