//! Who may depend on whom. `ARCHITECTURE.md` tells the same in prose.
//!
//! A new arrow is a design change: it is made here, in `ARCHITECTURE.md` and in the manifest, in
//! one commit that says why.

/// Where this table stands, for the sentences about it.
pub(super) const PLACE: &str = "xtask/src/layers/table.rs";

/// One crate under `crates/` and what it may use in a normal build.
pub(super) struct Layer {
    pub(super) name: &'static str,
    /// Direct dependencies; development dependencies are free.
    pub(super) may_use: &'static [&'static str],
    /// The same, but only behind a feature.
    pub(super) may_offer: &'static [&'static str],
    /// What must not be reached by any path, however long.
    pub(super) never_reaches: &'static [&'static str],
}

/// What waits, spawns or polls sockets. Below `gatewire` nobody does.
const RUNTIME: &[&str] = &["tokio", "mio", "async-std", "smol", "socket2"];

/// The crates, from the bottom up.
pub(super) const LAYERS: &[Layer] = &[
    // For tests: others use it as a development dependency only.
    Layer { name: "gatewire-sim", may_use: &[], may_offer: &[], never_reaches: RUNTIME },
    Layer { name: "gatewire-codec", may_use: &["bytes"], may_offer: &[], never_reaches: RUNTIME },
    Layer {
        name: "gatewire-format",
        may_use: &["gatewire-codec", "bytes", "serde", "erased-serde"],
        may_offer: &[],
        never_reaches: RUNTIME,
    },
    Layer {
        name: "gatewire-json",
        may_use: &["gatewire-format", "bytes", "serde", "erased-serde", "serde_json"],
        may_offer: &[],
        never_reaches: RUNTIME,
    },
    Layer {
        name: "gatewire-msgpack",
        may_use: &["gatewire-format", "bytes", "serde", "erased-serde", "rmp-serde"],
        may_offer: &[],
        never_reaches: RUNTIME,
    },
    Layer {
        name: "gatewire-protobuf",
        may_use: &["gatewire-format", "bytes", "prost"],
        may_offer: &[],
        never_reaches: RUNTIME,
    },
    Layer {
        name: "gatewire-avro",
        may_use: &["gatewire-format", "bytes", "serde", "erased-serde", "apache-avro"],
        may_offer: &[],
        never_reaches: RUNTIME,
    },
    Layer {
        name: "gatewire-core",
        may_use: &[
            "gatewire-codec",
            "bytes",
            "hmac",
            "sha2",
            "subtle",
            "zeroize",
            "slab",
            "hashbrown",
            "foldhash",
            "rustc-hash",
        ],
        may_offer: &[],
        never_reaches: &["tokio", "mio", "async-std", "smol", "socket2", "gatewire-format"],
    },
    Layer {
        name: "gatewire-cluster",
        may_use: &["gatewire-codec", "bytes", "sha2", "siphasher", "rustc-hash"],
        may_offer: &[],
        never_reaches: &["tokio", "mio", "async-std", "smol", "socket2", "gatewire-core"],
    },
    Layer {
        name: "gatewire-legacy",
        may_use: &[
            "gatewire-codec",
            "bytes",
            "hmac",
            "sha2",
            "subtle",
            "zeroize",
            "rustc-hash",
            // What old routers tell each other is JSON.
            "serde",
            "serde_json",
        ],
        may_offer: &[],
        never_reaches: &["tokio", "mio", "async-std", "smol", "socket2", "gatewire-core"],
    },
    Layer {
        name: "gatewire",
        may_use: &[
            "gatewire-codec",
            "gatewire-format",
            "gatewire-core",
            "gatewire-cluster",
            "bytes",
            "tokio",
            "tracing",
            "futures-channel",
            "futures-util",
            "getrandom",
            "socket2",
            "zeroize",
            "slab",
            "hashbrown",
            "foldhash",
            "rustc-hash",
        ],
        may_offer: &[
            "gatewire-json",
            "gatewire-msgpack",
            "gatewire-protobuf",
            "gatewire-avro",
            // TLS: the protocol, its sockets for the handshake, certificates, their fingerprints.
            "rustls",
            "rcgen",
            "sha2",
            // Key files.
            "toml",
            // Peers of versions 1 and 2, and their objects.
            "gatewire-legacy",
            "serde",
            "serde_json",
            "serde-transcode",
        ],
        never_reaches: &["async-std", "smol"],
    },
];
