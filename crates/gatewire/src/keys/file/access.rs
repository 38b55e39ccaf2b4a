//! Who else can get at a file.

use std::fs::Metadata;

/// Whether others than the owner and the group can read it, or others than the owner can change it. (A group
/// that reads is how secrets are handed to services.)
#[cfg(unix)]
pub(super) fn is_exposed(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    const GROUP_WRITE: u32 = 0o020;
    const OTHERS_READ: u32 = 0o004;
    const OTHERS_WRITE: u32 = 0o002;

    // A pipe or a descriptor of the process is not reached by its mode.
    metadata.is_file()
        && metadata.permissions().mode() & (GROUP_WRITE | OTHERS_READ | OTHERS_WRITE) != 0
}

/// The mode says nothing here.
#[cfg(not(unix))]
pub(super) fn is_exposed(_: &Metadata) -> bool {
    false
}
