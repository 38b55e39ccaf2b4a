//! What frames with messages say, as JSON: all but the payload, which stays as it is written.

use std::borrow::Cow;

use gatewire_codec::legacy::Kind;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::name::{check_room, host_of};

/// `DATA_TO_ROOM`, `DATA_TO_SOCKET` or `DATA_BROADCAST`.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct DataPacket<'a> {
    #[serde(borrow)]
    pub(super) event: Cow<'a, str>,
    /// Absent: the originals deliver `undefined`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rooms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "socketIds")]
    pub(super) sockets: Option<Vec<String>>,
    /// Sockets that do not get it: the one that has sent it. Absent, which no original writes nor bears: none.
    #[serde(default)]
    pub(super) except: Option<Vec<String>>,
}

impl<'a> DataPacket<'a> {
    /// Reads it, without a look into the payload. `None`: it is not what this kind of frame says, or an original could not
    /// bear it.
    pub(super) fn read(kind: Kind, json: &'a [u8]) -> Option<Self> {
        let packet: Self = serde_json::from_slice(json).ok()?;
        let sound = match kind {
            Kind::DataToRoom => {
                let rooms = packet.rooms.as_ref()?;
                rooms.iter().all(|room| check_room(room).is_ok())
            }
            Kind::DataToSocket => {
                let sockets = packet.sockets.as_ref()?;
                sockets.iter().all(|socket| host_of(socket).is_some())
            }
            _ => true,
        };
        sound.then_some(packet)
    }

    pub(super) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and JSON are always JSON")
    }

    /// The same for the sockets of one host. `None`: none of them is of this host.
    pub(super) fn for_host(&self, host: &str) -> Option<DataPacket<'_>> {
        let of_host = |socket: &&String| host_of(socket) == Some(host);
        let sockets: Vec<_> = self.sockets.iter().flatten().filter(of_host).cloned().collect();
        (!sockets.is_empty()).then(|| DataPacket {
            event: Cow::Borrowed(&self.event),
            data: self.data,
            rooms: None,
            sockets: Some(sockets),
            except: self.except.clone(),
        })
    }
}
