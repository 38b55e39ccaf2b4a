//! A router that reads nothing, while others send as fast as they can.

use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::process::Signal;
use crate::run;

/// What a link may hold back: 64 MiB, and the frame that does not fit any more.
const LINK: u64 = (64 << 20) + (1 << 20);
/// What the memory of a node may grow by beyond twice what waits for its links. (As much again is what the allocator
/// has been seen to keep of frames of all sizes. The rest is for clients and for frames on their way.)
const BESIDE: u64 = 64 << 20;
/// No answer for 3 s is the end of a link; writing nothing for 5 s would be.
const LINK_ENDS: Duration = Duration::from_millis(5500);
/// How long nothing may come by ways that do not lead over the one that stops: the processes share the processor. On
/// a machine that does nothing else it is a quarter of a second.
const HURT: Duration = Duration::from_secs(3);
/// And by ways that do: behind the end of the link, what waits for the other one comes first.
const ACROSS: Duration = Duration::from_secs(11);

#[test]
fn a_router_that_reads_nothing_costs_the_others_neither_time_nor_memory_beyond_the_bound() {
    const STOPPED: usize = 3;
    const SENDERS: [usize; 2] = [2, 4];
    const OTHERS: [usize; 4] = [0, 1, 2, 4];

    run(async {
        let mut fleet = Fleet::start("full speed", &[]).await;
        let before: Vec<u64> =
            OTHERS.into_iter().map(|node| fleet.process(node).memory()).collect();
        // The neighbours of the one that stops.
        fleet.tell(&SENDERS, "full 4096").await;
        fleet.flow().await;
        fleet.watch();
        let begin = Instant::now();
        fleet.signal(STOPPED, Signal::Stop).await;
        let mut ends = Vec::new();
        for neighbour in SENDERS {
            ends.push(fleet.told(begin, neighbour, &format!("link-down r{STOPPED}")).await);
        }
        let outage = fleet.outage(&OTHERS).await;
        let silence = |senders, receivers| {
            let (from, to) = (fleet.lives(senders), fleet.lives(receivers));
            fleet.look(|world| world.longest_silence(&from, &to))
        };
        // All but between the two neighbours, who talk over the one that stops until it is found dead.
        let beside = [(&OTHERS[..2], &OTHERS[..]), (&OTHERS[..], &OTHERS[..2])];
        let hurt = beside.map(|(from, to)| silence(from, to)).into_iter().max().unwrap_or_default();
        fleet.tell(&SENDERS, "every 10").await;
        let peaks: Vec<u64> = OTHERS
            .into_iter()
            .zip(before)
            .map(|(node, before)| fleet.process(node).peak_memory().saturating_sub(before))
            .collect();
        let lives = fleet.lives(&OTHERS);
        let queued: Vec<(u64, u64)> =
            fleet.look(|world| lives.iter().map(|life| world.most_queued(life)).collect());
        let waited: Vec<u64> = queued.iter().map(|(_, all)| all >> 20).collect();
        let mib: Vec<u64> = peaks.iter().map(|peak| peak >> 20).collect();
        fleet.print(&format!(
            "links end after {ends:?}, silent {hurt:?} beside and {outage:?} across, MiB {mib:?}, \
             queued {waited:?}"
        ));
        fleet.signal(STOPPED, Signal::Continue).await;
        fleet.flow().await;
        fleet.finish().await;
        assert!(ends.iter().all(|took| *took <= LINK_ENDS), "{ends:?}");
        assert!(queued.iter().all(|(one, _)| *one <= LINK), "{queued:?}");
        for (peak, (_, all)) in peaks.iter().zip(&queued) {
            assert!(*peak <= 2 * all + BESIDE, "{peak} for {all}");
        }
        assert!(hurt <= HURT, "{hurt:?}");
        assert!(outage <= ACROSS, "{outage:?}");
    });
}
