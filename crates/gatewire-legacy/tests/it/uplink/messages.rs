//! What becomes of values between routers.

use gatewire_codec::legacy::Kind;
use gatewire_codec::{FormatId, Value, ValueRef};
use gatewire_legacy::uplink::{Audience, Output, PublishError};

use super::network::{Alone, Network, Told};

fn round_trip(value: &Value) -> Value {
    let mut network = Network::new(2);
    network.link(0, 1);
    network.settle();
    let publication = gatewire_legacy::uplink::Publication {
        audience: &Audience::Everyone,
        event: "e",
        value: value.as_ref(),
        except: &[],
    };
    network.gateways[0].publish(&publication).expect("it goes");
    network.settle();
    network.deliveries.remove(0).1.value
}

#[test]
fn binary_arrives_as_binary_and_what_json_cannot_say_as_nothing() {
    let binary = Value::Binary(vec![0, 1, 2, 255].into());
    assert_eq!(round_trip(&binary), binary);
    assert_eq!(round_trip(&Value::Decimal(f64::NAN)), Value::Empty);
    assert_eq!(round_trip(&Value::Decimal(f64::INFINITY)), Value::Empty);
    for same in [
        Value::Empty,
        Value::Bool(false),
        Value::Integer(i64::MIN),
        Value::Decimal(0.125),
        Value::String("\u{feff}\"\\\u{1f600}".to_owned()),
        Value::Object { format: FormatId::JSON, bytes: "{\"a\":[1,2]}".into() },
    ] {
        assert_eq!(round_trip(&same), same);
    }
}

#[test]
fn a_packet_of_an_original_reads_as_what_it_sent() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    let json = r#"{"event":"msg","data":{"type":"Buffer","data":[1,2,255]},"rooms":["channel1"],"except":["host2/down/S0/yz4ItPfn"]}"#;
    alone.hears(link, &Told::sub(Kind::DataToRoom, "host1", json));
    let outputs = alone.outputs();
    let Output::Deliver(delivery) = &outputs[0] else { panic!("{outputs:?}") };
    assert_eq!(delivery.event, "msg");
    assert_eq!(delivery.value, Value::Binary(vec![1, 2, 255].into()));
}

#[test]
fn packets_that_are_none_are_ignored() {
    let mut alone = Alone::new("host1");
    let link = alone.linked_to("host2");
    alone.linked_to("host3");
    let cases = [
        (Kind::DataBroadcast, r#"{"data":1,"except":[]}"#),
        (Kind::DataBroadcast, r#"{"event":5,"except":[]}"#),
        (Kind::DataBroadcast, r#"{"event":"e","data":{"a":,"except":[]}"#),
        (Kind::DataBroadcast, "7"),
        (Kind::DataToRoom, r#"{"event":"e","data":1,"except":[]}"#),
        (Kind::DataToRoom, r#"{"event":"e","data":1,"rooms":"r","except":[]}"#),
        (Kind::DataToRoom, r#"{"event":"e","data":1,"rooms":["__proto__"],"except":[]}"#),
        (Kind::DataToSocket, r#"{"event":"e","data":1,"except":[]}"#),
        (Kind::DataToSocket, r#"{"event":"e","data":1,"socketIds":["toString"],"except":[]}"#),
    ];
    for (kind, json) in cases {
        alone.hears(link, &Told::sub(kind, "host1|host3", json));
    }
    assert_eq!(alone.outputs(), []);
    assert_eq!(alone.gateway.counters().malformed, cases.len() as u64);
}

#[test]
fn what_cannot_be_told_is_an_error() {
    let mut alone = Alone::new("host1");
    alone.linked_to("host2");
    let value = ValueRef::Object { format: FormatId::MSGPACK, bytes: b"\x80" };
    let refused = alone.publish(&Audience::Everyone, value);
    assert_eq!(refused, Err(PublishError::Format(FormatId::MSGPACK)));
    let value = ValueRef::Object { format: FormatId::JSON, bytes: b"no" };
    assert_eq!(alone.publish(&Audience::Everyone, value), Err(PublishError::NotJson));
    let event = "e".repeat(65_536);
    let publication = gatewire_legacy::uplink::Publication {
        audience: &Audience::Everyone,
        event: &event,
        value: ValueRef::Empty,
        except: &[],
    };
    let refused = alone.gateway.publish(&publication);
    assert_eq!(refused, Err(PublishError::EventTooLong { length: 65_536 }));
    assert_eq!(alone.outputs(), []);
}
