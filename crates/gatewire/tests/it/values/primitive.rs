//! Every data type, in both directions, as an event, as a request and as an answer.

use std::fmt::Debug;
use std::panic::Location;

use bytes::Bytes;
use gatewire::{
    Client, EmitError, FormatError, FormatId, FromValue, IntoValue, Object, ObjectRef, Server,
    Value,
};
use serde::{Deserialize, Serialize};

use crate::rig::{Record, dial, record, serve, within};

/// A client, its server, and the handler of `value` at both, which notes what it gets and gives it
/// back.
struct Ends<T> {
    server: Server,
    client: Client,
    at_server: Record<T>,
    at_client: Record<T>,
}

impl<T: FromValue + IntoValue + Clone + Send + Sync + 'static> Ends<T> {
    async fn new() -> Self {
        let server = serve().await;
        let client = dial(&server).await;
        let (seen, at_server) = record();
        server.on("value", move |value: T| {
            seen.note(value.clone());
            value
        });
        let (seen, at_client) = record();
        client.on("value", move |value: T| {
            seen.note(value.clone());
            value
        });
        Self { server, client, at_server, at_client }
    }
}

#[track_caller]
fn check<V, T>(sent: V, expected: T) -> impl Future<Output = ()>
where
    V: IntoValue,
    T: FromValue + IntoValue + Clone + Debug + PartialEq + Send + Sync + 'static,
{
    check_by(sent, expected, |found, expected| found == expected)
}

/// `sent` arrives as `expected`, wherever it is sent from and whatever as.
#[track_caller]
fn check_by<V, T>(sent: V, expected: T, same: fn(&T, &T) -> bool) -> impl Future<Output = ()>
where
    V: IntoValue,
    T: FromValue + IntoValue + Clone + Debug + Send + Sync + 'static,
{
    let caller = Location::caller();
    let assert = move |found: &T, expected: &T| {
        assert!(same(found, expected), "{found:?} instead of {expected:?} at {caller}");
    };
    async move {
        let mut ends = Ends::<T>::new().await;
        let socket = ends.server.sockets().pop().expect("a socket");

        ends.client.emit("value", &sent).expect("queued");
        assert(&ends.at_server.next().await, &expected);
        let answer = within(ends.client.request::<T, _>("value", &sent)).await.expect("an answer");
        assert(&ends.at_server.next().await, &expected);
        assert(&answer, &expected);

        socket.emit("value", &sent).expect("queued");
        assert(&ends.at_client.next().await, &expected);
        let answer = within(socket.request::<T, _>("value", &sent)).await.expect("an answer");
        assert(&ends.at_client.next().await, &expected);
        assert(&answer, &expected);

        ends.server.emit("value", &sent).expect("queued");
        assert(&ends.at_client.next().await, &expected);
        ends.client.broadcast().include_self().emit("value", &sent).expect("queued");
        assert(&ends.at_client.next().await, &expected);
    }
}

#[tokio::test]
async fn nothing_and_bool_arrive_as_sent() {
    check((), ()).await;
    check((), Value::Empty).await;
    check(true, true).await;
    check(false, false).await;
}

#[tokio::test]
async fn integers_arrive_as_sent_at_their_edges() {
    check(i8::MIN, i8::MIN).await;
    check(i8::MAX, i8::MAX).await;
    check(i16::MIN, i16::MIN).await;
    check(i16::MAX, i16::MAX).await;
    check(i32::MIN, i32::MIN).await;
    check(i32::MAX, i32::MAX).await;
    check(i64::MIN, i64::MIN).await;
    check(i64::MAX, i64::MAX).await;
    check(isize::MIN, isize::MIN).await;
    check(u8::MAX, u8::MAX).await;
    check(u16::MAX, u16::MAX).await;
    check(u32::MAX, u32::MAX).await;
    check(i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs()).await;
    check(0_usize, 0_usize).await;
}

#[tokio::test]
async fn an_integer_above_the_wires_is_refused_where_it_is_sent() {
    let server = serve().await;
    let client = dial(&server).await;
    let error = FormatError::OutOfRange { number: u64::MAX.to_string(), target: "i64" };
    assert_eq!(client.emit("value", u64::MAX), Err(EmitError::from(error)));
}

#[tokio::test]
async fn numbers_convert_where_nothing_is_lost() {
    check(7_i8, 7_u64).await;
    check(3.0, 3_i32).await;
    check(3_u8, 3.0).await;
    check(1.5_f32, 1.5_f64).await;
}

#[tokio::test]
async fn decimals_arrive_bit_by_bit() {
    let same_bits = |found: &f64, expected: &f64| found.to_bits() == expected.to_bits();
    let odd_nan = f64::from_bits(0x7ff8_0000_dead_beef);
    let edges = [0.0, -0.0, 0.1, f64::MIN, f64::MAX, f64::MIN_POSITIVE, f64::EPSILON, 5e-324];
    for decimal in edges {
        check_by(decimal, decimal, same_bits).await;
    }
    for decimal in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, odd_nan] {
        check_by(decimal, decimal, same_bits).await;
    }
}

#[tokio::test]
async fn text_arrives_as_sent() {
    check("", String::new()).await;
    check("grüße, 世界 \u{1f980}\0\n", "grüße, 世界 \u{1f980}\0\n".to_owned()).await;
    check("x".to_owned(), "x".to_owned()).await;
    check("long ".repeat(100_000), "long ".repeat(100_000)).await;
}

#[tokio::test]
async fn bytes_arrive_as_sent() {
    let all: Vec<u8> = (0..=255).collect();
    check(Bytes::new(), Bytes::new()).await;
    check(Bytes::from(all.clone()), Bytes::from(all.clone())).await;
    check(all.clone(), all.clone()).await;
    check(&all[..10], all[..10].to_vec()).await;
    check([1_u8, 2, 3], Bytes::from_static(&[1, 2, 3])).await;
    check(vec![9_u8; 900_000], Bytes::from(vec![9; 900_000])).await;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Article {
    title: String,
    words: Vec<u64>,
    author: Option<String>,
}

fn article() -> Article {
    Article { title: "news".to_owned(), words: vec![0, u64::MAX], author: None }
}

#[tokio::test]
async fn objects_arrive_as_sent() {
    check(Object(article()), Object(article())).await;
    let article = article();
    let server = serve().await;
    server.on("value", |Object(article): Object<Article>| Object(article));
    let client = dial(&server).await;
    let answer = within(client.request("value", ObjectRef(&article))).await;
    let Object(answer): Object<Article> = answer.expect("an answer");
    assert_eq!(answer, article);
}

#[tokio::test]
async fn an_option_is_its_value_or_nothing() {
    check(Some("text".to_owned()), Some("text".to_owned())).await;
    check(None::<String>, None::<String>).await;
    check((), None::<i64>).await;
    check(5, Some(5_i64)).await;
}

#[tokio::test]
async fn a_value_of_any_type_arrives_as_sent() {
    let object = Value::Object { format: FormatId(200), bytes: Bytes::from_static(b"opaque") };
    let values = [
        Value::Empty,
        Value::Bool(true),
        Value::Integer(-1),
        Value::Decimal(2.5),
        Value::String("text".to_owned()),
        Value::Binary(Bytes::from_static(b"bytes")),
        object,
    ];
    for value in values {
        check(value.clone(), value).await;
    }
}
