//! Rules of the protocol that a build can lack.
//!
//! A check that never fails proves little. So `cargo xtask sim --mutants` builds this crate with
//! `--cfg gatewire_mutation="name"`, one rule at a time, and the simulations have to find what then goes wrong.
//! In each other build all of them are true.

/// A link counts only when both ends list it.
pub(crate) const BOTH_ENDS: bool = !cfg!(gatewire_mutation = "both-ends");
/// The first copy of a record is handed on.
pub(crate) const FLOODING: bool = !cfg!(gatewire_mutation = "flooding");
/// A new life begins without the rooms of the last one.
pub(crate) const NEW_LIFE_WITHOUT_ROOMS: bool = !cfg!(gatewire_mutation = "old-rooms");
/// Who meets a newer record of its own name goes on with a higher counter.
pub(crate) const OUT_BIDDING: bool = !cfg!(gatewire_mutation = "out-bidding");
/// Changes that keep coming are acted on more and more seldom.
pub(crate) const BACKING_OFF: bool = !cfg!(gatewire_mutation = "back-off");
/// Both ends of a link tell of the same cost.
pub(crate) const AGREED_COST: bool = !cfg!(gatewire_mutation = "agreed-cost");
/// A neighbour whose answer did not fit any more is asked again.
pub(crate) const ASKING_AGAIN: bool = !cfg!(gatewire_mutation = "asking-again");
/// Who forgot a node compares with its neighbours when more can be reached.
pub(crate) const RECHECKING: bool = !cfg!(gatewire_mutation = "rechecking");
/// A routed frame does not leave by the link by which it came.
pub(crate) const NEVER_BACK: bool = !cfg!(gatewire_mutation = "never-back");
/// Each destination of a routed frame is in one copy only.
pub(crate) const SPLITTING: bool = !cfg!(gatewire_mutation = "splitting");
/// A routed frame may cross one link less after each link.
pub(crate) const COUNTING_HOPS: bool = !cfg!(gatewire_mutation = "hops");
/// Nodes are numbered on all links before frames can be routed to them.
pub(crate) const NUMBERING: bool = !cfg!(gatewire_mutation = "numbering");
/// A frame of a life that is over is late.
pub(crate) const OUTLIVING: bool = !cfg!(gatewire_mutation = "outliving");
/// The ways of one flow do not meet again.
pub(crate) const ONE_TREE: bool = !cfg!(gatewire_mutation = "one-tree");
