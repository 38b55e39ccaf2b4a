//! Questions to many: the bookkeeping by example, and against a naive model.

mod model;

use gatewire_core::gather::{Branch, Gather, Receiver, Unheard};

fn numbers(receivers: &[Receiver]) -> Vec<usize> {
    receivers.iter().map(|receiver| receiver.index()).collect()
}

/// A question to so many receivers, whose addresses are their numbers.
fn gather_of(receivers: u32) -> (Gather<u32>, Vec<Receiver>) {
    let mut gather = Gather::new(100);
    let receivers = (0..receivers).map(|number| gather.add(number).expect("there is room"));
    let receivers = receivers.collect();
    (gather, receivers)
}

#[test]
fn a_question_to_nobody_is_over_at_once_and_once() {
    let (mut gather, _) = gather_of(0);
    assert_eq!(gather.poll_over(), Some(0));
    assert_eq!(gather.poll_over(), None);
    assert_eq!(gather.add(7), None, "nobody is added after that");
}

#[test]
fn it_is_over_when_each_receiver_has_ended() {
    let (mut gather, receivers) = gather_of(3);
    for number in [2_u8, 0, 1] {
        assert_eq!(gather.poll_over(), None);
        let receiver = receivers[usize::from(number)];
        assert!(gather.end(receiver));
        assert_eq!(gather.address(receiver), &u32::from(number));
    }
    assert_eq!(gather.poll_over(), Some(3));
    assert_eq!(gather.poll_over(), None);
}

#[test]
fn the_first_end_counts() {
    let (mut gather, receivers) = gather_of(2);
    assert!(gather.end(receivers[0]));
    assert!(!gather.end(receivers[0]));
    assert_eq!(gather.poll_over(), None, "the other has not ended");
}

#[test]
fn a_branch_is_waited_for_until_it_says_that_it_is_done() {
    let (mut gather, receivers) = gather_of(1);
    let branch = gather.add_branch("host2");
    assert_eq!(gather.node(branch), "host2");
    gather.end(receivers[0]);
    let far = gather.branch_asked(branch, 70).expect("a new one");
    assert_eq!(gather.branch_asked(branch, 70), None, "asked once");
    assert_eq!(gather.branch_ended(branch, &70), Some(far));
    assert_eq!(gather.branch_ended(branch, &70), None, "ended once");
    assert_eq!(gather.branch_ended(branch, &71), None, "never asked");
    assert_eq!(gather.poll_over(), None, "it may ask others");
    assert_eq!(gather.told_by(branch), 1);
    assert_eq!(gather.branch_done(branch), []);
    assert_eq!(gather.told_by(branch), 0, "it is over");
    assert_eq!(gather.poll_over(), Some(2));
    assert_eq!(gather.addresses().collect::<Vec<_>>(), [&0, &70]);
}

#[test]
fn a_branch_without_receivers_is_done_all_the_same() {
    let (mut gather, _) = gather_of(0);
    let branch = gather.add_branch("host2");
    assert_eq!(gather.poll_over(), None);
    assert_eq!(gather.branch_done(branch), []);
    assert_eq!(gather.poll_over(), Some(0));
}

#[test]
fn whom_a_branch_leaves_out_is_silent() {
    let (mut gather, _) = gather_of(0);
    let branch = gather.add_branch("host2");
    for address in [9, 3, 5] {
        gather.branch_asked(branch, address);
    }
    gather.branch_ended(branch, &3);
    assert_eq!(numbers(&gather.branch_done(branch)), [0, 2], "in the order of asking");
    assert_eq!(gather.poll_over(), Some(3));
}

#[test]
fn a_branch_that_cannot_be_reached_takes_its_own_receivers_with_it() {
    let (mut gather, receivers) = gather_of(1);
    let lost = gather.add_branch("host2");
    let other = gather.add_branch("host3");
    gather.branch_asked(lost, 1);
    gather.branch_asked(other, 2);
    assert_eq!(gather.branch_unreachable(lost).as_deref().map(numbers), Some(vec![1]));
    assert_eq!(gather.branch_unreachable(lost), None, "told once");
    assert_eq!(gather.branch_done(lost), [], "too late");
    assert_eq!(gather.branch_asked(lost, 3), None, "too late");
    assert_eq!(gather.branch_ended(lost, &1), None, "too late");
    gather.end(receivers[0]);
    assert_eq!(gather.poll_over(), None, "the other branch");
    gather.branch_ended(other, &2);
    gather.branch_done(other);
    assert_eq!(gather.poll_over(), Some(3));
}

#[test]
fn at_most_so_many_are_asked_here_and_at_branches() {
    let mut gather = Gather::new(2);
    assert!(gather.add(0).is_some());
    let branch = gather.add_branch("host2");
    assert!(gather.branch_asked(branch, 1).is_some());
    assert_eq!(gather.add(2), None);
    assert_eq!(gather.branch_asked(branch, 2), None);
    assert_eq!(gather.receivers(), 2);
}

#[test]
fn a_closed_question_names_who_was_not_heard_and_is_over() {
    let (mut gather, receivers) = gather_of(3);
    let [done, open] = ["host2", "host3"].map(|name| gather.add_branch(name));
    gather.branch_asked(open, 9);
    gather.branch_done(done);
    gather.end(receivers[1]);
    let Unheard { silent, branches } = gather.close();
    assert_eq!(numbers(&silent), [0, 2, 3]);
    assert_eq!(branches, [open]);
    assert_eq!(gather.poll_over(), Some(4));
    assert_eq!(gather.close(), Unheard::default());
    assert!(!gather.end(receivers[0]));
    assert_eq!(gather.branch_unreachable(open), None);
}

#[test]
fn branches_and_receivers_of_other_questions_are_nobody() {
    let (mut gather, _) = gather_of(1);
    let (mut other, receivers) = gather_of(3);
    let branches: Vec<Branch> = (0..2).map(|_| other.add_branch("host2")).collect();
    assert!(!gather.end(receivers[2]));
    assert_eq!(gather.branch_asked(branches[1], 1), None);
    assert_eq!(gather.branch_ended(branches[1], &1), None);
    assert_eq!(gather.branch_unreachable(branches[1]), None);
    assert_eq!(gather.poll_over(), None);
}
