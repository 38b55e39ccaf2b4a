//! A server with a key, and a stranger on a connection to it who does not know the key.
//!
//! Called with the stored inputs by the corpus test, and with many more by the target in `fuzz/`, which includes
//! this folder. The sockets are real ones of the loopback interface, the clock is not: it stands still while
//! bytes are on their way, and what takes seconds takes none.

mod stranger;
mod world;

use stranger::Stranger;
use world::World;

/// `input` says what the server speaks, and what the stranger does: the bytes that it sends, in which pieces,
/// when; frames of a handshake under ids that there are and that there are not; what it has heard, sent back.
///
/// However it behaves it is hung up on in time. It comes to no session and to no handler, the server says little
/// and counts one failure; and somebody who knows the key is served as before.
pub fn listener(input: &[u8]) {
    let mut commands = Commands { rest: input };
    let first = commands.next().unwrap_or_default();
    World::with(|world| world.check(first, &mut commands));
}

/// The rest of the input.
struct Commands<'i> {
    rest: &'i [u8],
}

impl<'i> Commands<'i> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or_default()
    }

    fn bytes(&mut self, length: usize) -> &'i [u8] {
        let (bytes, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        bytes
    }
}
