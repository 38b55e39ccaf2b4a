//! What a server tells, be it true or not.

use std::task::Waker;

use gatewire_codec::{NackCode, StreamCode, Value};

use super::*;

const ONE: &str = "01010101010101010101010101010101";
const TWO: &str = "host2/02020202020202020202020202020202";

fn from_server() -> (FromServer, Arc<Arrivals>) {
    let arrivals = Arc::new(Arrivals::default());
    (FromServer(Arc::clone(&arrivals)), arrivals)
}

fn next(arrivals: &Arrivals) -> Poll<Option<(String, Outcome)>> {
    let next = arrivals.poll_next(&Context::from_waker(Waker::noop()));
    next.map(|next| next.map(|(address, outcome)| (address.to_string(), outcome)))
}

const TRUE: ReceiverOutcome<'_> = ReceiverOutcome::Answered(ValueRef::Bool(true));

#[test]
fn each_outcome_comes_once_and_only_of_those_who_were_asked() {
    let (server, arrivals) = from_server();
    server.outcome(ONE, TRUE);
    assert_eq!(next(&arrivals), Poll::Pending, "not asked yet");
    for address in [ONE, TWO, ONE, "no address", ""] {
        server.outcome(address, ReceiverOutcome::Asked);
    }
    server.outcome(ONE, ReceiverOutcome::Stopped { code: StreamCode::Enough });
    let (code, value) = (NackCode::Rejected, ValueRef::String("no"));
    server.outcome(TWO, ReceiverOutcome::Refused { code, value });
    server.outcome(TWO, TRUE);
    server.outcome(ONE, TRUE);
    let refused = RequestError::Rejected(Value::String("no".to_owned()));
    assert_eq!(next(&arrivals), Poll::Ready(Some((TWO.to_owned(), Err(refused)))));
    assert_eq!(next(&arrivals), Poll::Ready(Some((ONE.to_owned(), Ok(Value::Bool(true))))));
    assert_eq!(next(&arrivals), Poll::Pending);
    server.answered(Ok(ValueRef::Integer(2)));
    assert_eq!(next(&arrivals), Poll::Ready(None));
    assert_eq!(arrivals.summary().end, Ok(2));
}

#[test]
fn the_silent_are_told_of_when_it_ends() {
    let (server, arrivals) = from_server();
    server.outcome(ONE, ReceiverOutcome::Asked);
    server.outcome("host3", ReceiverOutcome::Unreachable);
    server.answered(Err(RequestError::Timeout));
    server.outcome(ONE, TRUE);
    server.outcome(TWO, ReceiverOutcome::Asked);
    server.outcome("host4", ReceiverOutcome::Unreachable);
    let silent = (ONE.to_owned(), Err(RequestError::Timeout));
    assert_eq!(next(&arrivals), Poll::Ready(Some(silent)));
    assert_eq!(next(&arrivals), Poll::Ready(None), "the rest came too late");
    let Summary { expected, unreachable, end } = arrivals.summary();
    assert_eq!(expected.len(), 1);
    assert_eq!(unreachable, ["host3".into()]);
    assert_eq!(end, Err(RequestError::Timeout));
}

#[test]
fn a_count_that_is_none_is_not_believed() {
    for count in [ValueRef::Empty, ValueRef::Integer(-1), ValueRef::Bool(false)] {
        let (server, arrivals) = from_server();
        server.answered(Ok(count));
        assert_eq!(arrivals.summary().end, Ok(u64::MAX), "{count:?}");
    }
}

#[test]
fn it_ends_when_nobody_is_left_to_tell() {
    let (server, arrivals) = from_server();
    server.outcome(ONE, ReceiverOutcome::Asked);
    drop(server);
    let lost = (ONE.to_owned(), Err(RequestError::MaybeDelivered));
    assert_eq!(next(&arrivals), Poll::Ready(Some(lost)));
    assert_eq!(next(&arrivals), Poll::Ready(None));
}
