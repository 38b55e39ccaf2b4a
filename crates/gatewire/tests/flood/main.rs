//! A port under attack: ten thousand connections that say nothing, say it slowly or say nonsense, while
//! clients go on connecting.
//!
//! The attacker is a process of its own, on other addresses of the loopback interface, of which Linux has
//! many.
#![cfg(target_os = "linux")]

mod attacker;
mod siege;

use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use attacker::Attack;
use siege::Siege;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One siege at a time: each measures the memory of this process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Not a test: what the others start as a process of its own.
#[test]
#[ignore = "the other tests start it"]
fn attacker() {
    attacker::run();
}

#[test]
fn clients_connect_beside_ten_thousand_that_are_silent() {
    let _alone = alone();
    let outcome = Siege::of_default_server().under(Attack::Silent);
    outcome.check();
    outcome.check_full();
    // Each has its time, unless it has to make room.
    outcome.check_gone_within(siege::FIRST_BYTE);
}

#[test]
fn clients_connect_beside_ten_thousand_that_send_a_byte_a_second() {
    let _alone = alone();
    let outcome = Siege::of_default_server().under(Attack::Slow);
    outcome.check();
    outcome.check_full();
    outcome.check_gone_within(siege::DEADLINE);
}

#[test]
fn clients_connect_beside_ten_thousand_that_send_garbage() {
    let _alone = alone();
    let outcome = Siege::of_default_server().under(Attack::Garbage);
    outcome.check();
    outcome.check_gone_within(siege::FIRST_BYTE);
}

/// Without TLS a handshake that is under way takes no more than 2 KiB.
#[test]
fn a_pending_handshake_over_plain_tcp_costs_little() {
    let _alone = alone();
    for attack in [Attack::Silent, Attack::Slow] {
        let outcome = Siege::of_plain_server().under(attack);
        outcome.check();
        outcome.check_full();
        outcome.check_memory(2 << 10);
    }
}
