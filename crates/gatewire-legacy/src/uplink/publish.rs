//! Messages for old hosts: those that begin here, and those that are passed on.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use gatewire_codec::legacy::{Kind, MAX_EVENT, Packet, Policy};
use gatewire_codec::{ValueRef, Version};

use super::cells;
use super::delivery::Audience;
use super::error::PublishError;
use super::gateway::{Gateway, LinkNumber, json_value};
use super::name::{check_room, host_of};
use super::packet::DataPacket;
use super::payload;

/// An event from behind the gateway for old hosts.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// Whom it is for. Names that an old host could not bear are left out.
    pub audience: &'a Audience,
    /// The event.
    pub event: &'a str,
    /// Its data. An object has to be JSON.
    pub value: ValueRef<'a>,
    /// Ids of sockets that are not to get it.
    pub except: &'a [String],
}

/// How far an event went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// Hosts for which it was sent.
    pub hosts: usize,
    /// Hosts to which no way leads.
    pub unreachable: usize,
}

impl Gateway {
    /// Sends an event to the old hosts that it concerns, one frame for each link and 255 bytes of host names. Not to those
    /// that are [left out](Self::leave_out).
    ///
    /// Rooms: the hosts with members. Sockets: each host gets its own ids. No room and no socket is nobody.
    ///
    /// # Errors
    ///
    /// [`PublishError`]: nothing was sent.
    pub fn publish(&mut self, publication: &Publication<'_>) -> Result<Published, PublishError> {
        let Publication { audience, event, value, except } = *publication;
        if event.len() > MAX_EVENT {
            return Err(PublishError::EventTooLong { length: event.len() });
        }
        let json = payload::to_json(value)?;
        let mut packet = DataPacket {
            event: Cow::Borrowed(event),
            data: json.as_deref(),
            rooms: None,
            sockets: None,
            except: Some(except.to_vec()),
        };
        let (kind, hosts): (_, Vec<Arc<str>>) = match audience {
            Audience::Everyone => (Kind::DataBroadcast, self.ways().keys().cloned().collect()),
            Audience::Rooms(rooms) => {
                let sound = rooms.iter().filter(|room| check_room(room).is_ok());
                packet.rooms = Some(sound.cloned().collect());
                (Kind::DataToRoom, self.hosts_of_any(rooms))
            }
            Audience::Sockets(sockets) => {
                packet.sockets = Some(sockets.clone());
                let hosts = sockets.iter().filter_map(|socket| host_of(socket));
                let mut hosts: Vec<Arc<str>> = hosts.map(Arc::from).collect();
                hosts.sort_unstable();
                hosts.dedup();
                (Kind::DataToSocket, hosts)
            }
        };
        let is_other = |host: &&str| **host != *self.host && !self.is_left_out(host);
        let hosts: Vec<&str> = hosts.iter().map(|host| &**host).filter(is_other).collect();
        let json = packet.json();
        self.pass(None, &Passing { kind, event: "", packet: &packet, json: &json }, &hosts)
    }

    fn hosts_of_any(&self, rooms: &[String]) -> Vec<Arc<str>> {
        let hosts = rooms.iter().flat_map(|room| self.rooms.hosts_of(room));
        let mut hosts: Vec<_> = hosts.map(|(host, _)| Arc::clone(host)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    /// A frame with a message has come.
    pub(super) fn handle_message(&mut self, link: LinkNumber, frame: &Packet<'_>) {
        let Some(json) = self.object(frame) else { return };
        let Some(mut packet) = DataPacket::read(frame.kind, json) else {
            self.counters.malformed += 1;
            return;
        };
        let mut json = Cow::Borrowed(json);
        if packet.except.is_none() {
            // It is not passed on as it was written: an original dies of it.
            packet.except = Some(Vec::new());
            json = packet.json().into();
        }
        if frame.policy == Policy::Sub {
            let hosts: Vec<&str> = cells::hosts(frame.cells).collect();
            let others: Vec<&str> =
                hosts.iter().copied().filter(|host| *host != &*self.host).collect();
            let here = others.len() < hosts.len();
            let (kind, event) = (frame.kind, frame.event);
            let passing = Passing { kind, event, packet: &packet, json: &json };
            // It has come as a frame of as many bytes, so it can be written.
            let _written = self.pass(Some(link), &passing, &others);
            if !here {
                return;
            }
        }
        self.deliver(link, frame.kind, packet);
    }

    /// Sends a message on for these hosts.
    fn pass(
        &mut self,
        from: Option<LinkNumber>,
        passing: &Passing<'_>,
        hosts: &[&str],
    ) -> Result<Published, PublishError> {
        let mut published = Published::default();
        let mut branches: BTreeMap<LinkNumber, Vec<&str>> = BTreeMap::new();
        for host in hosts {
            match self.next_link(host) {
                None => {
                    published.unreachable += 1;
                    self.counters.unreachable += 1;
                }
                Some(_) if from.is_some_and(|from| !self.gets_nearer(from, host)) => {
                    self.counters.circling += 1;
                }
                Some(link) => branches.entry(link).or_default().push(host),
            }
        }
        for (link, hosts) in branches {
            published.hosts += hosts.len();
            if passing.kind == Kind::DataToSocket {
                for host in hosts {
                    self.send_to_sockets(link, passing, host)?;
                }
                continue;
            }
            for list in cells::lists(hosts) {
                self.send_message(link, passing, &list, passing.json)?;
            }
        }
        Ok(published)
    }

    /// Each host gets a packet with its own ids alone: the originals die of others.
    fn send_to_sockets(
        &mut self,
        link: LinkNumber,
        passing: &Passing<'_>,
        host: &str,
    ) -> Result<(), PublishError> {
        let sockets = passing.packet.sockets.iter().flatten();
        if sockets.clone().all(|socket| host_of(socket) == Some(host)) {
            return self.send_message(link, passing, host, passing.json);
        }
        match passing.packet.for_host(host) {
            Some(packet) => self.send_message(link, passing, host, &packet.json()),
            None => Ok(()),
        }
    }

    fn send_message(
        &mut self,
        link: LinkNumber,
        passing: &Passing<'_>,
        list: &str,
        json: &[u8],
    ) -> Result<(), PublishError> {
        let packet = Packet {
            policy: Policy::Sub,
            cells: list,
            event: passing.event,
            value: json_value(json),
            ..Packet::new(Version::V2, passing.kind, 0)
        };
        self.send(link, packet).map_err(PublishError::Encode)
    }
}

/// A message that goes to other hosts.
struct Passing<'a> {
    kind: Kind,
    /// Empty, unless another router thought otherwise.
    event: &'a str,
    packet: &'a DataPacket<'a>,
    /// The same as it is written.
    json: &'a [u8],
}
