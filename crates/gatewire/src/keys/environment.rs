//! Keys in one variable of the environment.

use std::env::{self, VarError};
use std::io;

use gatewire_core::handshake::{KeyEntry, KeyRing};
use zeroize::Zeroizing;

use super::error::Place;
use super::secret::{MAX_ID, decode, shown};
use super::{KeysError, KeysFault};

/// The keys in a variable: `id=secret` for each, with commas or white space between them, and secrets in
/// hexadecimal digits. They are for clients and allow everything; what more is to be said about a key
/// takes a key file.
///
/// # Errors
///
/// [`KeysError`]: it is not set, or not like that.
pub fn from_env(variable: &str) -> Result<KeyRing, KeysError> {
    let whole =
        |kind| KeysError { place: Place::Whole, key_id: None, fault: KeysFault::Unreadable(kind) };
    parse(&read(variable).map_err(whole)?)
}

/// A variable's value, to be overwritten after use. (The environment itself keeps it.)
pub(super) fn read(variable: &str) -> Result<Zeroizing<String>, io::ErrorKind> {
    match env::var(variable) {
        Ok(value) => Ok(Zeroizing::new(value)),
        Err(VarError::NotPresent) => Err(io::ErrorKind::NotFound),
        Err(VarError::NotUnicode(_)) => Err(io::ErrorKind::InvalidData),
    }
}

fn parse(list: &str) -> Result<KeyRing, KeysError> {
    let mut keys = KeyRing::new();
    let separator = |c: char| c == ',' || c.is_whitespace();
    let entries = list.split(separator).filter(|entry| !entry.is_empty());
    for (index, entry) in entries.enumerate() {
        let place = Place::Entry(index + 1);
        let Some((id, secret)) =
            entry.split_once('=').filter(|(id, _)| (1..=MAX_ID).contains(&id.len()))
        else {
            return Err(KeysError { place, key_id: None, fault: KeysFault::Syntax });
        };
        let wrong = |fault| KeysError { place, key_id: shown(id), fault };
        if keys.contains(id) {
            return Err(wrong(KeysFault::Duplicate));
        }
        keys = keys.with_entry(KeyEntry::new(id, decode(secret).map_err(wrong)?));
    }
    if keys.is_empty() {
        return Err(KeysError { place: Place::Whole, key_id: None, fault: KeysFault::NoKeys });
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(list: &str) -> String {
        parse(list).expect_err("wrong").to_string()
    }

    #[test]
    fn a_list_of_keys_is_read() {
        let (one, two) = ("1f".repeat(32), "2e".repeat(16));
        for list in [format!("one={one},two={two}"), format!("\n one={one} ,\n two={two}\n,")] {
            let keys = parse(&list).expect("two keys");
            assert_eq!(format!("{keys:?}"), r#"KeyRing(["one", "two"])"#);
        }
    }

    #[test]
    fn errors_name_the_entry_and_the_key() {
        let key = "1f".repeat(32);
        assert_eq!(error(""), "keys: there is none");
        assert_eq!(error(" , "), "keys: there is none");
        assert_eq!(error(&key), "keys, entry 1: this cannot be understood");
        assert_eq!(error(&format!("={key}")), "keys, entry 1: this cannot be understood");
        assert_eq!(
            error(&format!("one={key} two=hunter2hunter2hunter2")),
            "keys, entry 2, key \"two\": the secret is not written in hexadecimal digits"
        );
        assert_eq!(
            error("one=1f1f"),
            "keys, entry 1, key \"one\": a key of 2 bytes is too weak, it takes at least 16"
        );
        assert_eq!(
            error(&format!("one={key},one={key}")),
            "keys, entry 2, key \"one\": another key has the same id"
        );
        assert_eq!(
            error(&format!("{key}=one")),
            "keys, entry 1: the secret is not written in hexadecimal digits"
        );
    }

    #[test]
    fn a_variable_that_is_not_set_is_no_open_door() {
        let error = from_env("A_VARIABLE_THAT_NOBODY_SETS").expect_err("not set");
        assert_eq!(error.fault(), &KeysFault::Unreadable(io::ErrorKind::NotFound));
        assert_eq!(error.to_string(), "keys: cannot be read: entity not found");
    }
}
