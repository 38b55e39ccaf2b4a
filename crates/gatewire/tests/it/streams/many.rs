//! A stream to many: each reader has a fate of its own.

use bytes::Bytes;
use gatewire::{
    Client, FanoutWriter, Receipt, Rejection, RequestError, Server, SocketId, StreamCode,
    StreamError, StreamReader, Value,
};
use tokio::io::AsyncWriteExt;

use super::kit::{complete, failed};
use super::one_peer::{close, pattern, read_all};
use crate::rig::{Record, dial, record, serve, within};

/// Readers in the room `all`, which answer with the length of what they read.
struct Party {
    server: Server,
    members: Vec<Client>,
    read: Record<(usize, Result<Bytes, StreamError>)>,
}

async fn party(count: usize) -> Party {
    let server = serve().await;
    let (noted, read) = record();
    let mut members = Vec::new();
    for number in 0..count {
        let client = dial(&server).await;
        let noted = noted.clone();
        client.on("file", move |_: Value, stream: StreamReader| {
            let noted = noted.clone();
            async move {
                let all = read_all(stream).await;
                noted.note((number, all.clone()));
                all.map(|bytes| bytes.len() as u64).map_err(Rejection::from)
            }
        });
        within(client.join("all")).await.expect("joined");
        members.push(client);
    }
    Party { server, members, read }
}

impl Party {
    fn ids(&self) -> Vec<SocketId> {
        let mut ids: Vec<_> = self.members.iter().map(|member| member.id().expect("up")).collect();
        ids.sort();
        ids
    }

    async fn close(self) {
        for member in &self.members {
            within(member.close()).await;
        }
        within(self.server.close()).await;
    }
}

async fn send_all(mut stream: FanoutWriter, bytes: &Bytes) -> Vec<Receipt> {
    within(stream.send(bytes.clone())).await.expect("sent");
    let report = within(stream.finish()).await.expect("a report");
    let mut receipts = report.receipts().to_vec();
    receipts.sort_by_key(|receipt| receipt.socket.session());
    receipts
}

fn all_read(receipts: &[Receipt], ids: &[SocketId], length: usize) {
    let sockets: Vec<_> = receipts.iter().map(|receipt| receipt.socket.session()).collect();
    assert_eq!(sockets, ids);
    for receipt in receipts {
        assert_eq!(receipt.outcome, Ok(Value::Integer(length as i64)));
    }
}

#[tokio::test]
async fn every_member_gets_every_byte_from_the_server() {
    let mut party = party(5).await;
    for length in [0, 1, 65_536, 65_537, 3_000_000] {
        let bytes = Bytes::from(pattern(length));
        let stream = party.server.to("all").stream("file", length as u64).await.expect("opened");
        all_read(&send_all(stream, &bytes).await, &party.ids(), length);
        for (_, read) in party.read.next_many(5).await {
            assert!(read.expect("read") == bytes);
        }
    }
    party.close().await;
}

#[tokio::test]
async fn every_member_gets_every_byte_from_a_client() {
    let mut party = party(4).await;
    let sender = dial(&party.server).await;
    for length in [0, 1, 65_537, 3_000_000] {
        let bytes = Bytes::from(pattern(length));
        let stream = sender.to("all").stream("file", ()).await.expect("opened");
        all_read(&send_all(stream, &bytes).await, &party.ids(), length);
        for (_, read) in party.read.next_many(4).await {
            assert!(read.expect("read") == bytes);
        }
    }
    // As a broadcast, to all but the sender, which does not listen.
    let stream = sender.broadcast().stream("file", ()).await.expect("opened");
    all_read(&send_all(stream, &Bytes::from_static(b"hello")).await, &party.ids(), 5);
    within(sender.close()).await;
    party.close().await;
}

#[tokio::test]
async fn one_socket_answers_its_writer_through_the_server() {
    let party = party(2).await;
    let sender = dial(&party.server).await;
    let id = party.members[1].id().expect("up");
    let mut stream = sender.to_socket(id).stream("file", ()).await.expect("opened");
    within(stream.write_all(&pattern(500_000))).await.expect("sent");
    assert_eq!(within(stream.finish::<u64>()).await, Ok(500_000));

    let socket = party.server.socket(&id).expect("connected");
    let stream = party.server.to_socket(socket.id()).stream("file", ()).await.expect("opened");
    assert_eq!(within(stream.finish::<u64>()).await, Ok(0));
    within(sender.close()).await;
    party.close().await;
}

/// It is a stream to many nevertheless: with a report.
#[tokio::test]
async fn a_target_of_one_socket_is_reported_as_any_other() {
    let party = party(1).await;
    let sender = dial(&party.server).await;
    let id = party.members[0].id().expect("up");
    let bytes = Bytes::from(pattern(1000));
    let here = party.server.to_socket(id).and().stream("file", ()).await.expect("opened");
    all_read(&send_all(here, &bytes).await, &[id], 1000);
    let there = sender.to_socket(id).and().stream("file", ()).await.expect("opened");
    all_read(&send_all(there, &bytes).await, &[id], 1000);
    within(sender.close()).await;
    party.close().await;
}

#[tokio::test]
async fn the_sender_and_exceptions_are_readers_as_they_are_receivers() {
    let party = party(3).await;
    let ids: Vec<_> = party.members.iter().map(|member| member.id().expect("up")).collect();
    let sorted = |ids: &[SocketId]| {
        let mut ids = ids.to_vec();
        ids.sort();
        ids
    };
    let bytes = Bytes::from(pattern(1000));
    let sender = &party.members[0];
    for (to, readers) in [
        (sender.to("all"), &ids[1..]),
        (sender.to("all").to_socket(ids[1]), &ids[1..]),
        (sender.to("all").include_self(), &ids[..]),
        (sender.to("all").include_self().except(ids[1]), &[ids[0], ids[2]][..]),
        (sender.broadcast().except_room("all"), &[]),
        (sender.to("none").to_socket(ids[0]).to_socket(ids[0]), &ids[..1]),
        (party.server.broadcast().except(ids[2]), &ids[..2]),
        (party.server.to("all").to("none").to_socket(ids[1]), &ids[..]),
    ] {
        let stream = to.stream("file", ()).await.expect("opened");
        all_read(&send_all(stream, &bytes).await, &sorted(readers), 1000);
    }
    // To itself, through the server.
    let mut stream = sender.to_socket(ids[0]).stream("file", ()).await.expect("opened");
    within(stream.send(bytes)).await.expect("sent");
    assert_eq!(within(stream.finish::<u64>()).await, Ok(1000));
    party.close().await;
}

#[tokio::test]
async fn a_stream_to_a_socket_that_is_not_there_is_refused() {
    let party = party(1).await;
    let missing = SocketId::from_bytes([9; 16]);
    let refused = StreamError::Refused(RequestError::NoSuchSocket);
    let here = party.server.to_socket(missing).stream("file", ()).await;
    assert_eq!(here.err(), Some(refused.clone()));
    let to = party.members[0].to_socket(missing);
    let mut stream = to.stream("file", ()).await.expect("opened");
    let error = loop {
        if let Err(error) = within(stream.send(pattern(100_000))).await {
            break error;
        }
    };
    assert_eq!(error, refused);
    assert_eq!(within(stream.finish::<()>()).await, Err(refused));
    // Among others it is nobody.
    let to = party.server.to_socket(missing).and().to("all");
    let stream = to.stream("file", ()).await.expect("opened");
    all_read(&send_all(stream, &Bytes::from_static(b"x")).await, &party.ids(), 1);
    party.close().await;
}

#[tokio::test]
async fn a_stream_to_nobody_ends_at_once() {
    let party = party(0).await;
    let sender = dial(&party.server).await;
    let bytes = Bytes::from(pattern(3_000_000));
    let here = party.server.to("empty").stream("file", ()).await.expect("opened");
    assert_eq!(send_all(here, &bytes).await, []);
    let there = sender.to("empty").stream("file", ()).await.expect("opened");
    assert_eq!(send_all(there, &bytes).await, []);
    close(&party.server, &sender).await;
}

#[tokio::test]
async fn one_that_refuses_stops_or_leaves_does_not_hurt_the_others() {
    let party = party(3).await;
    let [refuses, stops, leaves] =
        [dial(&party.server).await, dial(&party.server).await, dial(&party.server).await];
    refuses.on("file", |_: StreamReader| async move { Err::<(), _>(Rejection::new("full")) });
    stops.on("file", |mut stream: StreamReader| async move {
        let _first = stream.chunk().await;
        drop(stream);
        std::future::pending::<()>().await;
    });
    let leaver = leaves.clone();
    leaves.on("file", move |mut stream: StreamReader| {
        let leaver = leaver.clone();
        async move {
            let _first = stream.chunk().await;
            leaver.close().await;
        }
    });
    for client in [&refuses, &stops, &leaves] {
        within(client.join("all")).await.expect("joined");
    }
    let ids = [&refuses, &stops, &leaves].map(|client| client.id().expect("up"));
    let stream = party.server.to("all").stream("file", ()).await.expect("opened");
    let mut receipts = send_all(stream, &Bytes::from(pattern(5_000_000))).await;
    let mut outcome = |id: SocketId| {
        let place =
            receipts.iter().position(|receipt| receipt.socket.session() == id).expect("a receipt");
        receipts.remove(place).outcome
    };
    let dropped = StreamError::Stopped { code: StreamCode::Dropped, text: String::new() };
    let [refused, stopped, left] = ids.map(&mut outcome);
    let rejected = RequestError::Rejected(Value::String("full".to_owned()));
    assert_eq!(refused, Err(rejected.into()));
    assert_eq!(stopped, Err(dropped));
    assert_eq!(left, Err(StreamError::Disconnected));
    all_read(&receipts, &party.ids(), 5_000_000);
    for client in [refuses, stops] {
        within(client.close()).await;
    }
    party.close().await;
}

#[tokio::test]
async fn a_sender_that_gives_up_or_is_lost_is_an_error_for_each() {
    let mut party = party(3).await;
    let sender = dial(&party.server).await;
    let mut stream = sender.to("all").stream("file", ()).await.expect("opened");
    within(stream.send(pattern(100_000))).await.expect("sent");
    drop(stream);
    let reset = |code| StreamError::Reset { code, text: String::new() };
    for (_, read) in party.read.next_many(3).await {
        assert_eq!(read, Err(reset(StreamCode::Dropped)));
    }

    let mut stream = sender.to("all").stream("file", ()).await.expect("opened");
    within(stream.send(pattern(100_000))).await.expect("sent");
    within(sender.close()).await;
    for (_, read) in party.read.next_many(3).await {
        assert_eq!(read, Err(reset(StreamCode::SenderLost)));
    }

    let mut stream = party.server.to("all").stream("file", ()).await.expect("opened");
    within(stream.send(pattern(100_000))).await.expect("sent");
    stream.reset(StreamCode::Other(99), "");
    for (_, read) in party.read.next_many(3).await {
        assert_eq!(read, Err(reset(StreamCode::Other(99))));
    }
    party.close().await;
}

#[tokio::test]
async fn very_short_chunks_do_not_pile_up_for_a_reader_that_stands_still() {
    let party = party(1).await;
    let still = dial(&party.server).await;
    still.on("file", |stream: StreamReader| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    within(still.join("all")).await.expect("joined");
    let mut stream = party.server.to("all").stream("file", ()).await.expect("opened");
    // Its credit, its buffer, and 20,000 pieces behind them: each would be kept for it alone.
    let count = (2 * 256 * 1024) / 100 + 20_000;
    for _ in 0..count {
        within(stream.send(vec![7; 100])).await.expect("sent");
    }
    let report = within(stream.finish()).await.expect("a report");
    let cut = StreamError::Stopped { code: StreamCode::SlowReceiver, text: String::new() };
    let unread = failed(&report);
    assert_eq!(unread, [(still.id().expect("still connected"), &cut)]);
    assert_eq!(complete(&report), party.ids());
    within(still.close()).await;
    party.close().await;
}

#[tokio::test]
async fn what_comes_with_a_stream_to_many_is_bounded() {
    let party = party(1).await;
    let sender = dial(&party.server).await;
    let info = Bytes::from(vec![0; (64 << 10) + 1]);
    let here = party.server.to("all").stream("file", info.clone()).await;
    assert!(matches!(here, Err(StreamError::Refused(RequestError::NotSent(_)))), "{here:?}");
    let there = sender.to("all").stream("file", info).await.expect("on its way");
    let report = within(there.finish()).await;
    assert_eq!(report, Err(StreamError::Refused(RequestError::TooLarge)));
    within(sender.close()).await;
    party.close().await;
}
