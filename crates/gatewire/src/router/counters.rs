//! What a router counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a router has carried and dropped since its start. Each is counted once for each node that a message is for, but
/// for `delivered`, `lost`, `late` and `malformed`, which are counted by frames: a frame carries the messages that one client
/// has sent behind one another to the same receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RouterCounters {
    /// Frames from other nodes that were given to this node's members.
    pub delivered: u64,
    /// Dropped, since no link led to the node.
    pub unreachable: u64,
    /// Dropped, since the node lies more than 32 links away.
    pub expired: u64,
    /// Dropped, since the queue of a link was full, or the frame longer than the neighbour reads.
    pub refused: u64,
    /// Frames that a link had taken and did not write: volatile ones, since the neighbour did not keep up, and those that
    /// waited when the link was lost. (What the kernel had then is not known.)
    pub lost: u64,
    /// Dropped here, since a later one of the same flow had come by another way, or since it is of a life of its node
    /// that is over.
    pub late: u64,
    /// Dropped here, since their contents are no messages.
    pub malformed: u64,
    /// Rooms that were not told to the cluster: this node has a million others.
    pub rooms_untold: u64,
    /// Names of other nodes' rooms that were not kept, since there are a million others: old hosts (of wire version 2)
    /// do not hear of these rooms.
    pub room_names_refused: u64,
    /// Events that old hosts were sent, once for each host.
    pub to_old_hosts: u64,
    /// Events that have come from old hosts.
    pub from_old_hosts: u64,
    /// Events, requests and streams that concerned old hosts, and that these do not get: each was told as a
    /// [`V2Missed`](crate::RouterEvent::V2Missed).
    pub missed_by_old_hosts: u64,
}

/// The same, while they count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: AtomicU64,
    pub(super) unreachable: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) rooms_untold: AtomicU64,
    pub(super) room_names_refused: AtomicU64,
    pub(super) to_old_hosts: AtomicU64,
    pub(super) from_old_hosts: AtomicU64,
    pub(super) missed_by_old_hosts: AtomicU64,
}

impl Counts {
    pub(super) fn add(counter: &AtomicU64, count: usize) {
        if count > 0 {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> RouterCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RouterCounters {
            delivered: read(&self.delivered),
            unreachable: read(&self.unreachable),
            expired: read(&self.expired),
            refused: read(&self.refused),
            lost: read(&self.lost),
            late: read(&self.late),
            malformed: read(&self.malformed),
            rooms_untold: read(&self.rooms_untold),
            room_names_refused: read(&self.room_names_refused),
            to_old_hosts: read(&self.to_old_hosts),
            from_old_hosts: read(&self.from_old_hosts),
            missed_by_old_hosts: read(&self.missed_by_old_hosts),
        }
    }
}
