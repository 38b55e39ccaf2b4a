//! Receivers at other nodes, which no server has yet: what whoever asked hears of them.

use std::task::{Context, Poll, Waker};

use gatewire_codec::Value;
use gatewire_core::SocketId;

use super::*;
use crate::room::Arrivals;

fn address(node: &str, number: u8) -> SocketAddress {
    SocketAddress::new(node, SocketId::from_bytes([number; 16])).expect("a name")
}

/// A question to nobody here, and what has come of it.
fn question() -> (Arc<Gather>, Arc<Arrivals>) {
    let arrivals = Arc::new(Arrivals::default());
    (Gather::new(&[], Sink::Here(Arc::clone(&arrivals))), arrivals)
}

fn ask(gather: &Arc<Gather>) {
    gather.ask(&[], "ask", ValueRef::Empty, Duration::MAX);
}

/// The outcomes that have come and were not looked at; whether there will be more.
fn heard(arrivals: &Arrivals) -> (Vec<(SocketAddress, Outcome)>, bool) {
    let mut heard = Vec::new();
    loop {
        match arrivals.poll_next(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(outcome)) => heard.push(outcome),
            Poll::Ready(None) => return (heard, false),
            Poll::Pending => return (heard, true),
        }
    }
}

fn unreachable(arrivals: &Arrivals) -> Vec<String> {
    arrivals.inspect(|_, nodes, _| nodes.iter().map(|node| String::from(&**node)).collect())
}

#[test]
fn without_branches_a_question_to_nobody_is_over_when_it_is_asked() {
    let (gather, arrivals) = question();
    assert!(!arrivals.is_over());
    ask(&gather);
    assert_eq!(arrivals.summary().end, Ok(0));
}

#[test]
fn receivers_of_a_branch_are_expected_when_it_tells_of_them() {
    let (gather, arrivals) = question();
    let branch = gather.add_branch("host2");
    ask(&gather);
    let [one, two] = [1, 2].map(|number| address("host2", number));
    assert!(gather.branch_asked(branch, one.clone()));
    assert!(gather.branch_asked(branch, two.clone()));
    assert!(!gather.branch_asked(branch, two.clone()), "once");
    gather.branch_outcome(branch, &two, Ok(Value::Bool(true)));
    gather.branch_outcome(branch, &two, Ok(Value::Bool(false)));
    gather.branch_outcome(branch, &address("host2", 9), Ok(Value::Bool(false)));
    assert_eq!(heard(&arrivals), (vec![(two.clone(), Ok(Value::Bool(true)))], true));
    gather.branch_outcome(branch, &one, Err(RequestError::NoHandler));
    assert!(!arrivals.is_over(), "it may ask others");
    gather.branch_done(branch, 2);
    assert_eq!(heard(&arrivals), (vec![(one.clone(), Err(RequestError::NoHandler))], false));
    let summary = arrivals.summary();
    assert_eq!((summary.expected, summary.end), (vec![one, two], Ok(2)));
}

#[test]
fn whom_a_branch_leaves_out_timed_out() {
    let (gather, arrivals) = question();
    let branch = gather.add_branch("host2");
    ask(&gather);
    gather.branch_asked(branch, address("host2", 1));
    gather.branch_done(branch, 1);
    let silent = vec![(address("host2", 1), Err(RequestError::Timeout))];
    assert_eq!(heard(&arrivals), (silent, false));
}

#[test]
fn a_branch_that_counts_others_than_it_has_named_is_unreachable() {
    for counted in [0, 2] {
        let (gather, arrivals) = question();
        let branch = gather.add_branch("host2");
        ask(&gather);
        gather.branch_asked(branch, address("host2", 1));
        gather.branch_done(branch, counted);
        let unknown = vec![(address("host2", 1), Err(RequestError::MaybeDelivered))];
        assert_eq!(heard(&arrivals), (unknown, false));
        assert_eq!(unreachable(&arrivals), ["host2"]);
    }
}

#[test]
fn a_node_that_cannot_be_reached_is_named_and_does_not_hold_the_others_up() {
    let (gather, arrivals) = question();
    let (lost, branch) = (gather.add_branch("host2"), gather.add_branch("host3"));
    ask(&gather);
    gather.branch_asked(lost, address("host2", 1));
    gather.branch_unreachable(lost);
    gather.branch_unreachable(lost);
    let gone = vec![(address("host2", 1), Err(RequestError::MaybeDelivered))];
    assert_eq!(heard(&arrivals), (gone, true));
    assert_eq!(unreachable(&arrivals), ["host2"]);
    gather.branch_done(branch, 0);
    assert_eq!(arrivals.summary().end, Ok(1));
}

#[test]
fn at_the_deadline_the_silent_are_told_of_and_open_nodes_are_unreachable() {
    let (gather, arrivals) = question();
    let (done, open) = (gather.add_branch("host2"), gather.add_branch("host3"));
    ask(&gather);
    gather.branch_asked(open, address("host3", 1));
    gather.branch_done(done, 0);
    gather.expire();
    let silent = vec![(address("host3", 1), Err(RequestError::Timeout))];
    assert_eq!(heard(&arrivals), (silent, false));
    assert_eq!(unreachable(&arrivals), ["host3"]);
    gather.branch_outcome(open, &address("host3", 1), Ok(Value::Empty));
    gather.branch_done(open, 1);
    assert_eq!(heard(&arrivals), (vec![], false), "too late");
}

#[test]
fn whoever_gave_up_hears_nothing_more() {
    let (gather, arrivals) = question();
    let branch = gather.add_branch("host2");
    ask(&gather);
    gather.close();
    gather.branch_asked(branch, address("host2", 1));
    gather.branch_done(branch, 0);
    assert_eq!(heard(&arrivals), (vec![], true));
    arrivals.inspect(|expected, _, end| assert!(expected.is_empty() && end.is_none()));
}
