//! Handlers that answer before all is read, while somebody else reads on.

use gatewire::{
    Client, Rejection, Server, SlowReceivers, StreamCode, StreamError, StreamReader, StreamWriter,
    Value,
};
use tokio::sync::mpsc;

use super::kit::{CREDIT, Pump, UNREAD, bytes, check_all, close_and_balance, complete, failed};
use crate::rig::{dial, eventually, fence, limits, serve, serve_with, within};

const LENGTH: usize = 3 << 20;

/// Two clients and their server, all of which hand the readers of `file` to the test and answer at
/// once.
struct Trio {
    server: Server,
    sender: Client,
    receiver: Client,
    readers: mpsc::UnboundedReceiver<StreamReader>,
}

impl Trio {
    async fn new() -> Self {
        let server = serve().await;
        let (sender, receiver) = (dial(&server).await, dial(&server).await);
        let (hand, readers) = mpsc::unbounded_channel();
        let other_hand = hand.clone();
        server.on("file", move |stream: StreamReader| {
            hand.send(stream).expect("the test goes on");
            7_u64
        });
        receiver.on("file", move |stream: StreamReader| {
            other_hand.send(stream).expect("the test goes on");
            7_u64
        });
        Self { server, sender, receiver, readers }
    }

    /// A stream to the server, to a client, and through the server.
    async fn open(&mut self, way: usize) -> (StreamWriter, StreamReader) {
        let id = self.receiver.id().expect("up");
        let stream = match way {
            0 => self.sender.stream("file", ()).await,
            1 => self.server.to_socket(id).stream("file", ()).await,
            _ => self.sender.to_socket(id).stream("file", ()).await,
        };
        let reader = within(self.readers.recv()).await.expect("a reader");
        // The answer has come.
        fence(&self.sender).await;
        fence(&self.receiver).await;
        fence(&self.sender).await;
        (stream.expect("opened"), reader)
    }

    async fn close(self) {
        close_and_balance(&self.server, &[&self.sender, &self.receiver]).await;
    }
}

#[tokio::test]
async fn a_handler_may_answer_before_another_task_has_read_all() {
    let mut trio = Trio::new().await;
    for way in 0..3 {
        let (stream, reader) = trio.open(way).await;
        let pump = Pump::start(stream, LENGTH);
        assert_eq!(within(check_all(reader)).await, Ok(LENGTH as u64), "{way}");
        assert_eq!(pump.end().await, Ok(7));
    }
    trio.close().await;
}

#[tokio::test]
async fn a_writer_that_gives_up_behind_the_answer_is_an_error_for_its_reader() {
    let mut trio = Trio::new().await;
    for way in 0..3 {
        let (mut stream, mut reader) = trio.open(way).await;
        within(stream.send(bytes(1000))).await.expect("sent");
        assert_eq!(within(reader.chunk()).await, Ok(Some(bytes(1000))), "{way}");
        drop(stream);
        let reset = StreamError::Reset { code: StreamCode::Dropped, text: String::new() };
        assert_eq!(within(reader.chunk()).await, Err(reset), "{way}");
    }
    trio.close().await;
}

#[tokio::test]
async fn a_reader_that_stops_behind_the_answer_is_told_to_its_writer() {
    let mut trio = Trio::new().await;
    for way in 0..3 {
        for code in [StreamCode::Dropped, StreamCode::Other(99)] {
            let (mut stream, mut reader) = trio.open(way).await;
            within(stream.send(bytes(1000))).await.expect("sent");
            assert_eq!(within(reader.chunk()).await, Ok(Some(bytes(1000))), "{way}");
            match code {
                StreamCode::Dropped => drop(reader),
                code => reader.reset(code, ""),
            }
            let error = loop {
                if let Err(error) = within(stream.send(bytes(100_000))).await {
                    break error;
                }
            };
            assert_eq!(error, StreamError::Stopped { code, text: String::new() }, "{way}");
        }
    }
    trio.close().await;
}

#[tokio::test]
async fn a_sender_that_is_lost_behind_the_answer_is_an_error_for_its_reader() {
    let lost = StreamError::Reset { code: StreamCode::SenderLost, text: String::new() };
    for (way, expected) in [(0, StreamError::Disconnected), (2, lost)] {
        let mut trio = Trio::new().await;
        let (mut stream, mut reader) = trio.open(way).await;
        within(stream.send(bytes(1000))).await.expect("sent");
        assert_eq!(within(reader.chunk()).await, Ok(Some(bytes(1000))), "{way}");
        within(trio.sender.close()).await;
        assert_eq!(within(reader.chunk()).await, Err(expected));
        trio.close().await;
    }
}

#[tokio::test]
async fn a_receiver_that_is_lost_behind_the_answer_is_an_error_for_its_writer() {
    for way in 0..3 {
        let mut trio = Trio::new().await;
        let (stream, reader) = trio.open(way).await;
        let pump = Pump::start(stream, LENGTH);
        eventually(|| pump.sent() >= UNREAD).await;
        let expected = match way {
            0 => {
                within(trio.server.close()).await;
                StreamError::Disconnected
            }
            1 => {
                within(trio.receiver.close()).await;
                StreamError::Disconnected
            }
            _ => {
                within(trio.receiver.close()).await;
                let text = "the connection of the reader was lost".to_owned();
                StreamError::Stopped { code: StreamCode::Dropped, text }
            }
        };
        assert_eq!(pump.end().await, Err(expected), "{way}");
        drop(reader);
        trio.close().await;
    }
}

#[tokio::test]
async fn a_member_that_is_lost_behind_its_answer_does_not_hold_the_others_up() {
    let limits = limits(|limits| {
        limits.slow_receivers = SlowReceivers::WaitForAll;
    });
    let server = serve_with(|builder| builder.limits(limits)).await;
    let [sender, leaver, stayer] = [dial(&server).await, dial(&server).await, dial(&server).await];
    let (hand, mut readers) = mpsc::unbounded_channel();
    leaver.on("file", move |stream: StreamReader| {
        hand.send(stream).expect("the test goes on");
        7_u64
    });
    stayer.on("file", |stream: StreamReader| async move {
        check_all(stream).await.map_err(Rejection::from)
    });
    for member in [&leaver, &stayer] {
        within(member.join("all")).await.expect("joined");
    }
    let id = leaver.id().expect("up");
    let mut stream = sender.to("all").stream("file", ()).await.expect("opened");
    let reader = within(readers.recv()).await.expect("a reader");
    let sent = tokio::spawn(async move {
        stream.send(bytes(LENGTH)).await?;
        stream.finish().await
    });
    eventually(|| reader.received() == CREDIT as u64).await;
    within(leaver.close()).await;
    let report = within(sent).await.expect("no panic").expect("a report");
    assert_eq!(failed(&report), [(id, &StreamError::Disconnected)]);
    assert_eq!(complete(&report), [stayer.id().expect("up")]);
    close_and_balance(&server, &[&sender, &leaver, &stayer]).await;
}

#[tokio::test]
async fn an_early_answer_of_a_room_counts_when_all_is_taken() {
    let mut trio = Trio::new().await;
    within(trio.receiver.join("all")).await.expect("joined");
    let mut stream = trio.sender.to("all").stream("file", ()).await.expect("opened");
    let reader = within(trio.readers.recv()).await.expect("a reader");
    let read = tokio::spawn(check_all(reader));
    within(stream.send(bytes(LENGTH))).await.expect("sent");
    let report = within(stream.finish()).await.expect("a report");
    assert_eq!(report.receipts()[0].outcome, Ok(Value::Integer(7)));
    assert_eq!(within(read).await.expect("no panic"), Ok(LENGTH as u64));
    trio.close().await;
}
