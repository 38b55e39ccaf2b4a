//! Key files, right and wrong; and that no error shows a secret.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use gatewire_core::UnixTime;
use gatewire_core::handshake::{Grant, KeyFault};
use gatewire_core::permissions::{Action, Denied};

use super::*;

const SECRET: &str = "6f1c0d9a8b7e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f00";

/// The example of the documentation, with real secrets.
fn example() -> String {
    format!(
        r#"
[[key]]
id = "guests"
secret = "{SECRET}"
not_before = 2026-01-01T00:00:00Z
not_after = 2026-12-31T23:59:59Z

[key.allow]
profile = "restricted"
join = ["lobby.*"]
emit_room = ["lobby.>"]
emit_socket = "same_room"
broadcast = false
stream = true
events = ["chat.>", "typing"]

[key.limits]
max_sessions = 1000
max_rooms = 16
messages_per_s = 100
bytes_per_s = 65536

[[key]]
id = "node-1"
secret = "{SECRET}"
roles = ["router"]
node_names = ["eu.node-1"]
"#
    )
}

/// One key with these fields behind its id and secret, which take the first three lines.
fn key(fields: &str) -> String {
    format!("[[key]]\nid = \"k\"\nsecret = \"{SECRET}\"\n{fields}")
}

fn grant(text: &str, id: &str, now: u64) -> Result<Grant, KeyFault> {
    let keys = from_toml(text).expect("a key file");
    keys.grant(id, UnixTime::from_secs(now)).map(|grant| (**grant).clone())
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = from_toml(text).expect_err("wrong");
    assert_eq!(error.to_string(), expected, "{text}");
}

#[test]
fn the_example_is_read() {
    let text = example();
    let keys = from_toml(&text).expect("the example");
    assert_eq!(format!("{keys:?}"), r#"KeyRing(["guests", "node-1"])"#);
    assert_eq!(grant(&text, "guests", 1_767_225_599), Err(KeyFault::NotYetValid));
    assert_eq!(grant(&text, "guests", 1_798_761_600), Err(KeyFault::Expired));
    let guests = grant(&text, "guests", 1_798_761_599).expect("valid");
    assert_eq!(guests.max_sessions.map(NonZeroU32::get), Some(1000));
    let permissions = guests.permissions;
    let denied = |permission| Err(Denied { permission });
    for (action, answer) in [
        (Action::Join { room: "lobby.eu", joined: 15 }, Ok(())),
        (Action::Join { room: "lobby.eu", joined: 16 }, denied("max_rooms")),
        (Action::Join { room: "lobby.eu.1", joined: 0 }, denied("join")),
        (Action::EmitRoom { room: "lobby.eu.1", event: "chat.say" }, Ok(())),
        (Action::EmitSocket { shares_room: false, event: "typing" }, denied("emit_socket")),
        (Action::Broadcast { event: "typing" }, denied("broadcast")),
        (Action::Emit { event: "kick" }, denied("events")),
        (Action::Stream, Ok(())),
    ] {
        assert_eq!(permissions.check(&action), answer, "{action:?}");
    }
    let rates = permissions.rates();
    assert_eq!(rates.messages_per_s.map(NonZeroU32::get), Some(100));
    assert_eq!(rates.bytes_per_s.map(NonZeroU64::get), Some(65_536));
}

#[test]
fn a_key_that_says_nothing_allows_everything_for_ever() {
    assert_eq!(grant(&key(""), "k", u64::MAX), Ok(Grant::default()));
    assert_eq!(grant(&key("allow = {}\nlimits = {}"), "k", 0), Ok(Grant::default()));
}

#[test]
fn lists_may_be_all_or_nothing() {
    let none = grant(&key("allow = { join = false, events = [] }"), "k", 0).expect("valid");
    let join = Action::Join { room: "lobby", joined: 0 };
    assert_eq!(none.permissions.check(&join), Err(Denied { permission: "join" }));
    assert!(none.permissions.check(&Action::Emit { event: "say" }).is_err());
    let all = grant(&key("allow = { profile = \"restricted\", join = true }"), "k", 0);
    assert_eq!(all.expect("valid").permissions.check(&join), Ok(()));
}

#[test]
fn a_time_is_a_date_or_a_number() {
    for time in ["1_798_761_599", "2026-12-31T23:59:59Z", "2027-01-01 01:59:59.9+02:00"] {
        let text = key(&format!("not_after = {time}"));
        assert!(grant(&text, "k", 1_798_761_599).is_ok(), "{time}");
        assert_eq!(grant(&text, "k", 1_798_761_600), Err(KeyFault::Expired), "{time}");
    }
}

#[test]
fn errors_name_the_line_and_the_key() {
    let time = "a date and time with an offset, as 2026-12-31T23:59:59Z, or seconds since 1970";
    for (fields, line, fault) in [
        ("colour = 1", 4, "there is no such field"),
        ("roles = []", 4, "`roles` has to be a list of \"client\" and \"router\""),
        (
            "roles = [\n\"client\",\n\"admin\"]",
            6,
            "`roles` has to be a list of \"client\" and \"router\"",
        ),
        ("roles = \"client\"", 4, "`roles` has to be a list of texts"),
        ("node_names = [1]", 4, "`node_names` has to be a list of texts"),
        ("not_after = 2026-12-31", 4, &format!("`not_after` has to be {time}")),
        ("not_after = 2026-12-31T23:59:59", 4, &format!("`not_after` has to be {time}")),
        ("not_after = 1969-12-31T23:59:59Z", 4, &format!("`not_after` has to be {time}")),
        ("not_before = -1", 4, &format!("`not_before` has to be {time}")),
        ("not_before = 2\n\nnot_after = 1", 6, "`not_after` comes before `not_before`"),
        ("file = \"x\"", 1, "a key has one of `secret`, `file` and `env`"),
        ("allow = true", 4, "`allow` has to be a table"),
        ("[key.allow]\nadmin = true", 5, "there is no such field"),
        ("[key.allow]\nprofile = \"free\"", 5, "`profile` has to be \"open\" or \"restricted\""),
        ("[key.allow]\njoin = 1", 5, "`join` has to be true, false or a list of patterns"),
        (
            "[key.allow]\nevents = [\"a\",\n\"b*\"]",
            6,
            "`events`, pattern 2: a wildcard stands alone between dots",
        ),
        ("[key.allow]\nemit_socket = true", 5, "`emit_socket` has to be a text"),
        (
            "[key.allow]\nemit_socket = \"all\"",
            5,
            "`emit_socket` has to be \"no\", \"same_room\" or \"any\"",
        ),
        ("[key.allow]\nbroadcast = 1", 5, "`broadcast` has to be true or false"),
        (
            "[key.limits]\nmax_sessions = 0",
            5,
            "`max_sessions` has to be a whole number above 0, and not too large",
        ),
        (
            "[key.limits]\nmessages_per_s = 4294967296",
            5,
            "`messages_per_s` has to be a whole number above 0, and not too large",
        ),
        (
            "[key.limits]\nmax_rooms = 1.5",
            5,
            "`max_rooms` has to be a whole number above 0, and not too large",
        ),
    ] {
        check_error(&key(fields), &format!("keys, line {line}, key \"k\": {fault}"));
    }
}

#[test]
fn errors_about_ids_and_secrets() {
    for (text, expected) in [
        ("", "keys: there is none"),
        ("key = []", "keys: there is none"),
        ("key = 1", "keys, line 1: `key` has to be a list of tables, [[key]]"),
        ("[key]\nid = \"a\"", "keys, line 1: `key` has to be a list of tables, [[key]]"),
        ("\n[server]", "keys, line 2: there is no such field"),
        ("[[key]]\n\n[[key]]", "keys, line 1: the field `id` is missing"),
        ("[[key]]\nid = 7", "keys, line 2: `id` has to be a text"),
        ("[[key]]\nid = \"\"", "keys, line 2, key \"\": `id` has to be a text of 1 to 255 bytes"),
        (
            "[[key]]\nid = \"a\"",
            "keys, line 1, key \"a\": a key has one of `secret`, `file` and `env`",
        ),
        (
            "[[key]]\nid = \"a\"\nsecret = \"password\"",
            "keys, line 3, key \"a\": the secret is not written in hexadecimal digits",
        ),
        (
            "[[key]]\nid = \"a\"\nsecret = \"00ff\"",
            "keys, line 3, key \"a\": a key of 2 bytes is too weak, it takes at least 16",
        ),
        (
            "[[key]]\nid = \"a\"\nenv = \"A_VARIABLE_THAT_NOBODY_SETS\"",
            "keys, line 3, key \"a\": the secret cannot be read: entity not found",
        ),
        (
            "[[key]]\nid = \"a\"\nenv = \"PATH\"",
            "keys, line 3, key \"a\": the secret is not written in hexadecimal digits",
        ),
        (
            "[[key]]\nid = \"a\"\nfile = \"/there/is/no/such/file\"",
            "keys, line 3, key \"a\": the secret cannot be read: entity not found",
        ),
        ("[[key]]\nid = \"a\"\nsecret = ", "keys, line 3: this cannot be understood"),
        ("[[key]]\nid = \"a\"\nid = \"b\"", "keys, line 3: this cannot be understood"),
    ] {
        check_error(text, expected);
    }
    let twice = format!("{}\n{}", key(""), key(""));
    check_error(&twice, "keys, line 6, key \"k\": another key has the same id");
    let long = key("").replace("\"k\"", &format!("\"{}\"", "x".repeat(256)));
    check_error(&long, "keys, line 2: `id` has to be a text of 1 to 255 bytes");
    let error = from_toml(&key("colour = 1")).expect_err("wrong");
    assert_eq!((error.line(), error.key_id()), (Some(4), Some("k")));
    assert_eq!(error.fault(), &KeysFault::UnknownField);
}

#[test]
fn no_error_shows_a_secret_however_the_file_is_spoiled() {
    let text = example();
    let mut wrong = 0;
    for at in 0..text.len() {
        let (before, after) = text.split_at(at);
        for inserted in ["", "\"", "\n", "=", "[", "x", "#", "\\", "'"] {
            // In place of a character, and before it.
            for after in [after, after.get(1..).unwrap_or("")] {
                wrong += check_silent(&format!("{before}{inserted}{after}"));
            }
        }
    }
    assert!(wrong > 1000, "{wrong} files were wrong");
}

#[test]
fn no_error_shows_a_secret_in_the_wrong_place() {
    for text in [
        format!("[[key]]\nid = \"{SECRET}\"\nsecret = \"guests\""),
        format!("[[key]]\nid = \"a\"\n{SECRET} = \"secret\""),
        format!("[[key]]\n{SECRET} = 1\n{SECRET} = 2"),
        format!("[[key]]\nid = \"a\"\nfile = \"{SECRET}\""),
        format!("[[key]]\nid = \"a\"\nenv = \"{SECRET}\""),
        format!("{SECRET} = 1"),
        key(&format!("roles = [\"{SECRET}\"]")),
        key(&format!("roles = \"{SECRET}\"")),
        key(&format!("not_after = \"{SECRET}\"")),
        key(&format!("[key.allow]\nprofile = \"{SECRET}\"")),
        key(&format!("[key.allow]\nevents = [\"{SECRET}*\"]")),
        key(&format!("[key.limits]\nmax_rooms = 0x{SECRET}")),
    ] {
        assert_eq!(check_silent(&text), 1, "{text}");
    }
}

/// Whether the file is wrong: then no eight digits of the secret are in the error.
#[track_caller]
fn check_silent(text: &str) -> usize {
    let Err(error) = from_toml(text) else { return 0 };
    let shown = format!("{error} {error:?} {error:#?}");
    let leaks = |part: &[u8]| shown.contains(std::str::from_utf8(part).expect("digits"));
    assert!(!SECRET.as_bytes().windows(8).any(leaks), "{shown}");
    1
}

#[test]
fn secrets_in_files_are_sought_beside_the_key_file() {
    let folder = Folder::new();
    folder.write("node.key", &format!("{SECRET}\n"));
    folder.write("keys.toml", "[[key]]\nid = \"n\"\nfile = \"node.key\"");
    let keys = from_file(folder.0.join("keys.toml")).expect("keys");
    assert!(keys.contains("n"));

    folder.write("node.key", &"0".repeat(MAX_SECRET_FILE + 1));
    let error = from_file(folder.0.join("keys.toml")).expect_err("no secret is as long");
    let too_large = KeysFault::SecretUnreadable(io::ErrorKind::FileTooLarge);
    assert_eq!((error.line(), error.fault()), (Some(3), &too_large));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let folder = Folder::new();
    let fault = |name: &str| *from_file(folder.0.join(name)).expect_err("unreadable").fault();
    assert_eq!(fault("none.toml"), KeysFault::Unreadable(io::ErrorKind::NotFound));
    std::fs::write(folder.0.join("bytes.toml"), b"\xff\xfe").expect("written");
    assert_eq!(fault("bytes.toml"), KeysFault::Unreadable(io::ErrorKind::InvalidData));
}

#[test]
fn a_large_file_is_read() {
    let mut text = String::new();
    for number in 0..2000 {
        write!(text, "[[key]]\nid = \"k{number}\"\nsecret = \"{SECRET}\"\n")
            .expect("a string grows");
    }
    assert_eq!(from_toml(&text).expect("keys").len(), 2000);
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("gatewire-keys-{}-{number}", process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays is no failure of the test.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}
