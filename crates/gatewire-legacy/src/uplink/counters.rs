//! What a gateway counts.

/// What was ignored or dropped since the beginning. None of it ends a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Frames of discovery that told nothing new, and were not flooded again.
    pub known: u64,
    /// Frames without data. The originals send them by a defect, and die of them.
    pub empty: u64,
    /// Frames whose data is not what their type wants: no JSON, a key missing, a cost that is not above zero.
    pub malformed: u64,
    /// Frames with a name that cannot be in the tables.
    pub bad_names: u64,
    /// Facts that did not fit the tables.
    pub over_bound: u64,
    /// Facts of this gateway and its links that others told otherwise than they are, or of neighbours that only these may
    /// tell.
    pub not_theirs: u64,
    /// Counts of rooms on hosts to which no way leads.
    pub lost_hosts: u64,
    /// Links that were told anew after they were gone.
    pub late_links: u64,
    /// Frames of other types than routers exchange.
    pub foreign: u64,
    /// Messages that no way led on, once for each host.
    pub unreachable: u64,
    /// Messages that would have gone back or in a circle, once for each host.
    pub circling: u64,
}
