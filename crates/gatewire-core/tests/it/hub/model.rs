//! The hub against a naive one: sets of numbers, and a delivery that asks each socket in turn.

use std::collections::{BTreeMap, BTreeSet};

use gatewire_core::hub::JoinError;
use proptest::prelude::*;

use super::*;
use crate::property;

/// Sockets are numbers below this; a number may come and go many times.
const SOCKETS: u8 = 6;

/// Few enough that rooms fill and empty. The bounds are small too: 3 rooms, 11 bytes.
const ROOMS: [&str; 7] = ["a", "b", "c", "__proto__", "constructor", "", "a name that is too long"];
const LIMITS: RoomLimits = RoomLimits { max_rooms: 3, max_name: 11 };

/// Texts in place of socket ids that are no ids.
const NO_IDS: [&str; 4] = ["", "a", "01010101", "0101010101010101010101010101010G"];

#[derive(Debug, Clone)]
enum Operation {
    Insert(u8),
    Remove(u8),
    Join(u8, usize),
    Leave(u8, usize),
    LeaveAll(u8),
    Deliver(Order),
}

#[derive(Debug, Clone)]
struct Order {
    sender: Option<u8>,
    everyone: bool,
    rooms: Vec<usize>,
    /// From `SOCKETS` on: one of [`NO_IDS`].
    sockets: Vec<u8>,
    except_rooms: Vec<usize>,
    except_sockets: Vec<u8>,
    include_self: bool,
}

#[test]
fn the_hub_does_what_a_naive_one_does() {
    property::check(200, &prop::collection::vec(operation(), 1..200), |operations| {
        let mut both = Both::new();
        for operation in &operations {
            both.apply(operation);
            both.compare();
        }
    });
}

fn operation() -> impl Strategy<Value = Operation> {
    let socket = || 0..SOCKETS;
    let room = || 0..ROOMS.len();
    prop_oneof![
        3 => socket().prop_map(Operation::Insert),
        1 => socket().prop_map(Operation::Remove),
        6 => (socket(), room()).prop_map(|(socket, room)| Operation::Join(socket, room)),
        5 => (socket(), room()).prop_map(|(socket, room)| Operation::Leave(socket, room)),
        1 => socket().prop_map(Operation::LeaveAll),
        4 => order().prop_map(Operation::Deliver),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    let names = u8::try_from(NO_IDS.len()).expect("few");
    let rooms = || prop::collection::vec(0..ROOMS.len(), 0..3);
    let sockets = move || prop::collection::vec(0..SOCKETS + names, 0..3);
    (
        prop::option::of(0..SOCKETS),
        prop::bool::weighted(0.3),
        rooms(),
        sockets(),
        rooms(),
        sockets(),
        any::<bool>(),
        // Half of the orders have no exceptions: they take other ways through the hub.
        any::<bool>(),
    )
        .prop_map(
            |(sender, everyone, rooms, sockets, no_rooms, no_sockets, include_self, plain)| {
                let (except_rooms, except_sockets) =
                    if plain { (Vec::new(), Vec::new()) } else { (no_rooms, no_sockets) };
                Order {
                    sender,
                    everyone,
                    rooms,
                    sockets,
                    except_rooms,
                    except_sockets,
                    include_self,
                }
            },
        )
}

/// The naive hub: who is there, and in which rooms.
type Model = BTreeMap<u8, BTreeSet<&'static str>>;

struct Both {
    hub: Hub<u8>,
    model: Model,
    /// The last key of each number, be it connected or not.
    keys: BTreeMap<u8, SocketKey>,
}

impl Both {
    fn new() -> Self {
        Self { hub: Hub::new(LIMITS), model: Model::new(), keys: BTreeMap::new() }
    }

    fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Insert(socket) => {
                let key = self.hub.insert(id(socket), socket);
                assert_eq!(key.is_some(), !self.model.contains_key(&socket));
                if let Some(key) = key {
                    self.model.insert(socket, BTreeSet::new());
                    self.keys.insert(socket, key);
                }
            }
            Operation::Remove(socket) => {
                let removed = self.keys.get(&socket).and_then(|key| self.hub.remove(*key));
                assert_eq!(removed, self.model.remove(&socket).map(|_| socket));
            }
            Operation::Join(socket, room) => {
                let Some(key) = self.keys.get(&socket) else { return };
                let expected = join(&mut self.model, socket, ROOMS[room]);
                assert_eq!(self.hub.join(*key, ROOMS[room]), expected);
            }
            Operation::Leave(socket, room) => {
                let Some(key) = self.keys.get(&socket) else { return };
                let rooms = self.model.get_mut(&socket);
                let expected = rooms.is_some_and(|rooms| rooms.remove(ROOMS[room]));
                assert_eq!(self.hub.leave(*key, ROOMS[room]), expected);
            }
            Operation::LeaveAll(socket) => {
                let Some(key) = self.keys.get(&socket) else { return };
                self.hub.leave_all(*key);
                if let Some(rooms) = self.model.get_mut(&socket) {
                    rooms.clear();
                }
            }
            Operation::Deliver(ref order) => self.deliver(order),
        }
    }

    fn deliver(&self, order: &Order) {
        let texts = |numbers: &[u8]| -> Vec<String> {
            numbers.iter().map(|number| text(*number)).collect()
        };
        let (sockets, except_sockets) = (texts(&order.sockets), texts(&order.except_sockets));
        let names =
            |rooms: &[usize]| -> Vec<&str> { rooms.iter().map(|room| ROOMS[*room]).collect() };
        let (rooms, except_rooms) = (names(&order.rooms), names(&order.except_rooms));
        let target = Target {
            everyone: order.everyone,
            rooms: Names::from_slice(&rooms),
            sockets: Names::from_strings(&sockets),
            except_rooms: Names::from_slice(&except_rooms),
            except_sockets: Names::from_strings(&except_sockets),
            include_self: order.include_self,
        };
        // A sender that is gone, or was never there, is nobody.
        let sender = order.sender.and_then(|sender| self.keys.get(&sender).copied());
        let expected: Vec<u8> = self
            .model
            .iter()
            .filter(|one| receives(order, one))
            .map(|(number, _)| *number)
            .collect();
        assert_eq!(receivers(&self.hub, &target, sender), expected);
    }

    fn compare(&self) {
        assert_eq!(self.hub.len(), self.model.len());
        assert_eq!(self.hub.is_empty(), self.model.is_empty());
        let handles: BTreeSet<u8> = self.hub.iter().map(|(_, handle)| *handle).collect();
        assert_eq!(handles, self.model.keys().copied().collect());
        for (socket, key) in &self.keys {
            let rooms: BTreeSet<&str> = self.hub.rooms_of(*key).collect();
            assert_eq!(rooms, self.model.get(socket).cloned().unwrap_or_default());
            let there = self.model.contains_key(socket);
            assert_eq!(self.hub.handle(*key), there.then_some(socket));
            assert_eq!(self.hub.find(id(*socket)), there.then_some((*key, socket)));
        }
        let mut occupied = 0;
        for room in ROOMS {
            let expected: BTreeSet<u8> = self
                .model
                .iter()
                .filter(|(_, rooms)| rooms.contains(room))
                .map(|(n, _)| *n)
                .collect();
            let members: Vec<u8> = self.hub.members(room).map(|(_, handle)| *handle).collect();
            assert_eq!((self.hub.room_len(room), members.len()), (expected.len(), expected.len()));
            occupied += usize::from(!expected.is_empty());
            assert_eq!(members.into_iter().collect::<BTreeSet<_>>(), expected);
        }
        assert_eq!(self.hub.room_count(), occupied);
    }
}

fn join(model: &mut Model, socket: u8, room: &'static str) -> Result<bool, JoinError> {
    if room.is_empty() || room.len() > LIMITS.max_name {
        return Err(JoinError::BadName { max_name: LIMITS.max_name });
    }
    let rooms = model.get_mut(&socket).ok_or(JoinError::NoSuchSocket)?;
    if rooms.contains(room) {
        return Ok(false);
    }
    if rooms.len() == LIMITS.max_rooms {
        return Err(JoinError::TooManyRooms { max_rooms: LIMITS.max_rooms });
    }
    Ok(rooms.insert(room))
}

/// The rule, as it is told in the documentation of `Target`.
fn receives(order: &Order, (number, member_of): &(&u8, &BTreeSet<&str>)) -> bool {
    let in_one_of = |rooms: &[usize]| rooms.iter().any(|room| member_of.contains(ROOMS[*room]));
    let is_sender = order.sender == Some(**number);
    let addressed = order.everyone || in_one_of(&order.rooms);
    let named = order.sockets.contains(number);
    let excepted = in_one_of(&order.except_rooms) || order.except_sockets.contains(number);
    (named || (addressed && (!is_sender || order.include_self))) && !excepted
}

/// The text that stands for a socket in a target.
fn text(number: u8) -> String {
    match number.checked_sub(SOCKETS) {
        None => id(number).to_string(),
        Some(no_id) => NO_IDS[usize::from(no_id)].to_owned(),
    }
}
