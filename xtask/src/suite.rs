//! Everything that has to pass before a change is merged, in order.
//!
//! Every step runs even if an earlier one failed, so that one run shows everything there is to mend;
//! the summary at the end names what failed and how long each step took.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The tests of the Python package in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Python {
    /// They run if the package is in the checkout.
    Included,
    /// They are left out (`--no-python`).
    Left,
}

/// The outcome of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

struct Report {
    title: &'static str,
    outcome: Outcome,
    time: Duration,
}

/// Runs all steps in the workspace at `root` and prints a summary; true if none failed.
pub fn run(root: &Path, python: Python) -> bool {
    let reports = [
        timed("Formatting", || formatting(root)),
        timed("Lints", || lints(root)),
        timed("Tests", || tests(root)),
        timed("Documentation examples", || {
            cargo(root, "test --workspace --doc")
        }),
        timed("Documentation", || documentation(root)),
        timed("Python package", || {
            with_python(root, python, crate::python::test)
        }),
        timed("Documentation site", || {
            with_python(root, python, crate::python::site)
        }),
        // Last: what it builds takes the place of the program without them.
        timed("MPI and GPU", || optional(root)),
    ];
    println!("\n{}", summary(&reports));
    !reports
        .iter()
        .any(|report| matches!(report.outcome, Outcome::Failed(_)))
}

fn timed(title: &'static str, step: impl FnOnce() -> Outcome) -> Report {
    println!("\n== {title} ==");
    let start = Instant::now();
    let outcome = step();
    if let Outcome::Skipped(why) | Outcome::Failed(why) = &outcome {
        println!("{why}");
    }
    Report {
        title,
        outcome,
        time: start.elapsed(),
    }
}

fn formatting(root: &Path) -> Outcome {
    if !has_subcommand(root, "fmt") {
        return missing("rustfmt", "rustup component add rustfmt");
    }
    cargo(root, "fmt --all --check")
}

fn lints(root: &Path) -> Outcome {
    if !has_subcommand(root, "clippy") {
        return missing("clippy", "rustup component add clippy");
    }
    cargo(root, "clippy --workspace --all-targets -- --deny warnings")
}

fn tests(root: &Path) -> Outcome {
    if has_subcommand(root, "nextest") {
        cargo(root, "nextest run --workspace --no-fail-fast")
    } else {
        cargo(
            root,
            "test --workspace --lib --bins --tests --examples --no-fail-fast",
        )
    }
}

/// The optional parts, in one build of those that this machine has: ranks over MPI, and the solver of graphics cards, for which a
/// software driver will do.
fn optional(root: &Path) -> Outcome {
    let parts = [
        ("eventprop-cli/mpi", "ranks", lacks_mpi()),
        ("eventprop-gpu/gpu", "device", lacks_gpu()),
    ];
    let lacking: Vec<&str> = parts.iter().filter_map(|part| part.2).collect();
    let here = || parts.iter().filter(|part| part.2.is_none());
    let features: Vec<&str> = here().map(|part| part.0).collect();
    let tests: String = here().flat_map(|part| [" --test ", part.1]).collect();
    let skipped = lacking.join("; ");
    if features.is_empty() {
        return Outcome::Skipped(skipped);
    }
    if !lacking.is_empty() {
        println!("{skipped}");
    }
    let options = format!("--workspace --features {}{tests}", features.join(","));
    // A run of ranks has up to four processes.
    if has_subcommand(root, "nextest") {
        let options = format!("{options} --test-threads 1 --no-fail-fast");
        cargo(root, &format!("nextest run {options}"))
    } else {
        cargo(root, &format!("test {options} -- --test-threads=1"))
    }
}

/// What ranks over MPI need and is not here.
fn lacks_mpi() -> Option<&'static str> {
    if !["mpicc", "mpirun"].into_iter().all(starts) {
        return Some(
            "skipped: no mpicc or mpirun (on Debian: apt-get install openmpi-bin libopenmpi-dev libclang-dev)",
        );
    }
    (!has_libclang()).then_some("skipped: no libclang (on Debian: libclang-dev)")
}

/// What the solver of graphics cards needs and is not here.
fn lacks_gpu() -> Option<&'static str> {
    let lack = "skipped: no adapter (on Debian: apt-get install mesa-vulkan-drivers)";
    (!has_vulkan_driver()).then_some(lack)
}

/// True if a driver is registered where the loader of Vulkan looks, or on macOS, which has one of its own.
fn has_vulkan_driver() -> bool {
    let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
    if cfg!(target_os = "macos") || named.iter().any(|name| std::env::var_os(name).is_some()) {
        return true;
    }
    let folders = ["/usr/share", "/usr/local/share", "/etc"];
    folders.iter().any(|folder| {
        let entries = std::fs::read_dir(Path::new(folder).join("vulkan/icd.d"));
        entries.is_ok_and(|mut entries| entries.next().is_some())
    })
}

fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// True if the library from which the bindings are made is where it is searched.
fn has_libclang() -> bool {
    let named = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let llvm = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let llvm = llvm.map(|entry| entry.path()).filter(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("llvm"))
    });
    let folders = llvm.map(|path| path.join("lib")).chain(
        [
            "/usr/lib",
            "/usr/lib64",
            "/usr/local/lib",
            "/usr/lib/x86_64-linux-gnu",
        ]
        .map(PathBuf::from),
    );
    named.into_iter().chain(folders).any(|folder| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = entries.map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with("libclang"))
    })
}

fn documentation(root: &Path) -> Outcome {
    println!("$ RUSTDOCFLAGS=--deny=warnings cargo doc --no-deps --workspace");
    let mut command = cargo_command(root, "doc --no-deps --workspace");
    finish(command.env("RUSTDOCFLAGS", "--deny=warnings"))
}

fn with_python(
    root: &Path,
    python: Python,
    step: impl FnOnce(&Path) -> Result<(), String>,
) -> Outcome {
    if python == Python::Left {
        return Outcome::Skipped("skipped: --no-python".into());
    }
    if !root.join("crates/eventprop-py").exists() {
        return Outcome::Skipped("skipped: no Python package in this checkout yet".into());
    }
    match step(root) {
        Ok(()) => Outcome::Passed,
        Err(why) => Outcome::Failed(why),
    }
}

fn missing(component: &str, remedy: &str) -> Outcome {
    Outcome::Failed(format!("{component} is not installed; run `{remedy}`"))
}

fn has_subcommand(root: &Path, name: &str) -> bool {
    let mut command = cargo_command(root, name);
    command.arg("--version");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn cargo(root: &Path, arguments: &str) -> Outcome {
    println!("$ cargo {arguments}");
    finish(&mut cargo_command(root, arguments))
}

/// The cargo that runs this program, so that both use one toolchain.
fn cargo_command(root: &Path, arguments: &str) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments.split(' ')).current_dir(root);
    command.stdin(Stdio::null());
    command
}

fn finish(command: &mut Command) -> Outcome {
    match command.status() {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(status) => Outcome::Failed(format!("failed: {status}")),
        Err(error) => {
            let program = command.get_program().display();
            Outcome::Failed(format!("cannot start {program}: {error}"))
        }
    }
}

fn summary(reports: &[Report]) -> String {
    let mut lines = vec!["== Summary ==".to_owned()];
    for report in reports {
        let (word, why) = match &report.outcome {
            Outcome::Passed => ("passed", ""),
            Outcome::Skipped(why) => ("skipped", why.as_str()),
            Outcome::Failed(why) => ("FAILED", why.as_str()),
        };
        let seconds = report.time.as_secs_f64();
        let line = format!("{word:8} {:24} {seconds:7.1} s  {why}", report.title);
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(title: &'static str, outcome: Outcome) -> Report {
        Report {
            title,
            outcome,
            time: Duration::from_millis(1500),
        }
    }

    #[test]
    fn summary_names_what_failed_and_why() {
        let text = summary(&[
            report(
                "Formatting",
                missing("rustfmt", "rustup component add rustfmt"),
            ),
            report("Tests", Outcome::Passed),
        ]);
        assert!(text.contains("FAILED   Formatting"), "{text}");
        assert!(
            text.contains("run `rustup component add rustfmt`"),
            "{text}"
        );
        assert!(text.contains("passed   Tests"), "{text}");
        assert!(text.contains("1.5 s"), "{text}");
    }

    #[test]
    fn a_checkout_without_python_package_is_skipped_and_says_so() {
        let empty = Path::new("no-such-folder");
        assert_eq!(
            with_python(empty, Python::Included, crate::python::test),
            Outcome::Skipped("skipped: no Python package in this checkout yet".into())
        );
    }

    #[test]
    fn a_subcommand_that_does_not_exist_is_noticed() {
        assert!(!has_subcommand(Path::new("."), "no-such-subcommand"));
    }

    #[test]
    fn a_failing_command_fails_the_step() {
        let outcome = finish(&mut cargo_command(Path::new("."), "no-such-subcommand"));
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    }
}
