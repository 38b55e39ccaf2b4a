use super::*;

#[test]
fn a_reason_is_never_empty_and_ends_between_letters() {
    assert_eq!(reason("no".into()), "no");
    assert_eq!(reason("".into()), "the server does not allow it");
    assert_eq!(reason("ä".repeat(200).into()), "ä".repeat(127));
    let longest = "x".repeat(MAX_REASON);
    assert_eq!(reason(longest.clone().into()), longest);
}
