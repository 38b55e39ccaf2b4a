//! Who listens for what.
//!
//! The table is copied when it changes, which is rare, and read through a snapshot that each
//! connection's driver holds: looking up a handler takes no lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use gatewire_codec::Value;
use rustc_hash::FxHashMap;

use super::{Handler, Listen};

/// Names a registered handler, for `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HandlerId(u64);

/// One registered closure.
pub(crate) struct Listener<C> {
    pub(crate) id: HandlerId,
    pub(crate) call: Arc<Listen<C>>,
    /// For `once`: whether it may still run.
    once: Option<AtomicBool>,
}

impl<C> Listener<C> {
    /// Whether it is to run now. A `once` handler says yes once; then it is to be taken off.
    pub(crate) fn claim(&self) -> Claim {
        match &self.once {
            None => Claim::Run,
            Some(unused) if unused.swap(false, Ordering::AcqRel) => Claim::RunAndRemove,
            Some(_) => Claim::Skip,
        }
    }
}

pub(crate) enum Claim {
    Run,
    RunAndRemove,
    Skip,
}

/// A catch-all closure.
pub(crate) type AnyHandler<C> = Arc<dyn Fn(&C, &str, Value) + Send + Sync>;

/// The handlers of one event, in the order of their registration.
pub(crate) type Listeners<C> = Arc<[Arc<Listener<C>>]>;

type Events<C> = FxHashMap<Box<str>, Listeners<C>>;

/// A snapshot of all handlers.
pub(crate) struct Table<C> {
    messages: Events<C>,
    streams: Events<C>,
    any: Vec<(HandlerId, AnyHandler<C>)>,
}

impl<C> Table<C> {
    fn new() -> Self {
        Self { messages: Events::default(), streams: Events::default(), any: Vec::new() }
    }

    pub(crate) fn find(&self, event: &str) -> Option<&Listeners<C>> {
        self.messages.get(event)
    }

    pub(crate) fn find_streams(&self, event: &str) -> Option<&Listeners<C>> {
        self.streams.get(event)
    }

    pub(crate) fn any(&self) -> &[(HandlerId, AnyHandler<C>)] {
        &self.any
    }
}

impl<C> Clone for Table<C> {
    fn clone(&self) -> Self {
        let Self { messages, streams, any } = self;
        Self { messages: messages.clone(), streams: streams.clone(), any: any.clone() }
    }
}

/// The handlers of a server, a client or one socket.
pub(crate) struct Handlers<C> {
    table: RwLock<Arc<Table<C>>>,
    version: AtomicU64,
}

/// Of all tables of the process: the id of a socket's handler is none of its server's.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl<C> Handlers<C> {
    pub(crate) fn new() -> Self {
        Self { table: RwLock::new(Arc::new(Table::new())), version: AtomicU64::new(0) }
    }

    /// Grows with each change.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn snapshot(&self) -> Arc<Table<C>> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<R>(&self, f: impl FnOnce(&mut Table<C>) -> R) -> R {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Table::clone(&table);
        let result = f(&mut changed);
        // Dropped when the lock is free again: closures may hold what uses this table when it goes.
        let _replaced = std::mem::replace(&mut *table, Arc::new(changed));
        self.version.fetch_add(1, Ordering::AcqRel);
        drop(table);
        result
    }

    pub(crate) fn add<M, H: Handler<C, M>>(
        &self,
        event: &str,
        handler: H,
        once: bool,
    ) -> HandlerId {
        self.insert(event, handler.into_listener(), once, H::TAKES_STREAMS)
    }

    /// The part of [`add`](Self::add) that is compiled once, and not for each closure.
    fn insert(&self, event: &str, call: Arc<Listen<C>>, once: bool, streams: bool) -> HandlerId {
        let id = draw_id();
        let once = once.then(|| AtomicBool::new(true));
        let listener = Arc::new(Listener { id, call, once });
        self.change(|table| {
            let events = if streams { &mut table.streams } else { &mut table.messages };
            let old = events.get(event).map_or(&[][..], |listeners| listeners);
            let listeners = old.iter().cloned().chain([listener]).collect();
            events.insert(event.into(), listeners);
        });
        id
    }

    pub(crate) fn add_any(&self, call: AnyHandler<C>) -> HandlerId {
        let id = draw_id();
        self.change(|table| table.any.push((id, call)));
        id
    }

    /// Takes one handler off; whether it was there.
    pub(crate) fn remove(&self, id: HandlerId) -> bool {
        self.change(|table| {
            let any = table.any.len();
            table.any.retain(|(other, _)| *other != id);
            let removed = remove(&mut table.messages, id) || remove(&mut table.streams, id);
            removed || any != table.any.len()
        })
    }

    /// Lets all handlers go: their closures may hold what holds this table.
    pub(crate) fn clear(&self) {
        self.change(|table| *table = Table::new());
    }

    /// Takes all handlers of an event off; how many there were.
    pub(crate) fn remove_event(&self, event: &str) -> usize {
        self.change(|table| {
            let both = [table.messages.remove(event), table.streams.remove(event)];
            both.into_iter().flatten().map(|listeners| listeners.len()).sum()
        })
    }
}

fn remove<C>(events: &mut Events<C>, id: HandlerId) -> bool {
    let mut all = events.iter_mut();
    let Some((event, listeners)) =
        all.find(|(_, listeners)| listeners.iter().any(|listener| listener.id == id))
    else {
        return false;
    };
    let kept: Listeners<C> =
        listeners.iter().filter(|listener| listener.id != id).cloned().collect();
    if kept.is_empty() {
        let event = event.clone();
        events.remove(&event);
    } else {
        *listeners = kept;
    }
    true
}

fn draw_id() -> HandlerId {
    HandlerId(NEXT_ID.fetch_add(1, Ordering::Relaxed))
}
