//! Streams to readers at other nodes, hop by hop.
//!
//! A link between routers carries streams as every connection does, each with an id and credit of its own. What opens one
//! is a routed frame: it says for which nodes the stream is, beside for whom. The neighbour opens it anew, at its
//! own readers and at the links that lead to the rest, and passes on what comes: (link, id) leads to the
//! (link, id)s behind it. So a router grants what its own readers and neighbours let it, and the path of a stream is
//! the one that it had at the beginning.

use std::sync::Arc;

use bytes::BytesMut;
use futures_util::task::AtomicWaker;
use gatewire_cluster::forward::{Arrived, Branch, Split};
use gatewire_codec::v3::control::NodeNumber;
use gatewire_codec::v3::routed::{Carried, RoutedHeader, encode_routed};
use gatewire_codec::{
    EncodeError, LENGTH_PREFIX, Message, NackCode, Names, SocketAddress, StreamCode, Target,
    ValueRef, v3,
};
use gatewire_core::session::ProtocolError;
use gatewire_format::{EncodeContext, IntoValue};

use super::counters::Counts;
use super::forward::Scratch;
use super::inner::RouterInner;
use super::link::RouterLink;
use super::plane::Plane;
use crate::error::{DisconnectReason, EmitError};
use crate::net::link::{HasLink, with_scratch};
use crate::net::pipes::OpenError;
use crate::server::group::{Group, Reader, Recipient, Relay, Source};
use crate::server::{MAX_INFO, SocketInner, length, single};
use crate::stream::{FanoutWriter, StreamError};

/// Some of the nodes behind a link, for which a stream is.
pub(crate) struct Route {
    header: RoutedHeader,
    numbers: Vec<NodeNumber>,
    nodes: Vec<Arc<str>>,
}

impl Route {
    /// The names of the nodes.
    pub(crate) fn nodes(&self) -> &[Arc<str>] {
        &self.nodes
    }

    /// The frame that opens a stream for them.
    pub(crate) fn encode_open(
        &self,
        (id, target): (u32, &Target<'_>),
        event: &str,
        info: ValueRef<'_>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let mut open = BytesMut::new();
        let target = Some(*target);
        v3::encode(&Message::StreamOpen { id, target, event, info, ack: true }, &mut open)?;
        encode_routed(&self.header, &self.numbers, &[&open[LENGTH_PREFIX..]], out)
    }
}

/// Where the readers at other nodes are: links that lead to some, and the names of those to which none does.
pub(super) type Ways = (Vec<(Arc<RouterLink>, Route)>, Vec<Arc<str>>);

impl RouterInner {
    /// The ways of a stream that begins here to all whom a target addresses at other nodes.
    pub(crate) fn ways(&self, target: &Target<'_>, flow: u8) -> Ways {
        Scratch::with(|scratch| {
            let Scratch { nodes, split, .. } = scratch;
            let plane = self.plane();
            let mut lost: Vec<Arc<str>> = Vec::new();
            plane.router.addressed(target, nodes, |node| lost.push(node.into()));
            let own = self.name.id();
            plane.router.split((own, flow), nodes.iter().copied(), None, split);
            // No order is kept between streams, so they have no number.
            let header = |branch: &Branch| {
                let passing = plane.router.begin(Carried::Stream, flow, 0);
                plane.router.header(&passing, branch.link)
            };
            let (ways, unreachable) = self.routes(&plane, split, header);
            lost.extend(unreachable);
            Counts::add(&self.counts.unreachable, lost.len());
            #[cfg(feature = "legacy")]
            lost.extend(self.old_hosts_without(target, "", "streams").into_iter().map(Arc::from));
            (ways, lost)
        })
    }

    pub(super) fn routes(
        &self,
        plane: &Plane,
        split: &Split,
        header: impl Fn(&Branch) -> Option<RoutedHeader>,
    ) -> Ways {
        let name = |node| plane.router.known_name(node).map(|name| Arc::from(name.as_str()));
        let mut lost: Vec<Arc<str>> =
            split.unreachable.iter().chain(&split.expired).copied().filter_map(name).collect();
        let mut ways = Vec::new();
        for branch in split.branches() {
            let nodes: Vec<Arc<str>> = branch.nodes().iter().copied().filter_map(name).collect();
            match (plane.link(branch.link), header(branch)) {
                (Some(link), Some(header)) => {
                    let numbers = branch.numbers().to_vec();
                    ways.push((Arc::clone(link), Route { header, numbers, nodes }));
                }
                _ => lost.extend(nodes),
            }
        }
        (ways, lost)
    }

    /// The one way to the node of a socket.
    pub(crate) fn way(
        &self,
        address: &SocketAddress,
        flow: u8,
    ) -> Option<(Arc<RouterLink>, Route)> {
        let sockets = [address.to_string()];
        let sockets = Names::from_strings(&sockets);
        let (mut ways, _) = self.ways(&Target { sockets, ..Target::default() }, flow);
        ways.pop()
    }

    /// Opens a stream of the router itself to many.
    pub(crate) fn open_fanout(
        self: &Arc<Self>,
        target: &Target<'_>,
        event: &str,
        info: &impl IntoValue,
    ) -> Result<FanoutWriter, StreamError> {
        let readers = readers(Some(self), &self.receivers(target, None), target, 0);
        let group = with_scratch(info.uses_scratch(), |scratch| {
            let info = info.to_value(EncodeContext::new(&self.formats, event, scratch));
            let info = info.map_err(EmitError::from)?;
            let length = length(info);
            if length > MAX_INFO as usize {
                return Err(EmitError::TooLarge { length, limit: MAX_INFO });
            }
            let source = (Source::Local(AtomicWaker::new()), None);
            let pace = (self.clock, self.limits.slow_receivers);
            Ok(Group::open(pace, readers, source, target, event, info))
        });
        Ok(FanoutWriter::here(group?))
    }

    /// A neighbour opens a stream for this node, for others, or both.
    pub(super) fn open_routed(
        self: &Arc<Self>,
        from: &Arc<RouterLink>,
        arrived: &Arrived<'_>,
        (ways, lost): Ways,
    ) -> Result<(), DisconnectReason> {
        let Ok(Message::StreamOpen { id, target: Some(target), event, info, ack }) =
            v3::decode(arrived.payload)
        else {
            Counts::add(&self.counts.malformed, 1);
            return Ok(());
        };
        let refuse = |nack, stop| {
            let told = from.link().command(from, |outbound| match ack {
                true => outbound.nack(id, nack, ValueRef::Empty),
                false => outbound.stop_stream(id, stop, ""),
            });
            if let Err(error) = told {
                tracing::debug!(%error, "the refusal of a stream was not sent");
            }
            Ok(())
        };
        let link = from.link();
        let place = match link.reserve_pipe(self.limits.streams, id) {
            Ok(place) => place,
            Err(OpenError::TooMany) => return refuse(NackCode::Busy, StreamCode::TooMany),
            Err(OpenError::IdInUse) => {
                return Err(DisconnectReason::Protocol(ProtocolError::StreamIdInUse(id)));
            }
        };
        let socket = single(&target);
        let here: Vec<Arc<SocketInner>> = match socket {
            _ if !arrived.here => Vec::new(),
            None => self.receivers(&target, None),
            Some(address) => {
                let address: Option<SocketAddress> = address.parse().ok();
                let socket = address.and_then(|address| self.find(&address));
                socket.into_iter().map(|socket| socket.inner).collect()
            }
        };
        #[cfg(feature = "legacy")]
        let lost = if arrived.here {
            let missed = self.old_hosts_without(&target, event, "streams");
            lost.into_iter().chain(missed.into_iter().map(Arc::from)).collect()
        } else {
            lost
        };
        let recipients = recipients(&here, ways);
        if socket.is_some() && recipients.is_empty() {
            return match arrived.here {
                true => refuse(NackCode::NoSuchSocket, StreamCode::NotTaken),
                false => refuse(NackCode::Unreachable, StreamCode::PathLost),
            };
        }
        let owner: Arc<dyn HasLink> = Arc::<RouterLink>::clone(from);
        let (session, single) = (link.session(), socket.is_some());
        let source = Source::Relay(Relay { owner, id, session, ack, single, routed: true });
        let pace = (self.clock, self.limits.slow_receivers);
        Group::open(pace, (recipients, lost), (source, Some(place)), &target, event, info);
        Ok(())
    }
}

/// The readers of a stream that begins at a node: those of this one, and the ways to the others; and the nodes to which
/// there is none.
pub(crate) fn readers(
    router: Option<&Arc<RouterInner>>,
    here: &[Arc<SocketInner>],
    target: &Target<'_>,
    flow: u8,
) -> (Vec<Recipient>, Vec<Arc<str>>) {
    let (ways, lost) = router.map(|router| router.ways(target, flow)).unwrap_or_default();
    (recipients(here, ways), lost)
}

fn recipients(here: &[Arc<SocketInner>], ways: Vec<(Arc<RouterLink>, Route)>) -> Vec<Recipient> {
    let beyond = ways.into_iter().map(|(link, route)| Recipient {
        owner: link as Arc<dyn HasLink>,
        reader: Reader::Branch(route),
    });
    here.iter().map(Recipient::socket).chain(beyond).collect()
}
