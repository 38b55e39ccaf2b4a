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

    /// A node asks this receiver. `false`: it is not one more, or there are too many.
    pub(crate) fn branch_asked(&self, branch: Branch, address: SocketAddress) -> bool {
        self.update(|state| {
            let asked = state.members.branch_asked(branch, address.clone()).is_some();
            if asked && !state.closed {
                state.untold.push_back(News::Asked(vec![address]));
            }
            asked
        })
    }

    /// A receiver of a node has ended.
    pub(crate) fn branch_outcome(&self, branch: Branch, address: &SocketAddress, outcome: Outcome) {
        self.update(|state| {
            if let Some(receiver) = state.members.branch_ended(branch, address) {
                state.tell_outcome(receiver, outcome);
            }
        });
    }

    /// A node has told of all its receivers.
    pub(crate) fn branch_done(&self, branch: Branch) {
        self.update(|state| {
            let silent = state.members.branch_done(branch);
            state.tell_silent(&silent, &RequestError::Timeout);
        });
    }

    /// A node cannot be reached, or not any more: what it has told of has been asked.
    pub(crate) fn branch_unreachable(&self, branch: Branch) {
        self.update(|state| {
            if let Some(silent) = state.members.branch_unreachable(branch) {
                state.tell_silent(&silent, &RequestError::MaybeDelivered);
                state.tell_unreachable(branch);
            }
        });
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
