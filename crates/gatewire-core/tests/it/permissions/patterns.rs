//! The compiled lists against the rule said in the plainest way.

use gatewire_core::permissions::{PatternError, PatternFault, Patterns};
use proptest::prelude::*;

use crate::property;

#[test]
fn each_wildcard_covers_what_it_says() {
    for (pattern, inside, outside) in [
        ("say", &["say"][..], &["", "sa", "says", "say.", ".say", "SAY", "say.it"][..]),
        ("chat.*", &["chat.say", "chat."], &["chat", "chat.say.loud", "chats.say"]),
        ("*", &["say", "", "*"], &["chat.say", "."]),
        ("*.say", &["chat.say", ".say"], &["say", "a.b.say", "chat.says"]),
        ("a.*.c", &["a.b.c", "a..c"], &["a.c", "a.b", "a.b.c.d"]),
        ("chat.>", &["chat.say", "chat.say.loud", "chat."], &["chat", "chatter.say", ""]),
        ("*.>", &["a.b", "a.b.c", "."], &["a", ""]),
        (">", &["", "a", "a.b", "..."], &[]),
    ] {
        let patterns = Patterns::new([pattern]).expect("a pattern");
        for name in inside {
            assert!(patterns.matches(name), "{pattern} takes {name:?}");
        }
        for name in outside {
            assert!(!patterns.matches(name), "{pattern} leaves {name:?}");
        }
    }
}

#[test]
fn a_list_allows_what_any_of_its_patterns_allows() {
    let patterns = Patterns::new(["zulu", "alpha", "a.*", "b.>", "mike"]).expect("patterns");
    for name in ["alpha", "mike", "zulu", "a.x", "b.x.y"] {
        assert!(patterns.matches(name), "{name}");
    }
    for name in ["", "bravo", "a.x.y", "b"] {
        assert!(!patterns.matches(name), "{name}");
    }
    assert_eq!(Patterns::new(["a", ">", "b.*"]), Ok(Patterns::all()));
    assert_eq!(Patterns::new([""; 0]), Ok(Patterns::none()));
    assert!(Patterns::all().matches("") && !Patterns::none().matches(""));
}

#[test]
fn a_list_agrees_with_the_plain_rule() {
    let segment = prop::sample::select(vec!["", "a", "b", "ab", "*"]);
    let pattern = (prop::collection::vec(segment.clone(), 1..5), any::<bool>()).prop_map(
        |(mut segments, rest)| {
            if rest {
                segments.push(">");
            }
            segments.join(".")
        },
    );
    let usable = pattern.prop_filter("an empty pattern", |pattern| !pattern.is_empty());
    let lists = prop::collection::vec(usable, 0..6);
    let names = prop::collection::vec(segment, 1..6).prop_map(|segments| segments.join("."));
    property::check(3000, &(lists, names), |(list, name)| {
        let split = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let expected = list.iter().any(|pattern| plain(&split(pattern), &split(&name)));
        let patterns = Patterns::new(&list).expect("usable");
        assert_eq!(patterns.matches(&name), expected, "{list:?} and {name:?}");
    });
}

/// Whether a name fits a pattern.
fn plain(pattern: &[String], name: &[String]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([rest], [_, ..]) if rest == ">" => true,
        ([first, pattern @ ..], [segment, name @ ..]) => {
            (first == "*" || first == segment) && plain(pattern, name)
        }
        _ => false,
    }
}

#[test]
fn a_pattern_that_would_surprise_is_refused() {
    let long = "x".repeat(1025);
    for (pattern, fault) in [
        ("", PatternFault::Empty),
        (&*long, PatternFault::TooLong),
        (">.a", PatternFault::RestNotLast),
        ("a.>.>", PatternFault::RestNotLast),
        ("chat*", PatternFault::PartOfSegment),
        ("a.**", PatternFault::PartOfSegment),
        ("a.b>", PatternFault::PartOfSegment),
    ] {
        let refused = Patterns::new(["fine", pattern]);
        assert_eq!(refused, Err(PatternError { index: 1, fault }), "{pattern}");
    }
    assert!(Patterns::new([&long[1..]]).is_ok());
    let text = PatternError { index: 1, fault: PatternFault::RestNotLast }.to_string();
    assert_eq!(text, "pattern 2: `>` can only stand at the end");
}

#[test]
fn a_list_is_bounded() {
    let names = |count| (0..count).map(|number: u32| number.to_string());
    assert!(Patterns::new(names(256)).is_ok());
    let fault = PatternFault::TooMany;
    assert_eq!(Patterns::new(names(257)), Err(PatternError { index: 256, fault }));
}
