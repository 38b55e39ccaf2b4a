//! The side that listens.

use bytes::Bytes;
use gatewire_codec::{Message, Version};
use subtle::{Choice, ConditionallySelectable};

use super::{HandshakeError, Role, V2Secret, decode, encode, is_host_name};

/// The ids of the frames of a listener: one counter per connection, and the first that the Node packages use is 2.
const FIRST_ID: u32 = 2;

/// REGISTER, the only frame of a version 1 handshake; `id` is one without `,` and `|`, of at most 400 bytes.
#[must_use]
pub fn register(id: &str) -> Bytes {
    encode(&Message::Register { socket_id: id }, Version::V1, FIRST_ID)
}

/// What a dialler of version 2 has to sign: 32 letters and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(String);

impl Seed {
    /// A seed from random bytes, each of which becomes one of 62 letters and digits: 190 bits.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        const LETTERS: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
        Self(random.into_iter().map(letter).collect())
    }

    /// A seed that was used before, to replay what was recorded.
    #[must_use]
    pub fn recorded(seed: &str) -> Self {
        Self(seed.to_owned())
    }
}

/// Waits for `AUTH_HMAC`. Without keys anything is a proof, and DOWNLINK or UPLINK may come without one.
#[derive(Debug)]
pub struct ExpectProof {
    seed: Seed,
}

/// Waits for DOWNLINK or UPLINK.
#[derive(Debug)]
pub struct ExpectRole {
    key: Option<usize>,
}

/// The dialler is what it says.
#[derive(Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Which of the keys it has proven to know; `None`: there are none.
    pub key: Option<usize>,
    /// What it is.
    pub role: Role,
}

impl ExpectProof {
    /// `AUTH_SEED`, and what comes after it.
    #[must_use]
    pub fn start(seed: Seed) -> (Bytes, Self) {
        let frame = encode(&Message::AuthSeed { seed: &seed.0 }, Version::V2, FIRST_ID);
        (frame, Self { seed })
    }

    /// Takes the first frame of the dialler. All `keys` are tried, so that the time does not tell which it is.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]: the connection is to be closed. Nothing that came behind this frame may be read.
    pub fn handle<'k>(
        self,
        frame: &[u8],
        keys: impl IntoIterator<Item = &'k V2Secret>,
    ) -> Result<Result<ExpectRole, Admitted>, HandshakeError> {
        let mut keys = keys.into_iter().peekable();
        let open = keys.peek().is_none();
        match decode(Version::V2, frame)? {
            Message::AuthHmac { .. } if open => Ok(Ok(ExpectRole { key: None })),
            Message::AuthHmac { hmac } => {
                let (mut found, mut which) = (Choice::from(0), 0_u64);
                for (index, key) in (0_u64..).zip(keys) {
                    let right = key.verifies(&self.seed.0, hmac);
                    which.conditional_assign(&index, right);
                    found |= right;
                }
                let key = usize::try_from(which).ok().filter(|_| bool::from(found));
                Ok(Ok(ExpectRole { key: Some(key.ok_or(HandshakeError::Proof)?) }))
            }
            _ if open => ExpectRole { key: None }.handle(frame).map(Err),
            other => Err(HandshakeError::Unexpected { found: other.kind(), expected: "auth-hmac" }),
        }
    }
}

impl ExpectRole {
    /// Takes the frame that says what the dialler is.
    ///
    /// # Errors
    ///
    /// As [`ExpectProof::handle`].
    pub fn handle(self, frame: &[u8]) -> Result<Admitted, HandshakeError> {
        let role = match decode(Version::V2, frame)? {
            Message::Downlink => Role::Client,
            Message::Uplink { host } if is_host_name(host) => {
                Role::Router { host: host.to_owned() }
            }
            Message::Uplink { .. } => return Err(HandshakeError::HostName),
            other => {
                let expected = "downlink or uplink";
                return Err(HandshakeError::Unexpected { found: other.kind(), expected });
            }
        };
        Ok(Admitted { key: self.key, role })
    }
}

impl Admitted {
    /// What the dialler is told, and the id of the next frame that is sent to it. To a client it is REGISTER; to a
    /// router UPLINK with the `host` of this one before.
    #[must_use]
    pub fn accept(&self, id: &str, host: &str) -> (Bytes, u32) {
        let register = Message::Register { socket_id: id };
        match &self.role {
            Role::Client => (encode(&register, Version::V2, FIRST_ID + 1), FIRST_ID + 2),
            Role::Router { .. } => {
                let uplink = encode(&Message::Uplink { host }, Version::V2, FIRST_ID + 1);
                let register = encode(&register, Version::V2, FIRST_ID + 2);
                ([uplink, register].concat().into(), FIRST_ID + 3)
            }
        }
    }
}
