//! What happens next: events in the order of their time, and of their entry when times are equal.
//!
//! The number of the entry is taken when a thing is decided, not when it is put into the heap. So a
//! link holds its messages in a row of its own, with only the first one in here, and the order is
//! the same as if all were.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::clock::Time;

/// Where an event stands among those of the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn(u64);

/// Events of type `E`, the earliest first.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    next_turn: u64,
}

impl<E> Queue<E> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), next_turn: 0 }
    }

    /// The turn of an event that is decided now.
    pub(crate) fn take_turn(&mut self) -> Turn {
        let turn = Turn(self.next_turn);
        self.next_turn += 1;
        turn
    }

    /// Adds what is decided now.
    pub(crate) fn push(&mut self, at: Time, event: E) {
        let turn = self.take_turn();
        self.push_in_turn(at, turn, event);
    }

    /// Adds what was decided when `turn` was taken.
    pub(crate) fn push_in_turn(&mut self, at: Time, turn: Turn, event: E) {
        self.heap.push(Reverse(Entry { at, turn, event }));
    }

    /// The time of the first event; [`Time::NEVER`] when there is none.
    pub(crate) fn next_time(&self) -> Time {
        self.heap.peek().map_or(Time::NEVER, |entry| entry.0.at)
    }

    pub(crate) fn pop(&mut self) -> Option<(Time, E)> {
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
}

#[derive(Debug)]
struct Entry<E> {
    at: Time,
    turn: Turn,
    event: E,
}

impl<E> Entry<E> {
    fn key(&self) -> (Time, Turn) {
        (self.at, self.turn)
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn events_of_one_time_come_in_the_order_of_their_turns() {
        let mut queue = Queue::new();
        let late = Time::from_elapsed(Duration::from_nanos(5));
        let early = queue.take_turn();
        queue.push(late, "third");
        queue.push(late, "fourth");
        queue.push(Time::ZERO, "first");
        queue.push_in_turn(late, early, "second");
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, event)| event).collect();
        assert_eq!(order, ["first", "second", "third", "fourth"]);
        assert_eq!(queue.next_time(), Time::NEVER);
    }
}
