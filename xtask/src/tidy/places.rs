//! An equation is computed in one place of the engine.
//!
//! A place computes an equation where a comment *begins* with its tag: a line comment (`// [A3] …`)
//! anywhere, and the doc comment of a function in the folders of formulas. A tag amid a sentence, in
//! module words or in a doc comment of a solver is a mention. All places in one function are one.
//!
//! A vectorised twin is allowed where the section "Twins" of ARCHITECTURE.md lists its file with the tag.

use std::collections::{BTreeMap, BTreeSet};

use super::allowance::Count;
use super::equations;
use super::source::Source;
use super::{Checkout, File, Finding};

const ENGINE: &str = "crates/eventprop/src/";

/// Folders and files whose functions are formulas: a tag at the beginning of their words says that they
/// compute it. Of connections that is the single synapse; the wirings go through many.
const FORMULAS: [&str; 5] = [
    "neuron/",
    "connect/synapse.rs",
    "loss/",
    "optim/",
    "regularize/",
];

const TWINS_PAGE: &str = "ARCHITECTURE.md";
const TWINS_HEADING: &str = "## Twins";

/// A file that may compute an equation a second time.
struct Twin<'a> {
    tag: String,
    /// Path below the sources of the engine.
    path: &'a str,
    /// Line of the list, counted from 1.
    line: usize,
}

/// The number of places that compute each equation, listed twins left out.
pub(super) fn counts(checkout: &Checkout) -> Vec<Count> {
    let twins = twins(checkout);
    let tags = equations::engine_tags(checkout);
    let places = places(checkout, &letters(&tags));
    tags.into_iter()
        .map(|(tag, line)| {
            let places: Vec<String> = places
                .get(&tag)
                .into_iter()
                .flatten()
                .filter(|(path, _)| !twins.iter().any(|twin| twin.is(&tag, path)))
                .map(|(path, line)| format!("{path}:{line}"))
                .collect();
            Count {
                rule: "places",
                number: places.len(),
                subject: tag,
                limit: 1,
                path: equations::PAGE.into(),
                line,
                message: format!(
                    "compute it in one function and call that, or list a twin in {TWINS_PAGE}; it is in {}",
                    places.join(", ")
                ),
            }
        })
        .collect()
}

/// Equations that no place computes, and twins that are none.
pub(super) fn absent(checkout: &Checkout) -> Vec<Finding> {
    let tags = equations::engine_tags(checkout);
    let places = places(checkout, &letters(&tags));
    let mut findings: Vec<Finding> = tags
        .iter()
        .filter(|(tag, _)| !places.contains_key(tag))
        .map(|(tag, line)| Finding {
            path: equations::PAGE.into(),
            line: *line,
            message: format!(
                "no line computes {tag}: begin its comment with the tag, `// {tag} …`"
            ),
        })
        .collect();
    for twin in twins(checkout) {
        let found = places.get(&twin.tag).into_iter().flatten();
        if !found.into_iter().any(|(path, _)| twin.is(&twin.tag, path)) {
            findings.push(Finding {
                path: TWINS_PAGE.into(),
                line: twin.line,
                message: format!("{} does not compute {}", twin.path, twin.tag),
            });
        }
    }
    findings
}

impl Twin<'_> {
    fn is(&self, tag: &str, path: &str) -> bool {
        self.tag == tag && path.strip_prefix(ENGINE) == Some(self.path)
    }
}

fn letters(tags: &[(String, usize)]) -> Vec<char> {
    let letters: BTreeSet<char> = tags
        .iter()
        .filter_map(|(tag, _)| tag.chars().nth(1))
        .collect();
    letters.into_iter().collect()
}

/// The lines of the section "Twins" that name a file in backticks and tags.
fn twins(checkout: &Checkout) -> Vec<Twin<'_>> {
    let page = checkout.files.iter().find(|file| file.path == TWINS_PAGE);
    let lines = page
        .into_iter()
        .flat_map(|page| page.text.lines().enumerate());
    let section = lines
        .skip_while(|(_, line)| *line != TWINS_HEADING)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("## "));
    let letters: Vec<char> = ('A'..='Z').collect();
    section
        .filter_map(|(index, line)| {
            let path = line
                .split('`')
                .skip(1)
                .step_by(2)
                .find(|span| span.strip_suffix(".rs").is_some())?;
            let tags = equations::tags_in(line, &letters).into_iter();
            Some(tags.map(move |tag| Twin {
                tag,
                path,
                line: index + 1,
            }))
        })
        .flatten()
        .collect()
}

/// Path and first line of every place, by tag.
fn places(checkout: &Checkout, letters: &[char]) -> BTreeMap<String, Vec<(String, usize)>> {
    let mut places: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    for (file, source) in checkout.rust_files() {
        if !file.path.starts_with(ENGINE) || file.is_test() {
            continue;
        }
        let mut seen = BTreeSet::new();
        for (tag, index, place) in places_in(file, source, letters) {
            if seen.insert((tag.clone(), place)) {
                places
                    .entry(tag)
                    .or_default()
                    .push((file.path.clone(), index + 1));
            }
        }
    }
    places
}

/// Tag, line and place of every comment that begins with tags; places that are equal are one.
fn places_in(file: &File, source: &Source, letters: &[char]) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let is_comment = |line: &str| line.starts_with("//");
    let has_formulas = FORMULAS
        .iter()
        .any(|folder| file.path[ENGINE.len()..].starts_with(folder));
    let functions = source.functions();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_first = index == 0 || !is_comment(lines[index - 1]);
        if !is_first || !is_comment(line) || file.is_test_line(index) {
            continue;
        }
        let inside = functions
            .iter()
            .rev()
            .find(|f| (f.first_line..=f.last_line).contains(&index));
        let place = match line.strip_prefix("///") {
            None if line.starts_with("//!") => continue,
            None => inside.map_or(index, |function| function.first_line),
            Some(_) => {
                let below = |line: &&str| !is_comment(line) && !line.starts_with("#[");
                let item = lines[index..]
                    .iter()
                    .position(below)
                    .map(|below| index + below);
                match functions
                    .iter()
                    .find(|function| Some(function.first_line) == item)
                {
                    Some(function) if has_formulas => function.first_line,
                    _ => continue,
                }
            }
        };
        let words = line.trim_start_matches('/');
        found.extend(leading_tags(words, letters).map(|tag| (tag, index, place)));
    }
    found
}

/// The tags with which `words` begin; backticks, commas and "and" may stand between them.
fn leading_tags<'a>(words: &'a str, letters: &'a [char]) -> impl Iterator<Item = String> + 'a {
    words
        .split_whitespace()
        .filter(|word| *word != "and")
        .map_while(move |word| {
            let word = word.trim_matches(['`', ',', ':', '.']);
            equations::tags_in(word, letters)
                .into_iter()
                .find(|tag| tag == word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIF: &str = "crates/eventprop/src/neuron/lif.rs";
    const GRID: &str = "crates/eventprop/src/solver/grid.rs";
    const PAGE: (&str, &str) = (equations::PAGE, "\n**[A1]** x");

    fn number(files: &[(&str, &str)]) -> usize {
        let counts = counts(&Checkout::made_up(&[&[PAGE], files].concat()));
        assert_eq!((counts.len(), counts[0].subject.as_str()), (1, "[A1]"));
        counts[0].number
    }

    #[test]
    fn comments_that_begin_with_the_tag_are_places() {
        assert_eq!(
            number(&[(LIF, "/// `[A1]` the flow.\n#[inline]\nfn a() {}\n")]),
            1
        );
        assert_eq!(number(&[(GRID, "fn a() {\n    // as [A1] x\n}\n")]), 0);
        let two = "fn a() {\n    // [A1] x\n}\nfn b() {\n    // [A1] x\n}\n";
        assert_eq!(number(&[(GRID, two)]), 2);
    }

    #[test]
    fn all_places_of_a_function_are_one() {
        let lif = "/// `[A1]`\nfn a() {\n    // [A1] x\n    b;\n    // [A1] y\n}\n";
        assert_eq!(number(&[(LIF, lif)]), 1);
    }

    #[test]
    fn mentions_and_tests_are_no_places() {
        let mentions =
            "//! `[A1]`\n/// Sums `[A1]`.\nfn a() {\n    // as in [A1]\n}\n/// `[A1]`\nstruct B;\n";
        assert_eq!(number(&[(LIF, mentions)]), 0);
        assert_eq!(
            number(&[(GRID, "/// `[A1]` of all neurons.\nfn a() {}\n")]),
            0
        );
        assert_eq!(
            number(&[(LIF, "#[cfg(test)]\nmod tests {\n    // [A1]\n}\n")]),
            0
        );
        assert_eq!(
            number(&[("crates/eventprop/src/neuron/tests.rs", "// [A1]\n")]),
            0
        );
        assert_eq!(number(&[("crates/other/src/a.rs", "// [A1]\n")]), 0);
    }

    #[test]
    fn a_listed_twin_does_not_count_and_must_exist() {
        let places = (GRID, "fn a() {\n    // [A1] x\n}\n");
        let twin = |file: &str| {
            format!("## Twins\n\n| `{file}` | [A1] | test |\n\n## Next\n| `b.rs` | [A1] |\n")
        };
        let listed = twin("solver/grid.rs");
        let files = [places, (LIF, "// [A1]\n"), (TWINS_PAGE, listed.as_str())];
        assert_eq!(number(&files), 1);
        assert!(absent(&Checkout::made_up(&[&[PAGE], &files[..]].concat())).is_empty());
        let wrong = twin("solver/a.rs");
        let files = [PAGE, places, (TWINS_PAGE, wrong.as_str())];
        let findings = absent(&Checkout::made_up(&files));
        assert_eq!(
            findings[0].to_string(),
            "ARCHITECTURE.md:3: solver/a.rs does not compute [A1]"
        );
    }

    #[test]
    fn an_equation_that_nothing_computes_is_found() {
        let findings = absent(&Checkout::made_up(&[PAGE, (LIF, "//! [A1]")]));
        let expected = "docs/equations.md:2: no line computes [A1]: begin its comment with the tag, `// [A1] …`";
        assert_eq!(findings[0].to_string(), expected);
    }
}
