//! Secrets as text: hexadecimal digits, so that a key is what a random generator gave, and no password.

use std::fmt;

use gatewire_core::handshake::Psk;
use zeroize::Zeroizing;

use super::KeysFault;
use crate::entropy::fill;

/// A new key: 32 bytes from the operating system's source of randomness.
///
/// ```
/// use gatewire::keys;
///
/// let key = keys::generate();
/// // For the key file of the server, and for the client that is to have it.
/// let text = keys::to_hex(&key);
/// assert_eq!(text.as_str().len(), 64);
/// assert_eq!(keys::from_hex(text.as_str()), Ok(key));
/// ```
///
/// # Panics
///
/// If the system has no such source, without which nothing here is safe.
#[must_use]
pub fn generate() -> Psk {
    // Filled where it stays: the key overwrites it when it is dropped.
    let mut bytes = vec![0; GENERATED];
    fill(&mut bytes);
    Psk::new(bytes).expect("32 bytes are enough")
}

/// A key as text: hexadecimal digits, as key files and variables have it.
#[must_use]
pub fn to_hex(key: &Psk) -> KeyText {
    let bytes = key.expose();
    // The room is there from the start: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(DIGITS[usize::from(digit)]);
        }
    }
    KeyText(text)
}

/// The key that is written as `text`, in hexadecimal digits of either case; white space around it does not
/// count.
///
/// # Errors
///
/// [`KeysFault::NotHex`] or [`KeysFault::Weak`]. Neither shows what stands there.
pub fn from_hex(text: &str) -> Result<Psk, KeysFault> {
    decode(text)
}

/// A key as text. It has no `Display` and its `Debug` is empty, so that it is printed only by who means to;
/// it is overwritten when it is dropped.
pub struct KeyText(Zeroizing<String>);

impl KeyText {
    /// The hexadecimal digits: the secret itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(..)")
    }
}

const DIGITS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// The bytes of a new key.
const GENERATED: usize = 32;

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
    fn new_keys_differ_and_their_text_is_read_back() {
        let (one, two) = (generate(), generate());
        assert_ne!(one, two);
        let text = to_hex(&one);
        assert_eq!(text.as_str().len(), 64);
        assert_eq!(from_hex(text.as_str()), Ok(one));
        assert_eq!(format!("{text:?}"), "KeyText(..)");
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
