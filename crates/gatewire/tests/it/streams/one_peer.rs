//! A stream from a client to its server, or back.

use bytes::Bytes;
use gatewire::{Client, Rejection, RequestError, Server, StreamCode, StreamError, StreamReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use crate::rig::{dial, record, serve, within};

/// Bytes that tell where they stand.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..=u32::MAX)
        .flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(length)
        .collect()
}

async fn pair() -> (Server, Client) {
    let server = serve().await;
    let client = dial(&server).await;
    (server, client)
}

pub(super) async fn close(server: &Server, client: &Client) {
    within(client.close()).await;
    within(server.close()).await;
}

pub(super) async fn read_all(mut stream: StreamReader) -> Result<Bytes, StreamError> {
    let mut all = Vec::new();
    while let Some(chunk) = stream.chunk().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.into())
}

#[tokio::test]
async fn all_bytes_arrive_and_the_answer_comes_back() {
    let (server, client) = pair().await;
    server.on("echo", |name: String, stream: StreamReader| async move {
        let bytes = read_all(stream).await?;
        Ok::<_, Rejection>((name, bytes).1)
    });
    for length in [0, 1, 1000, 1024, 1025, 65_535, 65_536, 65_537, 262_144, 1_000_000, 5_000_000] {
        let sent = Bytes::from(pattern(length));
        let mut stream = client.stream("echo", "x").await.expect("opened");
        within(stream.send(sent.clone())).await.expect("sent");
        if length < 1 << 20 {
            let back: Bytes = within(stream.finish()).await.expect("an answer");
            assert!(back == sent, "{length} bytes");
        } else {
            let end = within(stream.finish::<Bytes>()).await;
            assert_eq!(end, Err(StreamError::Refused(RequestError::TooLarge)));
        }
    }
    close(&server, &client).await;
}

#[tokio::test]
async fn a_writer_is_an_async_write_and_a_reader_an_async_read() {
    let (server, client) = pair().await;
    server.on("sum", |mut stream: StreamReader| async move {
        let mut text = String::new();
        stream
            .read_to_string(&mut text)
            .await
            .map_err(|error| Rejection::new(error.to_string()))?;
        Ok::<_, Rejection>(text)
    });
    let mut stream = client.stream("sum", ()).await.expect("opened");
    for number in 0..1000 {
        let line = format!("{number}\n");
        within(stream.write_all(line.as_bytes())).await.expect("written");
    }
    within(stream.shutdown()).await.expect("on its way");
    let text: String = within(stream.finish()).await.expect("an answer");
    assert_eq!(text.lines().count(), 1000);
    close(&server, &client).await;
}

#[tokio::test]
async fn a_server_streams_to_a_client() {
    let (server, client) = pair().await;
    client.on("file", |_: Client, stream: StreamReader| async move {
        read_all(stream).await.map(|bytes| bytes.len() as u64).map_err(Rejection::from)
    });
    let socket = server.sockets().pop().expect("one socket");
    let mut stream = socket.stream("file", ()).await.expect("opened");
    within(stream.send(pattern(3_000_000))).await.expect("sent");
    assert_eq!(within(stream.finish::<u64>()).await, Ok(3_000_000));
    close(&server, &client).await;
}

#[tokio::test]
async fn a_stream_that_nobody_takes_is_refused() {
    let (server, client) = pair().await;
    server.on("here", |_: Bytes| ());
    for event in ["nowhere", "here"] {
        let mut stream = client.stream(event, ()).await.expect("opened");
        let error = loop {
            if let Err(error) = within(stream.send(vec![1; 10_000])).await {
                break error;
            }
        };
        assert_eq!(error, StreamError::Refused(RequestError::NoHandler));
        assert_eq!(within(stream.finish::<()>()).await, Err(error));
    }
    close(&server, &client).await;
}

#[tokio::test]
async fn a_writer_that_gives_up_is_no_end() {
    let (server, client) = pair().await;
    let (ended, mut ends) = record();
    server.on("upload", move |stream: StreamReader| {
        let ended = ended.clone();
        async move { ended.note(read_all(stream).await) }
    });
    let mut stream = client.stream("upload", ()).await.expect("opened");
    within(stream.send(vec![1; 100_000])).await.expect("sent");
    drop(stream);
    let reset = |code, text: &str| StreamError::Reset { code, text: text.to_owned() };
    assert_eq!(ends.next().await, Err(reset(StreamCode::Dropped, "")));

    let stream = client.stream("upload", ()).await.expect("opened");
    stream.reset(StreamCode::Other(77), "changed my mind");
    assert_eq!(ends.next().await, Err(reset(StreamCode::Other(77), "changed my mind")));

    let mut stream = client.stream("upload", ()).await.expect("opened");
    within(stream.send(vec![1; 100_000])).await.expect("sent");
    within(client.close()).await;
    assert_eq!(ends.next().await, Err(StreamError::Disconnected));
    assert_eq!(within(stream.send(vec![1; 1])).await, Err(StreamError::Disconnected));
    close(&server, &client).await;
}

#[tokio::test]
async fn a_reader_that_stops_ends_the_writer() {
    let (server, client) = pair().await;
    server.on("enough", |mut stream: StreamReader| async move {
        let first = stream.chunk().await?;
        stream.stop();
        Ok::<_, Rejection>(first.map_or(0, |chunk| u64::from(chunk[0])))
    });
    server.on("drops", |_: StreamReader| async move { 5 });
    server.on("says why", |stream: StreamReader| async move {
        stream.reset(StreamCode::Other(200), "no room");
    });
    for (event, code, text) in [
        ("enough", StreamCode::Enough, ""),
        ("drops", StreamCode::Dropped, ""),
        ("says why", StreamCode::Other(200), "no room"),
    ] {
        let mut stream = client.stream(event, ()).await.expect("opened");
        let error = loop {
            if let Err(error) = within(stream.send(vec![9; 300_000])).await {
                break error;
            }
        };
        let stopped = StreamError::Stopped { code, text: text.to_owned() };
        assert_eq!(error, stopped);
        let end = within(stream.finish::<u64>()).await;
        if code == StreamCode::Enough {
            assert_eq!(end, Ok(9));
        } else {
            assert_eq!(end, Err(stopped));
        }
    }
    close(&server, &client).await;
}

#[tokio::test]
async fn a_chunk_that_is_read_in_part_is_not_read() {
    let (server, client) = pair().await;
    let (arrived, all_is_here) = watch::channel(false);
    server.on("all is here", move || arrived.send(true).is_ok());
    server.on("begins", move |mut stream: StreamReader| {
        let mut all_is_here = all_is_here.clone();
        async move {
            let first = stream.read_u8().await?;
            all_is_here.wait_for(|here| *here).await?;
            drop(stream);
            Ok::<_, Rejection>(first)
        }
    });
    let mut stream = client.stream("begins", ()).await.expect("opened");
    within(stream.write_all(&[7; 10])).await.expect("written");
    within(stream.shutdown()).await.expect("on its way");
    let told: bool = within(client.request("all is here", ())).await.expect("an answer");
    assert!(told);
    let dropped = StreamError::Stopped { code: StreamCode::Dropped, text: String::new() };
    assert_eq!(within(stream.finish::<u8>()).await, Err(dropped));
    close(&server, &client).await;
}
