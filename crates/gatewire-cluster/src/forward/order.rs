//! The order in which the frames of one origin are delivered.

/// How far the frames of one origin have come here, flow by flow: 2 KiB.
///
/// While routes change, a frame may overtake an earlier one that is on a longer path. What arrives behind a later
/// one of its flow is late: it is passed over, since a receiver was promised the order of its sender, and at
/// most one copy. (Holding later ones back would wait for frames that may be lost.)
#[derive(Debug)]
pub struct OriginOrder {
    nonce: u32,
    /// That of the life before.
    older: Option<u32>,
    last: Box<[u64; 256]>,
}

impl OriginOrder {
    /// The order of an origin of which nothing has come, in the life with this boot nonce.
    #[must_use]
    pub fn new(nonce: u32) -> Self {
        Self { nonce, older: None, last: Box::new([0; 256]) }
    }

    /// Notes a frame; whether it is to be delivered. The sequence numbers of a flow begin with 1. `newest`: the nonce
    /// of the origin's life by its newest record, if there is one; it is asked for only when the frame is of another
    /// life than those before.
    ///
    /// A record goes ahead of all frames of its life, on each link. So a frame of a life that is not the newest is of
    /// one that is over; or a lie, which must not make the frames of the real life late.
    pub fn admit(
        &mut self,
        (nonce, flow, sequence): (u32, u8, u64),
        newest: impl FnOnce() -> Option<u32>,
    ) -> bool {
        if nonce != self.nonce {
            let is_newest = newest().map(|newest| newest == nonce);
            if !is_newest.unwrap_or(self.older != Some(nonce)) {
                return false;
            }
            self.older = Some(self.nonce);
            self.nonce = nonce;
            *self.last = [0; 256];
        }
        let last = &mut self.last[usize::from(flow)];
        let later = sequence > *last;
        if later {
            *last = sequence;
        }
        later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_overtaken_in_its_flow_is_late() {
        let mut order = OriginOrder::new(1);
        let mut admit = |flow, sequence| order.admit((1, flow, sequence), || None);
        assert!(admit(0, 1));
        assert!(admit(0, 5));
        assert!(!admit(0, 4));
        assert!(!admit(0, 5));
        assert!(admit(9, 2));
        assert!(admit(0, 6));
    }

    #[test]
    fn a_new_life_begins_anew_and_the_old_one_is_over() {
        let mut order = OriginOrder::new(1);
        let mut admit = |nonce, sequence| order.admit((nonce, 0, sequence), || None);
        assert!(admit(1, 100));
        assert!(admit(2, 1));
        assert!(!admit(1, 101));
        assert!(admit(2, 2));
    }

    #[test]
    fn the_record_says_which_life_is_the_newest() {
        let mut order = OriginOrder::new(1);
        let mut admit =
            |newest, nonce, sequence| order.admit((nonce, 0, sequence), || Some(newest));
        assert!(admit(1, 1, 100));
        assert!(!admit(1, 2, 1));
        assert!(admit(1, 1, 101));
        assert!(admit(2, 2, 1));
        assert!(!admit(2, 1, 102));
        assert!(!admit(2, 3, 1));
        assert!(admit(2, 2, 2));
        // Also a life that was thought to be over.
        assert!(admit(1, 1, 1));
    }
}
