//! Equations, code and tests stay in step.
//!
//! A tag is a letter and a number in brackets. A page defines a tag by setting it in bold; the letters
//! of its tags are the page's own.

use std::collections::BTreeMap;

use super::{Checkout, File, Finding, is_identifier};

/// A page that defines tags.
struct Page {
    path: &'static str,
    /// Folder of the code that computes its equations, and what that is called.
    code: &'static str,
    name: &'static str,
}

const ENGINE: Page = Page {
    path: PAGE,
    code: "crates/eventprop/",
    name: "engine",
};
pub(super) const PAGE: &str = "docs/equations.md";

const EAR: Page = Page {
    path: "docs/audio.md",
    code: "crates/eventprop-audio/src/",
    name: "ear",
};

/// First place of every tag: file and line, counted from 1.
type Occurrences<'a> = BTreeMap<String, (&'a File, usize)>;

/// Tags that are defined but not in the code or not in a test, and tags that are not defined.
pub(super) fn tags(checkout: &Checkout) -> Vec<Finding> {
    let find = |page: &Page| checkout.files.iter().find(|file| file.path == page.path);
    let Some(page) = find(&ENGINE) else {
        return vec![Finding {
            path: PAGE.into(),
            line: 1,
            message: "this page must exist and define the equation tags, each in bold".into(),
        }];
    };
    let mut findings = tags_of(checkout, &ENGINE, page);
    if let Some(page) = find(&EAR) {
        findings.extend(tags_of(checkout, &EAR, page));
    }
    findings
}

fn tags_of(checkout: &Checkout, page: &Page, file: &File) -> Vec<Finding> {
    let letters = &letters(file)[..];
    let defined = occurrences([file].into_iter(), letters, |line, tag, _, _| {
        line.contains(&format!("**{tag}**"))
    });
    let in_code = occurrences(rust(checkout), letters, |_, _, file, index| {
        file.path.starts_with(page.code) && !file.is_test_line(index)
    });
    let in_tests = occurrences(crates(checkout), letters, |_, _, file, index| {
        file.is_case() || file.is_test_line(index)
    });
    let mut findings = repeated(file);
    let message = format!("is defined, but not in the code of the {}", page.name);
    findings.extend(absent(&defined, &in_code, &message));
    findings.extend(absent(&defined, &in_tests, "is defined, but in no test"));
    let used = occurrences(rust(checkout).chain([file]), letters, |_, _, _, _| true);
    let message = format!("is not defined in {}", page.path);
    findings.extend(absent(&used, &defined, &message));
    findings
}

/// The tags that the page of the engine defines, with their lines counted from 1.
pub(super) fn engine_tags(checkout: &Checkout) -> Vec<(String, usize)> {
    let page = checkout.files.iter().find(|file| file.path == PAGE);
    let lines = page
        .into_iter()
        .flat_map(|page| page.text.lines().enumerate());
    lines
        .flat_map(|(index, line)| {
            defined_in(line)
                .into_iter()
                .map(move |tag| (tag, index + 1))
        })
        .collect()
}

/// The letters of the tags that a page defines.
fn letters(page: &File) -> Vec<char> {
    let mut letters: Vec<char> = page
        .text
        .lines()
        .flat_map(defined_in)
        .filter_map(|tag| tag.chars().nth(1))
        .collect();
    letters.sort_unstable();
    letters.dedup();
    letters
}

/// The tags that stand in bold in a line.
fn defined_in(line: &str) -> Vec<String> {
    let capitals: Vec<char> = ('A'..='Z').collect();
    let mut tags = tags_in(line, &capitals);
    tags.retain(|tag| line.contains(&format!("**{tag}**")));
    tags
}

fn crates(checkout: &Checkout) -> impl Iterator<Item = &File> {
    checkout
        .files
        .iter()
        .filter(|file| file.path.starts_with("crates/"))
}

fn rust(checkout: &Checkout) -> impl Iterator<Item = &File> {
    crates(checkout).filter(|file| file.rust.is_some())
}

/// The first occurrence of every tag with one of the letters, among those that
/// `counts(line, tag, file, line index)` takes.
fn occurrences<'a>(
    files: impl Iterator<Item = &'a File>,
    letters: &[char],
    counts: impl Fn(&str, &str, &File, usize) -> bool,
) -> Occurrences<'a> {
    let mut found = Occurrences::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            for tag in tags_in(line, letters) {
                if counts(line, &tag, file, index) {
                    found.entry(tag).or_insert((file, index + 1));
                }
            }
        }
    }
    found
}

/// A finding for everything in `expected` that is not in `present`.
fn absent(expected: &Occurrences, present: &Occurrences, message: &str) -> Vec<Finding> {
    expected
        .iter()
        .filter(|(tag, _)| !present.contains_key(*tag))
        .map(|(tag, (file, line))| Finding::new(file, *line, format!("{tag} {message}")))
        .collect()
}

/// Tags that the page defines more than once.
fn repeated(page: &File) -> Vec<Finding> {
    let mut first_lines = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        for tag in defined_in(line) {
            let first = *first_lines.entry(tag.clone()).or_insert(index + 1);
            if first != index + 1 {
                let message = format!("{tag} is already defined in line {first}");
                findings.push(Finding::new(page, index + 1, message));
            }
        }
    }
    findings
}

/// Every tag in `line` with one of the letters, brackets included; backslashes before brackets (rustdoc) are ignored.
pub(super) fn tags_in(line: &str, letters: &[char]) -> Vec<String> {
    let line = line.replace('\\', "");
    line.match_indices('[')
        .filter(|(start, _)| !line[..*start].ends_with(|c| is_identifier(c) || c == ']'))
        .filter_map(|(start, _)| {
            let end = line[start..].find(']')?;
            let inside = &line[start + 1..start + end];
            is_tag(inside, letters).then(|| format!("[{inside}]"))
        })
        .collect()
}

/// One of the letters, digits, and perhaps one small letter.
fn is_tag(inside: &str, letters: &[char]) -> bool {
    let Some(rest) = inside.strip_prefix(letters) else {
        return false;
    };
    let digits = rest
        .strip_suffix(|c: char| c.is_ascii_lowercase())
        .unwrap_or(rest);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIF: &str = "crates/eventprop/src/neuron/lif.rs";
    const TEST: &str = "crates/eventprop/tests/a.rs";

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        let findings = tags(&Checkout::made_up(files));
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn what_is_a_tag() {
        assert_eq!(
            tags_in("// [F1], `[A12b]`, [E1] and \\[L4\\]", &['F', 'A', 'L']),
            ["[F1]", "[A12b]", "[L4]"]
        );
        let none = "w[F1] x[0][A1] [B1] [F] [F1ab] [f1]";
        assert!(tags_in(none, &['F', 'A', 'L']).is_empty());
    }

    #[test]
    fn the_letters_are_those_of_the_page() {
        let page = File::new(
            PAGE.into(),
            "**[O1]** x, see [B1]\n**[A2]** **[A3]**".into(),
        );
        assert_eq!(letters(&page), ['A', 'O']);
        let checkout = Checkout::made_up(&[(PAGE, "\n**[O1]** x")]);
        assert_eq!(engine_tags(&checkout), [("[O1]".to_owned(), 2)]);
    }

    #[test]
    fn a_missing_page_is_an_offence() {
        let message =
            "docs/equations.md:1: this page must exist and define the equation tags, each in bold";
        assert_eq!(messages(&[]), [message]);
    }

    #[test]
    fn a_tag_in_page_code_and_test_passes() {
        let lif = "// [F1] v\n#[cfg(test)]\nmod tests {\n    // [F1]\n}\n";
        assert_eq!(
            messages(&[(PAGE, "**[F1]** v"), (LIF, lif)]),
            Vec::<String>::new()
        );
        let corpus = ("crates/eventprop-cases/cases/a.toml", "# [F1]");
        let files = [(PAGE, "**[F1]** v, see [F1]"), (LIF, "// [F1]"), corpus];
        assert_eq!(messages(&files), Vec::<String>::new());
    }

    #[test]
    fn a_tag_without_code_or_test_is_found() {
        let tested = ("crates/eventprop/tests/a.rs", "// [F1]");
        assert_eq!(
            messages(&[(PAGE, "\n**[F1]** v"), tested]),
            ["docs/equations.md:2: [F1] is defined, but not in the code of the engine"]
        );
        assert_eq!(
            messages(&[(PAGE, "**[F1]** v"), (LIF, "// [F1]")]),
            ["docs/equations.md:1: [F1] is defined, but in no test"]
        );
    }

    #[test]
    fn the_ear_has_its_own_page() {
        let engine = (PAGE, "no tags");
        let ear = (EAR.path, "**[E1]** x\n**[E2]** y");
        let code = ("crates/eventprop-audio/src/level.rs", "// [E1], [E3]");
        let test = ("crates/eventprop-audio/tests/a.rs", "// [E1] [E2]");
        assert_eq!(
            messages(&[engine, ear, code, test]),
            [
                "docs/audio.md:2: [E2] is defined, but not in the code of the ear",
                "crates/eventprop-audio/src/level.rs:1: [E3] is not defined in docs/audio.md"
            ]
        );
    }

    #[test]
    fn a_tag_that_is_not_defined_or_twice_is_found() {
        assert_eq!(
            messages(&[
                (PAGE, "**[A3]** see [A1]"),
                (LIF, "// [A3]\n// [A2]"),
                (TEST, "// [A3]")
            ]),
            [
                "docs/equations.md:1: [A1] is not defined in docs/equations.md",
                "crates/eventprop/src/neuron/lif.rs:2: [A2] is not defined in docs/equations.md"
            ]
        );
        let both = "// [F1]\n#[cfg(test)]\nmod tests {\n    // [F1]\n}\n";
        assert_eq!(
            messages(&[(PAGE, "**[F1]** v\n**[F1]** w"), (LIF, both)]),
            ["docs/equations.md:2: [F1] is already defined in line 1"]
        );
    }
}
