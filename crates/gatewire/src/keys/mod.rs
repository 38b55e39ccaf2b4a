//! Key rings from a file or from the environment.
//!
//! A key file is TOML, with a `[[key]]` for each key:
//!
//! ```toml
//! [[key]]
//! id = "guests"                       # told in the clear by who connects
//! secret = "6f1c…"                    # hexadecimal, 32 random bytes: the example `keygen`
//! not_before = 2026-01-01T00:00:00Z   # or seconds since 1970; both ends are inclusive
//! not_after = 2026-12-31T23:59:59Z
//!
//! [key.allow]                         # everything, unless it says less
//! profile = "restricted"              # or "open"; the rest changes it
//! join = ["lobby.*"]                  # rooms; true: all, false: none
//! emit_room = ["lobby.>"]             # `*` is one segment, `>` one or more
//! emit_socket = "same_room"           # "no", "same_room", "any"
//! broadcast = false
//! stream = true
//! events = ["chat.>", "typing"]
//!
//! [key.limits]
//! max_sessions = 1000                 # at once, with this key
//! max_rooms = 16                      # of one session; so are the rates
//! messages_per_s = 100
//! bytes_per_s = 65536
//!
//! [[key]]
//! id = "node-1"
//! file = "node-1.key"                 # hexadecimal in a file beside this one; or env = "NODE_1_KEY"
//! roles = ["router"]                  # by default ["client"]
//! node_names = ["eu.node-1"]
//! ```
//!
//! Two keys with different ids may be valid at once: that is how keys are rotated. A file is taken as a
//! whole or not at all. One without any key is wrong, because an empty [`KeyRing`] lets everybody in. A
//! [`KeyFile`] is read again while its server runs. [`generate`] makes a key, [`to_hex`] and [`from_hex`] are
//! its text.
//!
//! A server looks at times, roles and node names when somebody connects, and at `allow` and the limits of one
//! session with each message. A session whose key expires, or that its key does not uphold any more after
//! [`Server::set_keys`](crate::Server::set_keys) or a reload, is asked to authenticate anew and closed after
//! a grace, 30 s unless [told otherwise](crate::ServerBuilder::reauth_grace). `max_sessions` holds when
//! somebody connects.
//!
//! Errors name the line and the key, and never show what stands in a field: it could be the secret.

mod environment;
mod error;
#[cfg(feature = "key-file")]
mod file;
mod secret;

pub use environment::from_env;
pub use error::{KeysError, KeysFault};
#[cfg(feature = "key-file")]
pub use file::{KeyFile, from_file, from_toml};
#[cfg(feature = "key-file")]
pub(crate) use file::{Look, SETTLE, Verdict, Watch};
pub use gatewire_core::UnixTime;
pub use gatewire_core::handshake::{KeyChanges, KeyEntry, KeyRing, Roles};
pub use gatewire_core::permissions::{
    EmitSocket, PatternError, Patterns, Permissions, Profile, Rates,
};
pub use secret::{KeyText, from_hex, generate, to_hex};
