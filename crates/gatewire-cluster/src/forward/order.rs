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

    /// Notes a frame; whether it is to be delivered. The sequence numbers of a flow begin with 1.
    pub fn admit(&mut self, nonce: u32, flow: u8, sequence: u64) -> bool {
        if nonce != self.nonce {
            if self.older == Some(nonce) {
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
        assert!(order.admit(1, 0, 1));
        assert!(order.admit(1, 0, 5));
        assert!(!order.admit(1, 0, 4));
        assert!(!order.admit(1, 0, 5));
        assert!(order.admit(1, 9, 2));
        assert!(order.admit(1, 0, 6));
    }

    #[test]
    fn a_new_life_begins_anew_and_the_old_one_is_over() {
        let mut order = OriginOrder::new(1);
        assert!(order.admit(1, 0, 100));
        assert!(order.admit(2, 0, 1));
        assert!(!order.admit(1, 0, 101));
        assert!(order.admit(2, 0, 2));
    }
}
