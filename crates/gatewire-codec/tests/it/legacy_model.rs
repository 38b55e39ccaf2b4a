//! What packets of versions 1 and 2 mean, and which messages these versions cannot say.

use bytes::BytesMut;
use gatewire_codec::legacy::{self, Kind, Packet, Policy};
use gatewire_codec::{
    CloseCode, DecodeError, EncodeError, ErrorCode, Field, GoAwayCode, Message, NackCode, Names,
    RejectCode, Target, ValueRef, Version,
};

const PUBLISH: Message<'_> =
    Message::Publish { request: None, target: NOBODY, event: "e", value: ValueRef::Empty };
const NOBODY: Target<'_> = Target {
    everyone: false,
    rooms: Names::EMPTY,
    sockets: Names::EMPTY,
    except_rooms: Names::EMPTY,
    except_sockets: Names::EMPTY,
    include_self: false,
};

#[test]
fn the_event_is_all_that_stands_behind_the_first_bar() {
    let packet = Packet { event: "r1,r2|a|b", ..Packet::new(Version::V1, Kind::DataToRoom, 2) };
    let Ok(Message::Publish { target, event, .. }) = packet.to_message() else {
        panic!("{packet:?}")
    };
    assert_eq!((event, target.rooms), ("a|b", Names::from_slice(&["r1", "r2"])));
    assert!(target.sockets.is_empty() && !target.everyone);
}

#[test]
fn a_broadcast_has_no_target_list() {
    for kind in [Kind::DataBroadcast, Kind::StreamOpenBroadcast] {
        let packet = Packet { event: "a|b", ..Packet::new(Version::V2, kind, 2) };
        let (Message::Publish { target, event, .. }
        | Message::StreamOpen { target: Some(target), event, .. }) =
            packet.to_message().expect("a meaning")
        else {
            panic!("{packet:?}")
        };
        assert!(target.everyone);
        assert_eq!(event, "a|b");
    }
}

#[test]
fn a_host_list_makes_router_traffic_of_data() {
    for kind in [Kind::DataToSocket, Kind::DataToRoom, Kind::DataBroadcast] {
        let packet = Packet { cells: "host1", event: "r|e", ..Packet::new(Version::V2, kind, 2) };
        check_router_link(&packet);
        check_router_link(&Packet { cells: "", policy: Policy::Sub, ..packet });
    }
    for kind in [Kind::NewLink, Kind::DelLink, Kind::LinkJoinRoom, Kind::LinkLeaveRoom] {
        check_router_link(&Packet::new(Version::V2, kind, 2));
    }
}

#[test]
fn a_packet_of_any_kind_is_routed_by_its_cell_sub_list() {
    let packet = Packet { event: "e", ..Packet::new(Version::V2, Kind::Data, 2) };
    let event = Message::Event { event: "e", value: ValueRef::Empty };
    check_router_link(&Packet { cells: "host2", policy: Policy::Sub, ..packet });
    assert_eq!(Packet { policy: Policy::Sub, ..packet }.to_message(), Ok(event));
    assert_eq!(Packet { cells: "host2", ..packet }.to_message(), Ok(event));
}

#[test]
fn the_handshake_of_a_dialling_router_carries_its_name_as_a_host_list() {
    let packet = Packet {
        cells: "host1",
        value: ValueRef::String("host1"),
        ..Packet::new(Version::V2, Kind::Uplink, 3)
    };
    assert_eq!(packet.to_message(), Ok(Message::Uplink { host: "host1" }));
}

#[test]
fn what_leave_all_and_downlink_carry_is_not_looked_at() {
    for value in [ValueRef::Empty, ValueRef::String(""), ValueRef::Integer(5)] {
        let packet = Packet { value, ..Packet::new(Version::V2, Kind::LeaveAllRooms, 2) };
        assert_eq!(packet.to_message(), Ok(Message::LeaveAll { id: 0 }));
        let packet = Packet { kind: Kind::Downlink, ..packet };
        assert_eq!(packet.to_message(), Ok(Message::Downlink));
    }
}

#[test]
fn a_stream_chunk_is_binary_or_the_bytes_of_a_text() {
    let packet = Packet { event: "s", ..Packet::new(Version::V1, Kind::Stream, 9) };
    let chunk = Message::StreamChunk { id: 9, event: "s", bytes: b"ab" };
    assert_eq!(Packet { value: ValueRef::Binary(b"ab"), ..packet }.to_message(), Ok(chunk));
    assert_eq!(Packet { value: ValueRef::String("ab"), ..packet }.to_message(), Ok(chunk));
    let error = DecodeError::WrongType { kind: 12, tag: 7 };
    assert_eq!(packet.to_message(), Err(error));
}

#[test]
fn messages_that_only_version_3_knows_are_not_written() {
    check_unsupported(&Message::Ping { token: 1 }, "a heartbeat");
    check_unsupported(&Message::Pong { token: 1 }, "a heartbeat");
    let code = GoAwayCode::Shutdown;
    let goaway = Message::GoAway { code, retry_window_ms: 0, text: "" };
    check_unsupported(&goaway, "a reason for closing");
    let close = Message::Close { code: CloseCode::Normal, text: "" };
    check_unsupported(&close, "a reason for closing");
    let reject = Message::Reject { code: RejectCode::Auth, retry_after_s: 0 };
    check_unsupported(&reject, "a version 3 handshake");
    let nack = Message::Nack { id: 1, code: NackCode::NoHandler, value: ValueRef::Empty };
    check_unsupported(&nack, "a refusal");
}

#[test]
fn targets_that_only_version_3_knows_are_not_written() {
    let names = Names::from_slice(&["a"]);
    check_unsupported(&PUBLISH, "a message for nobody");
    check_target(
        Target { include_self: true, rooms: names, ..NOBODY },
        "a message that includes its sender",
    );
    check_target(Target { everyone: true, except_rooms: names, ..NOBODY }, "exceptions");
    check_target(Target { everyone: true, except_sockets: names, ..NOBODY }, "exceptions");
    let mix = "a mix of rooms, sockets and everyone";
    check_target(Target { rooms: names, sockets: names, ..NOBODY }, mix);
    check_target(Target { everyone: true, rooms: names, ..NOBODY }, mix);
    let target = Target { rooms: names, ..NOBODY };
    let request = Message::Publish { request: Some(1), target, event: "e", value: ValueRef::Empty };
    check_unsupported(&request, "a request to other sockets");
    let stream = Message::StreamOpen {
        id: 1,
        target: Some(target),
        event: "e",
        info: ValueRef::Empty,
        ack: true,
    };
    check_unsupported(&stream, "a relayed stream with an ack");
}

#[test]
fn a_sender_may_address_itself_by_its_id() {
    let sockets = Names::from_slice(&["a"]);
    let written = |include_self| {
        let mut out = BytesMut::new();
        let target = Target { include_self, sockets, ..NOBODY };
        legacy::encode(&publish(target, "e"), Version::V1, 2, &mut out).map(|()| out)
    };
    assert_eq!(written(true), written(false));
    assert!(written(true).is_ok());
}

#[test]
fn an_event_that_fits_no_frame_with_a_name_is_known_before() {
    let target = Target { rooms: Names::from_slice(&["r", "room"]), ..NOBODY };
    let check = |length| legacy::check_target(&target, &"e".repeat(length), Version::V1);
    assert_eq!(check(65_530), Ok(()));
    let error = EncodeError::TooLong { field: Field::Event, length: 65_536, limit: 65_535 };
    assert_eq!(check(65_531), Err(error));
    // A list that is too long by itself goes in several frames.
    let names: Vec<_> = (0..7000).map(|number| format!("room {number}")).collect();
    let target = Target { rooms: Names::from_strings(&names), ..NOBODY };
    assert_eq!(legacy::check_target(&target, "e", Version::V1), Ok(()));
}

#[test]
fn names_and_events_with_separators_are_not_written_into_a_list() {
    for name in ["a,b", "a|b", ""] {
        let names = [name];
        let error = EncodeError::Separator { field: Field::Names };
        let rooms = Names::from_slice(&names);
        check_refused(&Message::Join { id: 1, rooms }, error);
        check_refused(&Message::Leave { id: 1, rooms }, error);
        check_refused(&publish(Target { rooms, ..NOBODY }, "e"), error);
        check_refused(&publish(Target { sockets: rooms, ..NOBODY }, "e"), error);
    }
    let error = EncodeError::Separator { field: Field::Event };
    let target = Target { rooms: Names::from_slice(&["r"]), ..NOBODY };
    check_refused(&publish(target, "a|b"), error);
}

#[test]
fn names_that_javascript_objects_have_are_refused_to_who_asks_before() {
    for name in ["__proto__", "constructor", "toString"] {
        let names = ["room1", name];
        let names = Names::from_slice(&names);
        let refused = Err(EncodeError::Prototype);
        assert_eq!(legacy::check_names(names), refused, "{name}");
        for target in [Target { rooms: names, ..NOBODY }, Target { sockets: names, ..NOBODY }] {
            assert_eq!(legacy::check_target(&target, "e", Version::V1), refused, "{name}");
        }
    }
    assert_eq!(legacy::check_names(Names::from_slice(&["prototype", "ToString"])), Ok(()));
}

#[test]
fn a_target_list_counts_towards_the_length_of_the_event() {
    let names = ["r"];
    let target = Target { rooms: Names::from_slice(&names), ..NOBODY };
    let event = "e".repeat(65_533);
    let mut out = BytesMut::new();
    legacy::encode(&publish(target, &event), Version::V1, 2, &mut out).expect("65,535 bytes");
    let event = "e".repeat(65_534);
    let error = EncodeError::TooLong { field: Field::Event, length: 65_536, limit: 65_535 };
    check_refused(&publish(target, &event), error);
}

#[test]
fn messages_that_only_version_2_knows_are_not_written_in_version_1() {
    let mut out = BytesMut::new();
    let link = Message::RouterLink(Packet::new(Version::V2, Kind::NewLink, 2));
    for (message, what) in [
        (Message::AuthSeed { seed: "s" }, "this kind"),
        (Message::AuthHmac { hmac: "h" }, "this kind"),
        (Message::Uplink { host: "h" }, "this kind"),
        (Message::Downlink, "this kind"),
        (link, "router traffic of version 2"),
    ] {
        let error = EncodeError::Unsupported { version: 1, what };
        assert_eq!(legacy::encode(&message, Version::V1, 2, &mut out), Err(error));
        assert_eq!(legacy::encode(&message, Version::V2, 2, &mut out), Ok(()));
    }
    let error = EncodeError::Unsupported { version: 3, what: "this kind" };
    assert_eq!(legacy::encode(&Message::Downlink, Version::V3, 2, &mut out), Err(error));
}

#[test]
fn a_rejection_is_an_answer_in_the_older_versions() {
    let value = ValueRef::String("no");
    let nack = Message::Nack { id: 7, code: NackCode::Rejected, value };
    let mut out = BytesMut::new();
    legacy::encode(&nack, Version::V1, 2, &mut out).expect("within bounds");
    let packet = Packet::decode(&out[4..]).expect("a packet");
    assert_eq!(packet.to_message(), Ok(Message::Ack { id: 7, value }));
}

#[test]
fn an_error_has_no_code_in_the_older_versions() {
    let value = ValueRef::String("no");
    let packet = Packet { value, ..Packet::new(Version::V1, Kind::Error, 2) };
    let error = Message::Error { id: 0, code: ErrorCode::Other(0), text: "no" };
    assert_eq!(packet.to_message(), Ok(error));
}

fn publish<'a>(target: Target<'a>, event: &'a str) -> Message<'a> {
    Message::Publish { request: None, target, event, value: ValueRef::Empty }
}

#[track_caller]
fn check_target(target: Target<'_>, what: &'static str) {
    check_unsupported(&publish(target, "e"), what);
    let info = ValueRef::Empty;
    let target = Some(target);
    check_unsupported(&Message::StreamOpen { id: 1, target, event: "e", info, ack: false }, what);
}

#[track_caller]
fn check_unsupported(message: &Message<'_>, what: &'static str) {
    for version in [Version::V1, Version::V2] {
        let mut out = BytesMut::from(&b"before"[..]);
        let error = EncodeError::Unsupported { version: version as u8, what };
        assert_eq!(legacy::encode(message, version, 2, &mut out), Err(error));
        assert_eq!(out, b"before"[..]);
    }
}

#[track_caller]
fn check_refused(message: &Message<'_>, error: EncodeError) {
    for version in [Version::V1, Version::V2] {
        let mut out = BytesMut::from(&b"before"[..]);
        assert_eq!(legacy::encode(message, version, 2, &mut out), Err(error));
        assert_eq!(out, b"before"[..]);
    }
}

#[track_caller]
fn check_router_link(packet: &Packet<'_>) {
    assert_eq!(packet.to_message(), Ok(Message::RouterLink(*packet)));
}
