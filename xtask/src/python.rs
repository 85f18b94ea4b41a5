//! The tests of the Python package and the documentation site, in virtual environments of their own under `target`.
//!
//! The wheel is built with the profile in which the tests of the workspace were built: the crates it is
//! made of are those that they were linked with, and nothing is compiled twice. It is the same package
//! as a release wheel, only slower.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names under which an interpreter may be found.
const INTERPRETERS: [&str; 2] = ["python3", "python"];

/// A program that fails where an interpreter lacks something, and else prints its version.
const PROBE: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 10), 'too old'; print(sys.version)";

const PACKAGE: &str = "crates/eventprop-py";

/// What an environment is for.
struct Purpose {
    /// Its folder under `target`.
    name: &'static str,
    /// The list of packages that it needs beside the wheel.
    needed: &'static str,
}

const TESTS: Purpose = Purpose {
    name: "python",
    needed: "crates/eventprop-py/tests/requirements.txt",
};

const SITE: Purpose = Purpose {
    name: "docs",
    needed: "docs/requirements.txt",
};

/// Builds the wheel, installs it, and runs its tests.
///
/// # Errors
/// A sentence that says what is missing or failed, and how to get it.
pub fn test(root: &Path) -> Result<(), String> {
    let environment = Environment::prepare(root, &TESTS)?;
    let wheel = environment.build_wheel(root)?;
    environment.install(root, &wheel)?;
    let bits = environment.folder.join("bits.jsonl");
    print_bits(root, &bits)?;
    println!("$ python -m pytest  # in {PACKAGE}");
    let mut tests = Command::new(environment.program("python"));
    tests.args(["-m", "pytest"]).current_dir(root.join(PACKAGE));
    tests.env("EVENTPROP_BITS", &bits);
    run(&mut tests)
}

/// Builds the documentation site in `target/docs/html`: every page of the tutorial is run, every link within the site is
/// followed, and a warning is an error.
///
/// # Errors
/// A sentence that says what is missing or failed, and how to get it.
pub fn site(root: &Path) -> Result<(), String> {
    let tests = Environment::prepare(root, &TESTS)?;
    let wheel = tests.build_wheel(root)?;
    let environment = Environment::prepare(root, &SITE)?;
    environment.install(root, &wheel)?;
    println!("$ cargo build --workspace --bin eventprop");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Of the whole workspace, whose tests have built it already.
    build.args(["build", "--quiet", "--workspace", "--bin", "eventprop"]);
    run(build.current_dir(root))?;
    let html = environment.folder.join("html");
    let mut sphinx = Command::new(environment.program("sphinx-build"));
    sphinx.args(["-W", "--keep-going", "-q", "-b", "html", "docs"]);
    sphinx.arg(&html).current_dir(root);
    sphinx.env("EVENTPROP_PROGRAM", target(root).join("debug/eventprop"));
    println!("$ sphinx-build -W --keep-going -b html docs target/docs/html");
    run(&mut sphinx)?;
    println!("the site is {}", html.join("index.html").display());
    Ok(())
}

/// The folder of what cargo builds.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from)
}

/// A virtual environment.
struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// The environment of the last run, or a new one where its contents do not fit any more.
    fn prepare(root: &Path, purpose: &Purpose) -> Result<Self, String> {
        let Purpose { name, needed } = purpose;
        let (interpreter, version) = interpreter(&INTERPRETERS)?;
        let folder = root.join("target").join(name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let environment = Self {
            folder: folder.clone(),
        };
        let requirements =
            fs::read_to_string(root.join(needed)).map_err(|error| format!("{needed}: {error}"))?;
        let contents = format!("{version}\n{requirements}");
        let stamp = folder.join("contents.txt");
        if fs::read_to_string(&stamp).is_ok_and(|found| found == contents) {
            return Ok(environment);
        }
        println!("$ {interpreter} -m venv target/{name}/venv; pip install -r {needed}");
        let mut venv = Command::new(interpreter);
        venv.args(["-m", "venv", "--clear"])
            .arg(folder.join("venv"));
        run(&mut venv)?;
        environment.pip_install(root, &["-r", needed], &[])?;
        fs::write(&stamp, contents).map_err(|error| format!("{}: {error}", stamp.display()))?;
        Ok(environment)
    }

    /// Installs a wheel in the place of the one before.
    fn install(&self, root: &Path, wheel: &Path) -> Result<(), String> {
        self.pip_install(root, &["--no-deps", "--force-reinstall"], &[wheel])
    }

    /// A program of the environment.
    fn program(&self, name: &str) -> PathBuf {
        let programs = if cfg!(windows) { "Scripts" } else { "bin" };
        self.folder.join("venv").join(programs).join(name)
    }

    fn pip_install(&self, root: &Path, options: &[&str], paths: &[&Path]) -> Result<(), String> {
        let mut pip = Command::new(self.program("python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        run(pip.args(options).args(paths).current_dir(root))
    }

    /// Builds the wheel; its path.
    fn build_wheel(&self, root: &Path) -> Result<PathBuf, String> {
        let out = self.folder.join("wheel");
        if out.exists() {
            fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        }
        println!("$ maturin build --profile dev --manifest-path {PACKAGE}/Cargo.toml");
        let mut maturin = Command::new(self.program("maturin"));
        maturin.args(["build", "--profile", "dev", "--auditwheel", "skip"]);
        maturin.args(["--manifest-path", &format!("{PACKAGE}/Cargo.toml")]);
        maturin.arg("--interpreter").arg(self.program("python"));
        maturin.arg("--out").arg(&out).current_dir(root);
        run(&mut maturin)?;
        let entries = fs::read_dir(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        let wheels = entries.filter_map(|entry| Some(entry.ok()?.path()));
        wheels
            .filter(|path| path.extension().is_some_and(|ending| ending == "whl"))
            .last()
            .ok_or_else(|| format!("maturin left no wheel in {}", out.display()))
    }
}

/// Losses and gradients of the case corpus as the engine computes them, for the tests to compare with.
fn print_bits(root: &Path, file: &Path) -> Result<(), String> {
    println!("$ cargo build --workspace --example bits");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Of the whole workspace, whose tests have built it already.
    build.args(["build", "--quiet", "--workspace", "--example", "bits"]);
    run(build.current_dir(root))?;
    let out = fs::File::create(file).map_err(|error| format!("{}: {error}", file.display()))?;
    run(Command::new(target(root).join("debug/examples/bits")).stdout(out))
}

/// The first interpreter that is new enough and can make virtual environments, and its version.
fn interpreter(names: &[&str]) -> Result<(String, String), String> {
    let mut found = Vec::new();
    for name in names {
        match Command::new(name)
            .args(["-c", PROBE])
            .stdin(Stdio::null())
            .output()
        {
            Ok(output) if output.status.success() => {
                let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                return Ok(((*name).to_owned(), version));
            }
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                let last = text.trim().lines().last().unwrap_or("it failed").to_owned();
                found.push(format!("{name}: {last}"));
            }
            Err(error) => found.push(format!("{name}: {error}")),
        }
    }
    Err(format!(
        "the Python package needs Python 3.10 or newer with the modules venv and ensurepip ({}); on Debian or Ubuntu run `apt-get install python3 python3-venv`, or leave the package out with --no-python",
        found.join("; ")
    ))
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().display().to_string();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("failed: {program}: {status}")),
        Err(error) => Err(format!("cannot start {program}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_python_is_told_what_to_install() {
        let error = interpreter(&["no-such-python"]).unwrap_err();
        assert!(
            error.contains("apt-get install python3 python3-venv"),
            "{error}"
        );
        assert!(error.contains("no-such-python"), "{error}");
        assert!(error.contains("--no-python"), "{error}");
    }

    #[test]
    fn a_program_that_fails_is_named() {
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.contains("no-such-program"), "{error}");
    }
}
