//! A format made of a pair of closures, as the Node packages' `objectSerializer` and
//! `objectDeserializer`.

use std::fmt;
use std::marker::PhantomData;

use gatewire_codec::FormatId;

use crate::FormatError;
use crate::format::{Format, ObjectSlot, ObjectSource};

/// A format for one type: `(&T, event) -> bytes` and `(bytes, event) -> T`.
///
/// Errors are texts for people. Objects of another type are [`FormatError::UnknownType`].
pub struct FormatFn<T, E, D> {
    id: FormatId,
    name: String,
    encode: E,
    decode: D,
    object: PhantomData<fn(&T) -> T>,
}

impl<T, E, D> FormatFn<T, E, D>
where
    T: 'static,
    E: Fn(&T, &str) -> Result<Vec<u8>, String> + Send + Sync + 'static,
    D: Fn(&[u8], &str) -> Result<T, String> + Send + Sync + 'static,
{
    /// A format of a user's own. Take `id` from [`FormatId::FIRST_USER`] up.
    pub fn new(id: FormatId, name: impl Into<String>, encode: E, decode: D) -> Self {
        Self { id, name: name.into(), encode, decode, object: PhantomData }
    }
}

impl<T, E, D> fmt::Debug for FormatFn<T, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormatFn")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<T, E, D> Format for FormatFn<T, E, D>
where
    T: 'static,
    E: Fn(&T, &str) -> Result<Vec<u8>, String> + Send + Sync + 'static,
    D: Fn(&[u8], &str) -> Result<T, String> + Send + Sync + 'static,
{
    fn id(&self) -> FormatId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn encode(
        &self,
        object: ObjectSource<'_>,
        event: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let typed = object.as_any().downcast_ref::<T>().ok_or_else(|| {
            FormatError::UnknownType { format: self.name.clone(), type_name: object.type_name() }
        })?;
        let bytes = (self.encode)(typed, event)
            .map_err(|message| FormatError::Encode { format: self.name.clone(), message })?;
        out.extend_from_slice(&bytes);
        Ok(())
    }

    fn decode(
        &self,
        bytes: &[u8],
        event: &str,
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError> {
        let type_name = slot.type_name();
        let target = slot
            .as_any_mut()
            .downcast_mut::<Option<T>>()
            .ok_or_else(|| FormatError::UnknownType { format: self.name.clone(), type_name })?;
        let decoded = (self.decode)(bytes, event)
            .map_err(|message| FormatError::Decode { format: self.name.clone(), message })?;
        *target = Some(decoded);
        Ok(())
    }
}
