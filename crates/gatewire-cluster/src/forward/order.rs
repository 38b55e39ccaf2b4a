//! The order in which the frames of one origin are delivered.

/// How far the frames of one origin have come here, flow by flow: 2 KiB, and once more when it has begun a new life.
///
/// While routes change, a frame may overtake an earlier one that is on a longer path. What arrives behind a later
/// one of its flow is late: it is passed over, since a receiver was promised the order of its sender, and at
/// most one copy. (Holding later ones back would wait for frames that may be lost.)
///
/// Each life has an order of its own. Which of two is the newer one cannot be seen from their nonces: what is of a life
/// that is over does not come here, see [`Arrived::outlived`](super::Arrived::outlived). The life before is remembered,
/// since two live nodes may share a name for a moment, until one of them stops.
#[derive(Debug)]
pub struct OriginOrder {
    present: Life,
    before: Option<Life>,
}

/// How far one life has come.
#[derive(Debug)]
struct Life {
    nonce: u32,
    last: Box<[u64; 256]>,
}

impl Life {
    fn new(nonce: u32) -> Self {
        Self { nonce, last: Box::new([0; 256]) }
    }
}

impl OriginOrder {
    /// The order of an origin of which nothing has come, in the life with this boot nonce.
    #[must_use]
    pub fn new(nonce: u32) -> Self {
        Self { present: Life::new(nonce), before: None }
    }

    /// Notes a frame of the present life of the origin; whether it is to be delivered. The sequence numbers of a flow
    /// begin with 1.
    pub fn admit(&mut self, nonce: u32, flow: u8, sequence: u64) -> bool {
        if nonce != self.present.nonce {
            let known = self.before.take().filter(|life| life.nonce == nonce);
            let present = known.unwrap_or_else(|| Life::new(nonce));
            self.before = Some(std::mem::replace(&mut self.present, present));
        }
        let last = &mut self.present.last[usize::from(flow)];
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
    fn a_new_life_begins_anew() {
        let mut order = OriginOrder::new(1);
        assert!(order.admit(1, 0, 100));
        assert!(order.admit(2, 0, 1));
        assert!(!order.admit(2, 0, 1));
        assert!(order.admit(2, 0, 2));
    }

    #[test]
    fn a_word_of_another_life_does_not_shut_out_the_present_one() {
        let mut order = OriginOrder::new(2);
        assert!(order.admit(2, 0, 1));
        assert!(order.admit(1, 0, 9));
        assert!(!order.admit(2, 0, 1));
        assert!(order.admit(2, 0, 2));
        assert!(!order.admit(1, 0, 9));
    }
}
