//! Frames that are none, or of another version.

use gatewire::legacy::{LegacyOptions, WideIntegers};
use gatewire::{EmitError, Wire};
use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{EncodeError, Field, ValueRef, Version};
use tokio::net::TcpListener;

use crate::legacy::raw::{OLD, Peer, Raw, encode, version};
use crate::legacy::rig::Everything;
use crate::rig::{connect, limits, record, within};

/// The bytes that Node sends behind the length of an event frame in version 1: enough to see what it is.
const HEAD: [u8; 8] = [1, 0, 1, 2, 2, 0, 0, 0];

#[tokio::test]
async fn a_frame_that_ends_within_its_header_ends_its_connection_only() {
    let all = Everything::new().await;
    for wire in OLD {
        let mut other = Peer::connect(&all, wire).await;
        let mut raw = Raw::dial(&all, wire).await;
        let _greeting = raw.next().await.expect("an id, or a seed");
        raw.send_bytes(&[1, 0, 0, 0, version(wire) as u8]).await;
        while raw.next().await.is_some() {}
        other.fence().await;
    }
}

#[tokio::test]
async fn a_length_that_is_too_long_ends_the_connection_before_its_bytes_come() {
    let all = Everything::new().await;
    for length in [256 << 20, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        let mut raw = Raw::dial(&all, Wire::V1).await;
        let _id = raw.next().await.expect("an id");
        raw.send_bytes(&[&length.to_le_bytes()[..], &HEAD].concat()).await;
        let error = raw.next().await.expect("a text");
        let packet = Packet::decode(&error).expect("a frame");
        assert_eq!(packet.kind, Kind::Error, "{packet:?}");
        assert_eq!(raw.next().await, None, "{length}");
        // Whoever has not proven anything gets no more than a handshake may take.
        let mut raw = Raw::dial(&all, Wire::V2).await;
        let _seed = raw.next().await.expect("a seed");
        raw.send_bytes(&length.to_le_bytes()).await;
        assert_eq!(raw.next().await, None, "{length}");
    }
}

#[tokio::test]
async fn an_integer_of_more_than_48_bits_goes_as_a_decimal() {
    let all = Everything::new().await;
    let (seen, mut numbers) = record();
    all.server.on("number", move |number: f64| seen.note(number));
    for wire in OLD {
        let client = all.client(wire).await;
        for wide in [1_i64 << 47, -(1 << 47) - 1, 1 << 53, i64::MAX] {
            client.emit("number", wide).expect("queued");
            #[expect(clippy::cast_precision_loss, reason = "the nearest decimal is what comes")]
            let nearest = wide as f64;
            assert_eq!(numbers.next().await, nearest, "{wire}");
        }
    }
}

#[tokio::test]
async fn an_integer_of_more_than_48_bits_is_refused_where_it_is_emitted_if_so_told() {
    let all = Everything::new().await;
    let refuse = LegacyOptions::new().wide_integers(WideIntegers::Refuse);
    for wire in OLD {
        let client = all.client_with(wire, |builder| builder.legacy(refuse.clone())).await;
        for (value, fits) in [((1 << 47) - 1, true), (1 << 47, false), (-(1 << 47), true)] {
            let refused = Err(EncodeError::IntegerOutOfRange { value }.into());
            assert_eq!(client.emit("number", value), if fits { Ok(()) } else { refused }, "{wire}");
        }
        let refused = EmitError::from(EncodeError::IntegerOutOfRange { value: 1 << 47 });
        let asked = within(client.request::<(), _>("number", 1_i64 << 47)).await;
        assert_eq!(asked, Err(gatewire::RequestError::NotSent(refused)));
    }
}

#[tokio::test]
async fn a_list_of_rooms_that_is_too_long_for_a_frame_goes_in_several() {
    let all = Everything::new().await;
    let rooms: Vec<String> = (0..1000).map(|number| format!("room-{number:0>90}")).collect();
    let (seen, mut texts) = record();
    let reader = all.client(Wire::V3).await;
    reader.on("news", move |text: String| seen.note(text));
    within(reader.join(&rooms[999])).await.expect("joined");
    for wire in OLD {
        let client = all.client(wire).await;
        let to = client.to_rooms(rooms.iter().map(String::as_str));
        to.emit("news", wire.to_string()).expect("queued");
        assert_eq!(texts.next().await, wire.to_string());
        let length = 65_536;
        let error = EncodeError::TooLong { field: Field::Event, length, limit: 65_535 };
        assert_eq!(client.emit(&"n".repeat(length), ()), Err(error.into()));
    }
}

/// Nothing is nothing, on both sides; the rest of what JavaScript changes is its own.
#[tokio::test]
async fn values_are_not_changed_on_the_way() {
    let all = Everything::new().await;
    all.server.on("echo", |value: gatewire::Value| value);
    for wire in OLD {
        let client = all.client(wire).await;
        let zero = within(client.request::<f64, _>("echo", -0.0)).await.expect("an answer");
        assert_eq!(zero.to_bits(), (-0.0_f64).to_bits());
        let not_a_number = within(client.request::<f64, _>("echo", f64::NAN)).await;
        assert!(not_a_number.expect("an answer").is_nan());
        let nothing = within(client.request::<gatewire::Value, _>("echo", None::<i64>)).await;
        assert_eq!(nothing, Ok(gatewire::Value::Empty));
        let bytes = within(client.request::<bytes::Bytes, _>("echo", &[0, 255][..])).await;
        assert_eq!(bytes.as_deref(), Ok(&[0, 255][..]));
    }
}

#[tokio::test]
async fn half_a_frame_of_one_connection_does_not_meet_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let client = gatewire::Client::builder()
        .wire(Wire::V1)
        .reconnect(gatewire::Backoff::Fixed(std::time::Duration::ZERO))
        .build(address);
    let (seen, mut news) = record();
    client.on("news", move |text: String| seen.note(text));
    let register =
        |id| Packet { value: ValueRef::String(id), ..Packet::new(Version::V1, Kind::Register, 2) };
    let first = async {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut raw = Raw::new(stream);
        raw.send(&encode(&register("id001"))).await;
        raw
    };
    let (mut raw, id) = tokio::join!(within(first), connect(&client));
    raw.send_bytes(&[200, 0, 0, 0, 1, 0]).await;
    drop(raw);
    let (stream, _) = within(listener.accept()).await.expect("the client again");
    let mut raw = Raw::new(stream);
    raw.send(&encode(&register("id002"))).await;
    let value = ValueRef::String("whole");
    raw.send(&encode(&Packet { event: "news", value, ..Packet::new(Version::V1, Kind::Data, 3) }))
        .await;
    assert_eq!(news.next().await, "whole");
    assert_eq!(client.registered_id().as_deref(), Some("id002"));
    assert_ne!(client.id(), Some(id));
}

#[tokio::test]
async fn a_frame_of_another_version_is_answered_in_it_and_ends_the_connection() {
    let all = Everything::new().await;
    for (wire, other) in [(Wire::V1, Version::V2), (Wire::V2, Version::V1)] {
        for registered in [true, false] {
            let mut raw = if registered {
                Peer::connect(&all, wire).await.raw
            } else {
                let mut raw = Raw::dial(&all, wire).await;
                let _greeting = raw.next().await.expect("an id, or a seed");
                raw
            };
            raw.send(&encode(&Packet { event: "e", ..Packet::new(other, Kind::Data, 2) })).await;
            let answer = raw.next().await.expect("a text");
            let packet = Packet::decode(&answer).expect("a frame");
            assert_eq!((packet.version, packet.kind), (other, Kind::Error), "{packet:?}");
            assert_eq!(raw.next().await, None);
        }
    }
}

#[tokio::test]
async fn a_client_of_another_version_fails_at_once() {
    let all = Everything::with(|builder| builder.limits(limits(|_| ()))).await;
    let mismatched = gatewire::Client::builder().wire(Wire::V2).build(all.address(Wire::V1));
    let refused = within(mismatched.connect()).await;
    let version = gatewire::HandshakeError::Version;
    assert!(
        matches!(&refused, Err(gatewire::ConnectError::Handshake(error)) if *error == version),
        "{refused:?}"
    );
    let mismatched = gatewire::Client::builder().wire(Wire::V1).build(all.address(Wire::V2));
    let refused = within(mismatched.connect()).await;
    assert!(
        matches!(&refused, Err(gatewire::ConnectError::Handshake(error)) if *error == version),
        "{refused:?}"
    );
}
