//! Files and names that the pages for authors set in backticks exist.

use std::collections::BTreeSet;

use super::{Checkout, File, Finding, is_identifier};

/// Pages that talk about the code.
const PAGES: [&str; 3] = ["STYLE.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

/// A name from outside: the program whose successor this is.
const ELSEWHERE: &str = "genn_eventprop";

/// Endings of files that a page may name without their folder.
const ENDINGS: [&str; 5] = ["rs", "md", "toml", "txt", "py"];

/// Files, functions, types and parameters in backticks that are not in the checkout.
pub(super) fn missing(checkout: &Checkout) -> Vec<Finding> {
    let words = Words::of(checkout);
    let mut findings = Vec::new();
    for file in checkout
        .files
        .iter()
        .filter(|file| PAGES.contains(&file.path.as_str()))
    {
        for (line, span) in spans(file) {
            if is_path(span) {
                if !is_there(checkout, span) {
                    findings.push(Finding::new(
                        file,
                        line,
                        format!("no such file or folder: `{span}`"),
                    ));
                }
            } else if let Some(name) = names(span).find(|name| !words.hold(name)) {
                findings.push(Finding::new(
                    file,
                    line,
                    format!("`{name}` is nowhere in the code: name what there is"),
                ));
            }
        }
    }
    findings
}

/// Every word of the code and, for the keys of parameters, every word in capitals of the texts.
struct Words<'a>(BTreeSet<&'a str>);

impl<'a> Words<'a> {
    fn of(checkout: &'a Checkout) -> Self {
        let mut words = BTreeSet::new();
        for (file, source) in checkout.rust_files() {
            words.extend(source.code.split(|c| !is_identifier(c)));
            let all = file.text.split(|c| !is_identifier(c));
            words.extend(all.filter(|word| is_key(word)));
        }
        Self(words)
    }

    fn hold(&self, name: &str) -> bool {
        name == ELSEWHERE || self.0.contains(name)
    }
}

/// The text between single backticks outside blocks of code, with its line counted from 1.
fn spans(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    let outside = file.text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    outside.flat_map(|(index, line)| {
        line.split('`')
            .skip(1)
            .step_by(2)
            .map(move |span| (index + 1, span))
    })
}

/// A file or a folder: no blanks, and a slash or a known ending.
fn is_path(span: &str) -> bool {
    let is_plain = |c: char| is_identifier(c) || "./-".contains(c);
    let ending = span
        .rsplit_once('.')
        .is_some_and(|(stem, ending)| !stem.is_empty() && ENDINGS.contains(&ending));
    span.chars().all(is_plain) && (span.contains('/') || ending)
}

/// True if `path` is in the checkout, perhaps below other folders; a part in capitals stands for any.
fn is_there(checkout: &Checkout, path: &str) -> bool {
    let sought: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let fits = |(sought, part): (&&str, &&str)| sought == part || is_placeholder(sought);
    checkout.paths.iter().any(|path| {
        let parts: Vec<&str> = path.split('/').collect();
        parts
            .windows(sought.len())
            .any(|parts| sought.iter().zip(parts).all(fits))
    })
}

/// `NAME`, `NAME.rs`: to be filled in by the reader. A file in capitals (`README.md`) exists anyhow.
fn is_placeholder(part: &str) -> bool {
    part.split('.').next() == Some("NAME")
}

/// The names in `a`, `a()`, `a::b`, `a.b`; none in an ending (`_minus`) or where the span is something else.
fn names(span: &str) -> impl Iterator<Item = &str> {
    let path = span.strip_suffix("()").unwrap_or(span);
    let parts = path.split("::").flat_map(|part| part.split('.'));
    let is_name = |part: &str| {
        part.chars().all(is_identifier) && part.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    let all = parts.clone().all(is_name);
    parts.filter(move |_| all)
}

fn is_key(word: &str) -> bool {
    word.len() > 1
        && word
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: (&str, &str) = (
        "crates/x/src/neuron/lif.rs",
        "pub struct Solver;\nfn adjoint_jump() { a(\"DT_MS\", \"secret\"); }\n// only_said\n",
    );

    fn messages(text: &str) -> Vec<String> {
        let findings = missing(&Checkout::made_up(&[CODE, ("STYLE.md", text)]));
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn what_exists_passes() {
        let text = "`Solver`, `Solver::adjoint_jump`, `adjoint_jump()`, `DT_MS`, `neuron/`, `lif.rs`, `neuron/NAME.rs`, `crates/x/`\n";
        assert_eq!(messages(text), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_exist_is_found() {
        assert_eq!(
            messages("\n`adjoint_step`"),
            ["STYLE.md:2: `adjoint_step` is nowhere in the code: name what there is"]
        );
        assert_eq!(messages("`Solver::only_said`, `secret`").len(), 2);
        assert_eq!(messages("`neuron/alif.rs`, `alif.rs`, `loss/`").len(), 3);
        assert_eq!(messages("`Dossier` and `NO_KEY`").len(), 2);
    }

    #[test]
    fn sentences_commands_and_blocks_pass() {
        assert_eq!(
            messages(
                "`cargo xtask none`, `a + b`, `_minus`, `genn_eventprop`, `[F1]`, `expect(\"why\")`\n```\n`none`\n```\n"
            ),
            Vec::<String>::new()
        );
    }
}
