//! The last events of a run, kept in a ring so that a failing run can tell what led to it.

use std::collections::VecDeque;
use std::fmt::{self, Debug};

use crate::clock::Time;
use crate::topology::{LinkIndex, NodeIndex};

/// How much of a run is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceConfig {
    /// How many events; 0 for none.
    pub events: usize,
    /// Whether messages are shown with `Debug`, or by kind and size alone, which costs next to
    /// nothing.
    pub contents: bool,
}

/// 64 events, without contents.
impl Default for TraceConfig {
    fn default() -> Self {
        Self { events: 64, contents: false }
    }
}

#[derive(Debug)]
pub(crate) struct Trace {
    config: TraceConfig,
    ring: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    at: Time,
    what: What,
    contents: Option<String>,
}

/// One event, as it is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Start(NodeIndex),
    Up(NodeIndex, LinkIndex),
    Down(NodeIndex, LinkIndex),
    Message { from: NodeIndex, to: NodeIndex, link: LinkIndex, kind: &'static str, size: u64 },
    Wake(NodeIndex),
    Call(NodeIndex, &'static str),
    Fault,
}

impl Trace {
    pub(crate) fn new(config: TraceConfig) -> Self {
        Self { config, ring: VecDeque::with_capacity(config.events.min(MOST_RESERVED)) }
    }

    /// Adds an event; `contents` is looked at only if contents are wanted.
    #[inline]
    pub(crate) fn message(&mut self, at: Time, what: What, contents: &dyn Debug) {
        let contents = self.config.contents.then(|| format!("{contents:?}"));
        self.push(Entry { at, what, contents });
    }

    #[inline]
    pub(crate) fn event(&mut self, at: Time, what: What) {
        self.push(Entry { at, what, contents: None });
    }

    pub(crate) fn fault(&mut self, at: Time, fault: &dyn Debug) {
        self.push(Entry { at, what: What::Fault, contents: Some(format!("{fault:?}")) });
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.ring.iter().map(Entry::to_string).collect()
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        if self.config.events == 0 {
            return;
        }
        if self.ring.len() == self.config.events {
            self.ring.pop_front();
        }
        self.ring.push_back(entry);
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.at)?;
        match self.what {
            What::Start(node) => write!(f, "node {} starts", node.0)?,
            What::Up(node, link) => write!(f, "node {}: link {} up", node.0, link.0)?,
            What::Down(node, link) => write!(f, "node {}: link {} down", node.0, link.0)?,
            What::Message { from, to, link, kind, size } => {
                write!(f, "{} -> {} (link {}): {kind}, {size} B", from.0, to.0, link.0)?;
            }
            What::Wake(node) => write!(f, "node {} wakes", node.0)?,
            What::Call(node, label) => write!(f, "node {}: call `{label}`", node.0)?,
            What::Fault => f.write_str("fault")?,
        }
        self.contents.iter().try_for_each(|contents| write!(f, " {contents}"))
    }
}

/// Room that is taken at once; a longer trace grows as it fills.
const MOST_RESERVED: usize = 1024;
