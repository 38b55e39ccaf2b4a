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

/// What brings long streams about, and readers that are behind: see `property`.
fn long_streams() -> impl Strategy<Value = Vec<u8>> {
    let step = prop_oneof![
        2 => Just(vec![25, 1]),
        8 => any::<u8>().prop_map(|stream| vec![40, stream, 255]),
        8 => Just(vec![96, 255]),
        3 => (any::<u8>(), 200..255_u8).prop_map(|(stream, most)| vec![210, stream, most]),
        1 => any::<u8>().prop_map(|stream| vec![70, stream]),
        1 => any::<u8>().prop_map(|stream| vec![226, stream]),
        1 => Just(vec![136]),
        3 => vec(any::<u8>(), 2),
    ];
    vec(step, 0..40).prop_map(|steps| steps.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, ..ProptestConfig::default() })]

    #[test]
    fn streams_that_are_longer_than_their_credit_arrive_whole(
        first in any::<u8>().prop_map(|first| first & !4),
        rest in long_streams(),
    ) {
        property::translator(&[&[first][..], &rest].concat());
    }
}
