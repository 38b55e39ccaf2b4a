//! The key schedule: from a key and the frames seen to two proofs and a secret.
//!
//! ```text
//! L     = "gatewire v3 "
//! prk   = HMAC(L"psk", psk)
//! TH1   = SHA256(L"transcript\0" | lv8 type | lv16 binding | HELLO | CHALLENGE)
//! mac_c = HMAC(Expand(prk, L"client proof\0" | TH1), "client" | TH1 | lv16 extensions)
//! TH2   = SHA256(TH1 | PROOF)
//! mac_s = HMAC(Expand(prk, L"server proof\0" | TH2), "server" | TH2 | session_id | lv16 extensions)
//! resume = Expand(prk, L"resume\0" | SHA256(TH2 | ACCEPT))
//! ```
//!
//! Frames enter whole, with their length prefix. Expand is HKDF-Expand to 32 bytes.
//!
//! What is secret on the way - hashes of keys, and the states of the HMACs that they key - is
//! overwritten when it is dropped. Copies that the compiler makes in registers and on the stack are
//! out of reach of safe code.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::ResumeSecret;
use super::keys::KeyTag;

pub(super) type Hash = [u8; 32];

/// A hash that is as secret as the key that it is made of.
type SecretHash = Zeroizing<Hash>;

const PSK: &[u8] = b"gatewire v3 psk";
const TRANSCRIPT: &[u8] = b"gatewire v3 transcript\0";
const CLIENT_PROOF: &[u8] = b"gatewire v3 client proof\0";
const SERVER_PROOF: &[u8] = b"gatewire v3 server proof\0";
const RESUME: &[u8] = b"gatewire v3 resume\0";
/// Of nothing that is ever sent.
const TAG: &[u8] = b"gatewire v3 key tag\0";

/// What ties the proof to the channel below, so that it cannot be relayed over another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelBinding<'a> {
    /// A plain channel: a relay is possible.
    #[default]
    None,
    /// The exporter `EXPORTER-Channel-Binding` of a TLS 1.3 connection (RFC 9266).
    TlsExporter(&'a [u8; 32]),
}

impl ChannelBinding<'_> {
    fn parts(&self) -> (&'static str, &[u8]) {
        match self {
            Self::None => ("none", &[]),
            Self::TlsExporter(exporter) => ("tls-exporter", *exporter),
        }
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HKDF-Extract of the pre-shared key.
fn extract(psk: &[u8]) -> SecretHash {
    secret(hmac(PSK, &[psk]))
}

fn secret(mac: Hmac<Sha256>) -> SecretHash {
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// An HMAC to which its key has been given: that is done once, and serves all that is hashed with it.
#[derive(Clone)]
pub(super) struct Keyed(Hmac<Sha256>);

impl Keyed {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(hmac(key, &[]))
    }

    pub(super) fn hash(&self, parts: &[&[u8]]) -> SecretHash {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        secret(mac)
    }
}

/// The pseudo-random key.
#[derive(Clone)]
pub(super) struct Prk(Keyed);

impl Prk {
    pub(super) fn extract(psk: &[u8]) -> Self {
        Self::from_bytes(&extract(psk))
    }

    pub(super) fn from_bytes(prk: &Hash) -> Self {
        Self(Keyed::new(prk))
    }

    /// HKDF-Expand for one block: `HMAC(prk, info | 1)`.
    fn expand(&self, [label, context]: [&[u8]; 2]) -> SecretHash {
        self.0.hash(&[label, context, &[1]])
    }

    /// What tells this key from others.
    pub(super) fn tag(&self) -> KeyTag {
        KeyTag::new(self.expand([TAG, &[]]))
    }

    /// The dialler's proof, still to be finished or verified in constant time.
    pub(super) fn client_mac(&self, th1: &Hash, extensions: &[u8]) -> Hmac<Sha256> {
        let key = self.expand([CLIENT_PROOF, th1]);
        hmac(&*key, &[b"client", th1, &prefix16(extensions), extensions])
    }

    /// The listener's proof.
    pub(super) fn server_mac(
        &self,
        th2: &Hash,
        session_id: &[u8; 16],
        extensions: &[u8],
    ) -> Hmac<Sha256> {
        let key = self.expand([SERVER_PROOF, th2]);
        hmac(&*key, &[b"server", th2, session_id, &prefix16(extensions), extensions])
    }

    /// The secret that a later connection needs to resume the session.
    pub(super) fn resume_secret(&self, th2: &Hash, accept: &[&[u8]]) -> ResumeSecret {
        let hash = sha256([&th2[..]].into_iter().chain(accept.iter().copied()));
        ResumeSecret::from_bytes(*self.expand([RESUME, &hash]))
    }
}

/// The first transcript hash. `hello` and `challenge` are parts of whole frames.
pub(super) fn th1(binding: ChannelBinding<'_>, hello: &[&[u8]], challenge: &[&[u8]]) -> Hash {
    let (kind, value) = binding.parts();
    let kind_length = [u8::try_from(kind.len()).unwrap_or(u8::MAX)];
    let value_length = prefix16(value);
    let channel = [TRANSCRIPT, &kind_length, kind.as_bytes(), &value_length, value];
    sha256(channel.into_iter().chain(hello.iter().copied()).chain(challenge.iter().copied()))
}

/// The second transcript hash.
pub(super) fn th2(th1: &Hash, proof: &[&[u8]]) -> Hash {
    sha256([&th1[..]].into_iter().chain(proof.iter().copied()))
}

fn prefix16(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests;
