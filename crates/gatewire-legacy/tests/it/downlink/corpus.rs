//! Random input for the translator, and that of the fuzzer.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

use super::property;

#[test]
fn every_stored_input_of_the_fuzzer_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/legacy_translator");
    if !corpus.is_dir() {
        // The published crate has no `fuzz/`.
        eprintln!("{} is not there: nothing to replay", corpus.display());
        return;
    }
    let mut inputs = 0;
    for file in fs::read_dir(corpus).expect("the corpus is there") {
        let path = file.expect("the folder can be read").path();
        // Printed by the test harness when the property does not hold.
        println!("{}", path.display());
        property::translator(&fs::read(&path).expect("the file can be read"));
        inputs += 1;
    }
    assert!(inputs >= 5, "{inputs} inputs");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn all_that_is_said_arrives_as_it_should(
        first in any::<u8>().prop_map(|first| first & !4),
        rest in vec(any::<u8>(), 0..400),
    ) {
        property::translator(&[&[first][..], &rest].concat());
    }

    #[test]
    fn a_peer_that_breaks_the_rules_harms_nobody(
        first in any::<u8>().prop_map(|first| first | 4),
        rest in vec(any::<u8>(), 0..400),
    ) {
        property::translator(&[&[first][..], &rest].concat());
    }
}
