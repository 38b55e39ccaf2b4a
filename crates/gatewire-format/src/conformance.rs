//! The behaviour that each object format must show, as one function for tests (feature
//! `conformance`).
//!
//! gatewire's own formats pass [`check`]; run it on a format of your own:
//!
//! ```
//! use gatewire_format::conformance::{self, Sample};
//! use gatewire_format::{FormatFn, FormatId};
//!
//! #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Celsius(i16);
//!
//! impl Sample for Celsius {
//!     fn samples() -> Vec<Self> {
//!         vec![Self(0), Self(-40), Self(i16::MAX)]
//!     }
//! }
//!
//! let two_bytes = FormatFn::new(
//!     FormatId::FIRST_USER,
//!     "celsius",
//!     |degrees: &Celsius, _event: &str| Ok(degrees.0.to_be_bytes().to_vec()),
//!     |bytes: &[u8], _event: &str| {
//!         let bytes = bytes.try_into().map_err(|_| "two bytes expected")?;
//!         Ok(Celsius(i16::from_be_bytes(bytes)))
//!     },
//! );
//! conformance::check::<Celsius>(two_bytes);
//! ```
//!
//! What is particular to a format (its exact bytes, its depth limit, how it reads another field
//! order) is for that format's own tests.

mod sample;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use sample::{Place, Reading, Sample};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{
    DecodeContext, EncodeContext, Format, FormatError, FormatFn, FormatId, Formats, FromValue,
    IntoValue, Object, ObjectSource, ValueRef,
};

/// Tries `format` with the samples of `S`:
///
/// 1. It has an id (not [`FormatId::UNSPECIFIED`]) and a name.
/// 2. Each sample comes back equal: in the default format, in a format that is not the default,
///    named by [`Object::with`], and when the id did not travel.
/// 3. Encoding appends; memory that is large enough is not replaced.
/// 4. Bytes after the object are refused: zero and `0xff`, which begin nothing in any format
///    (other bytes may be legal, as unknown fields are in Protocol Buffers).
/// 5. Empty, truncated, changed and random bytes are decoded, or refused as
///    [`FormatError::Decode`] with the format's name; they never panic.
/// 6. An endpoint without the format says [`FormatError::Mismatch`], which names both.
/// 7. A type that cannot be encoded or decoded gives an error with the format's name, and the
///    next object is not disturbed.
/// 8. It works from several threads at once.
///
/// # Panics
///
/// When the format breaks a rule. The text says which; where bytes were made up, it says from
/// which seed.
pub fn check<S: Sample>(format: impl Format) {
    let format: Arc<dyn Format> = Arc::new(format);
    let suite = Suite {
        formats: Formats::new(Arc::clone(&format)),
        objects: S::samples().into_iter().map(Object).collect(),
        format,
    };
    suite.has_an_id_and_a_name();
    suite.samples_come_back();
    suite.encoding_appends();
    suite.memory_is_reused();
    suite.trailing_bytes_are_refused();
    suite.broken_bytes_never_panic();
    suite.a_mismatch_names_both_formats();
    suite.a_failure_names_the_format();
    suite.threads_share_the_format();
}

struct Suite<S> {
    format: Arc<dyn Format>,
    formats: Formats,
    objects: Vec<Object<S>>,
}

impl<S: Sample> Suite<S> {
    fn has_an_id_and_a_name(&self) {
        assert!(!self.objects.is_empty(), "the type has no samples");
        assert_ne!(self.format.id(), FormatId::UNSPECIFIED, "the format has no id");
        assert!(!self.format.name().is_empty(), "the format has no name");
    }

    fn samples_come_back(&self) {
        let stranger = || stranger_to(self.format.id());
        let second = Formats::new(stranger()).with(Arc::clone(&self.format));
        let mut scratch = Vec::new();
        for object in &self.objects {
            let bytes = self.encode(object, &mut scratch).to_vec();
            self.expect_equal(object, self.format.id(), &bytes, &self.formats);
            self.expect_equal(object, FormatId::UNSPECIFIED, &bytes, &self.formats);
            self.expect_equal(object, self.format.id(), &bytes, &second);
        }
        let foreign = Formats::new(stranger());
        for (object, Object(same)) in self.objects.iter().zip(S::samples().into_iter().map(Object))
        {
            let with = Object(same).with(Arc::clone(&self.format));
            match with.to_value(EncodeContext::new(&foreign, EVENT, &mut scratch)) {
                Ok(ValueRef::Object { format, bytes }) => {
                    assert_eq!(format, self.format.id(), "`with` sends another id");
                    self.expect_equal(object, format, bytes, &self.formats);
                }
                other => panic!("{object:?} in a format named by `with` became {other:?}"),
            }
        }
    }

    fn encoding_appends(&self) {
        for Object(sample) in &self.objects {
            let mut out = b"before".to_vec();
            let encoded = self.format.encode(ObjectSource::new(sample), EVENT, &mut out);
            assert_eq!(encoded, Ok(()), "{sample:?} cannot be encoded");
            let object = out.strip_prefix(b"before");
            let object = object.expect("encoding must append to what is there");
            let back = self.decode::<S>(self.format.id(), object);
            assert_eq!(back.as_ref(), Ok(sample), "an appended object came back different");
        }
    }

    fn memory_is_reused(&self) {
        let mut scratch = Vec::new();
        for object in &self.objects {
            self.encode(object, &mut scratch);
        }
        let (memory, capacity) = (scratch.as_ptr(), scratch.capacity());
        for object in &self.objects {
            self.encode(object, &mut scratch);
            let same = (scratch.as_ptr(), scratch.capacity()) == (memory, capacity);
            assert!(same, "the scratch memory was large enough, and was replaced");
        }
    }

    fn trailing_bytes_are_refused(&self) {
        let mut scratch = Vec::new();
        for object in &self.objects {
            let mut bytes = self.encode(object, &mut scratch).to_vec();
            for trailing in [0x00, 0xff] {
                bytes.push(trailing);
                let refused = self.decode::<S>(self.format.id(), &bytes);
                assert!(
                    matches!(refused, Err(FormatError::Decode { .. })),
                    "{trailing:#04x} after {object:?} must be refused, gave {refused:?}"
                );
                bytes.pop();
            }
        }
    }

    fn broken_bytes_never_panic(&self) {
        self.survive(&[], "no bytes");
        let mut random = SplitMix64(SEED);
        let mut scratch = Vec::new();
        for object in &self.objects {
            let bytes = self.encode(object, &mut scratch).to_vec();
            for length in 0..bytes.len() {
                self.survive(&bytes[..length], "a truncated object");
            }
            for _ in 0..CHANGED_ROUNDS {
                let mut changed = bytes.clone();
                for _ in 0..random.below(4) {
                    if !changed.is_empty() {
                        let index = random.below(changed.len());
                        changed[index] = random.byte();
                    }
                }
                self.survive(&changed, "a changed object");
            }
        }
        for _ in 0..RANDOM_ROUNDS {
            let length = random.below(65);
            let bytes: Vec<u8> = (0..length).map(|_| random.byte()).collect();
            self.survive(&bytes, "random bytes");
        }
    }

    /// `bytes` give an object or a [`FormatError::Decode`] that names the format.
    fn survive(&self, bytes: &[u8], what: &str) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.decode::<S>(self.format.id(), bytes)));
        let allowed = match &outcome {
            Ok(Ok(_)) => true,
            Ok(Err(FormatError::Decode { format, .. })) => format == self.format.name(),
            _ => false,
        };
        assert!(allowed, "{what} gave {outcome:?}: {bytes:02x?} (seed {SEED:#x})");
    }

    fn a_mismatch_names_both_formats(&self) {
        let stranger = stranger_to(self.format.id());
        let known = vec![(stranger.id(), stranger.name().to_owned())];
        let formats = Formats::new(stranger);
        let mut scratch = Vec::new();
        for object in &self.objects {
            let bytes = self.encode(object, &mut scratch);
            let refused = formats.decode::<S>(self.format.id(), bytes, EVENT);
            let mismatch = FormatError::Mismatch { found: self.format.id(), known: known.clone() };
            assert_eq!(refused.as_ref(), Err(&mismatch), "another format read {object:?}");
            let text = mismatch.to_string();
            for name in [self.format.id().to_string(), known[0].1.clone()] {
                assert!(text.contains(&name), "{text:?} does not name {name:?}");
            }
        }
    }

    fn a_failure_names_the_format(&self) {
        let mut scratch = Vec::new();
        let refused =
            Object(Refuses).to_value(EncodeContext::new(&self.formats, EVENT, &mut scratch));
        match refused {
            Err(FormatError::Encode { format, .. } | FormatError::UnknownType { format, .. }) => {
                assert_eq!(format, self.format.name(), "an encode error with another name");
            }
            other => panic!("an object that refuses to be encoded became {other:?}"),
        }
        for object in &self.objects {
            let bytes = self.encode(object, &mut scratch).to_vec();
            self.expect_equal(object, self.format.id(), &bytes, &self.formats);
            match self.decode::<Refuses>(self.format.id(), &bytes) {
                Err(
                    FormatError::Decode { format, .. } | FormatError::UnknownType { format, .. },
                ) => assert_eq!(format, self.format.name(), "a decode error with another name"),
                other => panic!("an object that refuses to be decoded became {other:?}"),
            }
        }
    }

    fn threads_share_the_format(&self) {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let mut scratch = Vec::new();
                    for _ in 0..THREAD_ROUNDS {
                        for object in &self.objects {
                            let bytes = self.encode(object, &mut scratch);
                            self.expect_equal(object, self.format.id(), bytes, &self.formats);
                        }
                    }
                });
            }
        });
    }

    fn encode<'a>(&'a self, object: &'a Object<S>, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match object.to_value(EncodeContext::new(&self.formats, EVENT, scratch)) {
            Ok(ValueRef::Object { format, bytes }) => {
                assert_eq!(format, self.format.id(), "the value has another id");
                bytes
            }
            other => panic!("{object:?} became {other:?}"),
        }
    }

    fn expect_equal(&self, object: &Object<S>, id: FormatId, bytes: &[u8], formats: &Formats) {
        let value = ValueRef::Object { format: id, bytes };
        match Object::<S>::from_value(value, &DecodeContext::new(formats, EVENT)) {
            Ok(Object(back)) => assert_eq!(back, object.0, "an object came back different"),
            Err(error) => panic!("{object:?} did not come back: {error} ({bytes:02x?})"),
        }
    }

    fn decode<T: DeserializeOwned + 'static>(
        &self,
        id: FormatId,
        bytes: &[u8],
    ) -> Result<T, FormatError> {
        self.formats.decode(id, bytes, EVENT)
    }
}

/// A format that `id` is not.
fn stranger_to(id: FormatId) -> impl Format {
    let other = FormatId(if id.0 == u8::MAX { u8::MAX - 1 } else { u8::MAX });
    FormatFn::new(other, "stranger", |_: &(), _: &str| Ok(Vec::new()), |_: &[u8], _: &str| Ok(()))
}

/// A type that can neither be encoded nor decoded, and that no format was told about.
#[derive(Debug)]
struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("refused on purpose"))
    }
}

impl<'de> Deserialize<'de> for Refuses {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("refused on purpose"))
    }
}

/// Sebastiano Vigna's `SplitMix64`: a few lines, good enough to make up bytes.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or_default()
    }
}

const EVENT: &str = "conformance";

/// Any number does; a fixed one makes a failure come back.
const SEED: u64 = 0x6761_7465_7769_7265;

/// Per sample. With the truncations, a second for the slowest format in a debug build.
const CHANGED_ROUNDS: usize = 1_000;
const RANDOM_ROUNDS: usize = 5_000;

const THREADS: usize = 4;
const THREAD_ROUNDS: usize = 25;
