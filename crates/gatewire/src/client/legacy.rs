//! Clients of servers that speak wire version 1 or 2.

use std::sync::{Arc, PoisonError};

use gatewire_codec::v3::handshake::Role;
use gatewire_codec::{EncodeError, Names, Target, ValueRef, legacy};
use gatewire_core::handshake::{Established, Grant, ResumeSecret};
use gatewire_format::FormatError;
use gatewire_legacy::downlink::{Settings, Side, Translator, Untranslatable, longest_near_frame};
use gatewire_legacy::handshake::{self as old, Dialler, Registered};
use tokio::net::TcpStream;

use super::{Client, ClientInner};
use crate::entropy::random;
use crate::error::{ConnectError, EmitError};
use crate::legacy::{LegacyOptions, SharedObjects, V2Secret, settings, value_rules, version_of};
use crate::net::channel::{Channel, Looked};
use crate::net::legacy::dial;
use crate::net::tcp;
use crate::net::transport::{Legacy, Transport, TransportReader};
use crate::to::{Origin, To};
use crate::wire::Wire;

/// What a builder was told of its server.
#[derive(Debug, Clone, Default)]
pub(super) struct LegacyServer {
    pub(super) wire: Wire,
    pub(super) secret: Option<V2Secret>,
    pub(super) options: LegacyOptions,
    objects: SharedObjects,
}

impl Client {
    /// The id of the current session as a server of wire version 1 or 2 writes it: what other clients of it name in
    /// [`to_id`](Self::to_id). `None` while there is no session, and with a server of version 3, whose ids
    /// [`address`](Self::address) gives.
    ///
    /// [`id`](Self::id) is a digest of it, unless the server is gatewire's own.
    #[must_use]
    pub fn registered_id(&self) -> Option<Arc<str>> {
        self.id()?;
        self.inner.registered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Addresses another client by the id that a server of wire version 1 or 2 has given it.
    pub fn to_id(&self, id: impl Into<String>) -> To<'_> {
        To::nobody(Origin::Client(&self.inner)).to_id(id)
    }
}

impl ClientInner {
    /// One attempt: TCP, the handshake, and what stands between the session and the server.
    pub(super) async fn dial_legacy(
        &self,
    ) -> Result<((Arc<Transport>, TransportReader), Established), ConnectError> {
        let stream = TcpStream::connect(&self.address).await?;
        let mut options = self.tcp.clone();
        options.keep_alive = options.keep_alive.or(self.legacy.options.keep_alive);
        tcp::configure(&stream, &options)?;
        let mut channel = Channel::Plain(Looked::new(stream));
        let secret = self.legacy.secret.clone();
        let version = version_of(self.legacy.wire);
        let dialler = Dialler { version, secret, role: old::Role::Client };
        let (registered, leftover) = dial(&mut channel, dialler).await?;
        let established = self.established(&registered);
        let translator = Translator::new(self.translation(), registered.next_id);
        let behind = [&registered.early[..], &leftover].concat();
        let legacy = Legacy::new(translator, &behind, self.legacy.options.stream_stall);
        *self.registered.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(registered.id.into());
        Ok((channel.into_legacy(legacy), established))
    }

    fn translation(&self) -> Settings {
        let LegacyServer { wire, options, objects, .. } = &self.legacy;
        let objects = objects.of(&self.link.formats);
        settings(*wire, Side::Client, options, self.limits.max_frame, objects)
    }

    fn established(&self, registered: &Registered) -> Established {
        Established {
            session_id: registered.socket_id(),
            role: Role::Client,
            node_name: None,
            server_name: None,
            key_id: String::new(),
            grant: Arc::new(Grant::default()),
            max_frame: longest_near_frame(self.limits.max_frame),
            ping_s: 0,
            // These versions resume nothing.
            resume_secret: ResumeSecret::from_bytes(random()),
        }
    }

    /// Whether the wire can carry a message: what can be known before it is written is known to who emits.
    pub(super) fn check_for_wire(
        &self,
        event: &str,
        value: ValueRef<'_>,
        target: Option<&Target<'_>>,
    ) -> Result<(), EmitError> {
        if self.legacy.wire == Wire::V3 {
            return Ok(());
        }
        if let Some(target) = target {
            legacy::check_target(target, event, version_of(self.legacy.wire))?;
        }
        let carried = match value {
            ValueRef::Object { .. } => {
                let (Settings { values, objects, .. }, mut json) = (self.translation(), Vec::new());
                values.outward(value, &*objects, &mut json).map(drop)
            }
            value => value_rules(&self.legacy.options).check(value),
        };
        carried.map_err(untranslatable)
    }

    pub(super) fn check_names(&self, rooms: &[&str]) -> Result<(), EmitError> {
        if self.legacy.wire == Wire::V3 {
            return Ok(());
        }
        Ok(legacy::check_names(Names::from_slice(rooms))?)
    }
}

fn untranslatable(error: Untranslatable) -> EmitError {
    match error {
        Untranslatable::WideInteger(value) => EncodeError::IntegerOutOfRange { value }.into(),
        Untranslatable::Encode(error) => error.into(),
        other => {
            FormatError::Encode { format: "the server's".to_owned(), message: other.to_string() }
                .into()
        }
    }
}
