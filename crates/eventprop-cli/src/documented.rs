//! Every command of README and documentation is one that the program takes.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;
use eventprop_params::{Benchmark, Parameters};

use crate::Cli;

/// Words of a line as a shell splits it: quotes hold words together, `#` begins a remark, and what is redirected or piped ends it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars().chain([' ']) {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (None, '>' | '|' | ';' | '&') => break,
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words
}

/// Lines of blocks for a shell, and code in sentences that begins with the name of the program.
fn commands(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut within = None;
    for line in page.replace("\\\n", " ").lines() {
        if let Some(kind) = line.strip_prefix("```") {
            within = within.is_none().then(|| kind.to_owned());
        } else if within.as_deref() == Some("sh") {
            let named = line
                .find("eventprop ")
                .filter(|at| !line[..*at].ends_with("-p "));
            found.extend(named.map(|at| line[at..].to_owned()));
        } else if within.is_none() {
            let spans = line.split('`').skip(1).step_by(2);
            let of_program = spans.filter(|code| code.starts_with("eventprop "));
            found.extend(of_program.map(str::to_owned));
        }
    }
    found
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            // What the site writes for itself.
            if !path.ends_with("generated") {
                pages(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
}

/// The refusal of a command.
fn refused(words: &[String]) -> Option<String> {
    if let Err(error) = Cli::try_parse_from(words) {
        // A sentence may name a command without its arguments.
        let named = matches!(
            error.kind(),
            ErrorKind::MissingRequiredArgument
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        let refused = error.use_stderr() && !(named && words.len() < 4);
        return refused.then(|| error.to_string());
    }
    let benchmark: Benchmark = words.get(2)?.parse().ok()?;
    let mut params = Parameters::new(benchmark);
    for pair in words.windows(2).filter(|pair| pair[0] == "--preset") {
        if let Err(error) = params.preset(&pair[1]) {
            return Some(error.to_string());
        }
    }
    let named = |word: &&String| word.starts_with(|first: char| first.is_ascii_uppercase());
    let assignments = words[3..]
        .iter()
        .filter(named)
        .filter(|word| word.contains('='));
    let mut refusals = assignments.filter_map(|word| params.assign(word).err());
    refusals.next().map(|error| error.to_string())
}

#[test]
fn commands_of_the_documentation_are_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    pages(&root.join("docs"), &mut found);
    let (mut tried, mut wrong) = (0, Vec::new());
    for page in found {
        let text = fs::read_to_string(&page).expect("a page is text");
        // Readers fill in what stands for something, a shell a variable; of a path it matters what is there, and of a
        // device whether the program is built with it.
        let open = [
            "…",
            "$",
            "BENCHMARK",
            "workload W",
            "data info recording",
            "--device gpu",
        ];
        let whole = |line: &&String| !open.iter().any(|part| line.contains(part));
        for command in commands(&text).iter().filter(whole) {
            let words = words(command);
            tried += 1;
            let problem =
                refused(&words).map(|problem| format!("{}: {command}\n{problem}", page.display()));
            wrong.extend(problem);
        }
    }
    assert!(tried > 60, "{tried} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
