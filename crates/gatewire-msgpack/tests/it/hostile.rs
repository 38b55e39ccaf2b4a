//! Bytes that a peer made up: no announcement is believed, nothing overflows the stack.

use gatewire_format::FormatError;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{decode, refused};

const TOO_DEEP: &str = "more than 128 arrays and maps in one another";

fn lacking<T>(needed: u64, left: usize) -> Result<T, FormatError> {
    refused(&format!("at least {needed} more bytes are needed, {left} are left"))
}

/// `depth` arrays in one another, the innermost empty.
fn arrays(depth: usize) -> Vec<u8> {
    let mut bytes = vec![0x91; depth - 1];
    bytes.push(0x90);
    bytes
}

#[test]
fn arrays_may_be_128_deep_and_no_deeper() {
    assert!(decode::<Value>(arrays(128)).is_ok());
    assert_eq!(decode::<Value>(arrays(129)), refused(TOO_DEEP));
}

#[test]
fn arrays_100_000_deep_are_refused_whatever_is_asked_for() {
    let deep = arrays(100_000);
    assert_eq!(decode::<Value>(&deep), refused(TOO_DEEP));
    assert_eq!(decode::<Vec<Value>>(&deep), refused(TOO_DEEP));
    assert_eq!(decode::<()>(&deep), refused(TOO_DEEP));
    let ignored = decode::<IgnoredAny>(&deep).map(|_| ());
    assert_eq!(ignored, refused(TOO_DEEP));
}

#[test]
fn maps_100_000_deep_are_refused() {
    let deep = [0x81, 0xc0].repeat(100_000);
    assert_eq!(decode::<Value>(&deep), refused(TOO_DEEP));
    let deep_keys = vec![0x81; 100_000];
    assert_eq!(decode::<Value>(&deep_keys), refused(TOO_DEEP));
}

#[test]
fn enums_100_000_deep_are_refused() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Chain {
        End,
        Link(Box<Chain>),
    }
    let chain = |depth| [&b"\x81\xa4Link".repeat(depth)[..], b"\xa3End"].concat();
    assert_eq!(decode(chain(1)), Ok(Chain::Link(Box::new(Chain::End))));
    assert!(decode::<Chain>(chain(128)).is_ok());
    assert_eq!(decode::<Chain>(chain(100_000)), refused(TOO_DEEP));
}

#[test]
fn announced_lengths_are_not_believed() {
    let four_gib = 4_294_967_295;
    assert_eq!(decode::<String>(b"\xdb\xff\xff\xff\xffx"), lacking(four_gib, 1));
    assert_eq!(decode::<Value>(b"\xc6\xff\xff\xff\xff"), lacking(four_gib, 0));
    assert_eq!(decode::<Vec<u64>>(b"\xdd\xff\xff\xff\xff\x01"), lacking(four_gib, 1));
    assert_eq!(decode::<Value>(b"\xdf\x7f\xff\xff\xff\xc0"), lacking(four_gib - 1, 1));
    assert_eq!(decode::<Value>(b"\xc9\xff\xff\xff\xff\x01"), lacking(four_gib, 0));
    assert_eq!(decode::<Value>(b"\xdc\xff"), lacking(2, 1));
}

#[test]
fn units_cannot_be_multiplied() {
    // Vec<()> takes no memory, but four billion turns would take their time.
    assert_eq!(decode::<Vec<()>>(b"\xdd\xff\xff\xff\xff\xc0"), lacking(4_294_967_295, 1));
}

#[test]
fn bytes_after_the_object_are_refused() {
    assert_eq!(decode::<u8>(b"\x07\x07"), refused("1 bytes after the object"));
    assert_eq!(decode::<u8>(b"\x07\xc1\xc1"), refused("2 bytes after the object"));
}

#[test]
fn the_marker_that_is_never_used_is_refused() {
    assert_eq!(decode::<Value>(b"\xc1"), refused("0xc1 begins nothing"));
    assert_eq!(decode::<Value>(b"\x91\xc1"), refused("0xc1 begins nothing"));
}

#[test]
fn no_bytes_are_refused() {
    assert_eq!(decode::<Value>(b""), lacking(1, 0));
}

#[test]
fn each_marker_is_walked_as_long_as_it_is() {
    // Marker, then the bytes that belong to it. An object that is walked too far or not far
    // enough would leave or lack bytes.
    let mut items: Vec<Vec<u8>> = Vec::new();
    for (markers, length) in [
        (&[0x00, 0x7f, 0xe0, 0xff, 0xc0, 0xc2, 0xc3, 0xa0, 0x80, 0x90][..], 0),
        (&[0xcc, 0xd0, 0xa1], 1),
        (&[0xcd, 0xd1, 0xd4, 0xa2], 2),
        (&[0xd5], 3),
        (&[0xca, 0xce, 0xd2], 4),
        (&[0xd6], 5),
        (&[0xcb, 0xcf, 0xd3], 8),
        (&[0xd7], 9),
        (&[0xd8], 17),
        (&[0xbf], 31),
    ] {
        items.extend(markers.iter().map(|&marker| [vec![marker], vec![0; length]].concat()));
    }
    let with_lengths: [&[u8]; 16] = [
        b"\xc4\x01b",
        b"\xc5\0\x01b",
        b"\xc6\0\0\0\x01b",
        b"\xd9\x01s",
        b"\xda\0\x01s",
        b"\xdb\0\0\0\x01s",
        b"\xc7\x02\x05xx",
        b"\xc8\0\x02\x05xx",
        b"\xc9\0\0\0\x02\x05xx",
        b"\x92\x01\x02",
        b"\xdc\0\x02\x01\x02",
        b"\xdd\0\0\0\x02\x01\x02",
        b"\x81\x01\x02",
        b"\xde\0\x01\x01\x02",
        b"\xdf\0\0\0\x01\x01\x02",
        b"\x91\x91\x90",
    ];
    items.extend(with_lengths.iter().map(|item| item.to_vec()));
    for item in items {
        let refused = |bytes: &[u8]| match decode::<Option<()>>(bytes) {
            Err(FormatError::Decode { message, .. }) => message,
            _ => String::new(),
        };
        let short = refused(&item[..item.len() - 1]);
        assert!(short.contains("more bytes are needed"), "{item:02x?} cut: {short}");
        let long = refused(&[&item[..], &[0]].concat());
        assert_eq!(long, "1 bytes after the object", "{item:02x?} and one byte more");
    }
}
