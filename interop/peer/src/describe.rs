//! A text for each value, which no other value has. The Node side has the same function, so that each end can
//! tell the other exactly what arrived.

use gatewire::Value;
use sha2::{Digest, Sha256};

pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Empty => "empty".to_owned(),
        Value::Bool(value) => format!("boolean {value}"),
        Value::Integer(value) => format!("integer {value}"),
        Value::Decimal(value) => format!("decimal {}", bits(*value)),
        Value::String(text) => format!("string {text}"),
        Value::Binary(bytes) => format!("binary {}", digest(bytes)),
        // JSON is compared as text: it has to pass through unchanged.
        Value::Object { bytes, .. } => format!("object {}", String::from_utf8_lossy(bytes)),
    }
}

/// The length of some bytes and their SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> String {
    summary(bytes.len() as u64, Sha256::new().chain_update(bytes))
}

/// The same for bytes that came in pieces.
pub(crate) fn summary(length: u64, hash: Sha256) -> String {
    format!("{length} {}", in_hex(&hash.finalize()))
}

fn bits(value: f64) -> String {
    // A NaN has many spellings.
    let value = if value.is_nan() { f64::NAN } else { value };
    in_hex(&value.to_be_bytes())
}

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_different_types_have_different_texts() {
        assert_eq!(describe(&Value::Integer(-5)), "integer -5");
        assert_eq!(describe(&Value::Decimal(0.5)), "decimal 3fe0000000000000");
        assert_eq!(describe(&Value::Decimal(-f64::NAN)), "decimal 7ff8000000000000");
        assert_eq!(describe(&Value::String("5".into())), "string 5");
        assert_eq!(describe(&Value::Empty), "empty");
    }
}
