//! Versions of the wire.

/// The version of the wire that a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Wire {
    /// That of the npm package `fast-tcp`.
    V1,
    /// That of `@gatejs/cluster`.
    V2,
    /// Gatewire's own.
    #[default]
    V3,
}

impl std::fmt::Display for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V1 => "version 1",
            Self::V2 => "version 2",
            Self::V3 => "version 3",
        })
    }
}
