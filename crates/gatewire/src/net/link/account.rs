//! What came in, over all connections of a link.

use gatewire_core::Ledger;

use super::Session;

/// The accounts of a link's connections, one behind the other. Opened with the first message that
/// comes in: an idle connection has none.
#[derive(Default)]
pub(super) struct Account(Option<Box<Books>>);

#[derive(Default)]
struct Books {
    ended: Ledger,
    /// Several can be open: messages of a connection that has ended may still be handled while the
    /// next is up.
    open: Vec<(Session, Ledger)>,
}

impl Account {
    /// Replaces what one connection has told before.
    pub(super) fn note(&mut self, session: Session, ledger: Ledger) {
        let Some(books) = self.books(ledger) else { return };
        match books.open.iter_mut().find(|(other, _)| *other == session) {
            Some((_, noted)) => *noted = ledger,
            None => {
                // Rarely more than one.
                books.open.reserve_exact(1);
                books.open.push((session, ledger));
            }
        }
    }

    /// This connection's account will not change any more.
    pub(super) fn end(&mut self, session: Session, ledger: Ledger) {
        let Some(books) = self.books(ledger) else { return };
        books.open.retain(|(other, _)| *other != session);
        books.ended += ledger;
    }

    /// `None`: nothing came yet, nor with this.
    fn books(&mut self, ledger: Ledger) -> Option<&mut Books> {
        if self.0.is_none() && ledger != Ledger::default() {
            self.0 = Some(Box::default());
        }
        self.0.as_deref_mut()
    }

    pub(super) fn total(&self) -> Ledger {
        let Some(books) = &self.0 else { return Ledger::default() };
        let mut total = books.ended;
        for (_, ledger) in &books.open {
            total += *ledger;
        }
        total
    }
}
