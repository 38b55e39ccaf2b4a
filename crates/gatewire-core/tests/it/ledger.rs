//! The account of a queue.

use std::collections::BTreeSet;

use gatewire_core::{DropReason, Ledger};

#[test]
fn each_reason_is_counted_for_itself() {
    let mut ledger = Ledger::default();
    for (count, reason) in (1..).zip(DropReason::ALL) {
        ledger.drop_for(reason, count);
    }
    for (count, reason) in (1..).zip(DropReason::ALL) {
        assert_eq!(ledger.dropped(reason), count, "{}", reason.name());
    }
    assert_eq!(ledger.dropped_total(), (1..=10).sum::<u64>());
}

#[test]
fn each_reason_has_a_name_of_its_own() {
    let names: BTreeSet<_> = DropReason::ALL.map(DropReason::name).into_iter().collect();
    assert_eq!(names.len(), DropReason::ALL.len());
    let is_metric =
        |name: &&str| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
    assert!(names.iter().all(is_metric), "{names:?}");
}

#[test]
fn an_account_is_balanced_when_all_that_came_is_somewhere() {
    let mut ledger = account(10, 4, 3);
    assert!(!ledger.is_balanced());
    ledger.drop_for(DropReason::QueueFull, 1);
    ledger.drop_for(DropReason::Volatile, 2);
    assert!(ledger.is_balanced());
}

#[test]
fn the_sum_of_balanced_accounts_is_balanced() {
    let mut one = account(5, 2, 1);
    one.drop_for(DropReason::Decode, 2);
    let mut other = account(7, 3, 0);
    other.drop_for(DropReason::Decode, 1);
    other.drop_for(DropReason::Panicked, 3);
    one += other;
    assert!(one.is_balanced());
    assert_eq!((one.accepted, one.done, one.queued), (12, 5, 1));
    assert_eq!((one.dropped(DropReason::Decode), one.dropped(DropReason::Panicked)), (3, 3));
}

#[test]
fn only_reasons_that_occurred_are_printed() {
    let mut ledger = account(3, 1, 0);
    ledger.drop_for(DropReason::TooLarge, 2);
    assert_eq!(format!("{ledger:?}"), "Ledger { accepted: 3, done: 1, queued: 0, too_large: 2 }");
}

fn account(accepted: u64, done: u64, queued: u64) -> Ledger {
    let mut ledger = Ledger::default();
    (ledger.accepted, ledger.done, ledger.queued) = (accepted, done, queued);
    ledger
}
