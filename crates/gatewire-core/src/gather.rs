//! One question to many receivers: who was asked, who has ended, and when it is over.
//!
//! The machine knows addresses and ends, neither answers nor sockets nor time. A question goes to receivers that
//! are known when it begins, and to *branches*: nodes that ask receivers of their own, and tell of them later.
//!
//! ```text
//!   add ------------------------> asked --end--------------------------> ended
//!
//!   add_branch --> open --done--------> over      each receiver of it that has not ended is silent
//!                   |  `--unreachable-> over      so it is, and the node is named
//!                   |
//!                   +-- branch_asked --> asked --branch_ended--> ended
//! ```
//!
//! # Invariants
//!
//! * Each receiver is asked once, however often a branch tells of it, and ends once: the first end counts.
//! * Over is told once, when each receiver has ended and each branch is over; and no receiver is added after that.
//! * What a branch tells when it is over changes nothing.

use std::collections::BTreeMap;

/// A receiver of one [`Gather`]: receivers are numbered from 0 in the order in which they were asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Receiver(u32);

impl Receiver {
    /// Its number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A branch of one [`Gather`]: branches are numbered from 0 in the order in which they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Branch(usize);

impl Branch {
    /// Its number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// What a [closed](Gather::close) question has not heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unheard {
    /// Who had not ended.
    pub silent: Vec<Receiver>,
    /// Which branches were not over.
    pub branches: Vec<Branch>,
}

#[derive(Debug)]
struct Entry<A> {
    address: A,
    ended: bool,
}

#[derive(Debug)]
struct Node<A> {
    name: Box<str>,
    over: bool,
    /// Peers choose the addresses: in order, nobody can make them collide.
    receivers: BTreeMap<A, Receiver>,
}

/// See the [module's documentation](self). `A` is the address of a receiver.
#[derive(Debug)]
pub struct Gather<A> {
    max_receivers: usize,
    receivers: Vec<Entry<A>>,
    /// Receivers that have not ended.
    open: usize,
    branches: Vec<Node<A>>,
    /// Branches that are not over.
    open_branches: usize,
    over: bool,
}

impl<A: Clone + Ord> Gather<A> {
    /// A question to nobody yet, and to so many receivers at most.
    #[must_use]
    pub fn new(max_receivers: usize) -> Self {
        Self {
            max_receivers,
            receivers: Vec::new(),
            open: 0,
            branches: Vec::new(),
            open_branches: 0,
            over: false,
        }
    }

    /// Asks a receiver. `None`: there are too many, or all is over.
    pub fn add(&mut self, address: A) -> Option<Receiver> {
        if self.over || self.receivers.len() >= self.max_receivers {
            return None;
        }
        let receiver = Receiver(u32::try_from(self.receivers.len()).ok()?);
        self.receivers.push(Entry { address, ended: false });
        self.open += 1;
        Some(receiver)
    }

    /// Asks the receivers of a node, which it will tell of. Before [over](Self::poll_over) is asked for.
    pub fn add_branch(&mut self, name: &str) -> Branch {
        let branch = Branch(self.branches.len());
        self.branches.push(Node { name: name.into(), over: false, receivers: BTreeMap::new() });
        self.open_branches += 1;
        branch
    }

    /// A branch asks a receiver. `None`: it does so already, is over, or there are too many receivers.
    pub fn branch_asked(&mut self, branch: Branch, address: A) -> Option<Receiver> {
        let node = self.branches.get(branch.index())?;
        if node.over || node.receivers.contains_key(&address) {
            return None;
        }
        let receiver = self.add(address.clone())?;
        self.branches[branch.index()].receivers.insert(address, receiver);
        Some(receiver)
    }

    /// A receiver of a branch has ended. `None`: it had, or was never asked.
    pub fn branch_ended(&mut self, branch: Branch, address: &A) -> Option<Receiver> {
        let receiver = *self.branches.get(branch.index())?.receivers.get(address)?;
        self.end(receiver).then_some(receiver)
    }

    /// How many receivers a branch has told of; 0 once it is over.
    #[must_use]
    pub fn told_by(&self, branch: Branch) -> usize {
        self.branches.get(branch.index()).map_or(0, |node| node.receivers.len())
    }

    /// A branch has told of all its receivers: those that it left out are silent, and have ended.
    pub fn branch_done(&mut self, branch: Branch) -> Vec<Receiver> {
        self.end_branch(branch).unwrap_or_default()
    }

    /// A branch cannot be reached (any more): those of its receivers that are silent, and have ended. `None`: it
    /// was over before.
    pub fn branch_unreachable(&mut self, branch: Branch) -> Option<Vec<Receiver>> {
        self.end_branch(branch)
    }

    fn end_branch(&mut self, branch: Branch) -> Option<Vec<Receiver>> {
        let node = self.branches.get_mut(branch.index()).filter(|node| !node.over)?;
        node.over = true;
        let mut receivers: Vec<Receiver> =
            std::mem::take(&mut node.receivers).into_values().collect();
        self.open_branches -= 1;
        receivers.sort_unstable();
        receivers.retain(|receiver| self.end(*receiver));
        Some(receivers)
    }

    /// A receiver has ended; whether it had not before.
    pub fn end(&mut self, receiver: Receiver) -> bool {
        let Some(entry) = self.receivers.get_mut(receiver.index()) else { return false };
        let first = !std::mem::replace(&mut entry.ended, true);
        self.open -= usize::from(first);
        first
    }

    /// Nothing more is waited for: who had not ended, and has now.
    pub fn close(&mut self) -> Unheard {
        let mut unheard = Unheard::default();
        for (number, node) in self.branches.iter_mut().enumerate() {
            if !std::mem::replace(&mut node.over, true) {
                unheard.branches.push(Branch(number));
            }
            node.receivers.clear();
        }
        for (number, entry) in (0..).zip(&mut self.receivers) {
            if !std::mem::replace(&mut entry.ended, true) {
                unheard.silent.push(Receiver(number));
            }
        }
        (self.open, self.open_branches) = (0, 0);
        unheard
    }

    /// How many receivers there were, once each has ended and each branch is over. Told once.
    pub fn poll_over(&mut self) -> Option<usize> {
        if self.over || self.open > 0 || self.open_branches > 0 {
            return None;
        }
        self.over = true;
        Some(self.receivers.len())
    }

    /// The address of a receiver.
    ///
    /// # Panics
    ///
    /// It is one of another question.
    #[must_use]
    pub fn address(&self, receiver: Receiver) -> &A {
        &self.receivers[receiver.index()].address
    }

    /// All who were asked, in that order.
    pub fn all(&self) -> impl Iterator<Item = Receiver> + use<A> {
        (0..).map(Receiver).take(self.receivers.len())
    }

    /// The addresses of all who were asked, in that order.
    pub fn addresses(&self) -> impl ExactSizeIterator<Item = &A> {
        self.receivers.iter().map(|entry| &entry.address)
    }

    /// The name of a branch's node.
    ///
    /// # Panics
    ///
    /// It is one of another question.
    #[must_use]
    pub fn node(&self, branch: Branch) -> &str {
        &self.branches[branch.index()].name
    }

    /// How many were asked.
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.receivers.len()
    }
}
