//! The inputs that the fuzzer starts from and those that it found, replayed.

use std::fs;
use std::path::Path;

use crate::golden::{hex, list, parse};
use crate::properties;

type Property = fn(&[u8]);

/// A target of `fuzz/`, and the property that it checks.
const TARGETS: [(&str, Property); 4] = [
    ("framer", properties::framer),
    ("v3_decode", properties::v3_decode),
    ("legacy_decode", properties::legacy_decode),
    ("routers", properties::routers),
];

#[test]
fn every_stored_input_of_the_fuzzer_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    if !corpus.is_dir() {
        // The published crate has no `fuzz/`. The vectors below are checked all the same.
        eprintln!("{} is not there: nothing to replay", corpus.display());
        return;
    }
    for (target, property) in TARGETS {
        let mut inputs = 0;
        for file in fs::read_dir(corpus.join(target)).expect("the target has inputs") {
            let path = file.expect("the folder can be read").path();
            // Printed by the test harness when the property does not hold.
            println!("{}", path.display());
            property(&fs::read(&path).expect("the file can be read"));
            inputs += 1;
        }
        assert!(inputs >= 5, "{target} has {inputs} inputs");
    }
}

#[test]
fn every_vector_of_every_version_passes() {
    let files = [
        include_str!("../vectors/v1.json"),
        include_str!("../vectors/v2.json"),
        include_str!("../vectors/v3.json"),
    ];
    for file in files.map(parse) {
        let sections = ["vectors", "decode_only", "messages", "reject"];
        let sections = sections.iter().filter(|section| file[**section].is_array());
        for entry in sections.flat_map(|section| list(&file[*section])) {
            if !entry["hex"].is_string() {
                continue;
            }
            let bytes = hex(&entry["hex"]);
            properties::framer(&[&[0, 255][..], &bytes].concat());
            if let Some(frame) = bytes.get(4..) {
                properties::v3_decode(frame);
                properties::legacy_decode(frame);
            }
        }
    }
}
