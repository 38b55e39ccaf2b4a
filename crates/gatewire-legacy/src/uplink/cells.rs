//! The list of hosts in front of a frame: `host1|host2`, 255 bytes at most. A set, in no order.

use std::collections::BTreeSet;

use gatewire_codec::legacy::MAX_CELLS;

use super::name::check_host;

/// The hosts in a list. Names that no host has are left out.
pub(super) fn hosts(cells: &str) -> impl Iterator<Item = &str> {
    cells.split('|').filter(|name| check_host(name).is_ok())
}

/// The hosts that have seen a frame of discovery which is passed on: the own one, and those of the list that came.
#[derive(Debug)]
pub(super) struct Seen {
    hosts: BTreeSet<String>,
    field: String,
}

impl Seen {
    /// `own` is at most [`MAX_CELLS`] bytes long.
    ///
    /// When the names do not fit, the names of hosts that are no neighbours are left out first: a neighbour's name keeps the
    /// frame from going back to it. Leaving one out is no error: this set only saves frames. Who gets a fact twice knows it already,
    /// and does not pass it on.
    pub(super) fn new<'a>(
        own: &'a str,
        received: impl IntoIterator<Item = &'a str>,
        is_neighbour: impl Fn(&str) -> bool,
    ) -> Self {
        let mut hosts = BTreeSet::from([own.to_owned()]);
        let mut order = Vec::new();
        for name in received {
            if hosts.insert(name.to_owned()) {
                order.push(name);
            }
        }
        let length: usize = own.len() + order.iter().map(|name| name.len() + 1).sum::<usize>();
        if length > MAX_CELLS {
            order.sort_by_key(|name| !is_neighbour(name));
        }
        let mut field = own.to_owned();
        for name in order {
            if field.len() + 1 + name.len() <= MAX_CELLS {
                field.push('|');
                field.push_str(name);
            }
        }
        Self { hosts, field }
    }

    pub(super) fn contains(&self, host: &str) -> bool {
        self.hosts.contains(host)
    }

    /// The list as it is sent.
    pub(super) fn field(&self) -> &str {
        &self.field
    }
}

/// The hosts that a message is for, in as few lists as they fit. Each name is at most [`MAX_CELLS`] bytes long.
pub(super) fn lists<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    for host in hosts {
        match lists.last_mut() {
            Some(list) if list.len() + 1 + host.len() <= MAX_CELLS => {
                list.push('|');
                list.push_str(host);
            }
            _ => lists.push(host.to_owned()),
        }
    }
    lists
}

#[cfg(test)]
mod tests;
