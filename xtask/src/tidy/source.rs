//! A Rust file, told apart into code, comments and tests.
//!
//! A small scanner, not a parser: it tells comments and literals from code, and matches braces in
//! what is left. That is enough for files that rustfmt has formatted and the compiler accepts.

use super::{is_identifier, whole_words};

/// A Rust file, taken apart. Lines and columns are those of the file.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The text with comments and literals blanked.
    pub(super) code: String,
    /// The text with everything but comments blanked.
    pub(super) comments: String,
    test_lines: Vec<bool>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    /// Line of the word `fn`, counted from 0.
    pub(super) first_line: usize,
    /// Line of the closing brace.
    pub(super) last_line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let kinds = classify(text.as_bytes());
        let code = keep(text, &kinds, Kind::Code);
        let test_lines = test_lines(&code);
        Self {
            comments: keep(text, &kinds, Kind::Comment),
            code,
            test_lines,
        }
    }

    /// True if line `index` (from 0) lies in an item under `#[cfg(test)]`.
    pub(super) fn is_test_line(&self, index: usize) -> bool {
        self.test_lines.get(index).copied().unwrap_or(false)
    }

    /// Every function that has a body, in order.
    pub(super) fn functions(&self) -> Vec<Function<'_>> {
        let code = &self.code;
        whole_words(code, "fn")
            .filter_map(|start| {
                let rest = code[start + 2..].trim_start();
                let name_len = rest.find(|c| !is_identifier(c))?;
                let open = body_start(code, start).filter(|_| name_len > 0)?;
                let close = closing(code, open)?;
                Some(Function {
                    name: &rest[..name_len],
                    first_line: line_of(code, start),
                    last_line: line_of(code, close),
                })
            })
            .collect()
    }
}

/// `text` with every character that is not of the kind `kept` replaced by a space.
fn keep(text: &str, kinds: &[Kind], kept: Kind) -> String {
    text.char_indices()
        .map(|(at, c)| {
            if c == '\n' || kinds[at] == kept {
                c
            } else {
                ' '
            }
        })
        .collect()
}

/// The kind of every byte.
fn classify(text: &[u8]) -> Vec<Kind> {
    let mut kinds = vec![Kind::Code; text.len()];
    let mut at = 0;
    while at < text.len() {
        let (kind, end) = token(text, at);
        kinds[at..end].fill(kind);
        at = end;
    }
    kinds
}

/// The kind of the token that starts at `at`, and where it ends; one byte if it is plain code.
fn token(text: &[u8], at: usize) -> (Kind, usize) {
    let rest = &text[at..];
    if rest.starts_with(b"//") {
        let len = rest.iter().position(|&b| b == b'\n');
        return (Kind::Comment, at + len.unwrap_or(rest.len()));
    }
    if rest.starts_with(b"/*") {
        return (Kind::Comment, at + block_comment_len(rest));
    }
    if let Some(len) = raw_string_len(text, at) {
        return (Kind::Literal, at + len);
    }
    match rest[0] {
        b'"' => (Kind::Literal, at + quoted_len(rest, b'"')),
        b'\'' if is_char_literal(rest) => (Kind::Literal, at + quoted_len(rest, b'\'')),
        _ => (Kind::Code, at + 1),
    }
}

/// Length of the block comment at the start of `rest`; block comments nest.
fn block_comment_len(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Length of the raw string at `at` (`r"…"`, `r#"…"#`), if one starts there.
fn raw_string_len(text: &[u8], at: usize) -> Option<usize> {
    let rest = text[at..].strip_prefix(b"r")?;
    let mut prefix = text[..at].iter().rev().copied();
    let before = prefix
        .next()
        .filter(|b| !matches!(b, b'b' | b'c'))
        .or_else(|| prefix.next());
    if before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None; // the end of an identifier, as in `for"`
    }
    let hashes = rest.iter().take_while(|&&b| b == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let closing = [b"\"".as_slice(), &rest[..hashes]].concat();
    let body = &rest[hashes + 1..];
    let end = body
        .windows(closing.len())
        .position(|window| window == closing);
    Some(end.map_or(text.len() - at, |end| 1 + hashes + 1 + end + closing.len()))
}

/// Length of the literal at the start of `rest`, both quotes included.
fn quoted_len(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// True if the quote at the start of `rest` opens a character and not a lifetime.
fn is_char_literal(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        Some(&first) => {
            let len = match first {
                0xF0.. => 4,
                0xE0.. => 3,
                0xC0.. => 2,
                _ => 1,
            };
            rest.get(1 + len) == Some(&b'\'')
        }
        None => false,
    }
}

/// For every line of `code`: does it lie in an item under `#[cfg(test)]`?
fn test_lines(code: &str) -> Vec<bool> {
    let mut lines = vec![false; code.lines().count()];
    for (start, _) in code.match_indices("#[cfg(") {
        let Some(len) = code[start..].find(']') else {
            continue;
        };
        let attribute = &code[start..start + len];
        if whole_words(attribute, "test").next().is_none() || attribute.contains("not(test") {
            continue;
        }
        let end = body_start(code, start + len + 1).and_then(|open| closing(code, open));
        if let Some(end) = end {
            lines[line_of(code, start)..=line_of(code, end)].fill(true);
        }
    }
    lines
}

/// The byte at which the body of the item that begins at `start` opens; `None` if a `;` ends the item first.
fn body_start(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0;
    for (offset, byte) in code.as_bytes()[start..].iter().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(start + offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The byte at which the bracket at `open` is closed again.
pub(super) fn closing(code: &str, open: usize) -> Option<usize> {
    let opening = *code.as_bytes().get(open)?;
    let ending = match opening {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    };
    let mut depth = 0;
    for (offset, &byte) in code.as_bytes()[open..].iter().enumerate() {
        if byte == opening {
            depth += 1;
        } else if byte == ending {
            depth -= 1;
        }
        if depth == 0 {
            return Some(open + offset);
        }
    }
    None
}

/// The line of byte `at`, counted from 0.
fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that are left when comments and literals are blanked.
    fn code_words(text: &str) -> Vec<String> {
        let source = Source::new(text);
        source.code.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn comments_are_not_code() {
        assert_eq!(code_words("a // b\nc /* d /* e */ f */ g"), ["a", "c", "g"]);
        assert_eq!(Source::new("a // b\nc").comments.trim(), "// b");
    }

    #[test]
    fn literals_are_not_code() {
        assert_eq!(code_words(r#"a "b \" // c" d"#), ["a", "d"]);
        assert_eq!(code_words("a r#\"b \" c\"# d"), ["a", "d"]);
        assert_eq!(code_words("a br\"\\\" d"), ["a", "b", "d"]);
        assert_eq!(code_words(r"a '{' '\'' 'λ' d"), ["a", "d"]);
    }

    #[test]
    fn lifetimes_and_raw_identifiers_are_code() {
        assert_eq!(code_words("&'a str, r#type"), ["&'a", "str,", "r#type"]);
    }

    #[test]
    fn test_modules_are_found_and_what_follows_is_not_in_them() {
        let source =
            Source::new("fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n");
        let lines: Vec<bool> = (0..6).map(|index| source.is_test_line(index)).collect();
        assert_eq!(lines, [false, true, true, true, true, false]);
        assert!(!Source::new("#[cfg(not(test))]\nmod a {\n}\n").is_test_line(1));
        assert!(!Source::new("#[cfg(test)]\nmod tests;\nfn a() {\n}\n").is_test_line(2));
    }

    #[test]
    fn functions_with_their_lines() {
        let source = Source::new("trait T { fn a(x: [u8; 2]); }\nfn b(\n) -> fn() {\n  '{';\n}\n");
        let expected = Function {
            name: "b",
            first_line: 1,
            last_line: 4,
        };
        assert_eq!(source.functions(), [expected]);
    }
}
