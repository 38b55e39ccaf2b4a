//! Socket ids and their one spelling.

use gatewire_core::SocketId;
use proptest::prelude::*;

use crate::property;

#[test]
fn an_id_is_written_as_32_lower_case_digits_and_read_back() {
    property::check(500, &any::<[u8; 16]>(), |bytes| {
        let id = SocketId::from_bytes(bytes);
        let text = id.to_string();
        assert_eq!(text.len(), 32);
        let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, expected);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(id.to_bytes(), bytes);
        assert_eq!(format!("{id:?}"), format!("SocketId({text})"));
    });
}

#[test]
fn leading_zeros_are_written() {
    assert_eq!(SocketId::from_bytes([0; 16]).to_string(), "0".repeat(32));
    let mut bytes = [0; 16];
    bytes[15] = 1;
    assert_eq!(SocketId::from_bytes(bytes).to_string(), format!("{}1", "0".repeat(31)));
}

#[test]
fn other_spellings_are_refused() {
    let good = "0123456789abcdef0123456789abcdef";
    assert!(good.parse::<SocketId>().is_ok());
    check_refused(&good.to_uppercase());
    check_refused(&good.replace('a', "A"));
    check_refused("");
    check_refused(&good[..31]);
    check_refused(&format!("{good}0"));
    check_refused(&format!("+{}", &good[1..]));
    check_refused(&format!("-{}", &good[1..]));
    check_refused(&format!(" {}", &good[1..]));
    check_refused(&format!("{} ", &good[1..]));
    check_refused(&format!("0x{}", &good[2..]));
    check_refused(&good.replace('f', "g"));
    check_refused(&good.replace('3', "_"));
    // 32 bytes that are not 32 letters, and digits of another script.
    check_refused(&"ä".repeat(16));
    check_refused(&"٣".repeat(16));
    check_refused(&"٣".repeat(32));
}

#[test]
fn arbitrary_text_is_an_id_only_if_it_is_written_the_same_again() {
    let digits = "[0-9a-fA-F+]{30,34}";
    property::check(500, &prop_oneof![digits, ".{0,40}"], |text| {
        if let Ok(id) = text.parse::<SocketId>() {
            assert_eq!(id.to_string(), text);
        }
    });
}

#[track_caller]
fn check_refused(text: &str) {
    let error = text.parse::<SocketId>().expect_err(text);
    assert_eq!(error.to_string(), "a socket id is 32 lower-case hexadecimal digits");
}
