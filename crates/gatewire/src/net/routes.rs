//! From the name of an event to its handlers.
//!
//! The tables of handlers are shared: one of the server or the client, one of the connection. A
//! connection reads them through snapshots, without a lock, and remembers the handlers of the events
//! that came last: those are found by the bytes of the name, without checking or hashing it.

use std::sync::Arc;

use crate::handler::{AnyHandler, Handlers, Listener, Listeners, Table};

/// Names that a connection remembers. Each has one place, which the next name there takes over.
const PLACES: usize = 16;

/// See the [module's documentation](self).
pub(crate) struct Routes<C> {
    shared: Snapshot<C>,
    own: Snapshot<C>,
    /// Whether there are handlers for all events.
    any: bool,
    /// Allocated with the first event that has handlers.
    recent: Option<Box<[Option<Route<C>>; PLACES]>>,
}

/// An event with handlers.
pub(crate) struct Route<C> {
    pub(crate) event: Box<str>,
    pub(crate) listeners: Listeners<C>,
}

impl<C> Routes<C> {
    pub(crate) fn new() -> Self {
        Self { shared: Snapshot::EMPTY, own: Snapshot::EMPTY, any: false, recent: None }
    }

    /// Looks whether handlers have come or gone.
    #[inline]
    pub(crate) fn refresh(&mut self, shared: &Handlers<C>, own: Option<&Handlers<C>>) {
        let changed = self.shared.refresh(shared);
        if own.is_some_and(|own| self.own.refresh(own)) || changed {
            self.recent = None;
            let any = self.any().next().is_some();
            self.any = any;
        }
    }

    /// The handlers of an event that came lately. None while there are handlers for all events.
    #[inline]
    pub(crate) fn recall(&self, name: &[u8]) -> Option<&Route<C>> {
        if self.any { None } else { self.recent(name) }
    }

    #[inline]
    fn recent(&self, name: &[u8]) -> Option<&Route<C>> {
        let route = self.recent.as_ref()?[place(name)].as_ref()?;
        (route.event.as_bytes() == name).then_some(route)
    }

    /// The handlers of an event: the connection's own first. `None`: there are none.
    pub(crate) fn find(&mut self, event: &str) -> Option<&Route<C>> {
        if self.recent(event.as_bytes()).is_none() {
            self.remember(event);
        }
        self.recent(event.as_bytes())
    }

    fn remember(&mut self, event: &str) {
        let listeners = match (self.own.find(event), self.shared.find(event)) {
            (None, None) => return,
            (Some(only), None) | (None, Some(only)) => Arc::clone(only),
            (Some(own), Some(shared)) => own.iter().chain(&**shared).cloned().collect(),
        };
        let recent = self.recent.get_or_insert_with(|| Box::new([const { None }; PLACES]));
        recent[place(event.as_bytes())] = Some(Route { event: event.into(), listeners });
    }

    /// The handlers of streams of an event, the connection's own first.
    pub(crate) fn find_streams(&self, event: &str) -> impl Iterator<Item = &Arc<Listener<C>>> {
        let tables = [&self.own.table, &self.shared.table].into_iter().flatten();
        tables.filter_map(move |table| table.find_streams(event)).flat_map(|found| found.iter())
    }

    /// The handlers for all events.
    pub(crate) fn any(&self) -> impl Iterator<Item = &AnyHandler<C>> {
        let tables = [&self.own.table, &self.shared.table].into_iter().flatten();
        tables.flat_map(|table| table.any()).map(|(_, call)| call)
    }

    /// Gives the memory of an idle connection back.
    pub(crate) fn release_memory(&mut self) {
        self.recent = None;
    }
}

/// Names that differ in their length or at their ends mostly have different places.
#[inline]
fn place(name: &[u8]) -> usize {
    let (first, last) = (name.first().copied(), name.last().copied());
    let end = usize::from(first.unwrap_or(0)) ^ (usize::from(last.unwrap_or(0)) << 1);
    ((name.len() * 5) ^ end) % PLACES
}

/// A snapshot of a handler table, renewed when the table has changed.
struct Snapshot<C> {
    version: u64,
    table: Option<Arc<Table<C>>>,
}

impl<C> Snapshot<C> {
    const EMPTY: Self = Self { version: 0, table: None };

    fn find(&self, event: &str) -> Option<&Listeners<C>> {
        self.table.as_ref()?.find(event)
    }

    /// `true`: the table is another.
    #[inline]
    fn refresh(&mut self, handlers: &Handlers<C>) -> bool {
        let version = handlers.version();
        let changed = self.table.is_none() || self.version != version;
        if changed {
            self.version = version;
            self.table = Some(handlers.snapshot());
        }
        changed
    }
}
