//! A neighbour that keeps to the protocol and tells what is not so. Routers trust each other: who has a router's key
//! can say anything of anybody. But what can be put right is put right, and nobody falls over.

use gatewire_cluster::Incarnation;
use gatewire_codec::v3::control::{Control, Purge};
use gatewire_codec::v3::routed::Carried;

use super::fake::{Fake, header, record};
use super::hostile::Pair;
use crate::rig::eventually;

/// The own record comes back with the highest number that there is.
#[tokio::test]
async fn a_router_whose_last_number_is_taken_goes_on_in_a_new_life() {
    let mut pair = Pair::new().await;
    let mut fake = Fake::join(pair.victim(), "fake").await;
    let (life, _) = fake.learn("first").await;
    let node = fake.number("first").await;
    fake.say(&Control::LinkState(record(node, life, u64::MAX, &[]))).await;
    eventually(|| pair.victim().router.boot_counter() > life.counter()).await;
    let (next, sequence) = loop {
        let told = fake.learn("first").await;
        if told.0 != life {
            break told;
        }
    };
    assert_eq!((next.counter(), next.nonce()), (life.counter() + 1, life.nonce()));
    assert!(sequence < 10, "{sequence}");
    fake.expect_alive().await;
    pair.nodes[1].reaches(&[&pair.nodes[0]]).await;
    pair.expect_works("still").await;
    pair.close().await;
}

#[tokio::test]
async fn a_node_of_which_it_is_said_that_it_left_says_that_it_did_not() {
    let mut pair = Pair::new().await;
    let mut fake = Fake::join(pair.victim(), "fake").await;
    let (incarnation, sequence) = fake.ask("second").await;
    let node = fake.number("second").await;
    let purge = Purge { node, incarnation, sequence: sequence + 100, lifetime_s: 60 };
    fake.say(&Control::Purge(purge)).await;
    while fake.learn("second").await.0 <= incarnation {}
    let [first, second] = &pair.nodes[..] else { panic!("there are two") };
    first.knows("news", &[second]).await;
    pair.expect_works("again").await;
    pair.close().await;
}

/// Frames of a life of which nobody knows do not make those of the real one old.
#[tokio::test]
async fn frames_in_the_name_of_another_node_do_not_silence_it() {
    let mut pair = Pair::new().await;
    let mut fake = Fake::join(&pair.nodes[1], "fake").await;
    pair.expect_works("before").await;
    let (origin, to) = (fake.number("first").await, fake.number("second").await);
    for nonce in [1, 2, 3] {
        let late = pair.nodes[1].router.counters().late;
        fake.route(header(Carried::Events, origin, nonce, 1), to, b"").await;
        fake.expect_alive().await;
        assert_eq!(pair.nodes[1].router.counters().late, late + 1);
    }
    pair.expect_works("behind them").await;
    pair.close().await;
}

/// A way that is none: messages that go there are lost, until the link ends.
#[tokio::test]
async fn a_node_that_is_made_up_is_forgotten_with_the_link_that_led_there() {
    let mut pair = Pair::new().await;
    let mut fake = Fake::join(pair.victim(), "fake").await;
    let life = Incarnation::new(1, 1);
    fake.be_neighbour_of("first", life).await;
    pair.victim().reaches_named("fake").await;
    pair.nodes[1].reaches_named("fake").await;
    drop(fake);
    eventually(|| pair.nodes[1].router.cost_to("fake").is_none()).await;
    pair.expect_works("without it").await;
    pair.close().await;
}
