//! Secrets as text: hexadecimal digits, so that a key is what a random generator gave, and no password.

use gatewire_core::handshake::Psk;
use zeroize::Zeroizing;

use super::KeysFault;

/// The longest id that a handshake can carry.
pub(super) const MAX_ID: usize = 255;

/// A secret of so many bytes may be a key.
const SECRET: usize = 16;

/// The key that is written as `text`; white space around it does not count.
pub(super) fn decode(text: &str) -> Result<Psk, KeysFault> {
    let bytes = unhex(text.trim().as_bytes()).ok_or(KeysFault::NotHex)?;
    // Moved, not copied: the key overwrites it when it is dropped.
    Psk::new(bytes).map_err(KeysFault::Weak)
}

/// The id as an error may show it: not when it could be a secret in the wrong place.
pub(super) fn shown(id: &str) -> Option<String> {
    let digits = id.bytes().filter(u8::is_ascii_hexdigit).count();
    (digits < 2 * SECRET && id.len() <= MAX_ID).then(|| id.to_owned())
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_chunks::<2>();
    // The room is there from the start: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for pair in pairs {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        bytes.push(u8::try_from(high? * 16 + low?).ok()?);
    }
    rest.is_empty().then(|| std::mem::take(&mut *bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewire_core::handshake::WeakKey;

    #[test]
    fn digits_of_either_case_are_a_key() {
        let bytes: Vec<u8> = (0..=255).collect();
        let lower: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = Psk::new(bytes).expect("long enough");
        assert_eq!(decode(&lower), Ok(key.clone()));
        assert_eq!(decode(&format!(" {}\r\n", lower.to_uppercase())), Ok(key));
    }

    #[test]
    fn anything_else_is_not() {
        let odd = "0".repeat(65);
        for text in ["correct horse battery staple one", &odd, "0x00", "00 00", "é0"] {
            assert_eq!(decode(text), Err(KeysFault::NotHex), "{text}");
        }
        assert_eq!(decode(&"0".repeat(30)), Err(KeysFault::Weak(WeakKey { length: 15 })));
        assert_eq!(decode(""), Err(KeysFault::Weak(WeakKey { length: 0 })));
    }

    #[test]
    fn an_id_that_looks_like_a_secret_is_not_shown() {
        assert_eq!(shown("guests").as_deref(), Some("guests"));
        assert_eq!(shown(&"a7".repeat(16)), None);
        assert_eq!(shown(&format!(" {}", "a7".repeat(16))), None);
    }
}
