//! The format crate from the outside.

#[cfg(feature = "conformance")]
mod conformance;
mod formats;
mod function;
mod object;
mod primitive;

use gatewire_format::{
    DecodeContext, EncodeContext, FormatError, FormatFn, FormatId, Formats, FromValue, IntoValue,
    Value, ValueRef,
};

/// What these tests send: `x;y` as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Point(i32, i32);

type Encode = fn(&Point, &str) -> Result<Vec<u8>, String>;
type Decode = fn(&[u8], &str) -> Result<Point, String>;

/// A format for points. The name tells apart two of the same id.
fn points(id: u8, name: &str) -> FormatFn<Point, Encode, Decode> {
    FormatFn::new(FormatId(id), name, encode_point, decode_point)
}

fn encode_point(point: &Point, _event: &str) -> Result<Vec<u8>, String> {
    if point.0 == i32::MIN {
        return Err("too far left".to_owned());
    }
    Ok(format!("{};{}", point.0, point.1).into_bytes())
}

fn decode_point(bytes: &[u8], _event: &str) -> Result<Point, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let (x, y) = text.split_once(';').ok_or("no ';'")?;
    Ok(Point(x.parse().map_err(|_| "bad x")?, y.parse().map_err(|_| "bad y")?))
}

fn encode(value: &(impl IntoValue + ?Sized)) -> Result<Value, FormatError> {
    let formats = Formats::new(points(64, "points"));
    let mut scratch = b"left over".to_vec();
    let value = value.to_value(EncodeContext::new(&formats, "event", &mut scratch))?;
    Ok(value.to_value())
}

fn decode<T: FromValue>(value: ValueRef<'_>) -> Result<T, FormatError> {
    let formats = Formats::new(points(64, "points"));
    T::from_value(value, &DecodeContext::new(&formats, "event"))
}
