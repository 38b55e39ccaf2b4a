//! Binary streams: bytes of any length beside the messages, with flow control and an end of their own.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gatewire::{Client, Rejection, Server, StreamReader};
//!
//! let server = Server::builder().bind("127.0.0.1:0").await?;
//! server.on("upload", |name: String, mut stream: StreamReader| async move {
//!     let mut length = 0;
//!     while let Some(chunk) = stream.chunk().await? {
//!         length += chunk.len();
//!     }
//!     Ok::<_, Rejection>(format!("{name}: {length} bytes"))    // the answer
//! });
//!
//! let client = Client::builder().connect(server.local_addr()).await?;
//! let mut upload = client.stream("upload", "cat.jpg").await?;
//! upload.send(vec![0; 100_000]).await?;
//! let answer: String = upload.finish().await?;
//! assert_eq!(answer, "cat.jpg: 100000 bytes");
//! # client.close().await;
//! # server.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! A handler that takes a [`StreamReader`] behind its other arguments listens for streams. It begins in order
//! with the messages of its connection, then runs beside them on a task of its own, so a stream that is read
//! slowly holds nothing up. An event may have handlers for messages and handlers for streams.

mod error;
mod fanout;
mod open;
mod reader;
mod report;
mod writer;

pub use error::StreamError;
pub use fanout::{FanoutWriter, OpenFanout};
pub use open::OpenStream;
pub(crate) use open::{ANSWER_TIMEOUT, Peer, open_through};
pub use reader::StreamReader;
pub use report::{Receipt, StreamReport};
pub use writer::StreamWriter;
pub(crate) use writer::{MAX_RECEIPTS, Outgoing, Readers};
