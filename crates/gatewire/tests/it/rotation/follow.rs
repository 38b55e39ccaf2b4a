//! Key files that are looked at now and then.

use std::fs::{self, File};
use std::time::Duration;

use gatewire::Server;
use gatewire::keys::{KeyChanges, KeysError, KeysFault};

use super::{Folder, entry, key};
use crate::rig::{Record, build, connect, record};

const SECOND: Duration = Duration::from_secs(1);

type Told = Result<KeyChanges, KeysError>;

fn record_reloads(server: &Server) -> Record<Told> {
    let (told, reloads) = record();
    server.on_keys_reloaded(move |taken| told.note(taken.cloned().map_err(KeysError::clone)));
    reloads
}

/// A server that looks at its key file each second.
async fn follow(folder: &Folder, text: &str) -> (Server, Record<Told>) {
    let server = folder.serve(text, |file, builder| builder.key_file(file.watch(SECOND))).await;
    let reloads = record_reloads(&server);
    (server, reloads)
}

#[tokio::test]
async fn a_file_that_was_replaced_is_taken() {
    let folder = Folder::new();
    let (server, mut reloads) = follow(&folder, &entry("one", 1)).await;
    folder.replace(&[entry("one", 1), entry("two", 2)].concat());
    tokio::time::pause();
    let changes = reloads.next().await.expect("taken");
    assert_eq!(changes.added, ["two"]);
    tokio::time::resume();
    connect(&build(&server, |builder| builder.psk("two", key(2)))).await;
}

/// As a copy with its times kept, and a coarse clock, leave it: of the same length and time.
#[tokio::test]
async fn what_counts_is_what_the_file_says_and_not_its_time() {
    let folder = Folder::new();
    let (_server, mut reloads) = follow(&folder, &entry("one", 1)).await;
    let path = folder.keys();
    let before = fs::metadata(&path).expect("it is there");
    fs::write(&path, entry("one", 2)).expect("written");
    let file = File::options().write(true).open(&path).expect("it is there");
    file.set_modified(before.modified().expect("a time")).expect("set back");
    let after = fs::metadata(&path).expect("it is there");
    assert_eq!((before.len(), before.modified().ok()), (after.len(), after.modified().ok()));
    tokio::time::pause();
    assert_eq!(reloads.next().await.expect("taken").changed, ["one"]);
}

#[tokio::test]
async fn a_secret_in_a_file_beside_it_is_part_of_it() {
    let folder = Folder::new();
    let beside = folder.0.join("one.key");
    fs::write(&beside, "1f".repeat(32)).expect("written");
    let (_server, mut reloads) =
        follow(&folder, "[[key]]\nid = \"one\"\nfile = \"one.key\"\n").await;
    fs::write(&beside, "2e".repeat(32)).expect("written");
    tokio::time::pause();
    assert_eq!(reloads.next().await.expect("taken").changed, ["one"]);
}

/// As secrets are mounted into containers: the name is a link into a folder, of which there is a new one.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_of_links_that_is_turned_round_is_seen() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    for (name, byte) in [("first", 1), ("second", 2)] {
        fs::create_dir(folder.0.join(name)).expect("a folder");
        fs::write(folder.0.join(name).join("keys.toml"), entry("one", byte)).expect("written");
    }
    symlink("first", folder.0.join("data")).expect("a link");
    symlink("data/keys.toml", folder.keys()).expect("a link");
    let file = folder.open().watch(SECOND);
    let server = crate::rig::serve_with(|builder| builder.key_file(file)).await;
    let mut reloads = record_reloads(&server);
    symlink("second", folder.0.join("data.new")).expect("a link");
    fs::rename(folder.0.join("data.new"), folder.0.join("data")).expect("turned round");
    tokio::time::pause();
    assert_eq!(reloads.next().await.expect("taken").changed, ["one"]);
}

#[tokio::test]
async fn an_error_is_told_once_and_the_next_good_file_is_taken() {
    let folder = Folder::new();
    let (server, mut reloads) = follow(&folder, &entry("one", 1)).await;
    fs::write(folder.keys(), "").expect("written");
    tokio::time::pause();
    let error = reloads.next().await.expect_err("no keys");
    assert_eq!(error.fault(), &KeysFault::NoKeys);
    // Many looks later.
    tokio::time::sleep(60 * SECOND).await;
    reloads.expect_nothing();
    assert_eq!(server.counters().key_reloads_failed, 1);
    folder.replace(&entry("two", 2));
    assert_eq!(reloads.next().await.expect("taken").removed, ["one"]);
}

/// Keys that were set by hand stay until the file says something new.
#[tokio::test]
async fn a_file_that_has_not_changed_is_not_taken_again() {
    let folder = Folder::new();
    let (server, mut reloads) = follow(&folder, &entry("one", 1)).await;
    server.set_keys(&gatewire::KeyRing::new().with("by hand", key(7)));
    tokio::time::pause();
    tokio::time::sleep(60 * SECOND).await;
    reloads.expect_nothing();
    tokio::time::resume();
    connect(&build(&server, |builder| builder.psk("by hand", key(7)))).await;
}

#[tokio::test]
async fn a_server_that_is_closed_looks_no_more() {
    let folder = Folder::new();
    let (server, mut reloads) = follow(&folder, &entry("one", 1)).await;
    server.close().await;
    folder.replace(&entry("two", 2));
    tokio::time::pause();
    tokio::time::sleep(60 * SECOND).await;
    reloads.expect_nothing();
}
