//! No tuples of like things in a parameter list.
//!
//! `(usize, usize)` says neither which is which nor fails to compile when they are swapped; a struct with
//! named fields does both.

use std::collections::BTreeMap;

use super::allowance::Count;
use super::source::closing;
use super::{Checkout, whole_words};

/// For every crate, the parameters outside tests that are tuples of two equal types.
pub(super) fn counts(checkout: &Checkout) -> Vec<Count> {
    let mut found: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    for (file, source) in checkout.rust_files() {
        let folder = file.path.split("/src/").next().unwrap_or(&file.path);
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let places = found.entry(name.to_owned()).or_default();
        for start in whole_words(&source.code, "fn") {
            let line = source.code[..start].matches('\n').count();
            let parameters = parameters(&source.code[start..]).unwrap_or("");
            let alike = split_list(parameters)
                .into_iter()
                .filter(|parameter| is_tuple_of_like(parameter));
            if !file.is_test_line(line) {
                places.extend(alike.map(|_| (file.path.clone(), line + 1)));
            }
        }
    }
    found
        .into_iter()
        .filter(|(_, places)| !places.is_empty())
        .map(|(subject, places)| Count {
            rule: "tuples",
            subject,
            number: places.len(),
            limit: 0,
            path: places[0].0.clone(),
            line: places[0].1,
            message: format!(
                "give the parts names in a struct, or pass them one by one; {}",
                listed(&places)
            ),
        })
        .collect()
}

/// The places, those of one file together.
fn listed(places: &[(String, usize)]) -> String {
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, line) in places {
        lines.entry(path).or_default().push(line.to_string());
    }
    let files: Vec<String> = lines
        .iter()
        .map(|(path, lines)| format!("{path}:{}", lines.join(",")))
        .collect();
    files.join(" ")
}

/// The text between the parentheses of the function at the start of `code`.
fn parameters(code: &str) -> Option<&str> {
    let mut angles = 0i32;
    let open = code.char_indices().find_map(|(at, c)| {
        match c {
            '<' => angles += 1,
            '>' if !code[..at].ends_with('-') => angles -= 1,
            '(' if angles == 0 => return Some(at),
            '{' | ';' if angles == 0 => return Some(code.len()),
            _ => {}
        }
        None
    })?;
    let close = closing(code, open)?;
    Some(&code[open + 1..close])
}

/// True if a parameter `name: type` is a tuple, or a reference to one, of which two parts are of one type.
fn is_tuple_of_like(parameter: &str) -> bool {
    let Some((_, kind)) = at_depth_zero(parameter, ':') else {
        return false;
    };
    let kind = kind
        .trim()
        .trim_start_matches('&')
        .trim_start_matches("mut ")
        .trim();
    let Some(inside) = kind
        .strip_prefix('(')
        .and_then(|kind| kind.strip_suffix(')'))
    else {
        return false;
    };
    let mut parts: Vec<&str> = split_list(inside)
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let all = parts.len();
    parts.sort_unstable();
    parts.dedup();
    parts.len() < all
}

/// The parts of a list between commas; commas inside brackets do not part.
fn split_list(list: &str) -> Vec<&str> {
    let mut rest = list;
    let mut parts = Vec::new();
    while let Some((part, after)) = at_depth_zero(rest, ',') {
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// The text before and after the first `separator` outside brackets; `::` is no separator.
fn at_depth_zero(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut depth = 0;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let after = &text[at + c.len_utf8()..];
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if before == '-' || before == '=' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            ':' if before == ':' || after.starts_with(':') => {}
            c if c == separator && depth == 0 => return Some((&text[..at], after)),
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> usize {
        let checkout = Checkout::made_up(&[("crates/x/src/a.rs", text)]);
        counts(&checkout).iter().map(|count| count.number).sum()
    }

    #[test]
    fn tuples_of_like_things_are_found() {
        assert_eq!(number("fn a(x: usize, y: (usize, usize)) {}"), 1);
        assert_eq!(
            number(
                "fn a<F: Fn(u8, u8)>(\n    (v, i): (F, F),\n    &(a, b): &(Vec<(F, u8)>, Vec<(F, u8)>),\n) {}"
            ),
            2
        );
        assert_eq!(number("trait T { fn a(x: (usize, f64, usize)); }"), 1);
        assert_eq!(
            number("fn a(x: (&mut [F], &mut [F])) -> u8 {}\nfn b((c, d): (&[F], u8)) {}"),
            1
        );
    }

    #[test]
    fn unlike_things_results_and_tests_pass() {
        assert_eq!(
            number("fn a(x: (usize, f64), f: impl Fn(f64, f64)) -> (usize, usize) {}"),
            0
        );
        assert_eq!(
            number("fn a(x: std::ops::Range<usize>, y: [(u8, u8); 2]) {}"),
            0
        );
        assert_eq!(
            number("#[cfg(test)]\nmod tests {\n    fn a(x: (u8, u8)) {}\n}\n"),
            0
        );
    }

    #[test]
    fn the_message_names_every_place() {
        let text = "fn a(x: (u8, u8)) {}\n\nfn b(x: (u8, u8)) {}\n";
        let counts = counts(&Checkout::made_up(&[("crates/x/src/a.rs", text)]));
        assert_eq!((counts[0].subject.as_str(), counts[0].line), ("x", 1));
        assert!(
            counts[0].message.ends_with("; crates/x/src/a.rs:1,3"),
            "{}",
            counts[0].message
        );
    }
}
