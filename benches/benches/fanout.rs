//! A room message to many members without sockets: encode once, queue in each outbox, and empty
//! the outboxes as a writer would.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gatewire_codec::{Names, Target, ValueRef, v3};
use gatewire_core::SocketId;
use gatewire_core::hub::{Hub, RoomLimits};
use gatewire_core::session::{Class, Frames, Outbox, OutboxLimits, SessionConfig};

type Shared = Rc<RefCell<Outbox>>;

/// Messages between two writes of a member.
const BATCH: usize = 16;

fn room_of(members: usize) -> Hub<Shared> {
    let mut hub = Hub::new(RoomLimits::default());
    for index in 0..members {
        let id = SocketId::from_bytes((index as u128).to_be_bytes());
        let outbox = Rc::new(RefCell::new(Outbox::new(OutboxLimits::default())));
        let key = hub.insert(id, outbox).expect("the ids differ");
        hub.join(key, "room").expect("within the limits");
    }
    hub
}

fn publish(hub: &Hub<Shared>, payload: &[u8]) -> usize {
    let mut frame = BytesMut::new();
    v3::encode_event("message", ValueRef::Binary(payload), &mut frame).expect("a short name");
    let frame = frame.freeze();
    let frame = Frames::one(&frame);
    let target = Target { rooms: Names::from_slice(&["room"]), ..Target::default() };
    hub.deliver(&target, None, |_, outbox| {
        outbox
            .borrow_mut()
            .push_frames(Class::Normal, SessionConfig::MAX_FRAME, &frame)
            .expect("within the bounds");
    })
}

fn empty(hub: &Hub<Shared>) -> u64 {
    let mut frames = 0;
    for (_, outbox) in hub.iter() {
        let mut outbox = outbox.borrow_mut();
        let mut batch = outbox.take().expect("something was queued");
        let bytes = outbox.queued_bytes();
        batch.advance(bytes);
        outbox.give_back(batch);
        frames += outbox.ledger().done;
    }
    frames
}

fn fanout(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fanout");
    for size in [64, 1024, 16_384] {
        let payload = vec![7; size];
        for members in [10, 100, 1000] {
            let hub = room_of(members);
            assert_eq!(publish(&hub, &payload), members, "each member receives once");
            assert_eq!(empty(&hub), members as u64, "and writes it");
            group.throughput(Throughput::Elements((members * BATCH) as u64));
            let id = BenchmarkId::new(format!("{size}B"), members);
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    for _ in 0..BATCH {
                        black_box(publish(&hub, &payload));
                    }
                    black_box(empty(&hub))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, fanout);
criterion_main!(benches);
