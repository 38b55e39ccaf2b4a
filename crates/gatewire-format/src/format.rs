//! One encoding of objects, behind an object-safe trait.
//!
//! An endpoint holds its formats as `Arc<dyn Format>`, so that no public type carries the choice
//! as a type parameter. A format sees an object from two sides: as something that serde can walk,
//! or as a concrete Rust type that it was told about ([`std::any::Any`]). JSON uses the first,
//! Protocol Buffers the second, Avro both.

use std::any::{Any, TypeId, type_name};

use gatewire_codec::FormatId;
use serde::{Serialize, de::DeserializeOwned};

use crate::FormatError;

/// How objects become bytes and back. Implement it to bring a format of your own, and let
/// `conformance::check` (feature `conformance`) try it.
pub trait Format: Send + Sync + 'static {
    /// The id that travels with each object in wire version 3.
    fn id(&self) -> FormatId;

    /// A short name for error messages.
    fn name(&self) -> &str;

    /// Appends the encoded object to `out`.
    ///
    /// # Errors
    ///
    /// [`FormatError::Encode`] or [`FormatError::UnknownType`]; what was appended is discarded.
    fn encode(
        &self,
        object: ObjectSource<'_>,
        event: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError>;

    /// Fills `slot` from `bytes`, all of them.
    ///
    /// # Errors
    ///
    /// [`FormatError::Decode`] or [`FormatError::UnknownType`]. Bytes come from the network: no
    /// input may panic.
    fn decode(
        &self,
        bytes: &[u8],
        event: &str,
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError>;
}

impl<F: Format + ?Sized> Format for std::sync::Arc<F> {
    fn id(&self) -> FormatId {
        (**self).id()
    }

    fn name(&self) -> &str {
        (**self).name()
    }

    fn encode(
        &self,
        object: ObjectSource<'_>,
        event: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        (**self).encode(object, event, out)
    }

    fn decode(
        &self,
        bytes: &[u8],
        event: &str,
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError> {
        (**self).decode(bytes, event, slot)
    }
}

/// An object to encode, seen from both sides.
#[derive(Clone, Copy)]
pub struct ObjectSource<'a> {
    serialize: &'a dyn erased_serde::Serialize,
    any: &'a dyn Any,
    type_name: &'static str,
}

impl<'a> ObjectSource<'a> {
    /// Any serde type that borrows nothing.
    pub fn new<T: Serialize + 'static>(object: &'a T) -> Self {
        Self { serialize: object, any: object, type_name: type_name::<T>() }
    }

    /// The object as serde sees it.
    #[must_use]
    pub fn as_serialize(&self) -> &'a dyn erased_serde::Serialize {
        self.serialize
    }

    /// The object as its concrete type, for `downcast_ref`.
    #[must_use]
    pub fn as_any(&self) -> &'a dyn Any {
        self.any
    }

    /// The type's name, for error messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}

impl std::fmt::Debug for ObjectSource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectSource").field("type_name", &self.type_name).finish_non_exhaustive()
    }
}

/// Where a format puts the object that it decodes. Implemented by this crate only.
pub trait ObjectSlot {
    /// Fills the slot by serde.
    ///
    /// # Errors
    ///
    /// What the deserializer says.
    fn deserialize(
        &mut self,
        deserializer: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<(), erased_serde::Error>;

    /// The concrete type asked for.
    fn type_id(&self) -> TypeId;

    /// Its name, for error messages.
    fn type_name(&self) -> &'static str;

    /// The slot as `Option<T>`, for `downcast_mut`.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

pub(crate) struct Slot<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned + 'static> ObjectSlot for Slot<T> {
    fn deserialize(
        &mut self,
        deserializer: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<(), erased_serde::Error> {
        self.0 = Some(erased_serde::deserialize(deserializer)?);
        Ok(())
    }

    fn type_id(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        &mut self.0
    }
}
