//! Routers that are killed, and come back.

use std::time::{Duration, Instant};

use crate::fleet::{Fleet, NODES};
use crate::run;

/// A connection that is reset is noticed at once: the other way is taken within this, as a rule. The routers tell each
/// other after 20 ms of quiet, compute after 20 ms more, and publishers speak every 10 ms.
const TYPICAL: Duration = Duration::from_millis(200);
/// And within this on a machine that is busy with other things.
const LONGEST: Duration = Duration::from_secs(1);

#[test]
fn the_other_way_is_taken_when_a_router_is_killed_and_it_comes_back_with_its_rooms() {
    run(async {
        let mut fleet = Fleet::start("kill -9", &[]).await;
        let mut outages = Vec::new();
        for victim in 0..NODES {
            fleet.flow().await;
            fleet.watch();
            fleet.kill(victim).await;
            let outage = fleet.outage(&fleet.running()).await;
            outages.push(outage);
            let begin = Instant::now();
            fleet.start_node(victim).await;
            fleet.flow().await;
            let back = begin.elapsed();
            // Else the next victim may be the only way of the last one.
            fleet.linked(begin, victim).await;
            fleet.print(&format!("r{victim}: others silent {outage:?}, back after {back:?}"));
        }
        outages.sort_unstable();
        let (median, longest) = (outages[NODES / 2], outages[NODES - 1]);
        fleet.print(&format!("silent {median:?} in the median, {longest:?} at most"));
        fleet.finish().await;
        assert!(median <= TYPICAL, "{outages:?}");
        assert!(longest <= LONGEST, "{outages:?}");
    });
}
