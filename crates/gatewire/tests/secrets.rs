//! What is said about keys, in logs and in `Debug`, does not contain them.
//!
//! A program of its own: it hears all that is logged in its process.

use std::fmt::{Debug, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatewire::keys::{self, KeyEntry, KeyFile};
use gatewire::{Client, KeyRing, Psk, Server};
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// All that was logged, at all levels.
static LOG: Mutex<String> = Mutex::new(String::new());

struct Log;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").expect("a string takes all");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&line.0);
        log.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A secret, and all forms in which it could be shown.
struct Secret {
    bytes: [u8; 32],
    forms: Vec<String>,
}

impl Secret {
    /// Bytes that can be read as text too, which nothing else contains.
    fn new(text: &[u8; 32]) -> Self {
        let part = &text[..8];
        let list = format!("{part:?}");
        let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let forms = vec![
            String::from_utf8_lossy(part).into_owned(),
            list.trim_matches(['[', ']']).to_owned(),
            hex.to_uppercase(),
            hex,
        ];
        Self { bytes: *text, forms }
    }

    fn key(&self) -> Psk {
        Psk::new(self.bytes).expect("32 bytes")
    }

    fn hex(&self) -> String {
        keys::to_hex(&self.key()).as_str().to_owned()
    }

    #[track_caller]
    fn check_absent(&self, shown: &str) {
        // Long forms are shown with each number on a line of its own.
        let one_line: String = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        for form in &self.forms {
            assert!(!shown.contains(form) && !one_line.contains(form), "{form} in {shown}");
        }
    }

    #[track_caller]
    fn check_silent(&self, value: &impl Debug) {
        self.check_absent(&format!("{value:?}"));
        self.check_absent(&format!("{value:#?}"));
    }
}

fn file_named(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("gatewire-secrets-{}-{name}", std::process::id()))
}

/// Everything public that has a key inside.
#[tokio::test]
async fn nothing_that_holds_a_key_shows_it() {
    let secret = Secret::new(b"zebra-xylophone-quartz-1234-5678");
    // The test itself would see it.
    let whole = format!("{:?}", secret.bytes);
    assert!(whole.contains(&secret.forms[1]));

    secret.check_silent(&secret.key());
    secret.check_silent(&keys::to_hex(&secret.key()));
    let entry = KeyEntry::new("one", secret.key());
    secret.check_silent(&entry);
    let ring = KeyRing::new().with_entry(entry);
    secret.check_silent(&ring);
    secret.check_silent(&ring.changes_since(&KeyRing::new()));
    secret.check_silent(&ring.grant("one", keys::UnixTime::default()));

    let path = file_named("debug.toml");
    fs::write(&path, format!("[[key]]\nid = \"one\"\nsecret = \"{}\"\n", secret.hex()))
        .expect("written");
    let file = KeyFile::open(&path).expect("a key file");
    secret.check_silent(&file);
    let builder = Server::builder().key_file(file).psk(ring);
    secret.check_silent(&builder);
    let server = builder.bind("127.0.0.1:0").await.expect("a free port");
    secret.check_silent(&server);
    let builder = Client::builder().psk("one", secret.key());
    secret.check_silent(&builder);
    let client = builder.connect(server.local_addr()).await.expect("let in");
    secret.check_silent(&client);
    for socket in server.sockets() {
        secret.check_silent(&socket);
        secret.check_silent(socket.permissions());
    }
    secret.check_silent(&server.counters());
    client.close().await;
    server.close().await;
    fs::remove_file(path).expect("it was there");
}

/// A life with everything that is logged about keys: files that are right, wrong, exposed and gone, handshakes
/// that fail, keys that are replaced.
#[tokio::test]
async fn nothing_that_is_logged_has_a_key_in_it() {
    // The other test may log here too; it has no key that this one looks for.
    tracing::subscriber::set_global_default(Log).expect("the only one");
    let (first, second) = (
        Secret::new(b"walrus-umbrella-cobalt-9876-5432"),
        Secret::new(b"oyster-kaleidoscope-amber-135790"),
    );
    let path = file_named("log.toml");
    let entry = |id: &str, secret: &Secret| {
        format!("[[key]]\nid = \"{id}\"\nsecret = \"{}\"\n", secret.hex())
    };
    fs::write(&path, entry("one", &first)).expect("written");
    expose(&path);
    let file = KeyFile::open(&path).expect("a key file");
    let server = Server::builder()
        .key_file(file)
        .reauth_grace(Duration::from_millis(20))
        .bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let client = Client::builder().psk("one", first.key()).build(server.local_addr());
    let (begun, mut begins) = mpsc::unbounded_channel();
    client.on_connect(move |_| begun.send(()).expect("the test is not over"));
    client.connect().await.expect("let in");
    begins.recv().await.expect("connected");

    // A wrong key, and an id that is none.
    for id in ["one", "nobody"] {
        let wrong = Client::builder().psk(id, second.key()).no_reconnect();
        wrong.connect(server.local_addr()).await.expect_err("refused");
    }
    for wrong in [
        first.hex(),
        format!("[[key]]\nid = \"{}\"\nsecret = \"{}", first.hex(), second.hex()),
        format!("[[key]]\nid = \"{}\"\nsecret = \"{}x\"\n", first.hex(), second.hex()),
        format!("[[key]]\nid = \"one\"\nsecret = \"{}\"\n{} = 1\n", first.hex(), second.hex()),
        format!("[[key]]\nid = \"one\"\nfile = \"{}\"\n", first.hex()),
        format!("[[key]]\nid = \"one\"\nenv = \"{}\"\n", first.hex()),
    ] {
        fs::write(&path, wrong).expect("written");
        let error = server.reload_keys().await.expect_err("not taken");
        for secret in [&first, &second] {
            secret.check_silent(&error);
            secret.check_absent(&error.to_string());
        }
    }
    client.set_key("two", second.key());
    fs::write(&path, entry("two", &second)).expect("written");
    server.reload_keys().await.expect("a key file");
    begins.recv().await.expect("connected again");
    client.close().await;
    server.close().await;
    fs::remove_file(&path).expect("it was there");

    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for secret in [&first, &second] {
        secret.check_absent(&log);
    }
    // It was heard.
    for said in ["the keys were read again", "the keys were not replaced", "handshake failed"] {
        assert!(log.contains(said), "{said} in {log}");
    }
    if cfg!(unix) {
        assert!(log.contains("chmod 600"), "{log}");
    }
}

/// Lets everybody read a file.
fn expose(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("one's own file");
    }
    #[cfg(not(unix))]
    let _ = path;
}
