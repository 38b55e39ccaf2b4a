//! The accounts of all that was published: where each copy is, for whom, and what became of it.
//!
//! For each publish and destination there is one token. It is at a node, or on a link within one copy, or it has come
//! to an end:
//!
//! ```text
//!            publish            send               arrive
//!   nowhere ---------> at a node ----> in a copy on a link ----> at a node ...
//!                          |                   |
//!                          v                   v
//!       delivered, late, unreachable,      lost with the link
//!       expired, refused by a queue
//! ```
//!
//! What a station does with a frame moves tokens, and a token moves only from where it is. So two copies for one
//! destination cannot go unnoticed, nor a destination that nobody accounts for. A frame that vanishes within a link
//! says so itself: see [`Copy`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use gatewire_cluster::NodeId;
use gatewire_cluster::forward::MAX_HOPS;
use gatewire_sim::{LinkIndex, NodeIndex};

/// Something that a station did and that breaks a rule, as a sentence.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// How a token came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The destination delivered it to its members.
    Delivered,
    /// A later one of its flow, or a later life of its origin, was there before.
    Late,
    /// No link led there.
    Unreachable,
    /// It had gone too far.
    Expired,
    /// The queue of a link was full.
    Refused,
    /// The link that carried it was lost.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    At(NodeIndex),
    /// In the copy with this number.
    In(u32),
    Over(Fate),
}

/// One destination of one publish.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) node: NodeId,
    place: Place,
    /// By which link it came to where it is.
    arrival: Option<LinkIndex>,
    /// How many links it has crossed, and what they cost.
    pub(crate) hops: u8,
    pub(crate) cost: u32,
}

impl Token {
    /// What became of it.
    pub(crate) fn fate(&self) -> Option<Fate> {
        match self.place {
            Place::Over(fate) => Some(fate),
            _ => None,
        }
    }
}

/// One publish, and all that is known of it.
#[derive(Debug, Default)]
pub(crate) struct Publish {
    pub(crate) tokens: Vec<Token>,
    /// Over which link each copy went, and where to.
    pub(crate) copies: Vec<(LinkIndex, NodeIndex)>,
}

/// All publishes that are under way or not judged yet.
#[derive(Debug, Default)]
pub struct Ledger {
    publishes: BTreeMap<u32, Publish>,
    next: u32,
    /// How many of its flow a node has published, over all its lives.
    numbers: BTreeMap<(NodeIndex, u8), u32>,
    fates: BTreeMap<Fate, u64>,
}

impl Ledger {
    /// Opens the account of a publish: its id, and its number among those of its origin and flow.
    pub(crate) fn open(&mut self, origin: NodeIndex, flow: u8, nodes: &[NodeId]) -> (u32, u32) {
        let token =
            |&node| Token { node, place: Place::At(origin), arrival: None, hops: 0, cost: 0 };
        let tokens = nodes.iter().map(token).collect();
        let id = self.next;
        self.next += 1;
        self.publishes.insert(id, Publish { tokens, copies: Vec::new() });
        let number = self.numbers.entry((origin, flow)).or_default();
        *number += 1;
        (id, *number)
    }

    /// A node is about to send a copy for `nodes` over a link.
    pub(crate) fn send(&mut self, id: u32, leg: Leg, nodes: &[NodeId], ttl: u8) -> Outcome<u32> {
        let publish = self.publishes.get_mut(&id).ok_or(UNKNOWN)?;
        let copy = u32::try_from(publish.copies.len()).unwrap_or(u32::MAX);
        publish.copies.push((leg.link, leg.to));
        for node in nodes {
            let token = publish.token_at(*node, leg.from)?;
            if token.arrival == Some(leg.link) {
                return Err(format!(
                    "publish {id} goes back over {:?}, by which it came",
                    leg.link
                ));
            }
            if u32::from(ttl) + u32::from(token.hops) + 1 != u32::from(MAX_HOPS) {
                let hops = token.hops;
                return Err(format!("publish {id} has ttl {ttl} left after {hops} links"));
            }
            token.place = Place::In(copy);
            token.hops += 1;
            token.cost += leg.cost;
        }
        Ok(copy)
    }

    /// A copy has arrived whole.
    fn arrive(&mut self, id: u32, copy: u32) {
        let Some(publish) = self.publishes.get_mut(&id) else { return };
        let Some(&(link, to)) = publish.copies.get(copy as usize) else { return };
        for token in publish.tokens_in(copy) {
            token.place = Place::At(to);
            token.arrival = Some(link);
        }
    }

    /// A copy has vanished.
    fn lose(&mut self, id: u32, copy: u32) {
        let Some(publish) = self.publishes.get_mut(&id) else { return };
        for token in publish.tokens_in(copy) {
            token.place = Place::Over(Fate::Lost);
            *self.fates.entry(Fate::Lost).or_default() += 1;
        }
    }

    /// A node has brought tokens to an end.
    pub(crate) fn end(&mut self, id: u32, at: NodeIndex, nodes: &[NodeId], fate: Fate) -> Outcome {
        let publish = self.publishes.get_mut(&id).ok_or(UNKNOWN)?;
        for node in nodes {
            let token = publish.token_at(*node, at)?;
            if fate == Fate::Expired && token.hops != MAX_HOPS {
                return Err(format!("publish {id} expired after {} links", token.hops));
            }
            token.place = Place::Over(fate);
            *self.fates.entry(fate).or_default() += 1;
        }
        Ok(())
    }

    /// A node is done with a frame: nothing of it is left there.
    pub(crate) fn leave(&self, id: u32, at: NodeIndex) -> Outcome {
        let publish = self.publishes.get(&id).ok_or(UNKNOWN)?;
        let left = publish.tokens.iter().find(|token| token.place == Place::At(at));
        left.map_or(Ok(()), |token| {
            let node = token.node;
            Err(format!("publish {id} for {node:?} is neither passed on nor accounted for"))
        })
    }

    /// Whether something is under way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let mut tokens = self.publishes.values().flat_map(|publish| &publish.tokens);
        tokens.any(|token| token.fate().is_none())
    }

    /// Takes a publish out, to be judged.
    pub(crate) fn close(&mut self, id: u32) -> Option<Publish> {
        self.publishes.remove(&id)
    }

    /// Forgets what has come to an end. How many of each fate there were stays known.
    pub(crate) fn close_all(&mut self) {
        self.publishes.clear();
    }

    /// How many tokens came to each end.
    #[must_use]
    pub fn fates(&self) -> &BTreeMap<Fate, u64> {
        &self.fates
    }
}

impl Publish {
    fn token_at(&mut self, node: NodeId, at: NodeIndex) -> Outcome<&mut Token> {
        let token = self.tokens.iter_mut().find(|token| token.node == node);
        let token = token.ok_or_else(|| format!("{node:?} is none of the destinations"))?;
        if token.place != Place::At(at) {
            let place = token.place;
            return Err(format!(
                "a second copy for {node:?} at {at:?}, and the first is {place:?}"
            ));
        }
        Ok(token)
    }

    fn tokens_in(&mut self, copy: u32) -> impl Iterator<Item = &mut Token> {
        self.tokens.iter_mut().filter(move |token| token.place == Place::In(copy))
    }
}

/// One link, in one direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leg {
    pub(crate) link: LinkIndex,
    pub(crate) from: NodeIndex,
    pub(crate) to: NodeIndex,
    pub(crate) cost: u32,
}

/// A copy that is on a link. When it is dropped without having arrived, it was lost.
pub(crate) struct Copy {
    ledger: Rc<RefCell<Ledger>>,
    publish: u32,
    number: u32,
    arrived: bool,
}

impl Copy {
    pub(crate) fn new(ledger: &Rc<RefCell<Ledger>>, publish: u32, number: u32) -> Self {
        Self { ledger: Rc::clone(ledger), publish, number, arrived: false }
    }

    /// It has arrived, and its tokens are where it went. Gives the id of the publish.
    pub(crate) fn arrive(mut self) -> u32 {
        self.arrived = true;
        self.ledger.borrow_mut().arrive(self.publish, self.number);
        self.publish
    }
}

impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "copy {} of publish {}", self.number, self.publish)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.arrived {
            self.ledger.borrow_mut().lose(self.publish, self.number);
        }
    }
}

const UNKNOWN: &str = "nobody published this";
