//! The address of a socket in a cluster, as applications write it.

use std::fmt;
use std::str::FromStr;

use gatewire_codec::SocketId;

/// One session of one node, written `node/session`.
///
/// ```
/// use gatewire_cluster::SocketAddress;
///
/// let text = "host1/00112233445566778899aabbccddeeff";
/// let address: SocketAddress = text.parse()?;
/// assert_eq!(address.node(), "host1");
/// assert_eq!(address.to_string(), text);
/// # Ok::<(), gatewire_cluster::ParseAddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SocketAddress {
    node: Box<str>,
    session: SocketId,
}

impl SocketAddress {
    /// The session `session` of the node with this name.
    #[must_use]
    pub fn new(node: &crate::NodeName, session: SocketId) -> Self {
        Self { node: node.as_str().into(), session }
    }

    /// The name of the node.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The session at that node.
    #[must_use]
    pub fn session(&self) -> SocketId {
        self.session
    }
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.session)
    }
}

/// The text is not `node/session`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseAddressError;

impl fmt::Display for ParseAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address of a socket is node/session, the session 32 hexadecimal digits")
    }
}

impl std::error::Error for ParseAddressError {}

impl FromStr for SocketAddress {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, ParseAddressError> {
        let (node, session) = text.split_once('/').ok_or(ParseAddressError)?;
        if !(1..=usize::from(u8::MAX)).contains(&node.len()) {
            return Err(ParseAddressError);
        }
        let session = session.parse().map_err(|_| ParseAddressError)?;
        Ok(Self { node: node.into(), session })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_node_and_session_is_refused() {
        let session = "0".repeat(32);
        for text in ["", "host1", "host1/", "host1/12", &format!("/{session}"), &session] {
            assert_eq!(text.parse::<SocketAddress>(), Err(ParseAddressError), "{text}");
        }
        assert_eq!(format!("a/b/{session}").parse::<SocketAddress>(), Err(ParseAddressError));
    }
}
