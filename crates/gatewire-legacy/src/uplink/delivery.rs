//! Messages from old hosts for what is behind the gateway.

use gatewire_codec::Value;
use gatewire_codec::legacy::Kind;

use super::gateway::{Gateway, LinkNumber, Output};
use super::packet::DataPacket;
use super::payload;

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// All sockets.
    Everyone,
    /// The members of these rooms.
    Rooms(Vec<String>),
    /// Sockets by the ids that their hosts gave them: `host/..`.
    Sockets(Vec<String>),
}

/// An event that an old host has sent to what is behind the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The link over which it came.
    pub link: LinkNumber,
    /// Of sockets only those of this host: others are not in the list. An id may be one that nobody has.
    pub audience: Audience,
    /// The event.
    pub event: String,
    /// Its data.
    pub value: Value,
    /// Ids of sockets that do not get it: the sender, on its own host.
    pub except: Vec<String>,
}

impl Gateway {
    pub(super) fn deliver(&mut self, link: LinkNumber, kind: Kind, packet: DataPacket<'_>) {
        let audience = match kind {
            Kind::DataToRoom => Audience::Rooms(packet.rooms.unwrap_or_default()),
            Kind::DataToSocket => {
                let Some(own) = packet.for_host(&self.host) else { return };
                Audience::Sockets(own.sockets.unwrap_or_default())
            }
            _ => Audience::Everyone,
        };
        self.output.push_back(Output::Deliver(Delivery {
            link,
            audience,
            event: packet.event.into_owned(),
            value: payload::from_json(packet.data),
            except: packet.except.unwrap_or_default(),
        }));
    }
}
