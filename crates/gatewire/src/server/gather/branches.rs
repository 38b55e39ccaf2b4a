//! What other nodes tell of their own receivers. A branch is one node; all that is told of one that is over
//! changes nothing.

use gatewire_codec::SocketAddress;
use gatewire_core::gather::{Branch, Receiver};

use super::{Gather, News, State};
use crate::error::RequestError;
use crate::net::waiter::Outcome;

impl Gather {
    /// A node asks receivers of its own. Before the [question](Self::ask) itself.
    pub(crate) fn add_branch(&self, node: &str) -> Branch {
        self.lock().members.add_branch(node)
    }

    /// A node asks this receiver. `false`: it is not one more, or there are too many, of this question or of all those
    /// of the client that asks.
    pub(crate) fn branch_asked(&self, branch: Branch, address: SocketAddress) -> bool {
        if !self.sink.add_receiver() {
            return false;
        }
        let asked = self.update(|state| {
            let asked = state.members.branch_asked(branch, address.clone()).is_some();
            if asked && !state.closed {
                state.untold.push_back(News::Asked(vec![address]));
            }
            asked
        });
        if !asked {
            self.sink.remove_receiver();
        }
        asked
    }

    /// A receiver of a node has ended.
    pub(crate) fn branch_outcome(&self, branch: Branch, address: &SocketAddress, outcome: Outcome) {
        self.update(|state| {
            if let Some(receiver) = state.members.branch_ended(branch, address) {
                state.tell_outcome(receiver, outcome);
            }
        });
    }

    /// A node has told of all its receivers, and says how many there were. If it has named others than that, word of
    /// some was lost or comes later, and it is not known whom it has asked.
    pub(crate) fn branch_done(&self, branch: Branch, receivers: usize) {
        self.update(|state| {
            if state.members.told_by(branch) == receivers {
                let silent = state.members.branch_done(branch);
                state.tell_silent(&silent, &RequestError::Timeout);
            } else {
                state.lose(branch);
            }
        });
    }

    /// A node cannot be reached, or not any more: what it has told of has been asked.
    pub(crate) fn branch_unreachable(&self, branch: Branch) {
        self.update(|state| state.lose(branch));
    }

    /// The deadline has passed: whoever is silent stays so, and nodes that are not done are unreachable.
    pub(crate) fn expire(&self) {
        let requests = self.update(|state| {
            let unheard = state.members.close();
            state.tell_silent(&unheard.silent, &RequestError::Timeout);
            for branch in unheard.branches {
                state.tell_unreachable(branch);
            }
            std::mem::take(&mut state.requests)
        });
        for (socket, id) in requests {
            super::forget(&socket, id);
        }
    }
}

impl State {
    fn lose(&mut self, branch: Branch) {
        if let Some(silent) = self.members.branch_unreachable(branch) {
            self.tell_silent(&silent, &RequestError::MaybeDelivered);
            self.tell_unreachable(branch);
        }
    }

    fn tell_silent(&mut self, silent: &[Receiver], why: &RequestError) {
        for receiver in silent {
            self.tell_outcome(*receiver, Err(why.clone()));
        }
    }

    fn tell_unreachable(&mut self, branch: Branch) {
        if !self.closed {
            let node = self.members.node(branch).into();
            self.untold.push_back(News::Unreachable(node));
        }
    }
}
