//! Rules of the protocol that can be taken away from outside of the routers.

/// A rule that is broken, to see whether the invariants find it. Rules inside of a router are broken by
/// building it with `--cfg gatewire_mutation="name"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// When a link comes up, nobody tells what it knows: buckets and summaries are lost.
    NoDigests,
    /// All lives of a node have the same boot nonce.
    ConstantNonce,
    /// Nobody is asked for what was missed: requests are lost.
    NoRequests,
    /// Whoever leaves for good does so without a word: purges are lost.
    NoPurges,
    /// A link on which frames were thrown away is not made anew.
    NoReset,
    /// Who gets an event does not look whether a later one came before it.
    NoOrder,
}

impl Mutant {
    /// All of them, with their names on the command line.
    pub const ALL: [(&'static str, Self); 6] = [
        ("no-digests", Self::NoDigests),
        ("constant-nonce", Self::ConstantNonce),
        ("no-requests", Self::NoRequests),
        ("no-purges", Self::NoPurges),
        ("no-reset", Self::NoReset),
        ("no-order", Self::NoOrder),
    ];

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, mutant)| *mutant)
    }
}
