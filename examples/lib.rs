//! Examples of [gatewire](https://github.com/gatewire/gatewire), one program each. Run one with
//! `cargo run -p gatewire-examples --example NAME`; in the order in which to read them:
//!
//! | name | what it shows |
//! |---|---|
//! | `hello` | a server and a client, an event and a request, in both directions |
//! | `chat` | four processes: rooms, broadcast, answers, messages from client to client |
//! | `acks` | all ways in which a request ends, and when it is safe to ask again |
//! | `client_to_client` | clients that address each other by id |
//! | `formats` | objects as JSON, MessagePack, Protocol Buffers, Avro and in a format of one's own |
//! | `keygen` | makes a key, and its entry for a key file |
//! | `reconnect` | a server that goes away and comes back |
//! | `backpressure` | full queues, slow receivers, and the counters that tell of them |
//! | `files` | streams: a file uploaded, gone on with after a cut, and sent to a room; also a small tool |
//! | `authorize` | who may join, send and shout: decided by the application, at once or after a look-up |
//! | `cluster` | six routers with links that cost something: rooms and requests across them, and the other way when a link is cut |
//! | `cluster_processes` | three router processes with keys, and a client process on each; also a small tool |
//! | `codec_proxy` | the codec alone: a proxy that prints what passes |
//! | `simulation` | no network at all: a protocol of one's own, whose bug is found by a seed |
//!
//! Each ends by itself. Lines that begin with `//! expect:` are what `cargo xtask examples` looks for
//! in the output, in that order.
