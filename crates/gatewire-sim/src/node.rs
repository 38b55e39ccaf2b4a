//! What the user brings: a node, its messages, and how it is made.

use std::fmt::Debug;
use std::time::Duration;

use crate::clock::Time;
use crate::network::Network;
use crate::rng::Rng;
use crate::topology::{LinkIndex, NodeIndex};

/// What travels on a link.
pub trait Message: Debug {
    /// Its length on the wire in bytes, for the accounts and for links with a bandwidth.
    fn size(&self) -> usize;

    /// Under what name it is counted. A program has few of them: they are looked up one by one.
    fn kind(&self) -> &'static str {
        "message"
    }
}

impl Message for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }
}

/// A state machine under simulation. Whatever it does it does through the [`Context`]; a real
/// clock, a hash table's random order or an address in memory would make runs differ.
pub trait Node {
    /// What it sends and receives.
    type Message: Message;

    /// The node was made, at the begin or after a crash. It has no link yet.
    fn start(&mut self, _cx: &mut Context<'_, Self::Message>) {}

    /// A connection over `link` is made. The other end learns of it a little earlier or later.
    fn handle_link_up(&mut self, _link: LinkIndex, _cx: &mut Context<'_, Self::Message>) {}

    /// The connection over `link` is lost, with all that was under way. It may have been lost for
    /// long: see [`Loss`](crate::Loss).
    fn handle_link_down(&mut self, _link: LinkIndex, _cx: &mut Context<'_, Self::Message>) {}

    /// A message has arrived. Those of one connection come in order and without gaps.
    fn handle_message(
        &mut self,
        link: LinkIndex,
        message: Self::Message,
        cx: &mut Context<'_, Self::Message>,
    );

    /// The time that was asked for with [`Context::wake_at`] has come.
    fn handle_wake(&mut self, _cx: &mut Context<'_, Self::Message>) {}
}

/// What the user's factory is told when it makes a node.
#[derive(Debug)]
pub struct Boot<N> {
    /// Which node.
    pub node: NodeIndex,
    /// How often it was made before.
    pub restarts: u32,
    /// The simulated time.
    pub now: Time,
    /// What the node's own clock of the calendar shows: the time since 1970. It may have been set
    /// back.
    pub calendar: Duration,
    /// The node as it was when it crashed, if its memory was kept. A factory takes from it what a
    /// disk would have held; nothing else survives a crash.
    pub previous: Option<N>,
    /// Random numbers of this node and this start.
    pub rng: Rng,
}

/// What became of a message that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way, and arrives unless the link is lost first.
    Queued,
    /// There is no connection; it is lost. While the node has not yet learned of the loss this is
    /// what a write into a dead socket is, and a machine under test should not look at it.
    NotConnected,
    /// The queue of the link is full; it is lost.
    Full,
}

/// What a node can do while it handles something.
#[derive(Debug)]
pub struct Context<'a, M> {
    pub(crate) node: NodeIndex,
    pub(crate) network: &'a mut Network<M>,
}

impl<M: Message> Context<'_, M> {
    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.network.now
    }

    /// Which node this is.
    #[must_use]
    pub fn node(&self) -> NodeIndex {
        self.node
    }

    /// What the node's own clock of the calendar shows: the time since 1970.
    #[must_use]
    pub fn calendar(&self) -> Duration {
        self.network.calendar(self.node)
    }

    /// Random numbers of this node and this start.
    pub fn rng(&mut self) -> &mut Rng {
        self.network.rng_of(self.node)
    }

    /// The node at the other end of `link`.
    ///
    /// # Panics
    ///
    /// When the link is not one of this node's.
    #[must_use]
    pub fn peer(&self, link: LinkIndex) -> NodeIndex {
        self.network.peer(link, self.node)
    }

    /// The links of this node over which it has a connection as far as it knows, in order.
    pub fn links(&self) -> impl Iterator<Item = LinkIndex> + '_ {
        self.network.seen_links(self.node)
    }

    /// Sends `message` over `link`.
    ///
    /// # Panics
    ///
    /// When the link is not one of this node's.
    pub fn send(&mut self, link: LinkIndex, message: M) -> Sent {
        self.network.send(link, self.node, message)
    }

    /// Asks for [`Node::handle_wake`] at `at`, in place of what was asked for before: now when it
    /// is past, never for [`Time::NEVER`]. A machine with a `poll_timeout` passes it on after each
    /// input.
    pub fn wake_at(&mut self, at: Time) {
        self.network.wake_at(self.node, at);
    }

    /// Ends the connection over `link`, if there is one. The node is not told, as it knows; the
    /// other end is. The link connects anew after its [`connect`](crate::LinkConfig::connect) time.
    ///
    /// # Panics
    ///
    /// When the link is not one of this node's.
    pub fn reset(&mut self, link: LinkIndex) {
        self.network.reset(link, self.node);
    }

    /// Reports that something is wrong. The run ends with it as its [`Violation`](crate::Violation)
    /// once this node returns.
    pub fn violation(&mut self, what: impl Into<String>) {
        self.network.violation("reported by a node", format!("{:?}: {}", self.node, what.into()));
    }
}
