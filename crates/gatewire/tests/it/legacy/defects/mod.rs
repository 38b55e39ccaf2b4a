//! What can be provoked in the Node packages, and cannot in gatewire: `docs/protocol/defects.md` has the list.

mod authentication;
mod connections;
mod frames;
mod messages;
mod streams;
