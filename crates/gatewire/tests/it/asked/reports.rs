//! Who is asked, and that each is in the report.

use futures_util::StreamExt;
use gatewire::{RequestError, RoomReport, SocketId};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Senders, address, received, room, sorted};
use crate::rig::{dial, within};

/// Nobody but these was asked, and they answered with their numbers.
fn expect_all(report: &RoomReport<u64>, members: &[(gatewire::SocketAddress, u64)]) {
    let members = sorted(members.iter().cloned());
    assert_eq!(received(report), members);
    let expected = sorted(report.expected().iter().cloned());
    assert!(expected.iter().eq(members.iter().map(|(address, _)| address)));
    assert_eq!((report.missing().len(), report.failed().len()), (0, 0));
    assert_eq!(report.unreachable().len(), 0);
    assert!(report.is_complete());
}

#[tokio::test]
async fn every_member_that_answers_is_in_the_report_of_each_sender() {
    let room = room(5).await;
    let senders = Senders::of(&room.server).await;
    let members: Vec<_> = room.addresses().into_iter().zip(0..).collect();
    for request in senders.ask("ask") {
        expect_all(&within(request).await.expect("a report"), &members);
    }
    room.close().await;
}

#[tokio::test]
async fn the_sender_and_exceptions_are_asked_as_they_receive() {
    let room = room(3).await;
    let all: Vec<_> = room.addresses().into_iter().zip(0..).collect();
    let [_, b, c] = [0, 1, 2].map(|number| room.members[number].id().expect("connected"));
    let a = address(&room.members[0]);
    let (client, server) = (&room.members[0], &room.server);
    let socket = server.socket(&a.session()).expect("connected");
    for (to, asked) in [
        (client.to("all"), &all[1..]),
        (client.to("all").include_self(), &all[..]),
        (client.to("all").except(b).include_self(), &[all[0].clone(), all[2].clone()][..]),
        (client.to("all").to_socket(b), &all[1..]),
        (client.to("all").to_socket(&a), &all[..]),
        (client.broadcast().except_room("all"), &[]),
        (client.to("none").to_socket(&a).to_socket(&a), &all[..1]),
        (socket.to("all"), &all[1..]),
        (socket.to("all").include_self().except(c), &all[..2]),
        (server.to("all").except(&a), &all[1..]),
        (server.to_rooms(["all", "none"]).to_socket(b), &all[..]),
        (server.broadcast(), &all[..]),
    ] {
        let asking = format!("{to:?}");
        let report = within(to.request("ask", ())).await.expect(&asking);
        expect_all(&report, asked);
    }
    room.close().await;
}

/// It is a request to many nevertheless: with a report.
#[tokio::test]
async fn a_request_to_one_socket_among_many_has_a_report() {
    let room = room(2).await;
    let one = [(address(&room.members[1]), 1)];
    let id = one[0].0.session();
    for to in [room.server.to_socket(id).and(), room.members[0].to_socket(id).and()] {
        expect_all(&within(to.request("ask", ())).await.expect("a report"), &one);
    }
    let missing = SocketId::from_bytes([9; 16]);
    for to in [room.server.to_socket(missing).and(), room.members[0].to_socket(missing).and()] {
        expect_all(&within(to.request("ask", ())).await.expect("a report"), &[]);
    }
    room.close().await;
}

#[tokio::test]
async fn a_request_to_nobody_is_complete_at_once() {
    let room = room(0).await;
    let senders = Senders::of(&room.server).await;
    for request in senders.ask("ask") {
        expect_all(&within(request).await.expect("a report"), &[]);
    }
    room.close().await;
}

#[tokio::test]
async fn answers_come_as_they_are_given() {
    let room = room(2).await;
    let senders = Senders::of(&room.server).await;
    let late = room.join().await;
    let (open, gate) = watch::channel(0);
    late.on("ask", move |turn: u64| {
        let mut gate = gate.clone();
        async move {
            gate.wait_for(|open| *open >= turn).await.expect("the test goes on");
            turn * 100
        }
    });
    let quick = sorted(room.addresses().into_iter().zip([Ok(0), Ok(1)]).map(ok));
    for turn in 1..=3_u64 {
        let to = match turn {
            1 => senders.server.to("all"),
            2 => senders.socket.to("all"),
            _ => senders.client.to("all"),
        };
        let mut answers = to.request::<u64, _>("ask", turn).answers().expect("sent");
        let first = [within(answers.next()).await, within(answers.next()).await];
        assert_eq!(sorted(first.into_iter().flatten().map(ok)), quick);
        assert_eq!(answers.expected().len(), 3);
        open.send(turn).expect("it waits");
        assert_eq!(within(answers.next()).await, Some((address(&late), Ok(turn * 100))));
        assert_eq!(within(answers.next()).await, None);
        assert_eq!((answers.error(), answers.unreachable()), (None, vec![]));
    }
    within(late.close()).await;
    room.close().await;
}

fn ok<A>((address, answer): (A, Result<u64, RequestError>)) -> (A, u64) {
    (address, answer.expect("an answer"))
}

#[tokio::test]
async fn many_members_are_asked_by_many_at_once() {
    let room = room(40).await;
    let members: Vec<_> = room.addresses().into_iter().zip(0..).collect();
    let mut asking = JoinSet::new();
    for _ in 0..8 {
        let client = dial(&room.server).await;
        asking.spawn(async move { client.to("all").request::<u64, _>("ask", ()).await });
    }
    for report in within(asking.join_all()).await {
        expect_all(&report.expect("a report"), &members);
    }
    room.close().await;
}
