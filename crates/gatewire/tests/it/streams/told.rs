//! What a writer hears when its stream ends under it, and that it never holds others up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gatewire::{
    DisconnectReason, Rejection, RequestError, StreamCode, StreamError, StreamReader, Value,
};
use gatewire_codec::{Message, NackCode, Names, Target, ValueRef, v3};
use tokio::io::AsyncWriteExt;

use super::frames::{ack, open};
use super::kit::{bytes, close_and_balance};
use super::script::{expect, expect_alive, leave, scene};
use crate::raw::Raw;
use crate::rig::{dial, serve, within};

/// A stream ends under a lock, and why is told without it: a writer that comes in between waits to be told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_always_hears_why_its_stream_ended() {
    let server = serve().await;
    server.on("stop", StreamReader::stop);
    server.on("refuse", |_: StreamReader| Err::<(), _>(Rejection::new("no")));
    let client = dial(&server).await;
    for turn in 0..3000 {
        let mut stopped = client.stream("stop", ()).await.expect("opened");
        let mut refused = client.stream("refuse", ()).await.expect("opened");
        let _ended = within(stopped.send(bytes(5))).await;
        let _ended = within(refused.send(bytes(5))).await;
        assert_eq!(within(stopped.finish::<()>()).await, Ok(()), "{turn}");
        let error = RequestError::Rejected(Value::String("no".into())).into();
        assert_eq!(within(refused.finish::<()>()).await, Err(error), "{turn}");
    }
    close_and_balance(&server, &[&client]).await;
}

#[tokio::test]
async fn a_writer_that_is_answered_and_then_refused_does_not_wait_for_ever() {
    let (scene, _gate) = scene().await;
    let mut raw = scene.intruder().await;
    let socket = scene.server.socket(&raw.id()).expect("connected");
    let mut stream = socket.stream("file", ()).await.expect("opened");
    expect(&mut raw, &open(1, "file")).await;
    raw.send(&ack(1, ValueRef::Empty)).await;
    raw.send(&refusal(1, NackCode::Rejected)).await;
    expect_alive(&mut raw).await;
    // More than its credit.
    assert_eq!(within(stream.send(bytes(1 << 20))).await, Err(StreamError::Disconnected));
    leave(scene, raw).await;
}

fn refusal(id: u32, code: NackCode) -> Message<'static> {
    Message::Nack { id, code, value: ValueRef::Empty }
}

/// Whoever wants no answer is told all the same that nobody reads.
#[tokio::test]
async fn a_stream_for_a_socket_that_does_not_take_it_is_stopped_if_no_answer_is_wanted() {
    let (mut scene, _gate) = scene().await;
    let mut raw = scene.intruder().await;
    let mut member = Raw::dial(scene.server.local_addr()).await;
    let ids = [member.id().to_string()];
    let target = Target { sockets: Names::from_strings(&ids), ..Target::default() };
    for (code, told) in [
        (NackCode::NoHandler, StreamCode::NotTaken),
        (NackCode::Busy, StreamCode::TooMany),
        (NackCode::Panicked, StreamCode::Dropped),
    ] {
        let (event, info) = ("file", ValueRef::Empty);
        let open = Message::StreamOpen { id: 5, target: Some(target), event, info, ack: false };
        raw.send(&open).await;
        let id = loop {
            let frame = member.read().await.expect("a frame");
            if let Ok(Message::StreamOpen { id, .. }) = v3::decode(&frame) {
                break id;
            }
        };
        member.send(&refusal(id, code)).await;
        expect(&mut raw, &Message::StreamStop { id: 5, code: told, text: "" }).await;
    }
    let id = member.id();
    drop(member);
    scene.expect_next_end(id, DisconnectReason::Lost).await;
    leave(scene, raw).await;
}

#[tokio::test]
async fn what_is_written_behind_a_shutdown_is_an_error_that_says_so() {
    let server = serve().await;
    server.on(
        "file",
        async |mut stream: StreamReader| {
            while let Ok(Some(_)) = stream.chunk().await {}
        },
    );
    let client = dial(&server).await;
    let mut one = client.stream("file", ()).await.expect("opened");
    let mut many = server.broadcast().stream("none", ()).await.expect("opened");
    within(one.shutdown()).await.expect("all is on its way");
    within(many.shutdown()).await.expect("all is on its way");
    assert_eq!(within(one.send(bytes(1))).await, Err(StreamError::Finished));
    assert_eq!(within(many.send(bytes(1))).await, Err(StreamError::Finished));
    let error = within(one.write_all(b"more")).await.expect_err("it is shut down");
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(within(one.finish::<()>()).await, Ok(()));
    close_and_balance(&server, &[&client]).await;
}

/// The only thread would be theirs.
#[tokio::test]
async fn writers_that_never_have_to_wait_let_other_tasks_run() {
    let server = serve().await;
    server.on("file", |_: StreamReader| ());
    let client = dial(&server).await;
    let mut nobody = server.to("nobody").stream("file", ()).await.expect("opened");
    runs_beside(async || nobody.send(bytes(5)).await).await;
    let mut stream = client.stream("file", ()).await.expect("opened");
    // As many as one credit holds.
    runs_beside(async || stream.send(bytes(5)).await).await;
    drop((nobody, stream));
    close_and_balance(&server, &[&client]).await;
}

/// Another task runs before this has been done a thousand times.
async fn runs_beside(mut send: impl AsyncFnMut() -> Result<(), StreamError>) {
    let ran = Arc::new(AtomicBool::new(false));
    let runs = Arc::clone(&ran);
    let task = tokio::spawn(async move { runs.store(true, Ordering::Relaxed) });
    for _ in 0..1000 {
        send().await.expect("sent");
        if ran.load(Ordering::Relaxed) {
            return task.await.expect("no panic");
        }
    }
    panic!("nothing else has run");
}
