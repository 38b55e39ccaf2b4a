//! An object that goes to many is turned into the peers' format once.

use std::sync::Arc;

use gatewire_codec::{Message, ValueRef, Version, v3};

use super::{Objects, Settings, Translator, ValueRules};

/// The last event with an object that was translated, for all who are sent the same: to look at an object, and maybe to
/// turn it into another format, costs more than all else of its way. One for each thread is enough, since what goes
/// to many goes to one after the other.
#[derive(Default)]
pub struct EventMemo {
    last: Option<Last>,
}

struct Last {
    version: Version,
    values: ValueRules,
    /// Kept, so that no others have its address.
    objects: Arc<dyn Objects>,
    near: Vec<u8>,
    peer: Vec<u8>,
}

/// Longer frames are not kept: for them the copy would cost what it spares.
const LONGEST: usize = 64 << 10;

impl Last {
    fn is(&self, settings: &Settings, near: &[u8]) -> bool {
        self.version == settings.version
            && self.near == near
            && self.values == settings.values
            && Arc::ptr_eq(&self.objects, &settings.objects)
    }
}

impl Translator {
    /// As [`handle_near`](Self::handle_near), with what was last translated on this thread.
    pub fn handle_near_with(&mut self, memo: &mut EventMemo, frame: &[u8]) {
        if frame.len() > LONGEST || !is_object_event(frame) {
            return self.handle_near(frame);
        }
        if let Some(last) = memo.last.as_ref().filter(|last| last.is(&self.settings, frame)) {
            let id = self.take_id().to_le_bytes();
            let start = self.peer.len() + id_offset(last.version);
            self.peer.extend_from_slice(&last.peer);
            self.peer[start..start + id.len()].copy_from_slice(&id);
            return;
        }
        let start = self.peer.len();
        self.handle_near(frame);
        // Nothing: it could not be translated, which is to be told to each.
        memo.last = (self.peer.len() > start).then(|| Last {
            version: self.settings.version,
            values: self.settings.values,
            objects: Arc::clone(&self.settings.objects),
            near: frame.to_vec(),
            peer: self.peer[start..].to_vec(),
        });
    }
}

/// Where the number of a frame stands, behind its length.
fn id_offset(version: Version) -> usize {
    if version == Version::V1 { 8 } else { 10 }
}

fn is_object_event(frame: &[u8]) -> bool {
    matches!(v3::decode(frame), Ok(Message::Event { value: ValueRef::Object { .. }, .. }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::BytesMut;
    use gatewire_codec::FormatId;
    use gatewire_codec::legacy::{Kind, Packet};

    use super::*;
    use crate::downlink::Side;

    /// Turns everything into the same object, and counts.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Objects for Counting {
        fn to_json(&self, _: FormatId, bytes: &[u8], json: &mut Vec<u8>) -> Result<(), String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if bytes == b"bad" {
                return Err("bad".to_owned());
            }
            json.extend_from_slice(b"{\"a\":1}");
            Ok(())
        }
    }

    fn translator(version: Version, objects: &Arc<Counting>) -> Translator {
        let settings = Settings {
            version,
            side: Side::Server,
            max_frame: 1 << 20,
            stream_buffer: 1 << 20,
            pad_streams: true,
            values: ValueRules::default(),
            objects: Arc::clone(objects) as Arc<dyn Objects>,
        };
        Translator::new(settings, 5)
    }

    fn event(event: &str, bytes: &[u8]) -> Vec<u8> {
        let mut out = BytesMut::new();
        let value = ValueRef::Object { format: FormatId::MSGPACK, bytes };
        v3::encode(&Message::Event { event, value }, &mut out).expect("an event");
        out[gatewire_codec::LENGTH_PREFIX..].to_vec()
    }

    #[test]
    fn an_object_to_many_is_translated_once_for_each_version() {
        let objects = Arc::new(Counting::default());
        let mut memo = EventMemo::default();
        for version in [Version::V1, Version::V2] {
            let before = objects.0.load(Ordering::Relaxed);
            for receiver in 0..10 {
                let mut peer = translator(version, &objects);
                for _ in 0..receiver {
                    peer.take_id();
                }
                peer.handle_near_with(&mut memo, &event("news", b"good"));
                let frame = &peer.peer_output()[gatewire_codec::LENGTH_PREFIX..];
                let packet = Packet::decode(frame).expect("a frame");
                let bytes = b"{\"a\":1}";
                let value = ValueRef::Object { format: FormatId::UNSPECIFIED, bytes };
                let data = Packet::new(version, Kind::Data, 5 + receiver);
                assert_eq!(packet, Packet { event: "news", value, ..data });
            }
            assert_eq!(objects.0.load(Ordering::Relaxed) - before, 1, "{version:?}");
        }
    }

    #[test]
    fn another_object_and_one_that_cannot_be_translated_are_looked_at_anew() {
        let objects = Arc::new(Counting::default());
        let mut memo = EventMemo::default();
        let mut peer = translator(Version::V1, &objects);
        for (name, bytes) in [("a", b"good"), ("b", b"good"), ("a", b"goo2")] {
            peer.handle_near_with(&mut memo, &event(name, bytes));
        }
        for _ in 0..2 {
            peer.handle_near_with(&mut memo, &event("a", b"bad"));
        }
        assert_eq!(objects.0.load(Ordering::Relaxed), 5);
        assert!(!peer.near_output().is_empty(), "the session is told");
        let other = Arc::new(Counting::default());
        translator(Version::V1, &other).handle_near_with(&mut memo, &event("a", b"goo2"));
        assert_eq!(other.0.load(Ordering::Relaxed), 1, "another endpoint has other formats");
    }
}
