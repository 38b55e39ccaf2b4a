use super::*;

fn there(value: ValueRef<'_>) -> Option<String> {
    to_json(value).expect("it can be told").map(|json| json.get().to_owned())
}

fn back(json: &str) -> Value {
    let json = RawValue::from_string(json.to_owned()).expect("it is JSON");
    from_json(Some(&json))
}

fn object(json: &'static str) -> Value {
    Value::Object { format: FormatId::JSON, bytes: Bytes::from_static(json.as_bytes()) }
}

#[test]
fn values_are_written_as_the_originals_write_them() {
    assert_eq!(there(ValueRef::Empty), None);
    let cases = [
        (ValueRef::Bool(true), "true"),
        (ValueRef::Integer(-5), "-5"),
        (ValueRef::Integer(i64::MAX), "9223372036854775807"),
        (ValueRef::Decimal(0.5), "0.5"),
        (ValueRef::Decimal(3.0), "3"),
        (ValueRef::Decimal(-0.0), "0"),
        (ValueRef::String("a\"b\n"), r#""a\"b\n""#),
        (ValueRef::Binary(&[1, 2, 255]), r#"{"type":"Buffer","data":[1,2,255]}"#),
        (ValueRef::Binary(&[]), r#"{"type":"Buffer","data":[]}"#),
        (ValueRef::Object { format: FormatId::UNSPECIFIED, bytes: b" {\"a\": 1} " }, "{\"a\": 1}"),
    ];
    for (value, json) in cases {
        assert_eq!(there(value).as_deref(), Some(json));
    }
}

#[test]
fn numbers_that_json_does_not_have_become_null_and_arrive_as_nothing() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(there(ValueRef::Decimal(value)).as_deref(), Some("null"));
    }
    assert_eq!(back("null"), Value::Empty);
    assert_eq!(from_json(None), Value::Empty);
}

#[test]
fn integral_numbers_arrive_as_integers_if_they_fit() {
    assert_eq!(back("1.0"), Value::Integer(1));
    assert_eq!(back("-0"), Value::Integer(0));
    assert_eq!(back("1e3"), Value::Integer(1000));
    assert_eq!(back("9223372036854775807"), Value::Integer(i64::MAX));
    assert_eq!(back("9223372036854775808"), Value::Decimal(TWO_63));
    assert_eq!(back("1e21"), Value::Decimal(1e21));
    assert_eq!(back("0.25"), Value::Decimal(0.25));
}

#[test]
fn only_what_a_buffer_looks_like_becomes_binary() {
    assert_eq!(
        back(r#"{"type":"Buffer","data":[1,2,255]}"#),
        Value::Binary(vec![1, 2, 255].into())
    );
    assert_eq!(back(r#"{"data":[],"type":"Buffer"}"#), Value::Binary(Bytes::new()));
    for json in [
        r#"{"type":"Buffer","data":[256]}"#,
        r#"{"type":"Buffer","data":[1],"x":0}"#,
        r#"{"type":"Buffet","data":[1]}"#,
        r#"{"type":"Buffer"}"#,
        "[1]",
    ] {
        assert_eq!(back(json), object(json));
    }
}

#[test]
fn half_of_a_pair_of_surrogates_is_replaced() {
    assert_eq!(back(r#""a\ud800b""#), Value::String("a\u{fffd}b".to_owned()));
    assert_eq!(back(r#""\\\udc00\u0041""#), Value::String("\\\u{fffd}A".to_owned()));
    assert_eq!(back(r#""\ud83d\ude00\ud83d""#), Value::String("\u{1f600}\u{fffd}".to_owned()));
}

#[test]
fn objects_that_are_no_json_are_refused() {
    let avro = ValueRef::Object { format: FormatId::AVRO, bytes: b"{}" };
    assert_eq!(to_json(avro).map(|_| ()), Err(PublishError::Format(FormatId::AVRO)));
    let broken = ValueRef::Object { format: FormatId::JSON, bytes: b"{\"a\":" };
    assert_eq!(to_json(broken).map(|_| ()), Err(PublishError::NotJson));
}
