//! How far a reader lets the writer ahead: what the network holds, within the bounds.

use std::time::Duration;

use bytes::Bytes;
use gatewire_codec::v3;
use gatewire_core::session::{OutboxLimits, StreamLimits};

use super::net::Net;
use super::{KIB, MIB, MILLI, SECOND, pattern};

/// What all windows of the server have beyond their first.
fn grown(net: &Net) -> u64 {
    StreamLimits::default().max_total_credit - net.server.pool.left()
}

fn set_path(net: &mut Net, delay: Duration, rate: u64) {
    for link in [&mut net.up, &mut net.down] {
        (link.delay, link.rate) = (delay, rate);
    }
}

#[test]
fn a_long_fat_path_is_filled() {
    // 100 ms there and back, 20 MB/s: 2 MB.
    let mut net = Net::with_path(50 * MILLI, 20_000_000);
    net.up.buffer = 64 * KIB;
    let id = net.client.send(60 * MIB);
    net.advance(Duration::from_millis(1500));
    let before = net.server.received();
    net.advance(SECOND);
    let rate = net.server.received() - before;
    assert!(rate > 18_000_000, "{rate} bytes per second");
    let window = grown(&net) + v3::INITIAL_CREDIT;
    assert!((2_000_000..=4 * MIB as u64).contains(&window), "{window}");
    net.advance(2 * SECOND);
    assert!(net.server.has_all(id, 60 * MIB));
    net.server.incoming.clear();
    assert_eq!(grown(&net), 0, "what was taken is given back");
}

#[test]
fn a_short_path_needs_no_more_than_what_waits_in_front_of_it() {
    let mut net = Net::with_path(MILLI / 5, 10_000_000);
    net.up.buffer = 64 * KIB;
    let id = net.client.send(8 * MIB);
    net.advance(2 * SECOND);
    assert!(net.server.has_all(id, 8 * MIB));
    assert!(grown(&net) < 700 * KIB as u64, "{}", grown(&net));
}

#[test]
fn a_slow_writer_has_a_small_window() {
    let mut net = Net::with_path(50 * MILLI, 20_000_000);
    let id = net.client.open();
    for turn in 0..200 {
        let bytes = Bytes::from_static(pattern::slice(id, turn * 10_000, 10_000));
        assert!(net.client.session.outbound.write_stream(id, bytes));
        net.advance(10 * MILLI);
    }
    assert!(net.server.received() > 1_900_000);
    assert_eq!(grown(&net), 0);
}

#[test]
fn a_slow_reader_has_a_small_window() {
    // How much it reads at once, and how often.
    for (length, pause) in [(10_000, 20 * MILLI), (100_000, 200 * MILLI), (usize::MAX, SECOND)] {
        let mut net = Net::with_path(50 * MILLI, 20_000_000);
        net.server.reads = false;
        let id = net.client.send(60 * MIB);
        net.advance(SECOND);
        for _ in 0..40 {
            net.server.read(id, length);
            net.advance(pause);
        }
        assert!(net.server.received() > 500_000);
        assert_eq!(grown(&net), 0, "{length} bytes in {pause:?}");
    }
}

#[test]
fn a_stream_has_no_more_than_its_bound() {
    let limits = StreamLimits { max_credit: MIB as u64, ..StreamLimits::default() };
    let mut net = Net::with(OutboxLimits::default(), limits);
    set_path(&mut net, 50 * MILLI, 50_000_000);
    let id = net.client.send(20 * MIB);
    net.advance(SECOND);
    assert_eq!(grown(&net), (MIB - 256 * KIB) as u64);
    // From now on nothing is read.
    net.server.reads = false;
    net.advance(SECOND);
    assert!(net.server.incoming[&id].stream.buffered() <= MIB as u64);
    let pings = net.client.frames(8);
    net.server.reads = true;
    net.advance(SECOND);
    assert_eq!(net.client.frames(8), pings, "nothing is measured that changes nothing");
}

#[test]
fn all_streams_together_have_no_more_than_theirs() {
    let limits = StreamLimits { max_total_credit: MIB as u64, ..StreamLimits::default() };
    let mut net = Net::with(OutboxLimits::default(), limits);
    set_path(&mut net, 50 * MILLI, 50_000_000);
    let ids = [(); 4].map(|()| net.client.send(8 * MIB));
    net.advance(SECOND);
    assert_eq!(net.server.pool.left(), 0);
    net.server.reads = false;
    net.advance(SECOND);
    let buffered = |id: &u32| net.server.incoming[id].stream.buffered();
    let together: u64 = ids.iter().map(buffered).sum();
    assert!(together <= 4 * v3::INITIAL_CREDIT + MIB as u64, "{together}");
    net.server.reads = true;
    net.advance(5 * SECOND);
    assert!(ids.iter().all(|id| net.server.has_all(*id, 8 * MIB)));
    for (gone, id) in ids.iter().enumerate() {
        assert_eq!(net.server.pool.left() == MIB as u64, gone == ids.len());
        net.server.incoming.remove(id);
    }
    assert_eq!(net.server.pool.left(), MIB as u64);
}
