//! Keys in a file of TOML.
//!
//! The tree is walked by hand: what an error may say is in [`KeysFault`], while the messages of a
//! deserialiser quote what they found.

mod access;
mod calendar;
mod fields;
mod reload;

use std::fs::File;
use std::io::{self, Read};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};

use gatewire_core::handshake::{KeyEntry, KeyRing, Psk, Roles};
use gatewire_core::permissions::{EmitSocket, Permissions, Profile, Rates};
use toml::de::DeTable;
use zeroize::Zeroizing;

use super::environment;
use super::error::Place;
use super::secret::{MAX_ID, decode, shown};
use super::{KeysError, KeysFault};
use fields::{Fields, Wrong};

pub use reload::KeyFile;
pub(crate) use reload::{Look, SETTLE, Verdict, Watch};

/// No key file is longer: 16 MiB hold some 100,000 keys.
const MAX_FILE: usize = 16 << 20;

/// No file with one secret is longer.
const MAX_SECRET_FILE: usize = 4096;

const KEY: [&str; 10] = [
    "id",
    "secret",
    "file",
    "env",
    "not_before",
    "not_after",
    "roles",
    "node_names",
    "allow",
    "limits",
];
const ALLOW: [&str; 7] =
    ["profile", "join", "emit_room", "emit_socket", "broadcast", "stream", "events"];
const LIMITS: [&str; 4] = ["max_sessions", "max_rooms", "messages_per_s", "bytes_per_s"];

/// The keys in a file, whose form the [module](super) tells. Secrets in other files are sought from the
/// folder of this one.
///
/// Reads files and waits for the disk: do it when the program starts, or in a blocking task.
///
/// # Errors
///
/// [`KeysError`]: the file, or one with a secret, cannot be read, or it is not like that.
pub fn from_file(path: impl AsRef<Path>) -> Result<KeyRing, KeysError> {
    let loaded = load(path.as_ref())?;
    loaded.warn_of_exposed();
    Ok(loaded.keys)
}

/// The keys in a text of the form that the [module](super) tells. Secrets in files are sought from the
/// working directory.
///
/// # Errors
///
/// As [`from_file`].
pub fn from_toml(text: &str) -> Result<KeyRing, KeysError> {
    let loaded = parse(text, None)?;
    loaded.warn_of_exposed();
    Ok(loaded.keys)
}

/// What was read.
struct Loaded {
    keys: KeyRing,
    /// Files with secrets that others than their owner can get at.
    exposed: Vec<PathBuf>,
}

impl Loaded {
    fn warn_of_exposed(&self) {
        for path in &self.exposed {
            let path = path.display();
            tracing::warn!(%path, "others can read or change this file with keys; chmod 600 mends it");
        }
    }
}

fn load(path: &Path) -> Result<Loaded, KeysError> {
    let (text, exposed) = read(path, MAX_FILE).map_err(|kind| KeysError {
        place: Place::Whole,
        key_id: None,
        fault: KeysFault::Unreadable(kind),
    })?;
    let mut loaded = parse(&text, path.parent())?;
    loaded.exposed.extend(exposed.then(|| path.to_owned()));
    Ok(loaded)
}

fn parse(text: &str, folder: Option<&Path>) -> Result<Loaded, KeysError> {
    let whole = |place, fault| KeysError { place, key_id: None, fault };
    let line = |start: usize| {
        // An error at the end of the text may point behind it.
        let before = text.as_bytes().get(..start).unwrap_or(text.as_bytes());
        Place::Line(1 + before.iter().filter(|byte| **byte == b'\n').count())
    };
    let document = DeTable::parse(text).map_err(|error| {
        // Neither its message nor its copy of the text goes any further.
        whole(error.span().map_or(Place::Whole, |span| line(span.start)), KeysFault::Syntax)
    })?;
    let at_line = |wrong: Wrong| whole(line(wrong.at), wrong.fault);
    let root = Fields::new(document.get_ref(), &["key"]).map_err(at_line)?;
    let mut loaded = Loaded { keys: KeyRing::new(), exposed: Vec::new() };
    for table in root.tables("key").map_err(at_line)? {
        let id = table.get_ref().get("id").and_then(|id| id.get_ref().as_str());
        let entry = entry(table.get_ref(), table.span().start, folder, &mut loaded);
        let entry = entry.map_err(|wrong| KeysError {
            place: line(wrong.at),
            key_id: id.and_then(shown),
            fault: wrong.fault,
        })?;
        loaded.keys = loaded.keys.with_entry(entry);
    }
    if loaded.keys.is_empty() {
        return Err(whole(Place::Whole, KeysFault::NoKeys));
    }
    Ok(loaded)
}

/// One `[[key]]`, which begins at byte `at`.
fn entry(
    table: &DeTable<'_>,
    at: usize,
    folder: Option<&Path>,
    loaded: &mut Loaded,
) -> Result<KeyEntry, Wrong> {
    let fields = Fields::new(table, &KEY)?;
    let missing = Wrong { at, fault: KeysFault::Missing { field: "id" } };
    let id = fields.text("id")?.ok_or(missing)?;
    if !(1..=MAX_ID).contains(&id.value.len()) {
        return Err(id.expected("a text of 1 to 255 bytes"));
    }
    if loaded.keys.contains(id.value) {
        return Err(id.wrong(KeysFault::Duplicate));
    }
    let mut entry = KeyEntry::new(id.value, secret(&fields, at, folder, &mut loaded.exposed)?);
    let (first, last) = (fields.time("not_before")?, fields.time("not_after")?);
    if let Some(first) = &first {
        entry = entry.not_before(first.value);
    }
    if let Some(last) = &last {
        if first.is_some_and(|first| last.value < first.value) {
            return Err(last.wrong(KeysFault::NeverValid));
        }
        entry = entry.not_after(last.value);
    }
    if let Some(roles) = fields.texts("roles")? {
        let mut found = Roles { client: false, router: false };
        for role in &roles {
            match role.value {
                "client" => found.client = true,
                "router" => found.router = true,
                _ => return Err(role.expected(ROLES)),
            }
        }
        if roles.is_empty() {
            return Err(fields.expected("roles", ROLES));
        }
        entry = entry.roles(found);
    }
    if let Some(names) = fields.patterns("node_names")? {
        entry = entry.node_names(names);
    }
    let limits = fields.table("limits", &LIMITS)?;
    if let Some(limits) = &limits
        && let Some(most) = limits.positive("max_sessions", u64::from(u32::MAX))?
    {
        entry = entry.max_sessions(narrow(most));
    }
    let permissions = permissions(fields.table("allow", &ALLOW)?.as_ref(), limits.as_ref())?;
    Ok(entry.permissions(permissions))
}

const ROLES: &str = "a list of \"client\" and \"router\"";

/// The secret, from wherever the key says it is.
fn secret(
    fields: &Fields<'_>,
    at: usize,
    folder: Option<&Path>,
    exposed: &mut Vec<PathBuf>,
) -> Result<Psk, Wrong> {
    let (secret, file, env) = (fields.text("secret")?, fields.text("file")?, fields.text("env")?);
    match (secret, file, env) {
        (Some(secret), None, None) => decode(secret.value).map_err(|fault| secret.wrong(fault)),
        (None, Some(file), None) => {
            let path = folder.map_or_else(|| file.value.into(), |folder| folder.join(file.value));
            let (text, open) = read(&path, MAX_SECRET_FILE)
                .map_err(|kind| file.wrong(KeysFault::SecretUnreadable(kind)))?;
            exposed.extend(open.then_some(path));
            decode(&text).map_err(|fault| file.wrong(fault))
        }
        (None, None, Some(env)) => {
            let text = environment::read(env.value)
                .map_err(|kind| env.wrong(KeysFault::SecretUnreadable(kind)))?;
            decode(&text).map_err(|fault| env.wrong(fault))
        }
        _ => Err(Wrong { at, fault: KeysFault::NotOneSecret }),
    }
}

fn permissions(
    allow: Option<&Fields<'_>>,
    limits: Option<&Fields<'_>>,
) -> Result<Permissions, Wrong> {
    let mut permissions = Permissions::open();
    if let Some(allow) = allow {
        if let Some(profile) = allow.text("profile")? {
            permissions = match profile.value {
                "open" => Profile::Open.into(),
                "restricted" => Profile::Restricted.into(),
                _ => return Err(profile.expected("\"open\" or \"restricted\"")),
            };
        }
        if let Some(rooms) = allow.choice("join")? {
            permissions = permissions.allow_join(rooms);
        }
        if let Some(rooms) = allow.choice("emit_room")? {
            permissions = permissions.allow_emit_room(rooms);
        }
        if let Some(sockets) = allow.text("emit_socket")? {
            permissions = permissions.allow_emit_socket(match sockets.value {
                "no" => EmitSocket::No,
                "same_room" => EmitSocket::SameRoom,
                "any" => EmitSocket::Any,
                _ => return Err(sockets.expected("\"no\", \"same_room\" or \"any\"")),
            });
        }
        if let Some(allowed) = allow.flag("broadcast")? {
            permissions = permissions.allow_broadcast(allowed);
        }
        if let Some(allowed) = allow.flag("stream")? {
            permissions = permissions.allow_stream(allowed);
        }
        if let Some(events) = allow.choice("events")? {
            permissions = permissions.allow_events(events);
        }
    }
    if let Some(limits) = limits {
        if let Some(most) = limits.positive("max_rooms", u64::from(u32::MAX))? {
            permissions =
                permissions.limit_rooms(usize::try_from(most.get()).unwrap_or(usize::MAX));
        }
        let rates = Rates {
            messages_per_s: limits.positive("messages_per_s", u64::from(u32::MAX))?.map(narrow),
            bytes_per_s: limits.positive("bytes_per_s", i64::MAX.unsigned_abs())?,
        };
        if rates != Rates::default() {
            permissions = permissions.limit_rates(rates);
        }
    }
    Ok(permissions)
}

/// A number that was read as one of 32 bits.
fn narrow(number: NonZeroU64) -> NonZeroU32 {
    NonZeroU32::try_from(number).unwrap_or(NonZeroU32::MAX)
}

/// A text of at most `most` bytes, to be overwritten after use; and whether others can get at it.
fn read(path: &Path, most: usize) -> Result<(Zeroizing<String>, bool), io::ErrorKind> {
    let file = File::open(path).map_err(|error| error.kind())?;
    let metadata = file.metadata().map_err(|error| error.kind())?;
    // What is longer is found out by one byte more. The room is there from the start, because growing
    // would leave copies behind; a length that is not true costs only that.
    let room = usize::try_from(metadata.len()).unwrap_or(most).min(most) + 1;
    let mut text = Zeroizing::new(String::with_capacity(room));
    file.take(most as u64 + 1).read_to_string(&mut text).map_err(|error| error.kind())?;
    if text.len() > most {
        return Err(io::ErrorKind::FileTooLarge);
    }
    Ok((text, access::is_exposed(&metadata)))
}

#[cfg(test)]
mod tests;
