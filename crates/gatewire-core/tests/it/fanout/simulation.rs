//! Whole streams between receivers of different speed, millisecond by millisecond.

use super::*;

/// What a receiver takes in each millisecond, as a function of the time.
type Speed = fn(u64) -> u64;

const CHUNK: u64 = 64 * KIB;

/// 10 MB/s, 1 % of it and nothing.
const NORMAL: Speed = |_| 10_000;
const CRAWLING: Speed = |_| 100;
const STALLED: Speed = |_| 0;

/// How a stream went.
#[derive(Debug)]
struct Report {
    /// The ms at which each receiver had everything or was cut.
    ended: Vec<u64>,
    fates: Vec<Fate>,
    highest_lag: u64,
}

impl Report {
    fn cut(&self) -> usize {
        self.fates.iter().filter(|fate| **fate == Fate::Overdue(Overdue::Slow)).count()
    }

    /// When the last one had everything.
    fn complete(&self) -> u64 {
        let ends = self.ended.iter().zip(&self.fates);
        let complete = ends.filter(|(_, fate)| **fate == Fate::Answered).map(|(end, _)| *end);
        complete.max().expect("somebody has everything")
    }
}

/// Sends `total` bytes as fast as the machine lets it, which asks for the time each millisecond.
fn run(config: FanoutConfig, total: u64, speeds: &[Speed]) -> Report {
    let (mut fanout, receivers) = fanout(config, speeds.len());
    let mut report = Report { ended: vec![0; speeds.len()], fates: Vec::new(), highest_lag: 0 };
    let mut millis = 0;
    while !fanout.is_over() {
        let now = at(millis);
        for (receiver, _) in expire(&mut fanout, now) {
            report.ended[receiver.index()] = millis;
        }
        while fanout.head() < fanout.limit().min(total) {
            fanout.push(CHUNK.min(total - fanout.head()), now);
        }
        if fanout.head() == total {
            fanout.finish(now);
        } else {
            fanout.source_waits(now);
        }
        for (receiver, speed) in receivers.iter().zip(speeds) {
            if !fanout.is_alive(*receiver) {
                continue;
            }
            let taken = fanout.taken(*receiver);
            report.highest_lag = report.highest_lag.max(fanout.head() - taken);
            fanout.progress(*receiver, (taken + speed(millis)).min(fanout.head()), now);
            if fanout.taken(*receiver) == total {
                fanout.end(*receiver, Fate::Answered, now);
                report.ended[receiver.index()] = millis;
            }
        }
        millis += 1;
        assert!(millis < 10_000_000, "the stream hangs");
    }
    report.fates = fanout.outcomes().map(|(_, fate)| *fate).collect();
    assert_eq!(report.fates.len(), speeds.len(), "each receiver has one outcome");
    assert!(report.highest_lag < config.max_lag + CHUNK);
    report
}

/// `count` receivers of one speed.
fn many(count: usize, speed: Speed) -> Vec<Speed> {
    vec![speed; count]
}

/// The normal receivers have everything at most 5 % later than without the others, of whom so many are cut.
#[track_caller]
fn assert_undisturbed(total: u64, normal: usize, others: &[Speed], cut: usize) {
    let config = FanoutConfig::default();
    let mut speeds = many(normal, NORMAL);
    let alone = run(config, total, &speeds).complete();
    speeds.extend(others);
    let report = run(config, total, &speeds);
    let normal = report.ended[..normal].iter().max().expect("one");
    assert!(normal * 100 <= alone * 105, "{normal} ms in place of {alone} ms");
    assert_eq!(report.cut(), cut);
}

#[test]
fn one_stalled_of_a_hundred_costs_the_others_no_twentieth() {
    for total in [100 * MIB, 300 * MIB] {
        assert_undisturbed(total, 99, &[STALLED], 1);
    }
}

#[test]
fn twenty_slow_ones_of_sixty_cost_the_others_together_no_twentieth() {
    let speeds: [Speed; 4] = [|_| 7_000, |_| 3_000, |_| 1_000, CRAWLING];
    assert_undisturbed(400 * MIB, 40, &speeds.repeat(5), 20);
}

#[test]
fn who_stalls_again_and_again_costs_the_others_no_twentieth() {
    // Ten seconds as the others, three seconds nothing, one after the other.
    let speeds: [Speed; 3] = [
        |millis| if millis % 13_000 < 10_000 { 10_000 } else { 0 },
        |millis| if millis % 13_000 < 7_000 { 10_000 } else { 0 },
        |millis| if millis % 13_000 < 4_000 { 10_000 } else { 0 },
    ];
    assert_undisturbed(1000 * MIB, 5, &speeds, 3);
}

#[test]
fn a_pause_that_the_bound_covers_is_made_up_for() {
    // Four seconds are 40 MB; afterwards it is twice as fast.
    let pause: Speed = |millis| if (2_000..6_000).contains(&millis) { 0 } else { 20_000 };
    assert_undisturbed(200 * MIB, 5, &[pause], 0);
}

#[test]
fn one_fast_receiver_makes_nobody_slow() {
    let mut speeds = many(99, NORMAL);
    speeds.push(|_| 1_000_000);
    let report = run(FanoutConfig::default(), 100 * MIB, &speeds);
    assert_eq!(report.cut(), 0);
    assert!(report.highest_lag < MIB + CHUNK, "{}", report.highest_lag);
    let alone = run(FanoutConfig::default(), 100 * MIB, &speeds[..99]);
    assert_eq!(report.complete(), alone.complete());
}

#[test]
fn of_two_the_slower_one_gets_everything() {
    let report = run(FanoutConfig::default(), 10 * MIB, &[NORMAL, CRAWLING]);
    assert_eq!(report.cut(), 0);
}

#[test]
fn of_two_a_stalled_one_is_cut_after_patience_and_the_other_goes_on() {
    let report = run(FanoutConfig::default(), 10 * MIB, &[NORMAL, STALLED]);
    assert_eq!(report.fates, [Fate::Answered, Fate::Overdue(Overdue::Slow)]);
    assert_eq!(report.ended[1], 5_000);
}

#[test]
fn who_waits_for_all_gives_everything_to_all() {
    let long_pause: Speed = |millis| if millis < 60_000 { 0 } else { 10_000 };
    let speeds = [NORMAL, CRAWLING, NORMAL, long_pause];
    let report = run(waiting_for_all(), 10 * MIB, &speeds);
    assert_eq!(report.fates, [Fate::Answered; 4]);
    assert!(report.highest_lag < MIB + CHUNK);
}

#[test]
fn a_thousand_receivers_are_cheap() {
    let speeds: [Speed; 4] = [NORMAL, |_| 9_900, |_| 10_100, |_| 30_000];
    let report = run(FanoutConfig::default(), 20 * MIB, &speeds.repeat(250));
    assert_eq!(report.cut(), 0);
}
