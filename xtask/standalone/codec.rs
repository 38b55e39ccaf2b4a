//! A proxy or a sniffer needs the codec and nothing else: it reads an event out of raw bytes.

use gatewire_codec::{Message, ValueRef, split_frame, v3};

/// The event `hello` with the string `world`, and the first byte of the next frame.
const INPUT: &[u8] = b"\x0e\0\0\0\x03\x10\x05hello\x01world\x02";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (frame, rest) = split_frame(INPUT, 1 << 20)?.ok_or("the frame is not whole")?;
    let message = v3::decode(frame)?;
    println!("{message:?}, then {} byte", rest.len());
    assert_eq!(message, Message::Event { event: "hello", value: ValueRef::String("world") });
    Ok(())
}
