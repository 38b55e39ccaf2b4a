//! A router, and the server to which clients and other routers come.

use gatewire::{Router, RouterEvent, RouterEvents, Server, Uplink};

use crate::{Outcome, ROOM, keys, say};

/// Runs until its input ends.
pub(crate) async fn run(directory: &str, node: &str, address: &str, links: &[&str]) -> Outcome {
    // With keys all connections are TLS, without certificates: what is encrypted is bound to the proof of the key.
    let server = Server::builder().psk(keys::ring(directory)?).build();
    let own_key = keys::secret(directory, node)?;
    let mut builder =
        Router::builder(node).cluster("example").psk(keys::router_id(node), own_key).serve(&server);
    for link in links {
        let (address, cost) = link.split_once('@').ok_or("a link is ADDRESS@COST")?;
        builder = builder.add_uplink(Uplink::to(address).cost(cost.parse::<u16>()?));
    }
    let router = builder.start()?;
    tokio::spawn(tell(node.to_owned(), router.clone(), router.events()));
    // From here on events tell of this room.
    let _watch = router.watch_room(ROOM);
    say(node, format_args!("listens at {}", server.listen(address).await?));

    crate::client::input_ends().await;
    router.close().await;
    server.close().await;
    say(node, "has left");
    Ok(())
}

/// Prints what happens in the cluster.
async fn tell(node: String, router: Router, mut events: RouterEvents) {
    let mut failed = String::new();
    while let Ok(Some(event)) = events.next().await {
        match event {
            RouterEvent::NodeUp { node: other } => match router.cost_to(&other) {
                Some(cost) => say(&node, format_args!("{other} is there, the way costs {cost}")),
                None => say(&node, format_args!("{other} is there")),
            },
            RouterEvent::NodeDown { node: other } => say(&node, format_args!("{other} is gone")),
            RouterEvent::LinkFailed { address, error } => {
                // It is tried again and again.
                let told = format!("no link to {address}: {error}");
                if failed != told {
                    say(&node, &told);
                    failed = told;
                }
            }
            RouterEvent::RoomRegistered { room, nodes, .. }
            | RouterEvent::RoomUnregistered { room, nodes, .. } => {
                say(&node, format_args!("nodes with members of {room}: {nodes}"));
            }
            _ => {}
        }
    }
}
