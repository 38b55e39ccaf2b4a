//! What frames of discovery say, as JSON.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

use super::error::NameError;
use super::graph::Cost;
use super::name::{check_host, check_link, check_room};

/// `UL_NEW_LINK` and, without a cost, `UL_DEL_LINK`: one direction of a link.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct LinkFact<'a> {
    #[serde(borrow)]
    pub(super) source: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) destination: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) link: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_node_writes")]
    pub(super) cost: Option<f64>,
}

impl LinkFact<'_> {
    pub(super) fn check(&self) -> Result<(), NameError> {
        check_host(&self.source)?;
        check_host(&self.destination)?;
        check_link(&self.link)
    }

    /// The cost, if it is one.
    pub(super) fn checked_cost(&self) -> Option<Cost> {
        self.cost.and_then(Cost::new)
    }
}

/// `UL_JOIN_ROOM` and `UL_LEAVE_ROOM`: how many members a room has on a host.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct RoomFact<'a> {
    #[serde(borrow)]
    pub(super) host: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) room: Cow<'a, str>,
    #[serde(rename = "ref")]
    pub(super) members: u64,
}

impl RoomFact<'_> {
    pub(super) fn check(&self) -> Result<(), NameError> {
        check_host(&self.host)?;
        check_room(&self.room)
    }
}

/// JavaScript writes 1, where others would write 1.0.
#[expect(clippy::cast_possible_truncation, reason = "integral and below 2^53")]
fn as_node_writes<S: Serializer>(cost: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    match *cost {
        Some(cost) if cost.fract() == 0.0 && cost.abs() < EXACT => to.serialize_i64(cost as i64),
        Some(cost) => to.serialize_f64(cost),
        None => to.serialize_none(),
    }
}

/// 2^53: below it all integers are doubles.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The JSON of a fact. Strings and numbers alone are in it.
pub(super) fn json(fact: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(fact).expect("strings and finite numbers are always JSON")
}
