//! Routers that stop without a word: their connections stay, and nothing comes.

use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::process::Signal;
use crate::run;

/// Pings after 1 s of silence, and the third second without an answer is the last; half a second for the routes,
/// and for a busy machine.
const LONGEST: Duration = Duration::from_millis(3500);

#[test]
fn a_router_that_stops_is_found_dead_in_three_seconds_and_what_it_held_back_does_no_harm() {
    run(async {
        let mut fleet = Fleet::start("SIGSTOP", &[]).await;
        for (victim, neighbours) in [(1, [0, 2]), (4, [3, 0])] {
            fleet.flow().await;
            fleet.watch();
            let begin = Instant::now();
            fleet.signal(victim, Signal::Stop).await;
            for neighbour in neighbours {
                let what = format!("link-down r{victim} HeartbeatTimeout");
                let took = fleet.told(begin, neighbour, &what).await;
                assert!(took <= LONGEST, "{took:?}");
            }
            let others: Vec<usize> =
                fleet.running().into_iter().filter(|node| *node != victim).collect();
            let outage = fleet.outage(&others).await;
            assert!(outage <= LONGEST, "{outage:?}");
            let begin = Instant::now();
            fleet.signal(victim, Signal::Continue).await;
            fleet.flow().await;
            let back = begin.elapsed();
            fleet.print(&format!("r{victim}: others silent {outage:?}, back after {back:?}"));
        }
        fleet.finish().await;
    });
}
