//! One neuron a file, one loss a file, one data set a file: all listed, all tested.

use super::{Checkout, File, Finding, whole_words};

/// Folders in which a file is one thing of a kind.
const FOLDERS: [&str; 5] = [
    "crates/eventprop/src/neuron/",
    "crates/eventprop/src/loss/",
    "crates/eventprop/src/regularize/",
    "crates/eventprop-audio/src/",
    "crates/eventprop-data/src/",
];

/// Files of these folders that their `mod.rs` or `lib.rs` does not list.
pub(super) fn unlisted(checkout: &Checkout) -> Vec<Finding> {
    let is_unlisted = |module: &Module| {
        !checkout
            .rust_files()
            .filter(|(file, _)| module.lists.contains(&file.path))
            .any(|(_, source)| source.code.lines().any(|line| declares(line, module.name)))
    };
    modules(checkout)
        .filter(is_unlisted)
        .map(|module| {
            let message = format!(
                "`mod {};` is not in {}",
                module.name,
                module.lists.join(" or ")
            );
            Finding::new(module.file, 1, message)
        })
        .collect()
}

/// Files of these folders that no test names.
///
/// A test in the file itself counts: the module's name is part of the test's.
pub(super) fn untested(checkout: &Checkout) -> Vec<Finding> {
    modules(checkout)
        .filter(|module| !has_own_test(module.file) && !is_named_in_a_test(checkout, module.name))
        .map(|module| {
            let message = format!(
                "no test names `{}`, and the file has none itself",
                module.name
            );
            Finding::new(module.file, 1, message)
        })
        .collect()
}

struct Module<'a> {
    file: &'a File,
    name: &'a str,
    /// The files that may list it.
    lists: Vec<String>,
}

fn modules(checkout: &Checkout) -> impl Iterator<Item = Module<'_>> {
    checkout
        .rust_files()
        .filter(|(file, _)| FOLDERS.iter().any(|folder| file.path.starts_with(folder)))
        .filter(|(file, _)| !file.is_test())
        .filter_map(|(file, _)| module(file))
}

/// The module that `file` is; `None` for a folder's own list.
fn module(file: &File) -> Option<Module<'_>> {
    let (folder, _) = file.path.rsplit_once('/')?;
    let (parent, name) = match file.stem() {
        "lib" | "main" => return None,
        "mod" if FOLDERS.contains(&format!("{folder}/").as_str()) => return None,
        "mod" => folder.rsplit_once('/')?,
        stem => (folder, stem),
    };
    let lists = vec![
        format!("{parent}/mod.rs"),
        format!("{parent}/lib.rs"),
        format!("{parent}.rs"),
    ];
    Some(Module { file, name, lists })
}

/// True if a line of code declares the module: `mod name;`, with or without a visibility.
fn declares(line: &str, name: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.ends_with(&["mod", &format!("{name};")])
}

fn has_own_test(file: &File) -> bool {
    let lines = file.text.lines().enumerate();
    lines
        .into_iter()
        .any(|(index, line)| line.trim() == "#[test]" && file.is_test_line(index))
}

fn is_named_in_a_test(checkout: &Checkout, name: &str) -> bool {
    checkout.files.iter().any(|file| {
        let lines = file.text.lines().enumerate();
        let mut tests = lines.filter(|(index, _)| file.is_case() || file.is_test_line(*index));
        tests.any(|(_, line)| names(line, name))
    })
}

/// True if `line` holds `name` as a word; `max` is not in `maximum`, but it is in `loss_max`.
fn names(line: &str, name: &str) -> bool {
    whole_words(&line.replace('_', " "), &name.replace('_', " "))
        .next()
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIF: &str = "crates/eventprop/src/neuron/lif.rs";
    const LIST: &str = "crates/eventprop/src/neuron/mod.rs";

    #[test]
    fn an_unlisted_file_is_found() {
        let checkout = Checkout::made_up(&[(LIF, ""), (LIST, "// mod lif;\nmod alif;\n")]);
        let findings = unlisted(&checkout);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, LIF);
        let listed = Checkout::made_up(&[(LIF, ""), (LIST, "pub(crate) mod lif;\n")]);
        assert!(unlisted(&listed).is_empty());
    }

    #[test]
    fn a_folder_is_listed_by_the_file_above_it() {
        let folder = "crates/eventprop-data/src/shd/mod.rs";
        let list = "crates/eventprop-data/src/lib.rs";
        assert_eq!(
            unlisted(&Checkout::made_up(&[(folder, ""), (list, "")])).len(),
            1
        );
        assert!(unlisted(&Checkout::made_up(&[(folder, ""), (list, "pub mod shd;")])).is_empty());
    }

    #[test]
    fn an_untested_file_is_found() {
        let elsewhere = ("crates/eventprop/src/lib.rs", "fn lif() {}");
        assert_eq!(
            untested(&Checkout::made_up(&[(LIF, ""), elsewhere])).len(),
            1
        );
        let similar = ("crates/eventprop/tests/a.rs", "fn alif() {}");
        assert_eq!(untested(&Checkout::made_up(&[(LIF, ""), similar])).len(), 1);
    }

    #[test]
    fn a_test_here_there_or_in_the_corpus_names_a_file() {
        let own = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() {}\n}\n";
        assert!(untested(&Checkout::made_up(&[(LIF, own)])).is_empty());
        let there = ("crates/eventprop/tests/a.rs", "fn lif_fires() {}");
        assert!(untested(&Checkout::made_up(&[(LIF, ""), there])).is_empty());
        let corpus = ("crates/eventprop-cases/cases/a.toml", "model = \"lif\"");
        assert!(untested(&Checkout::made_up(&[(LIF, ""), corpus])).is_empty());
    }
}
