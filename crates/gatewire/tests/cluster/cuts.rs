//! Links that are cut, with a word or without, for a while or in the middle of a frame.

use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::proxy::Way;
use crate::run;

/// The two links between `{r0, r1, r2}` and `{r3, r4}`.
const BETWEEN: [(usize, usize); 2] = [(2, 3), (4, 0)];
const HALVES: [&[usize]; 2] = [&[0, 1, 2], &[3, 4]];

/// See the tests of [pauses](crate::pauses).
const UNANNOUNCED: Duration = Duration::from_millis(3500);

/// Until messages flow again over a link that is whole again: it is dialled after a while that doubles with each
/// attempt, 100 ms at most the first time.
const HEALED: Duration = Duration::from_secs(8);

/// Waits until the halves have lost each other and talk among themselves.
async fn fall_apart(fleet: &Fleet, begin: Instant) -> Duration {
    let mut last = Duration::ZERO;
    for (half, other) in [(HALVES[0], HALVES[1]), (HALVES[1], HALVES[0])] {
        for node in half {
            for lost in other {
                last = last.max(fleet.told(begin, *node, &format!("node-down r{lost}")).await);
            }
        }
    }
    fleet.watch();
    for half in HALVES {
        fleet.flow_between(half).await;
    }
    let crossed = |from: usize, to: usize| {
        let (from, to) = (fleet.lives(HALVES[from]), fleet.lives(HALVES[to]));
        fleet.look(|world| world.crossed(&from, &to))
    };
    assert_eq!((crossed(0, 1), crossed(1, 0)), (0, 0));
    last
}

#[test]
fn a_partition_is_noticed_and_heals_whether_links_are_reset_or_fall_silent() {
    run(async {
        let fleet = Fleet::start("partition", &BETWEEN).await;
        for (way, longest) in [(Way::Reset, Duration::from_secs(1)), (Way::Silent, UNANNOUNCED)] {
            fleet.flow().await;
            let begin = Instant::now();
            fleet.set_way(&BETWEEN, way);
            let apart = fall_apart(&fleet, begin).await;
            assert!(apart <= longest, "{apart:?}");
            let begin = Instant::now();
            fleet.set_way(&BETWEEN, Way::Open);
            fleet.flow().await;
            let healed = begin.elapsed();
            assert!(healed <= HEALED, "{healed:?}");
            fleet.print(&format!("{way:?}: noticed after {apart:?}, healed after {healed:?}"));
        }
        fleet.finish().await;
    });
}

#[test]
fn order_is_kept_while_links_become_slow_and_fast_again() {
    run(async {
        let fleet = Fleet::start("slow links", &BETWEEN).await;
        for delay in [50, 300, 5] {
            fleet.set_way(&BETWEEN, Way::Slow(Duration::from_millis(delay)));
            fleet.flow().await;
            // One of the two, so that ways of different lengths are there beside each other.
            fleet.set_way(&BETWEEN[..1], Way::Open);
            fleet.flow().await;
        }
        fleet.set_way(&BETWEEN, Way::Open);
        fleet.finish().await;
    });
}

#[test]
fn a_link_that_is_reset_in_the_middle_of_a_frame_costs_what_was_on_it_and_nothing_else() {
    const LINK: (usize, usize) = (1, 2);
    const CUTS: u64 = 5;

    run(async {
        let fleet = Fleet::start("cut frames", &[LINK]).await;
        let mut outages = Vec::new();
        for _ in 0..CUTS {
            fleet.flow().await;
            fleet.watch();
            let begin = Instant::now();
            fleet.set_way(&[LINK], Way::ResetWithinFrame);
            for (node, neighbour) in [(1, "r2"), (2, "r1")] {
                fleet.told(begin, node, &format!("link-down {neighbour}")).await;
            }
            outages.push(fleet.outage(&fleet.running()).await);
            fleet.told(begin, 1, "link-up r2").await;
        }
        assert!(fleet.proxy(LINK).cut_within_frames() >= CUTS);
        outages.sort_unstable();
        let longest = outages[outages.len() - 1];
        fleet.print(&format!("silent {outages:?}"));
        fleet.finish().await;
        assert!(longest <= Duration::from_secs(1), "{longest:?}");
    });
}
