//! The object formats that are compiled in.

use gatewire_format::Formats;
#[cfg(not(feature = "json"))]
use gatewire_format::{Format, FormatError, FormatId, ObjectSlot, ObjectSource};

/// JSON if it is compiled in; else a format that only says that none was chosen.
pub(crate) fn default_formats() -> Formats {
    #[cfg(feature = "json")]
    return Formats::new(gatewire_json::Json);
    #[cfg(not(feature = "json"))]
    return Formats::new(NotChosen);
}

/// Stands in until the builder is told a format. Values that are no objects need none.
#[cfg(not(feature = "json"))]
struct NotChosen;

#[cfg(not(feature = "json"))]
const ADVICE: &str = "no object format was chosen: call `format(..)` on the builder";

#[cfg(not(feature = "json"))]
impl Format for NotChosen {
    fn id(&self) -> FormatId {
        FormatId::UNSPECIFIED
    }

    fn name(&self) -> &'static str {
        "none"
    }

    fn encode(&self, _: ObjectSource<'_>, _: &str, _: &mut Vec<u8>) -> Result<(), FormatError> {
        Err(FormatError::Encode { format: self.name().to_owned(), message: ADVICE.to_owned() })
    }

    fn decode(&self, _: &[u8], _: &str, _: &mut dyn ObjectSlot) -> Result<(), FormatError> {
        Err(FormatError::Decode { format: self.name().to_owned(), message: ADVICE.to_owned() })
    }
}
