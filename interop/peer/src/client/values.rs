//! Each type of value, as an event and as an answer, in both directions.

use bytes::Bytes;
use gatewire::{FormatId, Value};

use super::stage::{Inbox, Stage, settle};
use super::{Scenario, expect, scenario};
use crate::describe::describe;
use crate::pattern::pattern;
use crate::{Outcome, wire};

/// A value, and how fast-tcp has it: there an integral decimal is an integer.
struct Sample {
    name: &'static str,
    value: Value,
    there: Value,
}

fn samples() -> Vec<Sample> {
    let same = |name, value: Value| Sample { name, there: value.clone(), value };
    let text = |text: &str| Value::String(text.to_owned());
    let binary = |bytes: &'static [u8]| Value::Binary(Bytes::from_static(bytes));
    let decimal = Value::Decimal;
    let json = |json: &'static str| Value::Object {
        format: FormatId::JSON,
        bytes: Bytes::from_static(json.as_bytes()),
    };
    vec![
        same("a string", text("hello")),
        same("a string beyond ASCII", text("h\u{e9}llo \u{65e5}\u{672c}\u{8a9e} \u{1f389}")),
        same("a string with NUL and BOM", text("\u{feff}a\0b")),
        same("an empty string", text("")),
        same("a string of 100,000 characters", text(&"gate".repeat(25_000))),
        same("binary", binary(&[0, 1, 127, 128, 255])),
        same("empty binary", binary(&[])),
        same("binary of 1 MiB", Value::Binary(pattern(0, 1 << 20))),
        same("zero", Value::Integer(0)),
        same("a negative integer", Value::Integer(-42)),
        same("the largest integer of 48 bits", Value::Integer((1 << 47) - 1)),
        same("the smallest integer of 48 bits", Value::Integer(-(1 << 47))),
        same("a decimal", decimal(3.5)),
        same("a negative decimal", decimal(-0.1)),
        same("the smallest decimal", decimal(5e-324)),
        Sample { name: "an integral decimal", value: decimal(7.0), there: Value::Integer(7) },
        Sample { name: "minus zero", value: decimal(-0.0), there: Value::Integer(0) },
        same("NaN", decimal(f64::NAN)),
        same("infinity", decimal(f64::INFINITY)),
        same("minus infinity", decimal(f64::NEG_INFINITY)),
        same("an object", json(r#"{"name":"alejandro","age":30}"#)),
        same("an empty object", json("{}")),
        same("an array", json(r#"[3,"two",1.5,null,true]"#)),
        same("an empty array", json("[]")),
        same("a nested object", json(r#"{"z":[{"a":{"b":["€",{"c":null}]}}],"a":{"":0}}"#)),
        same("true", Value::Bool(true)),
        same("false", Value::Bool(false)),
        same("nothing", Value::Empty),
    ]
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let of = |sample: Sample| scenario(format!("value: {}", sample.name), |at| check(at, sample));
    let mut scenarios: Vec<_> = samples().into_iter().map(of).collect();
    scenarios.push(scenario("value: an integer outside of 48 bits goes as a decimal", wide));
    scenarios
        .push(scenario("value: an integer outside of 48 bits is refused if so wanted", refused));
    scenarios
}

async fn check(stage: Stage, Sample { value, there, .. }: Sample) -> Outcome {
    let client = stage.connect().await?;
    let expected = describe(&there);
    let seen: String = client.request("describe", &value).await?;
    expect(seen, &*expected)?;

    let mut bounced = Inbox::<Value>::of(&client, "bounced");
    client.emit("bounce", &value)?;
    expect(describe(&bounced.next().await?), &*expected)?;

    let echo: Value = client.request("echo", &value).await?;
    expect(describe(&echo), &*expected)?;

    let (answer, question) = (value.clone(), expected.clone());
    client.on("question", move |asked: Value| {
        // A wrong question has a wrong answer.
        if describe(&asked) == question {
            answer.clone()
        } else {
            Value::String("wrong".to_owned())
        }
    });
    let answer: Value = client.request("quiz", &value).await?;
    expect(describe(&answer), &*expected)
}

async fn wide(stage: Stage) -> Outcome {
    let client = stage.connect().await?;
    for (value, there) in [
        (1_i64 << 47, "integer 140737488355328"),
        (-(1 << 47) - 1, "integer -140737488355329"),
        (1 << 53, "integer 9007199254740992"),
        (i64::MIN, "integer -9223372036854776000"),
    ] {
        let seen: String = client.request("describe", value).await?;
        expect(seen, there)?;
    }
    Ok(())
}

async fn refused(stage: Stage) -> Outcome {
    let client = wire::builder_of_narrow_integers().connect(stage.address()).await?;
    for value in [1_i64 << 47, -(1 << 47) - 1, i64::MAX] {
        let refused = client.emit("count", value);
        expect(refused.is_err(), true)?;
        let refused = client.request::<Value, _>("echo", value).await;
        expect(refused.is_err(), true)?;
    }
    let count: String = client.request("counted", ()).await?;
    expect(count, "0, in order")?;
    settle(&client).await
}
