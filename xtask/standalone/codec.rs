//! A proxy or a sniffer needs the codec and nothing else: a frame there and back.

use gatewire_codec::{Message, ValueRef, split_frame, v3};

fn main() {
    let message = Message::Event { event: "hello", value: ValueRef::String("world") };
    println!("{message:?}");
    let _ = (split_frame, v3::decode);
}
