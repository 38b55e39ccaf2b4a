//! Keys that nobody has, for ids that nobody should ask for.

use std::fmt;

use zeroize::Zeroizing;

use crate::handshake::schedule::{Keyed, Prk};

/// A source of decoys: for each id one key, the same as long as the process runs, that nobody can
/// guess without the secret.
#[derive(Clone)]
pub struct Decoys(Keyed);

impl Decoys {
    /// `secret` must be random and is told nobody: one per process is right.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Keyed::new(&*Zeroizing::new(secret)))
    }

    pub(super) fn for_id(&self, id: &str) -> Prk {
        Prk::from_bytes(&self.0.hash(&[id.as_bytes()]))
    }
}

impl fmt::Debug for Decoys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Decoys;
    use crate::UnixTime;
    use crate::handshake::schedule::Prk;
    use crate::handshake::{KeyFault, KeyRing, Psk};
    use hmac::Mac;

    /// A proof made with it tells one key from another.
    fn fingerprint(prk: &Prk) -> [u8; 32] {
        prk.client_mac(&[0; 32], &[]).finalize().into_bytes().into()
    }

    #[test]
    fn an_id_has_one_decoy_per_secret() {
        let decoy = |secret, id| fingerprint(&Decoys::new([secret; 32]).for_id(id));
        assert_eq!(decoy(1, "nobody"), decoy(1, "nobody"));
        assert_ne!(decoy(1, "nobody"), decoy(1, "nobod"));
        assert_ne!(decoy(1, "nobody"), decoy(2, "nobody"));
    }

    #[test]
    fn an_unknown_id_finds_its_decoy_and_a_known_one_its_key() {
        let secret = [9; 32];
        let decoys = Decoys::new([1; 32]);
        let keys = KeyRing::new().with("alpha", Psk::new(secret).expect("32 bytes"));
        let now = UnixTime::default();
        let (known, held) = keys.find("alpha", &decoys, now);
        assert_eq!(fingerprint(&known), fingerprint(&Prk::extract(&secret)));
        assert!(held.is_ok());
        let (unknown, held) = keys.find("beta", &decoys, now);
        assert_eq!(fingerprint(&unknown), fingerprint(&decoys.for_id("beta")));
        assert_eq!(held.err(), Some(KeyFault::Unknown));
    }
}
