//! What a run keeps when it is delivered.

use gatewire_codec::{Message, Names, Target, ValueRef, v3};

use super::*;

fn publish(target: Target<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    let message = Message::Publish { request: None, target, event: "news", value: ValueRef::Empty };
    v3::encode(&message, &mut out).expect("encodes");
    out.split_off(LENGTH_PREFIX)
}

#[test]
fn a_short_target_is_recognised_again_after_its_delivery_and_a_long_one_is_not_kept() {
    let long = "x".repeat(1 << 20);
    for (name, kept) in [("red", true), (long.as_str(), false)] {
        let names = [name];
        let target = Target { rooms: Names::from_slice(&names), ..Target::default() };
        let frame = publish(target);
        let mut run = PublishRun::default();
        run.begin(&target, "news", ValueRef::Empty).expect("a short name");
        // Before its delivery each is recognised.
        assert!(run.follow(&frame));
        let count = run.deliver(|found, events| {
            assert_eq!(*found, target);
            events.count()
        });
        assert_eq!(count, Some(2));
        assert!(run.target.capacity() <= PublishRun::KEEP_TARGET);
        assert_eq!(run.follow(&frame), kept);
        assert_eq!(run.deliver(|_, events| events.count()), kept.then_some(1));
        run.begin(&target, "news", ValueRef::Empty).expect("a short name");
        assert!(run.deliver(|found, _| assert_eq!(*found, target)).is_some());
    }
}
