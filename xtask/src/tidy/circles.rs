//! Files do not import each other in a circle of more than two.
//!
//! An import is a `use` of something in the same crate, outside tests. It leads to the file that defines
//! the thing: where the named module only passes it on (`pub use`), the search goes on from there. So a
//! re-export is a signpost and no import, unless the file itself works with the name. Paths in
//! the midst of code (`module::function()`) do not count.

use std::collections::{BTreeMap, BTreeSet};

use super::allowance::Count;
use super::source::Source;
use super::{Checkout, whole_words};

/// Two files that belong together may need each other.
const FILES_MAX: usize = 2;

/// Re-exports that an import may pass through.
const STEPS_MAX: usize = 8;

/// The modules of a crate by their path (`a::b`; the root is empty).
type Modules<'a> = BTreeMap<String, Module<'a>>;

struct Module<'a> {
    file: &'a str,
    uses: Vec<Use>,
}

/// One name of a `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Use {
    segments: Vec<String>,
    /// The name by which it is known here.
    name: String,
    /// Passed on, and not used by the file itself.
    is_signpost: bool,
}

/// For every crate, how many files are in circles that are too long.
pub(super) fn counts(checkout: &Checkout) -> Vec<Count> {
    crates(checkout)
        .into_iter()
        .map(|(name, modules)| {
            let circles = circles(&modules);
            let listed: Vec<String> = circles.iter().map(|circle| circle.join(", ")).collect();
            Count {
                rule: "circles",
                subject: name,
                number: circles.iter().map(Vec::len).sum(),
                limit: 0,
                path: modules.values().next().map_or("", |module| module.file).into(),
                line: 1,
                message: format!(
                    "files import each other in a circle of more than {FILES_MAX}; move what they share to a file below: {}",
                    listed.join("; ")
                ),
            }
        })
        .collect()
}

/// The modules of every crate of the checkout; programs beside a library are left out.
fn crates(checkout: &Checkout) -> BTreeMap<String, Modules<'_>> {
    let mut crates: BTreeMap<String, Modules<'_>> = BTreeMap::new();
    for (file, source) in checkout.rust_files() {
        let Some((folder, inside)) = file.path.split_once("/src/") else {
            continue;
        };
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let path = inside.trim_end_matches(".rs").trim_end_matches("/mod");
        let is_library = checkout.contains(&format!("{folder}/src/lib.rs"));
        let path = match path {
            "lib" => String::new(),
            "main" if !is_library => String::new(),
            path if file.is_test() || path.starts_with("bin/") => continue,
            path => path.replace('/', "::"),
        };
        let module = Module {
            file: &file.path,
            uses: uses(source),
        };
        crates.entry(name.into()).or_default().insert(path, module);
    }
    crates
}

/// The circles of more than [`FILES_MAX`] files.
fn circles(modules: &Modules<'_>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<String>> = modules
        .keys()
        .map(|path| (path.as_str(), reached(modules, path)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for path in modules.keys() {
        let circle: Vec<&str> = reached[path.as_str()]
            .iter()
            .map(String::as_str)
            .filter(|other| reached[other].contains(path))
            .collect();
        if circle.len() > FILES_MAX && seen.insert(circle.clone()) {
            circles.push(
                circle
                    .iter()
                    .map(|path| modules[*path].file.to_owned())
                    .collect(),
            );
        }
    }
    circles
}

/// Every module that `from` imports, directly or through others; `from` itself only in a circle.
fn reached(modules: &Modules<'_>, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(path) = open.pop() {
        for import in imports(modules, &path) {
            if reached.insert(import.clone()) {
                open.push(import);
            }
        }
    }
    reached
}

fn imports(modules: &Modules<'_>, path: &str) -> BTreeSet<String> {
    let uses = modules[path].uses.iter().filter(|found| !found.is_signpost);
    uses.filter_map(|found| definition(modules, path, &found.segments, STEPS_MAX))
        .filter(|target| target != path)
        .collect()
}

/// The module that defines what `segments` means in the module `path`; `None` if it is another crate's.
fn definition(
    modules: &Modules<'_>,
    path: &str,
    segments: &[String],
    steps: usize,
) -> Option<String> {
    let absolute = absolute(modules, path, segments)?;
    let depth = (0..=absolute.len())
        .rev()
        .find(|&depth| modules.contains_key(&absolute[..depth].join("::")))?;
    let target = absolute[..depth].join("::");
    let passed_on = absolute.get(depth).and_then(|name| {
        let mut uses = modules[&target].uses.iter();
        uses.find(|found| found.name == *name && steps > 0)
    });
    passed_on
        .and_then(|found| definition(modules, &target, &found.segments, steps - 1))
        .or(Some(target))
}

/// The path from the root of the crate.
fn absolute(modules: &Modules<'_>, path: &str, segments: &[String]) -> Option<Vec<String>> {
    let mut base: Vec<String> = path
        .split("::")
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    let mut rest = segments;
    match segments.first()?.as_str() {
        "crate" => base.clear(),
        "self" | "super" => {}
        first => {
            let child = [base.as_slice(), &[first.to_owned()]].concat().join("::");
            modules.contains_key(&child).then_some(())?;
        }
    }
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" | "self" => {}
            "super" => {
                base.pop()?;
            }
            _ => break,
        }
        rest = after;
    }
    base.extend_from_slice(rest);
    Some(base)
}

/// Every name that a file imports outside tests.
fn uses(source: &Source) -> Vec<Use> {
    let code: String = source
        .code
        .lines()
        .enumerate()
        .map(|(index, line)| {
            if source.is_test_line(index) {
                "\n".into()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    let mut rest = code.clone();
    let mut found = Vec::new();
    for start in whole_words(&code, "use") {
        let Some(length) = code[start..].find(';') else {
            continue;
        };
        let line = code[..start].rsplit('\n').next().unwrap_or("").trim();
        let is_public = line.starts_with("pub");
        if !line.is_empty() && !is_public {
            continue; // `use<…>` of a type
        }
        rest.replace_range(start..start + length, &" ".repeat(length));
        let mut names = Vec::new();
        expand(&[], &code[start + 3..start + length], &mut names);
        found.extend(
            names
                .into_iter()
                .map(|(segments, name)| (segments, name, is_public)),
        );
    }
    found
        .into_iter()
        .map(|(segments, name, is_public)| Use {
            is_signpost: is_public && whole_words(&rest, &name).next().is_none(),
            segments,
            name,
        })
        .collect()
}

/// The paths and names of a tree such as `a::{b, c as d}`.
fn expand(prefix: &[String], tree: &str, names: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    if let Some((before, inside)) = tree.split_once('{') {
        let parts = before
            .split("::")
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let prefix: Vec<String> = prefix
            .iter()
            .cloned()
            .chain(parts.map(str::to_owned))
            .collect();
        let inside = inside.strip_suffix('}').unwrap_or(inside);
        for part in split_list(inside) {
            expand(&prefix, part, names);
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut segments = prefix.to_vec();
        segments.extend(path.split("::").map(|part| part.trim().to_owned()));
        if segments.len() > 1
            && segments
                .last()
                .is_some_and(|last| last == "self" || last == "*")
        {
            segments.pop();
        }
        let last = segments.last().cloned().unwrap_or_default();
        let alias = alias.trim();
        let name = if alias.is_empty() { last } else { alias.into() };
        names.push((segments, name));
    }
}

/// The parts of a list between commas; commas inside braces do not part.
fn split_list(list: &str) -> Vec<&str> {
    let mut depth = 0;
    list.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(files: &[(&str, &str)]) -> usize {
        let counts = counts(&Checkout::made_up(files));
        counts.iter().map(|count| count.number).sum()
    }

    const ROOT: (&str, &str) = ("crates/x/src/lib.rs", "mod a;\nmod b;\nmod c;\n");

    #[test]
    fn a_circle_of_three_is_found_and_one_of_two_passes() {
        let a = ("crates/x/src/a.rs", "use crate::b::B;\n");
        let b = ("crates/x/src/b.rs", "use crate::c::{C, D as E};\n");
        let c = ("crates/x/src/c/mod.rs", "use super::a;\n");
        assert_eq!(number(&[ROOT, a, b, c]), 3);
        let back = ("crates/x/src/b.rs", "use crate::a::A;\n");
        assert_eq!(number(&[ROOT, a, back, c]), 0);
    }

    #[test]
    fn an_import_goes_through_a_re_export() {
        let list = (
            "crates/x/src/a/mod.rs",
            "mod one;\nmod two;\npub use one::One;\npub(crate) use self::two::Two;\n",
        );
        let one = ("crates/x/src/a/one.rs", "use super::Two;\n");
        let two = ("crates/x/src/a/two.rs", "use crate::a::three::Three;\n");
        let three = ("crates/x/src/a/three.rs", "use crate::a::One;\n");
        assert_eq!(number(&[list, one, two, three]), 3);
        let three = ("crates/x/src/a/three.rs", "");
        assert_eq!(number(&[list, one, two, three]), 0);
    }

    #[test]
    fn a_list_that_works_with_what_it_passes_on_imports_it() {
        let list = (
            "crates/x/src/a/mod.rs",
            "pub use one::One;\npub use two::Two;\nfn f(one: One) -> Two {}\n",
        );
        let one = ("crates/x/src/a/one.rs", "use super::f;\n");
        let two = ("crates/x/src/a/two.rs", "use super::f;\n");
        assert_eq!(number(&[list, one, two]), 3);
    }

    #[test]
    fn tests_and_other_crates_do_not_count() {
        let a = (
            "crates/x/src/a.rs",
            "use other::b::B;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
        );
        let b = ("crates/x/src/b.rs", "use crate::c::C;\n");
        let c = ("crates/x/src/c.rs", "use crate::a::A;\n");
        assert_eq!(number(&[a, b, c]), 0);
    }

    #[test]
    fn trees_of_names_are_taken_apart() {
        let mut names = Vec::new();
        expand(&[], " a::{self, b::{C, D}, e::*, F as G}", &mut names);
        let names: Vec<String> = names
            .into_iter()
            .map(|(segments, name)| format!("{} {name}", segments.join("::")))
            .collect();
        assert_eq!(names, ["a a", "a::b::C C", "a::b::D D", "a::e e", "a::F G"]);
    }
}
