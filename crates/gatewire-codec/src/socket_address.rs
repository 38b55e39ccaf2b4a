//! The address of a socket, in its server or in a cluster of them.

use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use crate::SocketId;
use crate::v3::control::MAX_NODE_NAME;

/// One session of one node, written `node/session`; or, without a node, of the node of whoever writes it,
/// written as the [`SocketId`] alone. Cheap to clone.
///
/// Two addresses are equal if they are written alike: nobody but the node itself knows that its name and no name
/// mean the same.
///
/// ```
/// use gatewire_codec::{SocketAddress, SocketId};
///
/// let text = "host1/00112233445566778899aabbccddeeff";
/// let address: SocketAddress = text.parse()?;
/// assert_eq!(address.node(), Some("host1"));
/// assert_eq!(address.to_string(), text);
///
/// let near = SocketAddress::from(address.session());
/// assert_eq!(near.node(), None);
/// assert_eq!(near.to_string(), "00112233445566778899aabbccddeeff");
/// assert_eq!(SocketAddress::new("host1", near.session())?, address);
/// # Ok::<(), gatewire_codec::SocketAddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketAddress {
    node: Option<Arc<str>>,
    session: SocketId,
}

impl SocketAddress {
    /// The session `session` of the node with this name. An `Arc` is kept as it is.
    ///
    /// # Errors
    ///
    /// [`SocketAddressError::Node`]: the name has not 1 to 255 bytes, or holds a `/`.
    pub fn new(
        node: impl AsRef<str> + Into<Arc<str>>,
        session: SocketId,
    ) -> Result<Self, SocketAddressError> {
        let name = node.as_ref();
        if !(1..=MAX_NODE_NAME).contains(&name.len()) || name.contains('/') {
            return Err(SocketAddressError::Node);
        }
        Ok(Self { node: Some(node.into()), session })
    }

    /// The name of the node. `None`: that of whoever wrote the address.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// The session at that node.
    #[must_use]
    pub fn session(&self) -> SocketId {
        self.session
    }
}

impl From<SocketId> for SocketAddress {
    fn from(session: SocketId) -> Self {
        Self { node: None, session }
    }
}

impl From<&SocketId> for SocketAddress {
    fn from(session: &SocketId) -> Self {
        Self::from(*session)
    }
}

impl From<&SocketAddress> for SocketAddress {
    fn from(address: &SocketAddress) -> Self {
        address.clone()
    }
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{node}/{}", self.session),
            None => self.session.fmt(f),
        }
    }
}

impl fmt::Debug for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketAddress({self})")
    }
}

/// The text is no address, or a part of it cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketAddressError {
    /// The node's name has not 1 to 255 bytes, or holds a `/`.
    Node,
    /// The session is not 32 lower-case hexadecimal digits.
    Session,
}

impl fmt::Display for SocketAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "the name of a node has 1 to 255 bytes, without a '/'",
            Self::Session => "a session is 32 lower-case hexadecimal digits",
        })
    }
}

impl core::error::Error for SocketAddressError {}

impl FromStr for SocketAddress {
    type Err = SocketAddressError;

    fn from_str(text: &str) -> Result<Self, SocketAddressError> {
        let (node, session) = match text.split_once('/') {
            Some((node, session)) => (Some(node), session),
            None => (None, text),
        };
        let session = session.parse().map_err(|_| SocketAddressError::Session)?;
        match node {
            Some(node) => Self::new(node, session),
            None => Ok(Self::from(session)),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    const SESSION: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn an_address_is_read_as_it_is_written() {
        let longest = "n".repeat(MAX_NODE_NAME);
        for text in [SESSION, &format!("a/{SESSION}"), &format!("{longest}/{SESSION}")] {
            let address: SocketAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.session(), SESSION.parse().unwrap());
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}/{SESSION}", "n".repeat(MAX_NODE_NAME + 1));
        let upper = format!("host1/{}", SESSION.to_uppercase());
        for (text, error) in [
            ("", SocketAddressError::Session),
            ("host1", SocketAddressError::Session),
            ("host1/", SocketAddressError::Session),
            ("host1/12", SocketAddressError::Session),
            (&upper, SocketAddressError::Session),
            (&format!("a/b/{SESSION}"), SocketAddressError::Session),
            (&format!("/{SESSION}"), SocketAddressError::Node),
            (&long, SocketAddressError::Node),
        ] {
            assert_eq!(text.parse::<SocketAddress>(), Err(error), "{text}");
        }
        let session = SESSION.parse().unwrap();
        assert_eq!(SocketAddress::new("a/b", session), Err(SocketAddressError::Node));
    }
}
