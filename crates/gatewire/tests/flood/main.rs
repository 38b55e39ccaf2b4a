//! A port under attack: ten thousand connections that say nothing, say it slowly or say nonsense, while
//! clients go on connecting.
//!
//! The attacker is a process of its own, on other addresses of the loopback interface, of which Linux has
//! many.
#![cfg(target_os = "linux")]

mod attacker;
mod siege;

use std::alloc::System;
use std::env;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use attacker::Attack;
use siege::{DEADLINE, Expected, FIRST_BYTE, Siege};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One siege at a time: each measures the memory of this process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the others start as a process of its own, and no test unless they do.
#[test]
fn attacker() {
    if let Ok(orders) = env::var(attacker::VARIABLE) {
        attacker::run(&orders);
    }
}

#[test]
fn clients_connect_beside_ten_thousand_that_are_silent() {
    let _alone = alone();
    let expected = Expected { gone_within: FIRST_BYTE, per_handshake: Some(2048) };
    Siege::of_default_server().under(Attack::Silent, expected);
}

/// Each has begun a session of TLS.
#[test]
fn clients_connect_beside_ten_thousand_that_send_a_byte_a_second() {
    let _alone = alone();
    let expected = Expected { gone_within: DEADLINE, per_handshake: Some(16 << 10) };
    Siege::of_default_server().under(Attack::SlowTls, expected);
}

#[test]
fn clients_connect_beside_ten_thousand_that_send_garbage() {
    let _alone = alone();
    let expected = Expected { gone_within: FIRST_BYTE, per_handshake: None };
    Siege::of_default_server().under(Attack::Garbage, expected);
}

/// Over plain TCP a handshake that is under way takes 2 KiB at most; after HELLO, when it waits for the proof, half
/// a KiB more.
#[test]
fn a_pending_handshake_over_plain_tcp_costs_little() {
    let _alone = alone();
    for (attack, bytes) in
        [(Attack::Silent, 2048), (Attack::SlowFrame, 2048), (Attack::Hello, 2048 + 512)]
    {
        let expected = Expected { gone_within: DEADLINE, per_handshake: Some(bytes) };
        Siege::of_plain_server().under(attack, expected);
    }
}
