//! Rust source as the rules see it: comments and literals blanked, test code marked.
//!
//! This is a lexer for exactly what can hide a word from the compiler - comments, strings,
//! characters - and nothing more. It keeps every line where it is, so that a finding can name it.

/// One file of Rust source.
pub(super) struct Source {
    /// The lines with comments and the insides of literals replaced by spaces.
    pub(super) lines: Vec<String>,
    /// For each line: whether it belongs to an item that is built in tests only.
    pub(super) test: Vec<bool>,
    /// Modules under `#[cfg(test)]` whose body is another file.
    pub(super) test_modules: Vec<String>,
    /// The whole file is under `#![cfg(test)]`.
    pub(super) all_test: bool,
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let code = blank(text);
        let lines: Vec<String> = code.split('\n').map(str::to_owned).collect();
        // The condition is read from the text, because it may name a feature.
        let holds_in_tests = |end: usize| TEST.iter().any(|test| text[end..].starts_with(test));
        let conditions = |opening: &'static str| {
            let found = code.match_indices(opening).map(|(start, _)| start);
            found.filter(|start| holds_in_tests(start + opening.len())).collect::<Vec<_>>()
        };
        let all_test = !conditions("#![cfg(").is_empty();
        let items = conditions("#[cfg(");
        let mut source =
            Self { test: vec![all_test; lines.len()], lines, test_modules: Vec::new(), all_test };
        for start in items {
            source.mark_item(&code, start);
        }
        source
    }

    /// The lines that are built outside of tests, numbered from 1.
    pub(super) fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        self.numbered().filter(|(number, _)| !self.test[number - 1])
    }

    /// All lines, numbered from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, line.as_str()))
    }

    /// Marks the item whose attributes begin at byte `start` of `code`.
    fn mark_item(&mut self, code: &str, start: usize) {
        let end = item_end(code, start);
        let line_of = |at: usize| code[..at].matches('\n').count();
        for test in &mut self.test[line_of(start)..=line_of(end)] {
            *test = true;
        }
        let item = &code[start..end];
        if let (Some((_, after)), false) = (item.rsplit_once("mod "), item.contains('{')) {
            self.test_modules.push(after.trim().to_owned());
        }
    }
}

/// The beginnings of a `cfg` that holds in tests only. The feature `conformance` is code for tests
/// that other crates share.
const TEST: [&str; 3] = ["test)", "all(test,", "feature = \"conformance\")"];

/// The byte where the item that begins at `start` ends: its closing brace or its semicolon.
fn item_end(code: &str, start: usize) -> usize {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, c) in code[start..].char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return start + at;
                }
            }
            ';' if braces == 0 && others == 0 => return start + at,
            _ => {}
        }
    }
    code.len()
}

/// `text` with comments and the insides of literals replaced by spaces, byte for byte.
pub(super) fn blank(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let (hidden, kept) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => (block_comment(rest), false),
            '"' => (string(rest), true),
            '\'' => (character(rest), true),
            'r' | 'b' | 'c' if !is_word(before) => (raw_string(rest), true),
            _ => (0, true),
        };
        let taken = if hidden == 0 { first.len_utf8() } else { hidden };
        let (part, after) = rest.split_at(taken);
        if hidden == 0 {
            code.push(first);
        } else {
            // The quotes stay, so that an argument is still seen to be there.
            code.push(if kept { '"' } else { ' ' });
            code.extend(part.bytes().skip(1).map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        }
        before = part.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    code
}

/// The length of the comment `/* .. */` at the start of `text`, inner ones included.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The length of the literal at the start of `text`, quotes and escapes included.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the character at the start of `text`; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|&(_, c)| c == '\'').map_or(text.len(), |(at, _)| at + 1)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// The length of the raw string (`r".."`, `br#".."#`, `cr".."`) at the start of `text`; 0 for
/// anything else. Its plain relatives `b".."` and `b'..'` are met at their quote.
fn raw_string(text: &str) -> usize {
    let Some(opening) = text.trim_start_matches(['b', 'c']).strip_prefix('r') else { return 0 };
    let body = opening.trim_start_matches('#');
    let hashes = opening.len() - body.len();
    if !body.starts_with('"') {
        return 0;
    }
    let closing = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - body.len() + 1;
    text[start..].find(&closing).map_or(text.len(), |at| start + at + closing.len())
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let text = "a(\"x.unwrap()\"); // todo!\nb /* c /* d\n */ e */ f";
        assert_eq!(blank(text).split_whitespace().collect::<String>(), "a(\");bf");
        assert_eq!(blank(text).matches('\n').count(), 2);
        assert_eq!(blank(text).len(), text.len());
    }

    #[test]
    fn raw_strings_and_escapes_end_where_they_end() {
        let code = blank("r#\"a \" b\"# + \"\\\"c\" + br\"d\\\" + x");
        assert_eq!(
            code.split_whitespace().collect::<Vec<_>>(),
            ["\"", "+", "\"", "+", "\"", "+", "x"]
        );
    }

    #[test]
    fn a_lifetime_is_no_character() {
        let code = blank("fn f<'a>(x: &'a str) { ['\"', '\\'', '/', b'{'] } // 'q");
        assert!(code.contains("<'a>(x: &'a str)"), "{code}");
        assert!(!code.contains('/'), "{code}");
        assert_eq!(code.matches('{').count(), 1);
    }

    #[test]
    fn a_raw_identifier_is_no_string() {
        assert_eq!(blank("r#type = br; car\"x\""), "r#type = br; car\"  ");
    }

    #[test]
    fn lines_of_test_items_are_marked() {
        let source = Source::new(
            "fn a() {}\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n  fn b() { c }\n}\nfn d() {}\n\
             #[cfg(test)]\nmod other;\nfn e() {}",
        );
        let shipped: Vec<usize> = source.shipped().map(|(number, _)| number).collect();
        assert_eq!(shipped, [1, 7, 10]);
        assert_eq!(source.test_modules, ["other"]);
        assert!(!source.all_test);
    }

    #[test]
    fn code_for_the_tests_of_others_counts_as_test() {
        let source =
            Source::new("/// \u{e9}\n#[cfg(feature = \"conformance\")]\npub mod proof;\nfn a() {}");
        assert_eq!(source.test, [false, true, true, false]);
        assert_eq!(source.test_modules, ["proof"]);
        assert_eq!(Source::new("#[cfg(feature = \"json\")]\nmod json;").test_modules, [""; 0]);
    }

    #[test]
    fn a_file_may_be_all_test() {
        let source = Source::new("#![cfg(test)]\nfn a() {}");
        assert!(source.all_test);
        assert_eq!(source.shipped().count(), 0);
    }
}
