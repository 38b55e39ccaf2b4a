//! Servers whose keys come from a text: who is let in, and when.

use gatewire::keys::{KeyEntry, KeyRing, Roles, UnixTime, from_toml};
use gatewire::{Client, ConnectError, HandshakeError, Psk, RejectCode, Server};

use crate::rig::{build, fence, serve_with, within};

const KEYS: &str = r#"
[[key]]
id = "valid"
secret = "01010101010101010101010101010101"

[[key]]
id = "expired"
secret = "02020202020202020202020202020202"
not_after = 2020-12-31T23:59:59Z

[[key]]
id = "not-yet"
secret = "03030303030303030303030303030303"
not_before = 2200-01-01T00:00:00Z

[[key]]
id = "router"
secret = "04040404040404040404040404040404"
roles = ["router"]
"#;

fn client(server: &Server, id: &str, byte: u8) -> Client {
    let key = Psk::new([byte; 16]).expect("16 bytes");
    build(server, |builder| builder.psk(id, key))
}

#[track_caller]
fn check_refused(connected: Result<(), ConnectError>, expected: RejectCode) {
    match connected {
        Err(ConnectError::Handshake(HandshakeError::Rejected { code, .. })) => {
            assert_eq!(code, expected);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn keys_of_a_file_let_in_whom_they_say_and_when() {
    let keys = from_toml(KEYS).expect("four keys");
    let server = serve_with(|builder| builder.psk(keys)).await;
    let valid = client(&server, "valid", 1);
    within(valid.connect()).await.expect("let in");
    fence(&valid).await;
    // Out of its time, a key is as good as none; whose role it is not for, is told so.
    for (id, byte, code) in [
        ("expired", 2, RejectCode::Auth),
        ("not-yet", 3, RejectCode::Auth),
        ("valid", 3, RejectCode::Auth),
        ("router", 4, RejectCode::NotAllowed),
        ("router", 1, RejectCode::Auth),
    ] {
        check_refused(within(client(&server, id, byte).connect()).await, code);
    }
    assert_eq!(server.counters().handshakes_failed, 5);
}

#[tokio::test]
async fn a_key_made_in_code_has_its_time_too() {
    let key = |byte| Psk::new([byte; 16]).expect("16 bytes");
    let last = UnixTime::from_secs(1);
    let keys = KeyRing::new()
        .with_entry(KeyEntry::new("old", key(1)).not_after(last))
        .with_entry(KeyEntry::new("new", key(2)).not_before(last).roles(Roles::BOTH));
    let server = serve_with(|builder| builder.psk(keys)).await;
    check_refused(within(client(&server, "old", 1).connect()).await, RejectCode::Auth);
    within(client(&server, "new", 2).connect()).await.expect("let in");
}
