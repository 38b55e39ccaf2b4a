//! Where a connection is from.

use std::net::IpAddr;

/// The bits of an IPv6 address that tell hosts of one network apart: whoever has one of them has all.
const HOST: u128 = u64::MAX as u128;

/// An IPv4 address, or a /64 network of IPv6. Ordered, because the tables of sources are trees: what a
/// stranger chooses must not be able to fill one bucket of a hash table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source(u128);

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            // As IPv6 writes it, in a network of which no other host is a source of its own.
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() & !HOST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn source(address: &str) -> Source {
        Source::of(address.parse().expect("an address"))
    }

    #[test]
    fn a_source_is_an_address_or_a_network() {
        assert_ne!(source("10.0.0.1"), source("10.0.0.2"));
        assert_eq!(source("10.0.0.1"), source("::ffff:10.0.0.1"));
        assert_eq!(source("2001:db8:0:1::1"), source("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(source("2001:db8:0:1::1"), source("2001:db8:0:2::1"));
        assert_ne!(source("::1"), source("0.0.0.1"));
    }
}
