//! Plain words of the field in what people read: pages, help texts, messages, doc comments.
//!
//! Comments that begin with a question word promise an answer and give a riddle ("What a run leaves
//! behind"); a noun says it at once ("Files of a run"). A few of them are right, so a share is allowed.

use std::collections::BTreeMap;

use super::allowance::Count;
use super::source::Source;
use super::{Checkout, File, Finding, is_identifier};

/// Phrases, and plainer ones in their place. The words are put together from halves here, so
/// that this file does not offend against itself.
const PHRASES: [(&str, &str); 20] = [
    (concat!("one's ", "own"), "your own, or the user's own"),
    (concat!("got by ", "hand"), "downloaded manually"),
    (concat!("get by ", "hand"), "download manually"),
    (concat!("gone on ", "with"), "resumed"),
    (concat!("gone on ", "from"), "resumed from"),
    (concat!("taken up ", "again"), "resumed"),
    (concat!("was taken ", "up"), "was resumed"),
    (concat!("be taken ", "up"), "be resumed"),
    (concat!("made", "-up"), "synthetic"),
    (concat!("made ", "up"), "synthetic, or generated"),
    (
        concat!("right ", "predictions"),
        "correct predictions, or accuracy",
    ),
    (concat!("by ", "heart"), "overfitting"),
    (concat!("broken ", "off"), "interrupted"),
    (concat!("as you ", "like"), "at your option"),
    (concat!("leaves ", "behind"), "writes, or keeps"),
    (concat!("left ", "behind"), "wrote, or kept"),
    (
        concat!("fell ", "ill"),
        "went silent, saturated or diverged",
    ),
    (concat!("shows ", "itself on"), "runs a demonstration on"),
    (concat!("choice was ", "made"), "was selected"),
    (concat!("spoken ", "words"), "SHD and SSC, or speech"),
];

const QUESTIONS: [&str; 7] = ["What", "Whether", "How", "Where", "When", "Which", "Who"];

/// Per cent of the doc comments of a crate that may begin with a question word.
const QUESTIONS_MAX: usize = 3;

/// Places that a finding names.
const EXAMPLES: usize = 3;

/// Phrases that have a plainer form.
pub(super) fn odd(checkout: &Checkout) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in checkout.files.iter().filter(|file| is_read_by_users(file)) {
        for (index, line) in file.text.lines().enumerate() {
            let is_code = |phrase: &str| {
                let code = file
                    .rust
                    .as_ref()
                    .and_then(|source| source.code.lines().nth(index));
                file.is_test_line(index)
                    || code.is_some_and(|code| code.to_lowercase().contains(phrase))
            };
            let text = line.to_lowercase();
            let found = PHRASES
                .iter()
                .filter(|(phrase, _)| holds(&text, phrase) && !is_code(phrase));
            findings.extend(found.map(|(phrase, better)| {
                Finding::new(file, index + 1, format!("\"{phrase}\": better {better}"))
            }));
        }
    }
    findings
}

/// For every crate, the per cent of its doc comments that begin with a question word, rounded up.
pub(super) fn questions(checkout: &Checkout) -> Vec<Count> {
    let mut crates: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    for (file, source) in checkout.rust_files() {
        let Some((folder, _)) = file.path.split_once("/src/") else {
            continue;
        };
        let (all, questions) = crates.entry(folder).or_default();
        for (index, words) in doc_comments(file, source) {
            *all += 1;
            let first = words.split(|c| !is_identifier(c)).next();
            if first.is_some_and(|first| QUESTIONS.contains(&first)) {
                questions.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    crates
        .into_iter()
        .map(|(folder, (all, questions))| Count {
            rule: "questions",
            subject: folder.rsplit('/').next().unwrap_or(folder).into(),
            number: (questions.len() * 100).div_ceil(all.max(1)),
            limit: QUESTIONS_MAX,
            path: folder.into(),
            line: 1,
            message: format!(
                "per cent of the doc comments begin with a question word; say what a thing is, as a noun: {} of {all}, such as {}",
                questions.len(),
                questions[..questions.len().min(EXAMPLES)].join(", ")
            ),
        })
        .collect()
}

/// Pages, and the sources of programs and libraries without their tests.
fn is_read_by_users(file: &File) -> bool {
    let is_page = file.has_ending("md") && !file.path.starts_with("docs/decisions/");
    let is_source = file.path.contains("/src/") || file.path.contains("/python/");
    let has_text = file.has_ending("rs") || file.has_ending("py") || file.has_ending("pyi");
    is_page || (is_source && has_text && !file.is_test())
}

/// True if `text` holds the words of `phrase`, not parts of longer ones.
fn holds(text: &str, phrase: &str) -> bool {
    super::whole_words(text, phrase).next().is_some()
}

/// The first line of every doc comment outside tests, with tags and code before its words taken off.
fn doc_comments<'a>(file: &'a File, source: &'a Source) -> impl Iterator<Item = (usize, &'a str)> {
    let marks = ["///", "//!"];
    let doc = move |line: &str| {
        marks
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark))
    };
    let lines = source.comments.lines();
    let before = std::iter::once("").chain(source.comments.lines());
    lines
        .zip(before)
        .enumerate()
        .filter(move |(index, (line, before))| {
            doc(line).is_some() && doc(before).is_none() && !file.is_test_line(*index)
        })
        .map(|(index, (line, _))| {
            let words = line.trim_start().trim_start_matches(['/', '!', ' ']);
            let mut words = words;
            while let Some((_, after)) = words
                .strip_prefix('`')
                .and_then(|rest| rest.split_once('`'))
            {
                words = after.trim_start_matches([' ', ',', ':']);
            }
            (index, words)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let findings = odd(&Checkout::made_up(&[(path, text)]));
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn phrases_are_found_where_people_read_them() {
        let (phrase, better) = PHRASES[0];
        let text = format!("a\n{} words\n", phrase.to_uppercase());
        assert_eq!(lines("README.md", &text), [2]);
        assert_eq!(lines("crates/x/python/a.py", &text), [2]);
        let text = format!(
            "/// {phrase}\nlet a = \"{phrase}\";\n#[cfg(test)]\nmod tests {{\n    // {phrase}\n}}\n"
        );
        assert_eq!(lines("crates/x/src/a.rs", &text), [1, 2]);
        assert_eq!(lines("crates/x/tests/a.rs", &text), []);
        let findings = odd(&Checkout::made_up(&[("a.md", phrase)]));
        assert_eq!(
            findings[0].to_string(),
            format!("a.md:1: \"{phrase}\": better {better}")
        );
    }

    #[test]
    fn every_phrase_is_small_and_says_what_is_better() {
        for (phrase, better) in PHRASES {
            assert_eq!(phrase, phrase.to_lowercase());
            assert!(!holds(better, phrase), "{phrase}");
        }
    }

    #[test]
    fn parts_of_words_and_names_in_code_pass() {
        assert_eq!(lines("a.md", "remade upwards"), []);
        assert_eq!(lines("crates/x/src/a.rs", "let made_up = 1;\n"), []);
    }

    #[test]
    fn openings_are_counted_per_crate() {
        let text = "//! Where it is.\n\n/// Names.\n/// What goes on.\nfn a() {}\n/// `[F1]` What is left.\nfn b() {}\n/// Whatever.\nfn c() {}\n";
        let counts = questions(&Checkout::made_up(&[("crates/x/src/a.rs", text)]));
        assert_eq!((counts[0].subject.as_str(), counts[0].number), ("x", 50));
        assert!(
            counts[0]
                .message
                .ends_with("2 of 4, such as crates/x/src/a.rs:1, crates/x/src/a.rs:6")
        );
    }
}
