//! One Rust type and its schema.

use std::any::type_name;
use std::fmt::Display;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Error, Schema};
use gatewire_format::{FormatError, ObjectSlot, ObjectSource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::SchemaError;
use crate::layout::Layout;
use crate::{NAME, unknown};

/// A type as the registry knows it: the functions find the type again behind an object or a slot.
pub(crate) struct DatumType {
    type_name: &'static str,
    schema: Schema,
    layout: Layout,
    encode: fn(&DatumType, ObjectSource<'_>, &mut Vec<u8>) -> Result<(), FormatError>,
    decode: fn(&DatumType, &[u8], &mut dyn ObjectSlot) -> Result<(), FormatError>,
}

impl DatumType {
    pub(crate) fn new<T>(schema_json: &str) -> Result<Self, SchemaError>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        let refuse = |message: String| SchemaError { type_name: type_name::<T>(), message };
        let schema = Schema::parse_str(schema_json).map_err(|error| refuse(error.to_string()))?;
        let layout = Layout::of(&schema).map_err(|error| refuse(error.to_string()))?;
        let (encode, decode) = (encode::<T>, decode::<T>);
        Ok(Self { type_name: type_name::<T>(), schema, layout, encode, decode })
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    pub(crate) fn encode(
        &self,
        object: ObjectSource<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        (self.encode)(self, object, out)
    }

    pub(crate) fn decode(
        &self,
        bytes: &[u8],
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError> {
        (self.decode)(self, bytes, slot)
    }

    fn write<T: Serialize>(&self, typed: &T, out: &mut Vec<u8>) -> Result<usize, Error> {
        GenericDatumWriter::builder(&self.schema)
            .human_readable(false)
            .schemata(self.named())?
            .build()?
            .write_ser(out, typed)
    }

    fn read<T: DeserializeOwned>(&self, rest: &mut &[u8]) -> Result<T, Error> {
        GenericDatumReader::builder(&self.schema)
            .human_readable(false)
            .writer_schemata(self.named())?
            .build()?
            .read_deser(rest)
    }

    /// Where `apache-avro` looks names up. It collects them for each datum; most schemas need none.
    fn named(&self) -> Vec<&Schema> {
        if self.layout.has_names() { vec![&self.schema] } else { Vec::new() }
    }
}

fn encode<T: Serialize + 'static>(
    datum_type: &DatumType,
    object: ObjectSource<'_>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let typed = object.as_any().downcast_ref::<T>().ok_or_else(|| unknown(object.type_name()))?;
    datum_type.write(typed, out).map(|_length| ()).map_err(|error| FormatError::Encode {
        format: NAME.to_owned(),
        message: error.to_string(),
    })
}

fn decode<T: DeserializeOwned + 'static>(
    datum_type: &DatumType,
    bytes: &[u8],
    slot: &mut dyn ObjectSlot,
) -> Result<(), FormatError> {
    datum_type.layout.check(bytes).map_err(refuse)?;
    let mut rest = bytes;
    let typed = datum_type.read::<T>(&mut rest).map_err(refuse)?;
    if !rest.is_empty() {
        return Err(refuse("the type reads less than its schema has"));
    }
    let type_name = slot.type_name();
    let target = slot.as_any_mut().downcast_mut::<Option<T>>().ok_or_else(|| unknown(type_name))?;
    *target = Some(typed);
    Ok(())
}

fn refuse(error: impl Display) -> FormatError {
    FormatError::Decode { format: NAME.to_owned(), message: error.to_string() }
}
