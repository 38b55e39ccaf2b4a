//! Every intermediate value against the vectors of an independent implementation.

use super::{ChannelBinding, Hash, Prk, extract, th1, th2};
use gatewire_codec::{Message, split_frame, v3};
use hmac::Mac;

#[test]
fn every_value_of_the_vectors_is_reproduced() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/v3-handshake.json"))
            .expect("the vectors are JSON");
    let vectors = vectors.as_array().expect("a list");
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let name = vector["name"].as_str().expect("a name");
        let bytes = |key: &str| unhex(vector[key].as_str().expect(key));
        let hash = |key: &str| -> Hash { bytes(key).try_into().expect(key) };

        let exporter: [u8; 32];
        let binding = match vector["channel_binding_type"].as_str() {
            Some("none") => ChannelBinding::None,
            Some("tls-exporter") => {
                exporter = bytes("channel_binding").try_into().expect("32 bytes");
                ChannelBinding::TlsExporter(&exporter)
            }
            other => panic!("{name}: unknown binding {other:?}"),
        };
        let (hello, challenge) = (bytes("hello"), bytes("challenge"));
        let (proof, accept) = (bytes("proof"), bytes("accept"));

        let prk = Prk::extract(&bytes("psk"));
        assert_eq!(*extract(&bytes("psk")), hash("prk"), "{name}: prk");
        let first = th1(binding, &[&hello], &[&challenge]);
        assert_eq!(first, hash("th1"), "{name}: th1");
        let (frame, _) = split_frame(&proof, 512).expect("framed").expect("whole");
        let Ok(Message::Proof(proof_message)) = v3::decode(frame) else { panic!("{name}: proof") };
        let mac_c: Hash = prk
            .client_mac(&first, proof_message.extensions.as_bytes())
            .finalize()
            .into_bytes()
            .into();
        assert_eq!(mac_c, hash("mac_c"), "{name}: mac_c");
        assert_eq!(proof_message.mac, mac_c, "{name}: mac in PROOF");
        let second = th2(&first, &[&proof]);
        assert_eq!(second, hash("th2"), "{name}: th2");
        let (frame, _) = split_frame(&accept, 512).expect("framed").expect("whole");
        let Ok(Message::Accept(message)) = v3::decode(frame) else { panic!("{name}: accept") };
        let mac_s: Hash = prk
            .server_mac(&second, &message.session_id, message.extensions.as_bytes())
            .finalize()
            .into_bytes()
            .into();
        assert_eq!(mac_s, hash("mac_s"), "{name}: mac_s");
        let resume = prk.resume_secret(&second, &[&accept]);
        assert_eq!(*resume.as_bytes(), hash("resume_secret"), "{name}: resume");
    }
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}
