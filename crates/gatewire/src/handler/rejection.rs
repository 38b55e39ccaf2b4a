//! An error as an answer.

use std::error::Error;
use std::fmt;

use gatewire_format::{EncodeContext, FormatError, IntoValue, ValueRef};

/// The refusal of a handler that uses `?`: any error, as its text. The requester sees it as
/// [`RequestError::Rejected`](crate::RequestError::Rejected) with a string.
///
/// ```
/// # fn example(server: gatewire::Server) {
/// use gatewire::{Rejection, Socket};
///
/// server.on("enter", |socket: Socket, room: String| {
///     socket.join(&room)?;                       // a bad name is a refusal
///     socket.to(&room).emit("entered", socket.id())?;
///     Ok::<_, Rejection>(socket.rooms().len() as u64)
/// });
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection(String);

impl Rejection {
    /// A refusal with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

// It is no `Error` itself, so that every error can become one.
impl<E: Error> From<E> for Rejection {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl IntoValue for Rejection {
    fn to_value<'a>(&'a self, _: EncodeContext<'a>) -> Result<ValueRef<'a>, FormatError> {
        Ok(ValueRef::String(&self.0))
    }
}
