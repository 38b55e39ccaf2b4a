//! The bookkeeping against a naive one: a list of who was asked by whom, walked for everything.

use proptest::prelude::*;

use super::*;
use crate::property;

const MAX: usize = 6;
const BRANCHES: usize = 3;

#[derive(Debug, Clone)]
enum Operation {
    Add(u8),
    End(usize),
    Asked(usize, u8),
    Ended(usize, u8),
    Done(usize),
    Unreachable(usize),
    PollOver,
    Close,
}

#[derive(Default)]
struct Naive {
    /// The branch, the address, whether it has ended.
    asked: Vec<(Option<usize>, u8, bool)>,
    over: [bool; BRANCHES],
    told: bool,
}

impl Naive {
    fn ask(&mut self, branch: Option<usize>, address: u8) -> Option<usize> {
        let twice = branch.is_some_and(|branch| {
            let known =
                |entry: &(Option<usize>, u8, bool)| (entry.0, entry.1) == (Some(branch), address);
            self.over[branch] || self.asked.iter().any(known)
        });
        if twice || self.told || self.asked.len() == MAX {
            return None;
        }
        self.asked.push((branch, address, false));
        Some(self.asked.len() - 1)
    }

    fn end(&mut self, place: usize) -> bool {
        self.asked.get_mut(place).is_some_and(|entry| !std::mem::replace(&mut entry.2, true))
    }

    /// Ends all of these that have not; which.
    fn end_all(&mut self, of: impl Fn(Option<usize>) -> bool) -> Vec<usize> {
        (0..self.asked.len()).filter(|place| of(self.asked[*place].0) && self.end(*place)).collect()
    }

    fn end_branch(&mut self, branch: usize) -> Option<Vec<usize>> {
        (!std::mem::replace(&mut self.over[branch], true))
            .then(|| self.end_all(|of| of == Some(branch)))
    }

    fn is_over(&self) -> bool {
        self.over.iter().all(|over| *over) && self.asked.iter().all(|entry| entry.2)
    }
}

#[test]
fn the_bookkeeping_is_that_of_a_naive_one() {
    property::check(400, &prop::collection::vec(operation(), 1..60), |operations| {
        let (mut naive, mut gather) = (Naive::default(), Gather::new(MAX));
        let branches = ["a", "b", "c"].map(|name| gather.add_branch(name));
        let mut receivers = Vec::new();
        for operation in operations {
            let index = |receiver: Receiver| receiver.index();
            match operation {
                Operation::Add(address) => {
                    let added = gather.add(address);
                    assert_eq!(added.map(index), naive.ask(None, address));
                    receivers.extend(added);
                }
                Operation::End(place) => {
                    let ended = receivers.get(place).is_some_and(|place| gather.end(*place));
                    assert_eq!(ended, naive.end(place));
                }
                Operation::Asked(branch, address) => {
                    let asked = gather.branch_asked(branches[branch], address);
                    assert_eq!(asked.map(index), naive.ask(Some(branch), address));
                    receivers.extend(asked);
                }
                Operation::Ended(branch, address) => {
                    let ended = gather.branch_ended(branches[branch], &address);
                    let place = naive.asked.iter().position(|entry| {
                        (entry.0, entry.1, naive.over[branch]) == (Some(branch), address, false)
                    });
                    assert_eq!(ended.map(index), place.filter(|place| naive.end(*place)));
                }
                Operation::Done(branch) => {
                    let silent = numbers(&gather.branch_done(branches[branch]));
                    assert_eq!(silent, naive.end_branch(branch).unwrap_or_default());
                }
                Operation::Unreachable(branch) => {
                    let silent = gather.branch_unreachable(branches[branch]);
                    assert_eq!(silent.as_deref().map(numbers), naive.end_branch(branch));
                }
                Operation::PollOver => {
                    let over = naive.is_over() && !naive.told;
                    naive.told |= over;
                    assert_eq!(gather.poll_over(), over.then_some(naive.asked.len()));
                }
                Operation::Close => {
                    let Unheard { silent, branches } = gather.close();
                    let open = (0..BRANCHES).filter(|branch| !naive.over[*branch]);
                    let open: Vec<usize> = open.collect();
                    assert_eq!(
                        branches.iter().map(|branch| branch.index()).collect::<Vec<_>>(),
                        open
                    );
                    naive.over = [true; BRANCHES];
                    assert_eq!(numbers(&silent), naive.end_all(|_| true));
                }
            }
            assert_eq!(gather.receivers(), naive.asked.len());
        }
    });
}

fn operation() -> impl Strategy<Value = Operation> {
    let (address, branch) = (|| 0_u8..4, || 0..BRANCHES);
    prop_oneof![
        4 => address().prop_map(Operation::Add),
        6 => (0..MAX).prop_map(Operation::End),
        6 => (branch(), address()).prop_map(|(branch, address)| Operation::Asked(branch, address)),
        6 => (branch(), address()).prop_map(|(branch, address)| Operation::Ended(branch, address)),
        2 => branch().prop_map(Operation::Done),
        2 => branch().prop_map(Operation::Unreachable),
        3 => Just(Operation::PollOver),
        1 => Just(Operation::Close),
    ]
}
