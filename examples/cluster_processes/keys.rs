//! The keys of the cluster, in one directory.
//!
//! `keys.toml` is the key ring of all servers: the key `router/host1` admits a router that calls itself host1, and
//! nobody else; the key `clients` admits clients. The secrets stand in files beside it. A router needs
//! those of all its neighbours and of the clients; a client needs that of the clients.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use gatewire::Psk;
use gatewire::keys::{KeyRing, from_file, from_hex, generate, to_hex};

use crate::Outcome;

/// The id of the clients' key.
pub(crate) const CLIENTS: &str = "clients";

/// The id of a router's key.
pub(crate) fn router_id(node: &str) -> String {
    format!("router/{node}")
}

/// Makes all keys.
pub(crate) fn make(directory: &str, nodes: &[&str]) -> Outcome {
    fs::create_dir_all(directory)?;
    let mut ring = format!("[[key]]\nid = \"{CLIENTS}\"\nfile = \"{CLIENTS}.key\"\n");
    for node in nodes {
        let id = router_id(node);
        write!(
            ring,
            "\n[[key]]\nid = \"{id}\"\nfile = \"{node}.key\"\nroles = [\"router\"]\nnode_names = [\"{node}\"]\n"
        )?;
    }
    for name in nodes.iter().copied().chain([CLIENTS]) {
        write_secret(&path(directory, name), to_hex(&generate()).as_str())?;
    }
    fs::write(Path::new(directory).join("keys.toml"), ring)?;
    Ok(())
}

/// What a server admits.
pub(crate) fn ring(directory: &str) -> Outcome<KeyRing> {
    Ok(from_file(Path::new(directory).join("keys.toml"))?)
}

/// One secret: of a node, or of the clients.
pub(crate) fn secret(directory: &str, name: &str) -> Outcome<Psk> {
    Ok(from_hex(&fs::read_to_string(path(directory, name))?).map_err(|fault| fault.to_string())?)
}

fn path(directory: &str, name: &str) -> std::path::PathBuf {
    Path::new(directory).join(format!("{name}.key"))
}

/// Nobody else reads it.
fn write_secret(path: &Path, secret: &str) -> Outcome {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(path)?, secret.as_bytes())?;
    Ok(())
}
