use gatewire_codec::ValueRef;
use gatewire_core::SocketId;

use super::*;

const VALUE: ValueRef<'_> = ValueRef::Empty;

fn asked<'f>(incoming: &Incoming<'f>) -> Vec<Action<'f>> {
    questions(incoming).collect()
}

#[test]
fn a_message_to_the_server_is_one_question() {
    let event = "say";
    assert_eq!(asked(&Incoming::Event { event, value: VALUE }), [Action::Emit { event }]);
    assert_eq!(asked(&Incoming::Request { id: 1, event, value: VALUE }), [Action::Emit { event }]);
}

#[test]
fn each_target_is_a_question_and_exceptions_are_none() {
    let id = SocketId::from_bytes([7; 16]);
    let text = id.to_string();
    let (sockets, except) = ([text.as_str(), "no id"], [text.as_str()]);
    let target = Target {
        everyone: true,
        rooms: Names::from_slice(&["tea", "coffee"]),
        sockets: Names::from_slice(&sockets),
        except_rooms: Names::from_slice(&["quiet"]),
        except_sockets: Names::from_slice(&except),
        include_self: true,
    };
    let event = "say";
    let publish = Incoming::Publish { request: None, target, event, value: VALUE };
    let actions = [
        Action::Broadcast { event },
        Action::EmitRoom { room: "tea", event },
        Action::EmitRoom { room: "coffee", event },
        Action::EmitSocket { socket: id, event },
    ];
    assert_eq!(asked(&publish), actions);

    let open = |target| Incoming::StreamOpen { id: 1, target, event, info: VALUE, ack: true };
    assert_eq!(asked(&open(Some(target)))[0], Action::Stream { event });
    assert_eq!(asked(&open(Some(target)))[1..], actions);
    assert_eq!(asked(&open(None)), [Action::Stream { event }, Action::Emit { event }]);
}

#[test]
fn each_room_to_join_is_a_question_and_leaving_is_none() {
    let rooms = Names::from_slice(&["tea", "coffee"]);
    let joins = [Action::Join { room: "tea" }, Action::Join { room: "coffee" }];
    assert_eq!(asked(&Incoming::Join { id: 0, rooms }), joins);
    assert_eq!(asked(&Incoming::Leave { id: 0, rooms }), []);
    assert_eq!(asked(&Incoming::LeaveAll { id: 0 }), []);
    assert_eq!(asked(&Incoming::StreamChunk { id: 1, bytes: b"x" }), []);
}

/// Else whoever writes the name of the node in front would not be asked about.
#[test]
fn a_socket_behind_the_name_of_a_node_is_a_question_too() {
    let id = SocketId::from_bytes([7; 16]);
    let address = format!("host1/{id}");
    let sockets = [address.as_str()];
    let target = Target { sockets: Names::from_slice(&sockets), ..Target::default() };
    let event = "say";
    let publish = Incoming::Publish { request: None, target, event, value: VALUE };
    assert_eq!(asked(&publish), [Action::EmitSocket { socket: id, event }]);
}
