//! Primitives, options and bytes as values.

use bytes::Bytes;
use gatewire_format::{
    DecodeContext, FormatError, FormatId, Formats, FromValue, IntoValue, Value, ValueRef,
};

use crate::{decode, encode, points};

const TWO_53: i64 = 1 << 53;
const TWO_53_DECIMAL: f64 = 9_007_199_254_740_992.0;

fn out_of_range<T>(number: &str, target: &'static str) -> Result<T, FormatError> {
    Err(FormatError::OutOfRange { number: number.to_owned(), target })
}

fn wrong_type<T>(expected: &'static str, found: &'static str) -> Result<T, FormatError> {
    Err(FormatError::WrongType { expected, found })
}

fn comes_back<T: IntoValue + FromValue + PartialEq + std::fmt::Debug>(value: T, wire: Value) {
    let encoded = encode(&value);
    assert_eq!(decode::<T>(wire.as_ref()), Ok(value));
    assert_eq!(encoded, Ok(wire));
}

#[test]
fn each_primitive_comes_back() {
    comes_back(true, Value::Bool(true));
    comes_back(false, Value::Bool(false));
    comes_back(1.5, Value::Decimal(1.5));
    comes_back(String::from("ñ"), Value::String(String::from("ñ")));
    comes_back(vec![0u8, 255], Value::Binary(Bytes::from_static(&[0, 255])));
    comes_back(Bytes::from_static(b"raw"), Value::Binary(Bytes::from_static(b"raw")));
    comes_back([1u8, 2, 3], Value::Binary(Bytes::from_static(&[1, 2, 3])));
    comes_back((), Value::Empty);
}

#[test]
fn an_array_takes_bytes_of_its_own_length_only() {
    let out_of_range = |number: &str| {
        Err(FormatError::OutOfRange { number: number.to_owned(), target: "[u8; 4]" })
    };
    assert_eq!(decode::<[u8; 4]>(ValueRef::Binary(b"four")), Ok(*b"four"));
    assert_eq!(decode::<[u8; 4]>(ValueRef::Binary(b"five5")), out_of_range("5 bytes"));
    assert_eq!(decode::<[u8; 4]>(ValueRef::Binary(b"")), out_of_range("0 bytes"));
    assert_eq!(decode::<[u8; 4]>(ValueRef::String("four")), wrong_type("binary", "string"));
}

#[test]
fn each_integer_type_comes_back_at_both_ends() {
    comes_back(i8::MIN, Value::Integer(-128));
    comes_back(i8::MAX, Value::Integer(127));
    comes_back(u8::MAX, Value::Integer(255));
    comes_back(i16::MIN, Value::Integer(-32_768));
    comes_back(u16::MAX, Value::Integer(65_535));
    comes_back(i32::MIN, Value::Integer(-2_147_483_648));
    comes_back(u32::MAX, Value::Integer(4_294_967_295));
    comes_back(i64::MIN, Value::Integer(i64::MIN));
    comes_back(i64::MAX, Value::Integer(i64::MAX));
    comes_back(9_223_372_036_854_775_807_u64, Value::Integer(i64::MAX));
    comes_back(isize::MIN, Value::Integer(isize::MIN as i64));
    comes_back(usize::MIN, Value::Integer(0));
}

#[test]
fn an_unsigned_integer_above_the_signed_maximum_cannot_be_sent() {
    assert_eq!(encode(&(1u64 << 63)), out_of_range("9223372036854775808", "i64"));
    assert_eq!(encode(&u64::MAX), out_of_range("18446744073709551615", "i64"));
}

#[test]
fn an_integer_outside_the_asked_type_is_out_of_range() {
    assert_eq!(decode::<u8>(ValueRef::Integer(256)), out_of_range("256", "u8"));
    assert_eq!(decode::<u8>(ValueRef::Integer(-1)), out_of_range("-1", "u8"));
    assert_eq!(decode::<i8>(ValueRef::Integer(128)), out_of_range("128", "i8"));
    assert_eq!(decode::<i32>(ValueRef::Integer(1 << 31)), out_of_range("2147483648", "i32"));
    assert_eq!(decode::<u64>(ValueRef::Integer(-1)), out_of_range("-1", "u64"));
    assert_eq!(decode::<usize>(ValueRef::Integer(-1)), out_of_range("-1", "usize"));
    let least = "-9223372036854775808";
    assert_eq!(decode::<u64>(ValueRef::Integer(i64::MIN)), out_of_range(least, "u64"));
}

#[test]
fn a_whole_decimal_is_read_as_an_integer() {
    assert_eq!(decode(ValueRef::Decimal(1.0)), Ok(1_i64));
    assert_eq!(decode(ValueRef::Decimal(-0.0)), Ok(0_u8));
    assert_eq!(decode(ValueRef::Decimal(255.0)), Ok(255_u8));
    assert_eq!(decode(ValueRef::Decimal(-128.0)), Ok(-128_i8));
    assert_eq!(decode(ValueRef::Decimal(140_737_488_355_328.0)), Ok(1_i64 << 47));
    assert_eq!(decode(ValueRef::Decimal(TWO_53_DECIMAL)), Ok(TWO_53));
    assert_eq!(decode(ValueRef::Decimal(-TWO_53_DECIMAL)), Ok(-TWO_53));
}

#[test]
fn a_decimal_that_would_lose_something_is_not_read_as_an_integer() {
    assert_eq!(decode::<i64>(ValueRef::Decimal(1.5)), out_of_range("1.5", "i64"));
    assert_eq!(decode::<i64>(ValueRef::Decimal(f64::NAN)), out_of_range("NaN", "i64"));
    assert_eq!(decode::<i64>(ValueRef::Decimal(f64::INFINITY)), out_of_range("inf", "i64"));
    assert_eq!(decode::<u32>(ValueRef::Decimal(f64::NEG_INFINITY)), out_of_range("-inf", "u32"));
    // From 2^53 + 2 on, neighbouring integers share a double.
    let above = TWO_53_DECIMAL + 2.0;
    assert_eq!(decode::<i64>(ValueRef::Decimal(above)), out_of_range("9007199254740994", "i64"));
    assert_eq!(decode::<u8>(ValueRef::Decimal(256.0)), out_of_range("256", "u8"));
    assert_eq!(decode::<u8>(ValueRef::Decimal(-1.0)), out_of_range("-1", "u8"));
}

#[test]
fn an_integer_is_read_as_a_decimal_up_to_two_to_the_53() {
    assert_eq!(decode(ValueRef::Integer(1)), Ok(1.0));
    assert_eq!(decode(ValueRef::Integer(TWO_53)), Ok(TWO_53_DECIMAL));
    assert_eq!(decode(ValueRef::Integer(-TWO_53)), Ok(-TWO_53_DECIMAL));
    let above = TWO_53 + 1;
    assert_eq!(decode::<f64>(ValueRef::Integer(above)), out_of_range("9007199254740993", "f64"));
    let least = "-9223372036854775808";
    assert_eq!(decode::<f64>(ValueRef::Integer(i64::MIN)), out_of_range(least, "f64"));
}

#[test]
fn decimals_travel_bit_for_bit() {
    for decimal in [f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, -0.0, f64::NAN] {
        let back = encode(&decimal).and_then(|value| decode::<f64>(value.as_ref()));
        assert_eq!(back.map(f64::to_bits), Ok(decimal.to_bits()));
    }
}

#[test]
fn a_single_precision_float_is_sent_as_a_decimal() {
    assert_eq!(encode(&1.5_f32), Ok(Value::Decimal(1.5)));
}

#[test]
fn borrowed_forms_are_the_same_values_as_owned_ones() {
    assert_eq!(encode("text"), encode(&String::from("text")));
    assert_eq!(encode(&"text"), encode(&String::from("text")));
    assert_eq!(encode(&[1u8, 2][..]), encode(&vec![1u8, 2]));
    assert_eq!(encode(&[1u8, 2]), encode(&vec![1u8, 2]));
    assert_eq!(encode(&&7_i32), encode(&7_i32));
}

#[test]
fn another_type_is_refused_with_both_names() {
    assert_eq!(decode::<bool>(ValueRef::Integer(1)), wrong_type("bool", "integer"));
    assert_eq!(decode::<String>(ValueRef::Binary(b"text")), wrong_type("string", "binary"));
    assert_eq!(decode::<Bytes>(ValueRef::String("text")), wrong_type("binary", "string"));
    assert_eq!(decode::<Vec<u8>>(ValueRef::String("text")), wrong_type("binary", "string"));
    assert_eq!(decode::<f64>(ValueRef::String("1")), wrong_type("decimal", "string"));
    assert_eq!(decode::<i64>(ValueRef::Bool(true)), wrong_type("integer", "bool"));
    assert_eq!(decode::<i64>(ValueRef::Empty), wrong_type("integer", "empty"));
    let object = ValueRef::Object { format: FormatId::JSON, bytes: b"1" };
    assert_eq!(decode::<i64>(object), wrong_type("integer", "object"));
}

#[test]
fn nothing_is_none_and_something_is_some() {
    comes_back(None::<i64>, Value::Empty);
    comes_back(Some(7_i64), Value::Integer(7));
    comes_back(Some(String::new()), Value::String(String::new()));
    assert_eq!(decode::<Option<u8>>(ValueRef::Integer(256)), out_of_range("256", "u8"));
    assert_eq!(decode::<Option<bool>>(ValueRef::Integer(1)), wrong_type("bool", "integer"));
}

#[test]
fn unit_takes_every_value() {
    let object = ValueRef::Object { format: FormatId(200), bytes: b"\xff" };
    for value in [ValueRef::Empty, ValueRef::Decimal(f64::NAN), ValueRef::String("x"), object] {
        assert_eq!(decode::<()>(value), Ok(()));
    }
}

#[test]
fn a_value_takes_every_value_as_it_is() {
    let object = Value::Object { format: FormatId(200), bytes: Bytes::from_static(b"\xff") };
    for value in [Value::Empty, Value::Integer(i64::MIN), Value::String("x".to_owned()), object] {
        assert_eq!(encode(&value).as_ref(), Ok(&value));
        assert_eq!(decode::<Value>(value.as_ref()), Ok(value));
    }
}

/// Decodes `frame[range]` as binary, and says whether the bytes share the frame's memory.
fn shares(frame: &Bytes, range: std::ops::Range<usize>) -> bool {
    let formats = Formats::new(points(64, "points"));
    let context = DecodeContext::new(&formats, "event").in_frame(Some(frame));
    let slice = &frame[range];
    let bytes = Bytes::from_value(ValueRef::Binary(slice), &context).expect("binary is binary");
    assert_eq!(bytes, slice);
    bytes.as_ptr() == slice.as_ptr()
}

#[test]
fn bytes_that_are_most_of_the_frame_share_its_memory() {
    let frame = Bytes::from(vec![7; 100]);
    assert!(shares(&frame, 0..100));
    assert!(shares(&frame, 10..100));
    assert!(shares(&frame, 50..100));
}

#[test]
fn few_bytes_are_copied_so_that_they_do_not_keep_a_large_frame() {
    let frame = Bytes::from(vec![7; 100]);
    assert!(!shares(&frame, 50..99));
    assert!(!shares(&frame, 0..1));
}

#[test]
fn bytes_outside_the_frame_or_without_one_are_copied() {
    let formats = Formats::new(points(64, "points"));
    let elsewhere = vec![7; 100];
    let frame = Bytes::from(vec![7; 100]);
    for frame in [None, Some(&frame)] {
        let context = DecodeContext::new(&formats, "event").in_frame(frame);
        let bytes = Bytes::from_value(ValueRef::Binary(&elsewhere), &context);
        let bytes = bytes.expect("binary is binary");
        assert_eq!(bytes, elsewhere);
        assert_ne!(bytes.as_ptr(), elsewhere.as_ptr());
    }
}

#[test]
fn objects_in_a_value_are_kept_like_bytes() {
    let formats = Formats::new(points(64, "points"));
    let frame = Bytes::from(vec![7; 100]);
    let context = DecodeContext::new(&formats, "event").in_frame(Some(&frame));
    let value = ValueRef::Object { format: FormatId(64), bytes: &frame[10..] };
    match Value::from_value(value, &context) {
        Ok(Value::Object { format, bytes }) => {
            assert_eq!(format, FormatId(64));
            assert_eq!(bytes.as_ptr(), frame[10..].as_ptr());
        }
        other => panic!("an object became {other:?}"),
    }
}
