//! What routers do when time passes: on tokio's clock, which these tests hold and move on by hand, over real
//! sockets.
//!
//! A paused clock would go on by itself whenever nothing is left to do, and may not know that bytes are on their way
//! through the kernel. So it is kept from that, moves in small steps, and everybody has time to do what is due between
//! two of them.

use std::sync::mpsc;
use std::time::Duration;

use gatewire::{DisconnectReason, Limits, Router, RouterEvent, RouterEvents, Server};
use gatewire_cluster::Incarnation;
use gatewire_codec::v3::control::Control;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::fake::{Fake, hello, keyed};
use super::{Node, node_with};

/// Less than anything that is measured here.
const STEP: Duration = Duration::from_millis(10);

/// What a busy machine adds: steps in which bytes were still on their way.
const SLACK: Duration = Duration::from_millis(100);

/// How often everybody gets a turn in between: what one says is read by another, who answers.
const TURNS: usize = 30;

/// The clock stands still while this lives, but for [`pass`](Self::pass).
struct HeldClock {
    _until_dropped: mpsc::Sender<()>,
}

impl HeldClock {
    fn hold() -> Self {
        let (sender, receiver) = mpsc::channel::<()>();
        // As long as a blocking task runs, the clock does not move by itself.
        tokio::task::spawn_blocking(move || receiver.recv());
        tokio::time::pause();
        Self { _until_dropped: sender }
    }

    /// Lets everybody do what is due.
    async fn settle(&self) {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    }

    async fn pass(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            tokio::time::advance(STEP).await;
            self.settle().await;
        }
    }

    /// Lets time pass until something holds; how long that took.
    #[track_caller]
    fn until(&self, most: Duration, holds: impl FnMut() -> bool) -> impl Future<Output = Duration> {
        let caller = std::panic::Location::caller();
        async move {
            let mut holds = holds;
            let begin = Instant::now();
            self.settle().await;
            while !holds() {
                assert!(begin.elapsed() < most, "not within {most:?} at {caller}");
                self.pass(STEP).await;
            }
            begin.elapsed()
        }
    }

    /// Lets time pass until an event comes; how long that took.
    async fn event(
        &self,
        events: &mut RouterEvents,
        most: Duration,
        wanted: impl Fn(&RouterEvent) -> bool,
    ) -> Duration {
        let begin = Instant::now();
        loop {
            tokio::select! {
                biased;
                event = events.next() => {
                    let event = event.expect("none is missed").expect("it is open");
                    if wanted(&event) {
                        return begin.elapsed();
                    }
                }
                () = self.pass(STEP) => assert!(begin.elapsed() < most, "not within {most:?}"),
            }
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn is_failed(event: &RouterEvent) -> bool {
    matches!(event, RouterEvent::LinkFailed { .. })
}

fn is_down(event: &RouterEvent) -> bool {
    matches!(event, RouterEvent::LinkDown { .. })
}

fn is_up(event: &RouterEvent) -> bool {
    matches!(event, RouterEvent::LinkUp { .. })
}

#[tokio::test]
async fn a_link_is_dialled_more_and_more_seldom_and_never_more_seldom_than_each_half_minute() {
    const ATTEMPTS: usize = 12;

    // A port that is free in all likelihood: it was a moment ago.
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    drop(taken);
    let clock = HeldClock::hold();
    let mut all = Vec::new();
    for name in ["n1", "n2"] {
        let router = Router::builder(name).uplink(address, 10).start().expect("a good name");
        let mut events = router.events();
        clock.event(&mut events, SECOND, is_failed).await;
        let mut delays = Vec::new();
        let mut most = Duration::from_millis(100);
        for _ in 0..ATTEMPTS {
            delays.push(clock.event(&mut events, most + SLACK, is_failed).await);
            most = (2 * most).min(Duration::from_secs(30));
        }
        all.push(delays);
        let closing = tokio::spawn(async move { router.close().await });
        clock.until(SECOND, || closing.is_finished()).await;
    }
    println!("{all:?}");
    // Drawn at random by each for itself, from all of the time that there is.
    assert_ne!(all[0], all[1]);
    let late: Vec<Duration> = all.iter().flat_map(|delays| delays[9..].to_vec()).collect();
    // Each is shorter than this with a chance of one in six.
    assert!(late.iter().any(|delay| *delay > 5 * SECOND), "{late:?}");
}

#[tokio::test]
async fn a_link_that_was_up_for_a_minute_is_dialled_again_as_soon_as_if_it_were_new() {
    /// What is drawn is short by chance once in a while.
    const LIVES: usize = 4;

    // Before it comes up it has failed often.
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    drop(taken);
    let clock = HeldClock::hold();
    let router = Router::builder("n1").uplink(address, 10).start().expect("a good name");
    let mut events = router.events();
    for _ in 0..8 {
        clock.event(&mut events, MINUTE, is_failed).await;
    }
    for life in 0..LIVES {
        let server = Server::builder().psk(super::open()).build();
        let owner = Router::builder("owner").serve(&server).start().expect("a good name");
        server.listen(address).await.expect("the port is free again");
        clock.event(&mut events, MINUTE, is_up).await;
        clock.pass(MINUTE + SECOND).await;
        let closing = tokio::spawn(async move {
            owner.close().await;
            server.close().await;
        });
        clock.event(&mut events, 5 * SECOND, is_down).await;
        let delay = clock.event(&mut events, MINUTE, is_failed).await;
        assert!(delay <= Duration::from_millis(100) + SLACK, "{delay:?} in life {life}");
        clock.until(10 * SECOND, || closing.is_finished()).await;
    }
    let closing = tokio::spawn(async move { router.close().await });
    clock.until(SECOND, || closing.is_finished()).await;
}

/// A neighbour whose kernel takes what it is sent, and that says nothing.
#[tokio::test]
async fn a_neighbour_that_falls_silent_is_found_dead_after_three_seconds() {
    let node = keyed("victim").await;
    let mut events = node.router.events();
    let mut fake = Fake::dial(&node, "fake").await;
    let clock = HeldClock::hold();
    fake.say(&Control::Hello(hello())).await;
    clock.event(&mut events, SECOND, is_up).await;
    let dead = |event: &RouterEvent| {
        matches!(event, RouterEvent::LinkDown { reason: DisconnectReason::HeartbeatTimeout, .. })
    };
    let took = clock.event(&mut events, 4 * SECOND, dead).await;
    assert!((3 * SECOND - SLACK..=3 * SECOND + SLACK).contains(&took), "{took:?}");
    close(&clock, node).await;
}

#[tokio::test]
async fn neighbours_that_have_nothing_to_say_stay_linked() {
    let first = node_with("first", &[], |builder| builder).await;
    let second = node_with("second", &[&first], |builder| builder).await;
    super::all_reach(&[first.clone(), second.clone()]).await;
    let mut events = [&first, &second].map(|node| node.router.events());
    let clock = HeldClock::hold();
    clock.pass(MINUTE).await;
    for events in &mut events {
        let told = tokio::select! { biased; event = events.next() => Some(event), () = clock.settle() => None };
        assert_eq!(told, None);
    }
    assert_eq!(second.router.cost_to("first"), Some(10));
    close(&clock, second).await;
    close(&clock, first).await;
}

/// It lives, but nothing of what it is sent arrives.
#[tokio::test]
async fn a_neighbour_that_speaks_and_does_not_read_is_left_after_five_seconds() {
    /// More than the kernel takes.
    const BYTES: usize = 16 << 20;

    let node = keyed("victim").await;
    let mut events = node.router.events();
    let mut fake = Fake::join(&node, "fake").await;
    fake.be_neighbour_of("victim", Incarnation::new(1, 1)).await;
    node.reaches_named("fake").await;
    let clock = HeldClock::hold();
    let message = vec![0_u8; 64 << 10];
    for _ in 0..BYTES / message.len() {
        node.router.emit("say", &message[..]).expect("queued");
    }
    // It is told why, and has two seconds to hear of it; but no message goes there any more.
    let begin = Instant::now();
    let mut left = None;
    let told = loop {
        fake.ping().await;
        tokio::select! {
            biased;
            () = wanted(&mut events, is_down) => break begin.elapsed(),
            () = clock.pass(SECOND / 4) => assert!(begin.elapsed() < 10 * SECOND),
        }
        if left.is_none() && node.router.cost_to("fake").is_none() {
            left = Some(begin.elapsed());
        }
    };
    let left = left.expect("before it is over");
    println!("left after {left:?}, over after {told:?}");
    assert!((5 * SECOND - SLACK..=5 * SECOND + SECOND / 2).contains(&left), "{left:?}");
    assert!(told <= 8 * SECOND, "{told:?}");
    close(&clock, node).await;
}

/// Times that are set are those that hold.
#[tokio::test]
async fn a_router_with_other_limits_has_other_patience() {
    let mut limits = Limits::default();
    limits.ping_interval = Duration::from_millis(200);
    limits.missed_pings = 1;
    let node = node_with("victim", &[], |builder| builder.limits(limits)).await;
    let mut events = node.router.events();
    let mut fake = Fake::dial_open(&node, "fake").await;
    let clock = HeldClock::hold();
    fake.say(&Control::Hello(hello())).await;
    clock.event(&mut events, SECOND, is_up).await;
    let took = clock.event(&mut events, SECOND, is_down).await;
    assert!(
        (Duration::from_millis(390)..=Duration::from_millis(400) + SLACK).contains(&took),
        "{took:?}"
    );
    close(&clock, node).await;
}

#[tokio::test]
async fn who_closes_is_gone_for_all_at_once() {
    let first = node_with("first", &[], |builder| builder).await;
    let second = node_with("second", &[&first], |builder| builder).await;
    let third = node_with("third", &[&second], |builder| builder).await;
    super::all_reach(&[first.clone(), second.clone(), third.clone()]).await;
    let clock = HeldClock::hold();
    // What came before is over for the throttles of all.
    clock.pass(SECOND).await;
    let closing = tokio::spawn({
        let router = third.router.clone();
        async move { router.close().await }
    });
    let took = clock.until(SECOND, || first.router.cost_to("third").is_none()).await;
    // Told, and computed 20 ms later.
    assert!(took <= Duration::from_millis(20) + SLACK, "{took:?}");
    // It waits until its neighbour has hung up, and no longer.
    let took = clock.until(5 * SECOND, || closing.is_finished()).await;
    assert!(took <= SECOND, "{took:?}");
    for node in [third, second, first] {
        close(&clock, node).await;
    }
}

#[tokio::test]
async fn of_two_nodes_of_one_name_one_has_given_up_within_seconds() {
    let hub = node_with("hub", &[], |builder| builder).await;
    let twins = [
        node_with("twin", &[&hub], |builder| builder).await,
        node_with("twin", &[&hub], |builder| builder).await,
    ];
    let mut events = twins.each_ref().map(|twin| twin.router.events());
    let clock = HeldClock::hold();
    let taken = |event: &RouterEvent| *event == RouterEvent::NameTaken;
    let [one, other] = &mut events;
    let begin = Instant::now();
    let loser = tokio::select! {
        _ = wanted(one, taken) => 0,
        _ = wanted(other, taken) => 1,
        () = clock.pass(10 * SECOND) => panic!("both have the name"),
    };
    let took = begin.elapsed();
    println!("given up after {took:?}");
    assert!(took <= 5 * SECOND, "{took:?}");
    // It stays away, and the other one stays.
    clock.pass(3 * SECOND).await;
    assert_eq!(hub.router.cost_to("twin"), Some(10));
    assert_eq!(twins[loser].router.links(), []);
    assert_eq!(twins[1 - loser].router.cost_to("hub"), Some(10));
    for node in twins.into_iter().chain([hub]) {
        close(&clock, node).await;
    }
}

/// The clock goes on by itself here, whenever all tasks rest: if one of them does not, it stands still.
#[tokio::test(start_paused = true)]
async fn a_router_rests_between_its_deadlines_however_long_it_is_up() {
    let router = Router::builder("n0").start().expect("a good name");
    let (done, rests) = mpsc::channel();
    let (stuck, watch) = oneshot::channel();
    let watchdog = std::thread::spawn(move || {
        if rests.recv_timeout(Duration::from_secs(20)) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Nobody listens any more when it has just ended.
            let _ = stuck.send(());
        }
    });
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(5 * 60 * 60)) => {}
        Ok(()) = watch => panic!("five hours do not pass: some task is never at rest"),
    }
    router.close().await;
    done.send(()).expect("the watchdog waits");
    watchdog.join().expect("the watchdog does not panic");
}

async fn wanted(events: &mut RouterEvents, wanted: impl Fn(&RouterEvent) -> bool) {
    while !wanted(&events.next().await.expect("none is missed").expect("it is open")) {}
}

/// Closes a node while time passes.
async fn close(clock: &HeldClock, node: Node) {
    let Node { router, server } = node;
    let closing = tokio::spawn(async move {
        router.close().await;
        server.close().await;
    });
    clock.until(20 * SECOND, || closing.is_finished()).await;
}
