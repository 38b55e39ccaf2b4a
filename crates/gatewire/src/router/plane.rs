//! The state machine of the cluster, and the links of a node by their numbers.

use std::sync::Arc;

use gatewire_cluster::{self as cluster, LinkId};

use super::link::RouterLink;

/// The state machine, and the links by which its frames go.
pub(crate) struct Plane {
    pub(super) router: cluster::Router,
    links: Vec<Option<Arc<RouterLink>>>,
}

impl Plane {
    pub(super) fn new(router: cluster::Router) -> Self {
        Self { router, links: Vec::new() }
    }

    pub(super) fn link(&self, id: LinkId) -> Option<&Arc<RouterLink>> {
        self.links.get(usize::from(id.0))?.as_ref()
    }

    pub(super) fn links(&self) -> impl Iterator<Item = &Arc<RouterLink>> {
        self.links.iter().flatten()
    }

    /// A number that no link has.
    pub(super) fn free_link(&self) -> Option<LinkId> {
        let free = self.links.iter().position(Option::is_none).unwrap_or(self.links.len());
        u8::try_from(free).ok().map(LinkId)
    }

    pub(super) fn insert(&mut self, link: Arc<RouterLink>) {
        let at = usize::from(link.id.0);
        if self.links.len() <= at {
            self.links.resize(at + 1, None);
        }
        self.links[at] = Some(link);
    }

    pub(super) fn remove(&mut self, link: &Arc<RouterLink>) {
        if let Some(place) = self.links.get_mut(usize::from(link.id.0))
            && place.as_ref().is_some_and(|found| Arc::ptr_eq(found, link))
        {
            *place = None;
        }
    }
}
