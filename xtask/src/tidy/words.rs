//! Words and names that do not belong in committed files.
//!
//! The words are put together from halves here, so that this file does not offend against itself.

use super::{Checkout, File, Finding, whole_words};

/// Words that mark unfinished work and carry no number under which someone looks after it.
const UNFINISHED: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];
const TASK: &str = concat!("TO", "DO");

const MACROS: [&str; 3] = ["dbg!(", "todo!(", "unimplemented!("];

const NAMES: [&str; 5] = ["utils", "common", "helpers", "prelude", "manager"];

const MACHINE_FOLDERS: [&str; 3] = [
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
];

/// Marks of unfinished work; a task with the number of its issue in parentheses is allowed.
pub(super) fn unfinished_work(checkout: &Checkout) -> Vec<Finding> {
    each_line(checkout, |line| {
        if let Some(word) = UNFINISHED.iter().find(|word| contains_word(line, word)) {
            return Some(format!(
                "{word}: finish it, or write {TASK}(number of the issue)"
            ));
        }
        let unnumbered = |start: usize| !starts_with_number(&line[start + TASK.len()..]);
        whole_words(line, TASK)
            .any(unnumbered)
            .then(|| format!("{TASK} without a number: write {TASK}(number of the issue)"))
    })
}

/// Debugging and placeholder macros in Rust code, tests included.
pub(super) fn macros(checkout: &Checkout) -> Vec<Finding> {
    each_code_line(checkout, |file, index, code| {
        let found = MACROS.iter().find(|name| code.contains(**name))?;
        Some(Finding::new(
            file,
            index + 1,
            format!("{found}…) does not belong in committed code"),
        ))
    })
}

/// Files, folders and modules named after nothing.
pub(super) fn names(checkout: &Checkout) -> Vec<Finding> {
    let message = |name: &str| format!("the name `{name}` says nothing; name it for what it holds");
    let mut findings = each_code_line(checkout, |file, index, code| {
        let mut after = whole_words(code, "mod").map(|start| code[start + 3..].trim_start());
        let named = |rest: &str| {
            NAMES
                .into_iter()
                .find(|name| whole_words(rest, name).next() == Some(0))
        };
        let name = after.find_map(named)?;
        Some(Finding::new(file, index + 1, message(name)))
    });
    for file in &checkout.files {
        let stem = |part: &str| part.split('.').next().unwrap_or(part).to_owned();
        let mut parts = file.path.split('/').map(stem);
        if let Some(name) = parts.find(|part| NAMES.contains(&part.as_str())) {
            findings.push(Finding::new(file, 1, message(&name)));
        }
    }
    findings
}

/// Tests that are switched off.
pub(super) fn ignored_tests(checkout: &Checkout) -> Vec<Finding> {
    each_code_line(checkout, |file, index, code| {
        let ignored = code.contains("#[ignore]") || code.contains("#[ignore =");
        ignored.then(|| {
            Finding::new(
                file,
                index + 1,
                "an ignored test: make it run, or delete it",
            )
        })
    })
}

/// `.unwrap()` outside tests, unless a comment on its line or the line before gives the reason.
pub(super) fn unwraps(checkout: &Checkout) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in checkout.rust_files() {
        let comments: Vec<&str> = source.comments.lines().collect();
        for (index, code) in source.code.lines().enumerate() {
            let explained = is_sentence(comments[index])
                || index
                    .checked_sub(1)
                    .is_some_and(|before| is_sentence(comments[before]));
            if code.contains(".unwrap()") && !file.is_test_line(index) && !explained {
                findings.push(Finding::new(
                    file,
                    index + 1,
                    ".unwrap() without a reason: use .expect(\"why it holds\") or return an error",
                ));
            }
        }
    }
    findings
}

/// Absolute paths that exist on one machine only.
pub(super) fn machine_paths(checkout: &Checkout) -> Vec<Finding> {
    each_line(checkout, |line| {
        let folder = MACHINE_FOLDERS.iter().find(|folder| {
            line.match_indices(**folder)
                .any(|(start, _)| !line[..start].ends_with(is_path_character))
        })?;
        Some(format!("a path under {folder} exists on one machine only"))
    })
}

fn each_line(checkout: &Checkout, rule: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &checkout.files {
        let lines = file.text.lines().enumerate();
        for (index, line) in lines.filter(|(_, line)| !is_picture(line)) {
            findings.extend(rule(line).map(|message| Finding::new(file, index + 1, message)));
        }
    }
    findings
}

fn each_code_line(
    checkout: &Checkout,
    rule: impl Fn(&File, usize, &str) -> Option<Finding>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in checkout.rust_files() {
        let lines = source.code.lines().enumerate();
        findings.extend(lines.filter_map(|(index, code)| rule(file, index, code)));
    }
    findings
}

/// A picture in the output of a notebook: letters in which any word may stand by chance.
fn is_picture(line: &str) -> bool {
    line.trim_start().starts_with("\"image/png\": ")
}

fn contains_word(line: &str, word: &str) -> bool {
    whole_words(line, word).next().is_some()
}

/// True if `rest` begins with a number in parentheses: `(12)` or `(#12)`.
fn starts_with_number(rest: &str) -> bool {
    let inside = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    inside.is_some_and(|(inside, _)| {
        let digits = inside.strip_prefix('#').unwrap_or(inside);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A comment of two words or more.
fn is_sentence(comment: &str) -> bool {
    let is_word = |word: &&str| word.chars().any(char::is_alphabetic);
    comment.split_whitespace().filter(is_word).count() >= 2
}

/// A character before a slash that makes the slash part of a longer, relative path.
fn is_path_character(c: char) -> bool {
    c.is_alphanumeric() || "._-~}/".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: fn(&Checkout) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        let findings = rule(&Checkout::made_up(&[(path, text)]));
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn unfinished_work_is_found() {
        let text = format!(
            "a\n{TASK}: b\n{TASK}(#12): c\n{TASK}(me): d\n// {} e\n",
            UNFINISHED[0]
        );
        assert_eq!(lines(unfinished_work, "a.md", &text), [2, 4, 5]);
        assert_eq!(
            lines(
                unfinished_work,
                "a",
                &format!("mktemp {}", UNFINISHED[1].repeat(2))
            ),
            []
        );
    }

    #[test]
    fn a_picture_in_a_notebook_has_no_words() {
        let word = UNFINISHED[1];
        let text = format!("  \"image/png\": \"iVB/{word}/=\",\n  \"{word}\"\n");
        assert_eq!(lines(unfinished_work, "a.ipynb", &text), [2]);
    }

    #[test]
    fn macros_are_found_in_code_and_not_in_text() {
        let text =
            "let a = dbg!(1);\n// dbg!(2)\nlet b = \"todo!()\";\ntodo!()\nunimplemented!()\n";
        assert_eq!(lines(macros, "a.rs", text), [1, 4, 5]);
        assert_eq!(lines(macros, "a.md", text), []);
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(lines(names, "src/utils.rs", ""), [1]);
        assert_eq!(lines(names, "tests/common/mod.rs", ""), [1]);
        assert_eq!(
            lines(names, "src/a.rs", "use x::prelude::*;\npub mod helpers;\n"),
            [2]
        );
        assert_eq!(lines(names, "src/commonality.rs", "mod managers;\n"), []);
    }

    #[test]
    fn ignored_tests_are_found() {
        let text = "#[test]\n#[ignore]\nfn a() {}\n#[ignore = \"slow\"]\nfn b() {}\n";
        assert_eq!(lines(ignored_tests, "a.rs", text), [2, 4]);
    }

    #[test]
    fn unexplained_unwraps_are_found() {
        let text = "\
a.unwrap();
b.unwrap(); // the list is never empty
// validate() has checked this
c.unwrap();

d.expect(\"checked\");
#[cfg(test)]
mod tests {
    fn e() { f.unwrap(); }
}
";
        assert_eq!(lines(unwraps, "src/a.rs", text), [1]);
        assert_eq!(lines(unwraps, "tests/a.rs", text), []);
    }

    #[test]
    fn machine_paths_are_found() {
        let absolute = format!("cd {}me", MACHINE_FOLDERS[0]);
        assert_eq!(lines(machine_paths, "a.sh", &absolute), [1]);
        let relative = format!("cd target{}me", MACHINE_FOLDERS[1]);
        assert_eq!(lines(machine_paths, "a.sh", &relative), []);
    }
}
