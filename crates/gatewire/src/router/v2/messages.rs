//! Messages from one side to the other.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use gatewire_codec::{Message, Names, Target, Value, ValueRef, split_frame, v3};
use gatewire_core::session::{Class, FrameBuffer, Frames};
use gatewire_legacy::downlink::Objects;
use gatewire_legacy::uplink::{Audience, Delivery, Publication};

use super::{State, V2Cluster};
use crate::legacy::EndpointObjects;
use crate::router::event::RouterEvent;
use crate::router::inner::RouterInner;

thread_local! {
    static EVENT: Cell<Option<Box<FrameBuffer>>> = const { Cell::new(None) };
}

/// Whom of the old hosts a target concerns.
enum Concerned {
    Nobody,
    /// Those, but for sockets of theirs.
    Some(Audience, Vec<String>),
    /// Some, and the old wire cannot say whom.
    Unsayable(&'static str),
}

impl RouterInner {
    /// Sends events that were published on this node or another one to the old hosts that they concern.
    pub(in crate::router) fn to_old_hosts(&self, target: &Target<'_>, frames: &Frames<'_>) {
        let Some(old) = self.v2() else { return };
        let (audience, except) = {
            let mut state = old.lock();
            if !state.active {
                return;
            }
            match state.concerned(target) {
                Concerned::Nobody => return,
                Concerned::Some(audience, except) => (audience, except),
                Concerned::Unsayable(why) => {
                    drop(state);
                    return self.old_hosts_miss("", why.to_owned());
                }
            }
        };
        let mut rest = frames.bytes();
        while let Ok(Some((frame, behind))) = split_frame(rest, u32::MAX) {
            rest = behind;
            let Ok(Message::Event { event, value }) = v3::decode(frame) else { continue };
            if let Err(error) = self.to_old_audience(old, (&audience, &except), event, value) {
                self.old_hosts_miss(event, error);
            }
        }
    }

    fn to_old_audience(
        &self,
        old: &V2Cluster,
        (audience, except): (&Audience, &[String]),
        event: &str,
        value: ValueRef<'_>,
    ) -> Result<(), String> {
        let json = self.as_json(value)?;
        let value = json.as_ref().map_or(value, Value::as_ref);
        let publication = Publication { audience, event, value, except };
        let (published, _none) = old.change(|state| state.machine.publish(&publication));
        let hosts = published.map_err(|error| error.to_string())?.hosts;
        self.counts.to_old_hosts.fetch_add(hosts as u64, Ordering::Relaxed);
        Ok(())
    }

    /// An object in another format, as JSON.
    fn as_json(&self, value: ValueRef<'_>) -> Result<Option<Value>, String> {
        use gatewire_codec::FormatId;
        match value {
            ValueRef::Object { format, bytes }
                if format != FormatId::JSON && format != FormatId::UNSPECIFIED =>
            {
                let mut json = Vec::new();
                EndpointObjects::new(self.formats.clone()).to_json(format, bytes, &mut json)?;
                Ok(Some(Value::Object { format: FormatId::JSON, bytes: json.into() }))
            }
            _ => Ok(None),
        }
    }

    /// Something concerned old hosts that they do not get: it is counted, and told.
    pub(in crate::router) fn old_hosts_miss(&self, event: &str, error: String) {
        self.counts.missed_by_old_hosts.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(node = %self.name, event, %error, "old hosts miss a message");
        self.tell(RouterEvent::V2Missed { event: event.to_owned(), error });
    }

    /// The old hosts whose sockets a request or a stream is for, which their wire cannot carry to them. They are told as
    /// missed.
    pub(in crate::router) fn old_hosts_without(
        &self,
        target: &Target<'_>,
        event: &str,
        what: &str,
    ) -> Vec<String> {
        let Some(old) = self.v2() else { return Vec::new() };
        let hosts = {
            let mut state = old.lock();
            // Another gateway tells it, if this one stands by.
            if state.active { state.hosts_concerned(target) } else { Vec::new() }
        };
        if !hosts.is_empty() {
            self.old_hosts_miss(event, format!("wire version 2 has no {what} between routers"));
        }
        hosts
    }

    /// An old host has sent an event.
    pub(super) fn take_from_old_hosts(&self, delivery: &Delivery) {
        let Delivery { audience, event, value, except, .. } = delivery;
        // Sockets of old hosts are in no hub.
        let own = |socket: &&String| host_of(socket).is_some_and(|host| *host == *self.node);
        let except: Vec<String> = except.iter().filter(own).cloned().collect();
        let mut target =
            Target { except_sockets: Names::from_strings(&except), ..Target::default() };
        let everywhere = match audience {
            Audience::Everyone => {
                target.everyone = true;
                true
            }
            Audience::Rooms(rooms) => {
                target.rooms = Names::from_strings(rooms);
                true
            }
            Audience::Sockets(sockets) => {
                target.sockets = Names::from_strings(sockets);
                false
            }
        };
        if everywhere && !self.v2().is_some_and(|old| old.is_active()) {
            return;
        }
        self.counts.from_old_hosts.fetch_add(1, Ordering::Relaxed);
        let mut frame = EVENT.take().unwrap_or_default();
        let encoded = frame.push(|out| v3::encode_event(event, value.as_ref(), out));
        match encoded {
            Ok(()) => frame.drain(|frames| {
                self.deliver_beside(None, &target, Class::Normal, frames);
                if everywhere {
                    self.publish_to_nodes(&target, 0, Class::Normal, frames);
                }
            }),
            Err(error) => {
                tracing::debug!(%error, event, "an event of an old host was dropped");
                self.counts.malformed.fetch_add(1, Ordering::Relaxed);
            }
        }
        EVENT.set(Some(frame));
    }
}

impl State {
    /// Whom of the old hosts a target concerns.
    ///
    /// Whether the sender is to get its own copy is no matter of theirs: it is none of them. Nor is the exception of a
    /// socket that is elsewhere.
    fn concerned(&mut self, target: &Target<'_>) -> Concerned {
        if self.links.is_empty() {
            return Concerned::Nobody;
        }
        let hosts = self.hosts_concerned(target);
        if hosts.is_empty() {
            return Concerned::Nobody;
        }
        let is_one = |host: &str| hosts.iter().any(|of| of == host);
        let has_some = |room: &str| self.machine.hosts_of(room).any(is_one);
        if target.except_rooms.iter().any(has_some) {
            return Concerned::Unsayable("wire version 2 cannot except the members of a room");
        }
        let is_theirs = |socket: &&str| host_of(socket).is_some_and(is_one);
        let theirs = |sockets: Names<'_>| -> Vec<String> {
            sockets.iter().filter(is_theirs).map(ToOwned::to_owned).collect()
        };
        let except = theirs(target.except_sockets);
        if target.everyone {
            return Concerned::Some(Audience::Everyone, except);
        }
        let sockets = theirs(target.sockets);
        match (target.rooms.iter().any(has_some), sockets.is_empty()) {
            (true, false) => {
                Concerned::Unsayable("wire version 2 has no message for rooms and sockets at once")
            }
            (true, true) => {
                let rooms = target.rooms.iter().map(ToOwned::to_owned).collect();
                Concerned::Some(Audience::Rooms(rooms), except)
            }
            (false, _) => Concerned::Some(Audience::Sockets(sockets), except),
        }
    }

    /// The old hosts of which sockets are addressed, or may be. Those that are nodes as well get everything by version 3.
    fn hosts_concerned(&mut self, target: &Target<'_>) -> Vec<String> {
        let machine = &mut self.machine;
        let mut hosts: Vec<String> = if target.everyone {
            machine.hosts().map(ToOwned::to_owned).collect()
        } else {
            let of_sockets = target.sockets.iter().filter_map(host_of);
            let of_sockets: Vec<&str> = of_sockets.filter(|host| machine.reaches(host)).collect();
            let of_rooms = target.rooms.iter().flat_map(|room| machine.hosts_of(room));
            of_rooms.chain(of_sockets).map(ToOwned::to_owned).collect()
        };
        hosts.retain(|host| !machine.is_left_out(host));
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }
}

/// The host of a socket's id, or the node of its address.
fn host_of(socket: &str) -> Option<&str> {
    socket.split_once('/').map(|(host, _)| host)
}
