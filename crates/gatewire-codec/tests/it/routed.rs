//! Frames that routers carry for others: one form each, and nothing that garbage can do.

use bytes::BytesMut;
use gatewire_codec::v3::routed::{
    Carried, Routed, RoutedHeader, decode_routed, decode_target, encode_routed, encode_target,
    is_routed,
};
use gatewire_codec::{DecodeError, Field, Names, Target};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

const HEADER: RoutedHeader =
    RoutedHeader { carried: Carried::Events, ttl: 32, flow: 7, origin: 1, nonce: 9, sequence: 300 };

/// The frame without its length prefix.
fn bytes_of(header: &RoutedHeader, destinations: &[u32], parts: &[&[u8]]) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_routed(header, destinations, parts, &mut out).expect("the frame can be written");
    let length = u32::from_le_bytes([out[0], out[1], out[2], out[3]]);
    assert_eq!(usize::try_from(length).ok(), Some(out.len() - 4));
    out[4..].to_vec()
}

fn header() -> impl Strategy<Value = RoutedHeader> {
    let carried = prop_oneof![
        Just(Carried::Events),
        Just(Carried::VolatileEvents),
        Just(Carried::Request),
        Just(Carried::Answers),
        Just(Carried::Stream),
    ];
    (carried, any::<[u8; 2]>(), any::<u32>(), any::<u32>(), any::<u64>()).prop_map(
        |(carried, [ttl, flow], origin, nonce, sequence)| RoutedHeader {
            carried,
            ttl,
            flow,
            origin,
            nonce,
            sequence,
        },
    )
}

#[test]
fn a_frame_has_the_bytes_that_are_specified() {
    let bytes = bytes_of(&HEADER, &[0, 9], &[b"pay", b"load"]);
    let expected: &[u8] = &[
        3, 57, 0, 32, 7, 1, 9, 0, 0, 0, 0xac, 2, 2, 0, 8, b'p', b'a', b'y', b'l', b'o', b'a', b'd',
    ];
    assert_eq!(bytes, expected);
    assert!(is_routed(bytes[1]));
    assert!(!is_routed(56));
}

#[test]
fn many_nodes_are_bits_and_few_are_a_list() {
    let all: Vec<u32> = (0..100).collect();
    let bytes = bytes_of(&HEADER, &all, &[]);
    // 13 bytes for the nodes: a hundred bits.
    assert_eq!((bytes.len(), bytes[2] & 8, bytes[12]), (26, 8, 13));
    let few = bytes_of(&HEADER, &[3, 90], &[]);
    assert_eq!((few[2] & 8, few[12]), (0, 2));
}

#[test]
fn nobody_and_bits_that_say_nothing_are_refused() {
    const BAD: DecodeError = DecodeError::BadValue { field: Field::Destinations };
    let head = [3, 57, 0, 32, 7, 1, 9, 0, 0, 0, 1];
    let with = |flags: u8, rest: &[u8]| {
        let mut frame = head.to_vec();
        frame[2] = flags;
        frame.extend_from_slice(rest);
        decode_routed(&frame).map(|routed| routed.payload.len())
    };
    assert_eq!(with(0, &[0]), Err(BAD));
    assert_eq!(with(8, &[0]), Err(BAD));
    assert_eq!(with(8, &[2, 1, 0]), Err(BAD));
    assert_eq!(with(8, &[1, 1, 5]), Ok(1));
    // Beyond what a number can be.
    assert_eq!(with(0, &[2, 0xff, 0xff, 0xff, 0xff, 15, 0]), Err(BAD));
    assert_eq!(with(0, &[9, 0]), Err(DecodeError::Truncated { field: Field::Destinations }));
    for flags in [5, 6, 7, 16, 128] {
        assert_eq!(with(flags, &[1, 0]), Err(DecodeError::BadValue { field: Field::Flags }));
    }
    assert_eq!(decode_routed(&[3, 16]), Err(DecodeError::UnknownKind { kind: 16 }));
    let other = DecodeError::WrongVersion { found: 2, expected: 3 };
    assert_eq!(decode_routed(&[2, 57]), Err(other));
}

#[test]
fn a_target_stands_before_its_events() {
    let target = Target {
        rooms: Names::from_slice(&["news"]),
        except_sockets: Names::from_slice(&["host1/x"]),
        ..Target::default()
    };
    let mut out = BytesMut::new();
    encode_target(&target, &mut out);
    out.extend_from_slice(b"events");
    assert_eq!(decode_target(&out), Ok((target, &b"events"[..])));
    // Flags that a PUBLISH has for itself, and none at all.
    for flags in [0x40, 0x80] {
        assert_eq!(decode_target(&[flags]), Err(DecodeError::BadValue { field: Field::Flags }));
    }
    assert_eq!(decode_target(&[]), Err(DecodeError::Truncated { field: Field::Flags }));
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(
        header in header(),
        destinations in btree_set(prop_oneof![0..300_u32, any::<u32>()], 1..80),
        payload in vec(any::<u8>(), 0..50),
    ) {
        let destinations: Vec<u32> = destinations.into_iter().collect();
        let bytes = bytes_of(&header, &destinations, &[&payload]);
        let routed = decode_routed(&bytes).expect("it was just encoded");
        prop_assert_eq!(routed.header, header);
        prop_assert_eq!(routed.payload, &payload[..]);
        prop_assert_eq!(routed.destinations.count(), destinations.len());
        prop_assert!(routed.destinations.iter().eq(destinations));
    }

    #[test]
    fn a_set_of_neighbours_has_the_shorter_form(count in 1..2000_u32) {
        let destinations: Vec<u32> = (0..count).collect();
        let bytes = bytes_of(&HEADER, &destinations, &[]);
        let taken = bytes.len() - 12;
        prop_assert!(taken <= 3 + (destinations.len()).min(destinations.len() / 8 + 1));
    }

    #[test]
    fn garbage_is_an_error_or_a_frame_and_never_more(
        mut bytes in vec(any::<u8>(), 0..60),
        routed in any::<bool>(),
    ) {
        if routed && bytes.len() > 3 {
            bytes[..2].copy_from_slice(&[3, 57]);
            bytes[2] &= 0xf;
        }
        if let Ok(Routed { header, destinations, payload }) = decode_routed(&bytes) {
            let numbers: Vec<u32> = destinations.iter().collect();
            prop_assert_eq!(numbers.len(), destinations.count());
            prop_assert!(numbers.is_sorted_by(|one, next| one < next));
            let again = bytes_of(&header, &numbers, &[payload]);
            let again = decode_routed(&again).expect("it was just encoded");
            prop_assert_eq!((again.header, again.payload), (header, payload));
        }
        let _any = decode_target(&bytes);
    }
}
