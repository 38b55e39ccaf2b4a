//! Who holds which key and sits on which channel, and what must come of it.

use bytes::{Bytes, BytesMut};
use gatewire_codec::v3::handshake::{Extensions, Role, extension, put_extension};
use gatewire_core::UnixTime;
use gatewire_core::handshake::{
    ChannelBinding, Decoys, DiallerConfig, Established, ExpectHello, HandshakeError, KeyEntry,
    KeyFault, KeyRing, ListenerConfig, Psk, Roles,
};
use gatewire_core::permissions::Patterns;

use super::Commands;
use super::party::{Dialler, Listener};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CHANNELS: [ChannelBinding<'static>; 3] = [
    ChannelBinding::None,
    ChannelBinding::TlsExporter(&[1; 32]),
    ChannelBinding::TlsExporter(&[2; 32]),
];
const LISTENER_INSTANCE: u8 = 0x51;

/// What a dialler brings.
#[derive(Debug, Clone, Copy)]
struct Bringing {
    key: Held,
    role: Role,
    node_name: Option<&'static str>,
    instance: u8,
    channel: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Right,
    WrongSecret,
    UnknownId,
    Expired,
    NotYetValid,
    None,
}

impl Held {
    fn id(self) -> &'static str {
        match self {
            Self::Right | Self::WrongSecret => "alpha",
            Self::UnknownId => "alphe",
            Self::Expired => "old",
            Self::NotYetValid => "new",
            Self::None => "",
        }
    }
}

pub(super) struct Scene {
    config: ListenerConfig,
    diallers: [Bringing; 2],
    /// Of the listeners' two connections.
    channels: [usize; 2],
    roles: Roles,
    /// Only `eu.*` may dial as a router.
    named: bool,
}

impl Scene {
    /// Five bytes: two for each dialler, and one for the listeners.
    pub(super) fn read(commands: &mut Commands<'_>) -> Self {
        let diallers = [Bringing::read(commands), Bringing::read(commands)];
        let byte = commands.byte();
        let roles = [Roles::BOTH, Roles::CLIENT, Roles::ROUTER, Roles::BOTH];
        let (roles, named) = (roles[usize::from(byte & 3)], byte & 4 != 0);
        let channels = [usize::from(byte >> 4 & 3) % 3, usize::from(byte >> 6) % 3];
        let keys = if byte & 8 == 0 { ring(roles, named) } else { KeyRing::new() };
        let config = ListenerConfig {
            keys,
            decoys: Decoys::new([0x33; 32]),
            instance: [LISTENER_INSTANCE; 16],
            max_frame: 1 << 20,
            max_router_frame: 1 << 20,
            auth_timeout_s: 5,
            ping_s: 10,
        };
        Self { config, diallers, channels, roles, named }
    }

    pub(super) fn key_id(&self, dialler: usize) -> &'static str {
        self.diallers[dialler].key.id()
    }

    /// A dialler that has sent HELLO. `nonce` is its own.
    pub(super) fn dialler(&self, of: usize, nonce: u8) -> Dialler {
        let Bringing { key, role, node_name, instance, channel } = self.diallers[of];
        let key = (key != Held::None).then(|| (key.id().to_owned(), psk(key)));
        let mut list = BytesMut::new();
        if let Some(name) = node_name {
            put_extension(&mut list, extension::NODE_NAME, name.as_bytes()).expect("short");
        }
        let extensions = Extensions::new(&list).expect("well-formed");
        let config = DiallerConfig { role, key, instance: [instance; 16] };
        let (hello, next) =
            config.start([nonce; 32], CHANNELS[channel], extensions).expect("a short HELLO");
        Dialler::new(&hello, next)
    }

    /// A connection that a listener has accepted. `nonce` is its own.
    pub(super) fn listener(&self, at: usize, nonce: u8) -> Listener<'_> {
        let channel = CHANNELS[self.channels[at]];
        Listener::new(ExpectHello::new(&self.config, NOW), [nonce; 32], channel)
    }

    /// What must come of a dialler and a listener that nobody disturbs: said anew, not asked of the code.
    pub(super) fn expected(&self, dialler: usize, listener: usize) -> Result<(), HandshakeError> {
        let Bringing { key, role, node_name, instance, channel } = self.diallers[dialler];
        let open = self.config.keys.is_empty();
        let same_channel = channel == self.channels[listener];
        let allowed_name = node_name.is_some_and(|name| name.starts_with("eu."));
        Err(match key {
            _ if instance == LISTENER_INSTANCE => HandshakeError::SelfConnection,
            _ if (key == Held::None) != open => HandshakeError::Suite,
            Held::UnknownId => HandshakeError::Key(KeyFault::Unknown),
            Held::Expired => HandshakeError::Key(KeyFault::Expired),
            Held::NotYetValid => HandshakeError::Key(KeyFault::NotYetValid),
            Held::WrongSecret => HandshakeError::Proof,
            Held::Right | Held::None if !same_channel => HandshakeError::Proof,
            Held::Right if !self.roles.contain(role) => HandshakeError::Role,
            // Nobody is a router without a key.
            Held::None if role == Role::Router => HandshakeError::Role,
            Held::Right if role == Role::Router && self.named && !allowed_name => {
                HandshakeError::NodeName
            }
            Held::Right | Held::None => return Ok(()),
        })
    }

    /// A handshake that nobody disturbs ends as expected, on both sides. `hear` is given each frame.
    pub(super) fn check_honest(
        &self,
        at: usize,
        [here, there]: [u8; 2],
        mut hear: impl FnMut(&Bytes),
    ) {
        let (mut dialler, mut listener) = (self.dialler(at, here), self.listener(at, there));
        let mut to_listener = dialler.sent.last().cloned();
        while let Some(frame) = to_listener {
            hear(&frame);
            let answer = listener.handle(&frame);
            to_listener = answer.and_then(|answer| {
                hear(&answer);
                dialler.handle(&answer)
            });
        }
        let told = dialler.outcome.as_ref().expect("a listener answers who is honest");
        match (listener.outcome.as_ref().expect("it is over"), self.expected(at, at)) {
            (Ok(session), Ok(())) => {
                check_same(told.as_ref().expect("both are content"), session);
            }
            (Err(refusal), Err(expected)) => {
                assert_eq!(refusal.error, expected);
                assert!(matches!(told, Err(HandshakeError::Rejected { .. })), "{told:?}");
            }
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }
}

impl Bringing {
    fn read(commands: &mut Commands<'_>) -> Self {
        let (first, second) = (commands.byte(), commands.byte());
        let key = match first & 7 {
            1 => Held::WrongSecret,
            2 => Held::UnknownId,
            3 => Held::Expired,
            4 => Held::NotYetValid,
            5 => Held::None,
            _ => Held::Right,
        };
        Self {
            key,
            role: if first & 8 == 0 { Role::Client } else { Role::Router },
            node_name: [None, Some("eu.one"), Some("us.one"), None][usize::from(first >> 4 & 3)],
            instance: if second & 0x80 == 0 { 0xc1 } else { LISTENER_INSTANCE },
            channel: usize::from(second & 0x7f) % 3,
        }
    }
}

/// Both know the same of their session. (A dialler is told no grant.)
pub(super) fn check_same(here: &Established, there: &Established) {
    let ungranted = Established { grant: here.grant.clone(), ..there.clone() };
    assert_eq!(*here, ungranted);
}

fn psk(held: Held) -> Psk {
    Psk::new([if held == Held::WrongSecret { 8 } else { 7 }; 32]).expect("32 bytes are enough")
}

/// The secret is the same one under each id, so that the time alone makes the difference.
fn ring(roles: Roles, named: bool) -> KeyRing {
    let entry = |held: Held| KeyEntry::new(held.id(), psk(Held::Right));
    let mut alpha = entry(Held::Right).roles(roles);
    if named {
        alpha = alpha.node_names(Patterns::new(["eu.*"]).expect("a pattern"));
    }
    let second = |offset| UnixTime::from_secs(NOW.as_secs().saturating_add_signed(offset));
    KeyRing::new()
        .with_entry(alpha)
        .with_entry(entry(Held::Expired).not_after(second(-1)))
        .with_entry(entry(Held::NotYetValid).not_before(second(1)))
}
