//! Who is let in before anybody has proven anything: each limit, and its counter.

mod eviction;
mod failures;
mod limits;
mod model;

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use gatewire_codec::v3::handshake::Role;
use gatewire_core::admission::{Admission, AdmissionLimits, Arrival, Pending, Refused};
use gatewire_core::handshake::{Established, Grant, ResumeSecret};
use gatewire_core::{SocketId, Time};

fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

fn admission(change: impl FnOnce(&mut AdmissionLimits)) -> Admission {
    let mut limits = AdmissionLimits::default();
    change(&mut limits);
    Admission::new(limits)
}

/// Somebody comes and takes nobody's place.
fn arrive(admission: &mut Admission, from: IpAddr, now: Time) -> Result<Pending, Refused> {
    let Arrival { pending, evicted } = admission.arrive(from, now)?;
    assert_eq!(evicted, None);
    Ok(pending)
}

/// What a handshake gave; the key has `most` sessions at once.
fn session(role: Role, key_id: &str, most: Option<u32>) -> Established {
    let mut grant = Grant::default();
    grant.max_sessions = most.and_then(NonZeroU32::new);
    Established {
        session_id: SocketId::from_bytes([1; 16]),
        role,
        node_name: None,
        server_name: None,
        key_id: key_id.to_owned(),
        grant: Arc::new(grant),
        max_frame: 1 << 20,
        ping_s: 10,
        resume_secret: ResumeSecret::from_bytes([2; 32]),
    }
}
