//! What holds whatever neighbours send, in whatever order.
//!
//! An input is a list of steps: a byte that says what happens, one that says at which of four neighbours, then what the step needs.

use std::collections::BTreeMap;

use bytes::Bytes;
use gatewire_codec::legacy::{Kind, MAX_CELLS, Packet, Policy};
use gatewire_codec::{LENGTH_PREFIX, ValueRef, Version};
use gatewire_legacy::uplink::{Audience, Cost, Gateway, LinkNumber, LinkUp, Output, Publication};
use serde_json::value::RawValue;

/// Feeds a gateway with the steps of `input`. What it sends is always a frame that an original can bear: JSON with a
/// list of hosts that fits, by a link that is up, and never back.
///
/// # Panics
///
/// When something else comes.
pub fn legacy_uplink(input: &[u8]) {
    let mut gateway = Gateway::new("me").expect("a good name");
    let mut links: [Option<LinkNumber>; 4] = [None; 4];
    let mut made = 0;
    let mut rest = input;
    while let [what, which, behind @ ..] = rest {
        let at = usize::from(which % 4);
        let mut from = None;
        rest = behind;
        match what % 8 {
            0 => {
                made += 1;
                let (link, host) = (format!("host{at}/down/xx/{made}"), format!("host{at}"));
                let up = LinkUp { link: &link, host: &host, cost: Cost::ONE, last_message_id: 3 };
                if let Ok(number) = gateway.link_up(&up) {
                    links[at] = Some(number);
                }
            }
            1 => {
                if let Some(number) = links[at].take() {
                    gateway.link_down(number);
                }
            }
            2 => {
                let room = ["r", "s", "__proto__", ""][at];
                let _told = gateway.set_room(room, u64::from(which / 4));
            }
            3 => {
                let audience = match at {
                    0 => Audience::Everyone,
                    1 => Audience::Rooms(vec!["r".to_owned(), "s".to_owned()]),
                    _ => Audience::Sockets(vec![format!("host{at}/a/b"), "host9/a".to_owned()]),
                };
                let value = ValueRef::Binary(&[1, 2]);
                let publication =
                    Publication { audience: &audience, event: "e", value, except: &[] };
                gateway.publish(&publication).expect("it can be told");
            }
            _ => {
                let Some((length, behind)) = behind.split_first_chunk() else { break };
                let length = usize::from(u16::from_le_bytes(*length)).min(behind.len());
                let (frame, behind) = behind.split_at(length);
                rest = behind;
                from = links[at];
                if let Some(number) = from {
                    gateway.handle_frame(number, frame);
                }
            }
        }
        while let Some(output) = gateway.poll_output() {
            match output {
                Output::Send { link, frame } => check(&links, link, from, &frame),
                Output::CloseLink { link, .. } => {
                    let closed = links.iter_mut().find(|found| **found == Some(link));
                    *closed.expect("it was up") = None;
                }
                Output::Deliver(_) | Output::RoomChanged { .. } => {}
            }
        }
    }
}

fn check(
    links: &[Option<LinkNumber>; 4],
    link: LinkNumber,
    from: Option<LinkNumber>,
    frame: &Bytes,
) {
    assert!(links.contains(&Some(link)), "a link that is down");
    let packet = Packet::decode_as(Version::V2, &frame[LENGTH_PREFIX..]).expect("a frame");
    assert!(packet.cells.len() <= MAX_CELLS);
    let ValueRef::Object { bytes, .. } = packet.value else { panic!("no object: {packet:?}") };
    // By its grammar only: a payload that came from JavaScript may hold what no Rust value does.
    let _json: BTreeMap<String, &RawValue> = serde_json::from_slice(bytes).expect("a JSON object");
    let is_fact = matches!(
        packet.kind,
        Kind::NewLink | Kind::DelLink | Kind::LinkJoinRoom | Kind::LinkLeaveRoom
    );
    assert_eq!(packet.policy, if is_fact { Policy::Add } else { Policy::Sub });
    // Only who tells of a link that is none of this host's hears something back.
    assert!(from != Some(link) || packet.kind == Kind::DelLink, "back: {packet:?}");
}
