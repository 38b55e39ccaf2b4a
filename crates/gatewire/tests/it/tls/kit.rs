//! Servers and clients with a key, certificates, and peers in between.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use gatewire::tls::{Identity, Roots};
use gatewire::{Client, KeyRing, Psk, Server, ServerBuilder};
use gatewire_codec::v3::handshake::{Extensions, Role};
use gatewire_core::handshake::{ChannelBinding, DiallerConfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::anybody::{connector, provider};
use crate::rig::{dial_with, serve_with, within};

pub(super) fn key() -> Psk {
    Psk::new([1; 32]).expect("a long key")
}

pub(super) fn ring() -> KeyRing {
    KeyRing::new().with("one", key())
}

/// A server with a key, and so with TLS.
pub(super) async fn serve_tls(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Server {
    serve_with(|builder| change(builder.psk(ring()))).await
}

/// A client that knows the key, connected.
pub(super) async fn dial_tls(server: &Server) -> Client {
    dial_with(server, |builder| builder.psk("one", key())).await
}

/// An authority, and the certificates that it gives.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().expect("random numbers");
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(super) fn roots(&self) -> Roots {
        Roots::from_pem(self.pem.as_bytes()).expect("a certificate")
    }

    /// A certificate for this host, or of this client.
    pub(super) fn identity(&self, name: &str) -> Identity {
        self.identity_with(name, |_| ())
    }

    pub(super) fn identity_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let key = KeyPair::generate().expect("random numbers");
        let mut params = CertificateParams::new([name.to_owned()]).expect("a good name");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())
            .expect("a certificate and its key")
    }
}

/// Somebody between clients and a server.
pub(crate) struct Between {
    pub(crate) address: SocketAddr,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

/// What goes by.
struct Way {
    seen: Mutex<Vec<u8>>,
    open: watch::Sender<bool>,
}

impl Drop for Between {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Between {
    /// Hands on bytes as they are, and looks at them. After so many of the client it cuts both sides.
    pub(crate) async fn tap(server: SocketAddr, cut_after: usize) -> Self {
        Self::run(move |client, way| async move {
            let server = TcpStream::connect(server).await.expect("a server");
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::select! {
                () = hand_on(&mut from_client, &mut to_server, &way, cut_after) => {}
                () = hand_on(&mut from_server, &mut to_client, &way, usize::MAX) => {}
            }
        })
        .await
    }

    /// Ends TLS on both sides with a certificate of its own, and hands on what is said inside.
    pub(crate) async fn relay(server: SocketAddr) -> Self {
        Self::run(move |client, way| async move {
            let Ok(mut client) = rogue_acceptor().accept(client).await else { return };
            let mut server = raw_tls(server).await;
            let (mut from_client, mut to_client) = tokio::io::split(&mut client);
            let (mut from_server, mut to_server) = tokio::io::split(&mut server);
            tokio::select! {
                () = hand_on(&mut from_client, &mut to_server, &way, usize::MAX) => {}
                () = hand_on(&mut from_server, &mut to_client, &way, usize::MAX) => {}
            }
        })
        .await
    }

    async fn run<F: Future<Output = ()> + Send + 'static>(
        each: impl Fn(TcpStream, Arc<Way>) -> F + Send + 'static,
    ) -> Self {
        let way = Arc::new(Way { seen: Mutex::default(), open: watch::Sender::new(true) });
        let passed = Arc::clone(&way);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(each(client, Arc::clone(&passed)));
            }
        });
        Self { address, way, task }
    }

    /// Takes nothing more for now, from neither side.
    pub(super) fn stop(&self) {
        self.way.open.send_replace(false);
    }

    /// Takes bytes again.
    pub(super) fn go_on(&self) {
        self.way.open.send_replace(true);
    }

    /// How many bytes went by, in both directions.
    pub(crate) fn seen(&self) -> usize {
        self.way.seen.lock().expect("no panic").len()
    }

    /// Whether these bytes went by.
    pub(crate) fn saw(&self, bytes: &[u8]) -> bool {
        let seen = self.way.seen.lock().expect("no panic");
        seen.windows(bytes.len()).any(|window| window == bytes)
    }
}

async fn hand_on(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    way: &Way,
    mut left: usize,
) {
    let mut buffer = [0; 4096];
    while left > 0 {
        way.open.subscribe().wait_for(|open| *open).await.expect("the sender is here");
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let bytes = &buffer[..read.min(left)];
        left -= bytes.len();
        way.seen.lock().expect("no panic").extend_from_slice(bytes);
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// A server's TLS with a certificate that it made itself.
pub(crate) fn rogue_acceptor() -> TlsAcceptor {
    let key = KeyPair::generate().expect("random numbers");
    let params = CertificateParams::new(["rogue".to_owned()]).expect("a good name");
    let certificate = params.self_signed(&key).expect("a certificate").der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("its own key");
    TlsAcceptor::from(Arc::new(config))
}

pub(crate) type RawTls = tokio_rustls::client::TlsStream<TcpStream>;

/// TLS to a server, and nothing inside yet.
pub(crate) async fn raw_tls(server: SocketAddr) -> RawTls {
    let tcp = within(TcpStream::connect(server)).await.expect("a server");
    let name = ServerName::try_from("any").expect("a name");
    let connecting = connector(&[&rustls::version::TLS13]).connect(name, tcp);
    within(connecting).await.expect("a TLS server")
}

/// A client that knows the key and is a script from then on.
pub(super) async fn raw_client(server: SocketAddr) -> RawTls {
    let mut stream = raw_tls(server).await;
    let mut exported = [0; 32];
    let label = b"EXPORTER-Channel-Binding";
    let session = stream.get_ref().1;
    session.export_keying_material(&mut exported, label, Some(&[])).expect("TLS 1.3");
    let binding = ChannelBinding::TlsExporter(&exported);
    let key = Some(("one".to_owned(), key()));
    let config = DiallerConfig { role: Role::Client, key, instance: [1; 16] };
    let (hello, expect) = config.start([7; 32], binding, Extensions::NONE).expect("a short HELLO");
    stream.write_all(&hello).await.expect("a live socket");
    let challenge = read_frame(&mut stream).await;
    let (proof, expect) = expect.handle(&challenge, Extensions::NONE).expect("a challenge");
    stream.write_all(&proof).await.expect("a live socket");
    expect.handle(&read_frame(&mut stream).await).expect("the key is right");
    stream
}

/// The next frame, without its length prefix.
async fn read_frame(stream: &mut RawTls) -> bytes::Bytes {
    let length = within(stream.read_u32_le()).await.expect("a length");
    let mut frame = vec![0; length as usize];
    within(stream.read_exact(&mut frame)).await.expect("a frame");
    frame.into()
}
