//! The formats that an endpoint knows.

use std::sync::Arc;

use gatewire_codec::FormatId;
use serde::de::DeserializeOwned;

use crate::FormatError;
use crate::format::{Format, ObjectSource, Slot};

/// A default format, and others that are understood when they arrive. Cheap to clone.
#[derive(Clone)]
pub struct Formats {
    default: Arc<dyn Format>,
    others: Arc<[Arc<dyn Format>]>,
}

impl Formats {
    /// One format, for objects to send and to receive.
    pub fn new(default: impl Format) -> Self {
        Self { default: Arc::new(default), others: Arc::new([]) }
    }

    /// The same formats with another default; the old default is still understood. One of the
    /// same id, if there is one, is replaced.
    #[must_use]
    pub fn with_default(self, format: impl Format) -> Self {
        let format: Arc<dyn Format> = Arc::new(format);
        let old = std::iter::once(&self.default).chain(self.others.iter());
        let kept = old.filter(|other| other.id() != format.id()).cloned();
        Self { others: kept.collect(), default: format }
    }

    /// Also understands `format`. One of the same id, if there is one, is replaced.
    #[must_use]
    pub fn with(self, format: impl Format) -> Self {
        self.with_shared(Arc::new(format))
    }

    fn with_shared(mut self, format: Arc<dyn Format>) -> Self {
        if self.default.id() == format.id() {
            self.default = format;
            return self;
        }
        let kept = self.others.iter().filter(|other| other.id() != format.id()).cloned();
        self.others = kept.chain([Arc::clone(&format)]).collect();
        self
    }

    /// The format of objects that name none.
    #[must_use]
    pub fn default_format(&self) -> &dyn Format {
        &*self.default
    }

    /// The format with this id; [`FormatId::UNSPECIFIED`] is the default.
    ///
    /// # Errors
    ///
    /// [`FormatError::Mismatch`], which names the format found and those known.
    pub fn find(&self, id: FormatId) -> Result<&dyn Format, FormatError> {
        if id == self.default.id() || id == FormatId::UNSPECIFIED {
            return Ok(&*self.default);
        }
        match self.others.iter().find(|format| format.id() == id) {
            Some(format) => Ok(&**format),
            None => Err(FormatError::Mismatch { found: id, known: self.known() }),
        }
    }

    /// Id and name of each format, default first.
    #[must_use]
    pub fn known(&self) -> Vec<(FormatId, String)> {
        std::iter::once(&self.default)
            .chain(self.others.iter())
            .map(|format| (format.id(), format.name().to_owned()))
            .collect()
    }

    /// Decodes an object in whichever known format it is.
    ///
    /// # Errors
    ///
    /// [`FormatError::Mismatch`], or what the format says.
    pub fn decode<T: DeserializeOwned + 'static>(
        &self,
        id: FormatId,
        bytes: &[u8],
        event: &str,
    ) -> Result<T, FormatError> {
        let format = self.find(id)?;
        let mut slot = Slot(None);
        format.decode(bytes, event, &mut slot)?;
        slot.0.ok_or_else(|| FormatError::Decode {
            format: format.name().to_owned(),
            message: "the format filled nothing in".to_owned(),
        })
    }

    /// Encodes an object in `format`, or in the default one; the id that goes with it.
    ///
    /// # Errors
    ///
    /// What the format says.
    pub fn encode(
        &self,
        format: Option<&dyn Format>,
        object: ObjectSource<'_>,
        event: &str,
        out: &mut Vec<u8>,
    ) -> Result<FormatId, FormatError> {
        let format = format.unwrap_or(&*self.default);
        format.encode(object, event, out)?;
        Ok(format.id())
    }
}

impl std::fmt::Debug for Formats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.known()).finish()
    }
}
