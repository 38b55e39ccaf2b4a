//! What a gateway keeps.

use std::time::Duration;

use bytes::BytesMut;
use gatewire_codec::{ValueRef, v3};
use tokio::task::yield_now;
use tokio::time::advance;

use super::V2Uplink;
use super::named::{AT_LEAST, Named};
use crate::router::Router;

#[tokio::test(start_paused = true)]
async fn names_of_rooms_that_nobody_has_any_more_make_room_for_others() {
    let nowhere = V2Uplink::to("127.0.0.1:1");
    let router = Router::builder("gate").v2_uplink(nowhere).start().expect("a good name");
    let old = router.inner.v2().expect("it is a gateway");
    old.lock().named = Named::new(16);
    let tell = |names: std::ops::Range<usize>| {
        let mut events = BytesMut::new();
        for name in names {
            let name = format!("room{name}");
            v3::encode_event(&name, ValueRef::Empty, &mut events).expect("a short name");
        }
        router.inner.take_room_names(&events);
    };
    let watched = || router.inner.watchers.lock().expect("nobody panics").len();
    let refused = || router.counters().room_names_refused;
    // As many as may be, one of them with a member.
    tell(0..16);
    old.rooms_changed(&[gatewire_core::hub::RoomChange {
        room: "room3".into(),
        has_members: true,
    }]);
    while watched() < 16 {
        yield_now().await;
    }
    tell(16..18);
    assert_eq!(refused(), 2);
    while old.lock().named.is_crowded() {
        yield_now().await;
    }
    assert_eq!(watched(), 16, "a name is kept for a while");
    advance(AT_LEAST + Duration::from_secs(1)).await;
    tell(18..20);
    assert_eq!(refused(), 4);
    while watched() > 1 {
        yield_now().await;
    }
    assert_eq!(old.lock().named.iter().collect::<Vec<_>>(), ["room3"]);
    tell(20..22);
    assert_eq!(refused(), 4);
    while watched() < 3 {
        yield_now().await;
    }
    router.close().await;
}
