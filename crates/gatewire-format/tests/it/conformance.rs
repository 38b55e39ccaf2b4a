//! The conformance suite accepts a right format and finds the faults of wrong ones.

use gatewire_format::conformance::{Sample, check};
use gatewire_format::{Format, FormatError, FormatFn, FormatId, ObjectSlot, ObjectSource};

use crate::{Point, points};

impl Sample for Point {
    fn samples() -> Vec<Self> {
        vec![Self(0, 0), Self(-1, 1), Self(i32::MAX, i32::MIN)]
    }
}

#[test]
fn a_right_format_passes() {
    check::<Point>(points(64, "points"));
    check::<Point>(points(255, "points with the last id"));
}

#[test]
#[should_panic(expected = "the format has no id")]
fn a_format_without_an_id_is_found() {
    check::<Point>(points(0, "points"));
}

#[test]
#[should_panic(expected = "the format has no name")]
fn a_format_without_a_name_is_found() {
    check::<Point>(points(64, ""));
}

/// Points with one fault.
struct Faulty(Fault);

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    LosesTheSign,
    Overwrites,
    ReplacesMemory,
    IgnoresTheRest,
    Panics,
    BlamesTheType,
    KeepsQuiet,
}

impl Format for Faulty {
    fn id(&self) -> FormatId {
        FormatId(64)
    }

    fn name(&self) -> &str {
        "faulty"
    }

    fn encode(
        &self,
        object: ObjectSource<'_>,
        event: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self.0 {
            Fault::Overwrites => out.clear(),
            Fault::ReplacesMemory => {
                let mut other = Vec::with_capacity(2 * out.capacity() + 64);
                other.extend_from_slice(out);
                *out = other;
            }
            _ => {}
        }
        let encoded = points(64, "faulty").encode(object, event, out);
        if self.0 == Fault::KeepsQuiet { Ok(()) } else { encoded }
    }

    fn decode(
        &self,
        bytes: &[u8],
        event: &str,
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError> {
        let is_number = |byte: &u8| byte.is_ascii_digit() || b"-;".contains(byte);
        let read = match self.0 {
            Fault::IgnoresTheRest => {
                let end = bytes.iter().position(|byte| !is_number(byte));
                &bytes[..end.unwrap_or(bytes.len())]
            }
            Fault::Panics => {
                assert!(bytes.contains(&b';') || bytes.is_empty(), "no semicolon");
                bytes
            }
            _ => bytes,
        };
        let type_name = slot.type_name();
        let decoded = points(64, "faulty").decode(read, event, slot);
        match self.0 {
            Fault::LosesTheSign => {
                if let Some(Some(Point(x, _))) = slot.as_any_mut().downcast_mut::<Option<Point>>() {
                    *x = x.abs();
                }
                decoded
            }
            Fault::BlamesTheType if !bytes.iter().all(is_number) => decoded,
            Fault::BlamesTheType => decoded
                .map_err(|_| FormatError::UnknownType { format: "faulty".to_owned(), type_name }),
            _ => decoded,
        }
    }
}

#[test]
#[should_panic(expected = "an object came back different")]
fn a_lost_sign_is_found() {
    check::<Point>(Faulty(Fault::LosesTheSign));
}

#[test]
#[should_panic(expected = "encoding must append")]
fn overwriting_is_found() {
    check::<Point>(Faulty(Fault::Overwrites));
}

#[test]
#[should_panic(expected = "the scratch memory was large enough")]
fn replaced_memory_is_found() {
    check::<Point>(Faulty(Fault::ReplacesMemory));
}

#[test]
#[should_panic(expected = "0x00 after Object(Point(0, 0)) must be refused")]
fn ignored_trailing_bytes_are_found() {
    check::<Point>(Faulty(Fault::IgnoresTheRest));
}

#[test]
#[should_panic(expected = "(seed 0x6761746577697265)")]
fn a_panic_is_found_and_the_seed_printed() {
    check::<Point>(Faulty(Fault::Panics));
}

#[test]
#[should_panic(expected = "no bytes gave Ok(Err(UnknownType")]
fn blame_for_the_wrong_thing_is_found() {
    check::<Point>(Faulty(Fault::BlamesTheType));
}

#[test]
#[should_panic(expected = "an object that refuses to be encoded became Ok")]
fn a_swallowed_error_is_found() {
    check::<Point>(Faulty(Fault::KeepsQuiet));
}

/// A format whose stated name is not the one in its errors.
#[test]
#[should_panic(expected = "with another name")]
fn an_error_under_another_name_is_found() {
    struct Renamed(FormatFn<Point, crate::Encode, crate::Decode>);

    impl Format for Renamed {
        fn id(&self) -> FormatId {
            self.0.id()
        }

        fn name(&self) -> &'static str {
            "renamed"
        }

        fn encode(
            &self,
            object: ObjectSource<'_>,
            event: &str,
            out: &mut Vec<u8>,
        ) -> Result<(), FormatError> {
            self.0.encode(object, event, out)
        }

        fn decode(
            &self,
            bytes: &[u8],
            event: &str,
            slot: &mut dyn ObjectSlot,
        ) -> Result<(), FormatError> {
            self.0.decode(bytes, event, slot).map_err(|error| match error {
                FormatError::Decode { message, .. } => {
                    FormatError::Decode { format: "renamed".to_owned(), message }
                }
                other => other,
            })
        }
    }

    check::<Point>(Renamed(points(64, "points")));
}
