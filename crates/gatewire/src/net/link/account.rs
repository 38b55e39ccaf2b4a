//! What came in, over all connections of a link.

use gatewire_core::Ledger;

use super::Session;

/// The accounts of a link's connections, one behind the other. Several can be open: messages of one
/// that has ended may still be handled while the next is up.
#[derive(Default)]
pub(super) struct Account {
    ended: Ledger,
    open: Vec<(Session, Ledger)>,
}

impl Account {
    /// Replaces what one connection has told before.
    pub(super) fn note(&mut self, session: Session, ledger: Ledger) {
        match self.open.iter_mut().find(|(other, _)| *other == session) {
            Some((_, noted)) => *noted = ledger,
            None => self.open.push((session, ledger)),
        }
    }

    /// This connection's account will not change any more.
    pub(super) fn end(&mut self, session: Session, ledger: Ledger) {
        self.open.retain(|(other, _)| *other != session);
        self.ended += ledger;
    }

    pub(super) fn total(&self) -> Ledger {
        let mut total = self.ended;
        for (_, ledger) in &self.open {
            total += *ledger;
        }
        total
    }
}
