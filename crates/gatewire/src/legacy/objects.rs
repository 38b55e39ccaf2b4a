//! Objects on their way to a peer that knows one format.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, OnceLock};

use gatewire_codec::FormatId;
use gatewire_format::{Formats, ObjectSlot, erased_serde};
use gatewire_legacy::downlink::Objects;

/// The formats of a server or a client.
pub(crate) struct EndpointObjects {
    formats: Formats,
}

impl EndpointObjects {
    pub(crate) fn new(formats: Formats) -> Self {
        Self { formats }
    }
}

/// How the objects of one endpoint become JSON, the same for all its connections: by that it is known that what is
/// sent to many has to be turned once.
#[derive(Clone, Default)]
pub(crate) struct SharedObjects(OnceLock<Arc<dyn Objects>>);

impl SharedObjects {
    pub(crate) fn of(&self, formats: &Formats) -> Arc<dyn Objects> {
        let objects = self.0.get_or_init(|| Arc::new(EndpointObjects::new(formats.clone())));
        Arc::clone(objects)
    }
}

impl fmt::Debug for SharedObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedObjects")
    }
}

impl Objects for EndpointObjects {
    fn to_json(&self, format: FormatId, bytes: &[u8], json: &mut Vec<u8>) -> Result<(), String> {
        let found = self.formats.find(format).map_err(|error| error.to_string())?;
        let mut slot = Transcoder { json, written: false, none: None };
        // No event has a schema for this: a format that needs one says so.
        let decoded = found.decode(bytes, "", &mut slot);
        match decoded {
            Ok(()) if slot.written => Ok(()),
            Ok(()) => Err(format!("objects in {format} do not describe themselves")),
            Err(error) => Err(format!("objects in {format} cannot be turned into JSON: {error}")),
        }
    }
}

/// Takes an object apart as it is decoded, and writes it as JSON. It asks for no type.
struct Transcoder<'j> {
    json: &'j mut Vec<u8>,
    written: bool,
    none: Option<AnyObject>,
}

/// Stands for the type that is not asked for.
struct AnyObject;

impl ObjectSlot for Transcoder<'_> {
    fn deserialize(
        &mut self,
        deserializer: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<(), erased_serde::Error> {
        let mut serializer = serde_json::Serializer::new(&mut *self.json);
        serde_transcode::transcode(deserializer, &mut serializer).map_err(as_decode_error)?;
        self.written = true;
        Ok(())
    }

    fn type_id(&self) -> TypeId {
        TypeId::of::<AnyObject>()
    }

    fn type_name(&self) -> &'static str {
        "an object of any type"
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        &mut self.none
    }
}

fn as_decode_error(error: serde_json::Error) -> erased_serde::Error {
    <erased_serde::Error as serde::de::Error>::custom(error)
}
