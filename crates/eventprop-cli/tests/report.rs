//! `eventprop report` on real runs, and its page in a real browser.
//!
//! `EVENTPROP_TEST_CHROMIUM` names the browser; without it `chromium` is tried. Without any the test
//! that needs it says so and does nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

const SMALL: [&str; 7] = [
    "NUM_HIDDEN=20",
    "N_TRAIN=64",
    "N_VALIDATE=16",
    "N_TEST=16",
    "N_EPOCH=3",
    "INPUT_HIDDEN_MEAN=2.5",
    "HIDDEN_OUTPUT_MEAN=1.5",
];

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eventprop"))
        .args(arguments)
        .current_dir(folder)
        .env("EVENTPROP_DATA", folder.join("no-data"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .output()
        .expect("the program starts")
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A folder with runs of two seeds, and one of other parameters.
fn runs() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (out, seed, more) in [
        ("runs/a", "1", "ETA=0.002"),
        ("runs/b", "2", "ETA=0.002"),
        ("runs/c", "1", "ETA=0.01"),
    ] {
        let head = [
            "train", "yinyang", "--quiet", "--out", out, "--seed", seed, more,
        ];
        done(folder.path(), &[&head[..], &SMALL].concat());
    }
    folder
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The page asks no network and is small.
fn check_alone(html: &str) {
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    let without_names = html.replace("http://www.w3.org/2000/svg", "");
    for address in ["http:", "https:", "src=\"/", "@import", "url("] {
        assert!(!without_names.contains(address), "{address} in the page");
    }
}

#[test]
fn one_run_and_several_have_their_pages_and_figures() {
    let folder = runs();
    let path = folder.path();
    let told = done(path, &["report", "runs/a", "--figures", "figures"]);
    assert!(told.contains("runs/a/yinyang_report.html"), "{told}");
    let page = read(&path.join("runs/a/yinyang_report.html"));
    check_alone(&page);
    for words in [
        "The validation split selected the model",
        "Confusion matrix, test samples",
        "Adjoint λ_V of hidden",
        "Activity of every neuron of hidden",
        "Weights from input to hidden",
        "What differs from the defaults",
        "MODEL_SEED",
        "data:image/png;base64,",
    ] {
        assert!(page.contains(words), "{words} is missing");
    }
    for name in [
        "loss",
        "accuracy",
        "confusion",
        "classes",
        "activity_hidden",
        "parameters_input_hidden",
    ] {
        let png = std::fs::read(path.join(format!("figures/{name}.png"))).expect(name);
        assert!(png.starts_with(b"\x89PNG"), "{name}");
        assert!(read(&path.join(format!("figures/{name}.svg"))).starts_with("<svg"));
    }

    let told = done(path, &["report", "runs", "--json"]);
    let json: Json = serde_json::from_str(&told).expect("JSON");
    assert_eq!(json["page"], "report.html");
    assert_eq!(json["runs"].as_array().map(Vec::len), Some(3));
    let groups = json["groups"].as_array().expect("groups");
    assert_eq!(groups.len(), 2);
    assert_eq!(
        (&groups[0]["name"], &groups[0]["test_accuracy"]["n"]),
        (&"ETA=0.002".into(), &2.into())
    );
    let page = read(&path.join("report.html"));
    check_alone(&page);
    assert!(page.contains("ETA=0.01") && page.contains(" ± "));
}

#[test]
fn a_run_that_was_broken_off_has_a_page_and_a_folder_without_runs_has_none() {
    let folder = runs();
    let path = folder.path();
    let run_files = path.join("runs/a");
    std::fs::remove_file(run_files.join("yinyang_summary.json")).expect("removed");
    let metrics = read(&run_files.join("yinyang_metrics.jsonl"));
    std::fs::write(
        run_files.join("yinyang_metrics.jsonl"),
        &metrics[..metrics.len() - 40],
    )
    .expect("cut");
    done(path, &["report", "runs/a"]);
    let page = read(&run_files.join("yinyang_report.html"));
    assert!(page.contains("1 broken lines of yinyang_metrics.jsonl were left out"));

    let empty = run(path, &["report", "figures-of-nothing"]);
    assert_eq!(empty.status.code(), Some(1));
    std::fs::create_dir(path.join("empty")).expect("a folder");
    let empty = run(path, &["report", "empty", "--json"]);
    assert_eq!(empty.status.code(), Some(2));
    let error: Json = serde_json::from_slice(&empty.stdout).expect("JSON");
    assert!(
        error["error"]
            .as_str()
            .is_some_and(|e| e.contains("eventprop train")),
        "{error}"
    );
}

fn browser() -> Option<String> {
    let browser =
        std::env::var("EVENTPROP_TEST_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let tried = Command::new(&browser).arg("--version").output();
    tried.is_ok_and(|t| t.status.success()).then_some(browser)
}

/// The page after its script ran, and what the browser said about it.
fn opened(browser: &str, page: &Path, profile: &Path, more: &[&str]) -> (String, String) {
    let output = Command::new(browser)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args(["--enable-logging=stderr", "--virtual-time-budget=3000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(more)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_browser_shows_the_page_without_a_complaint() {
    let Some(browser) = browser() else {
        #[allow(clippy::print_stdout)] // a test that does nothing says so
        {
            println!("skipped: no Chromium (EVENTPROP_TEST_CHROMIUM)");
        }
        return;
    };
    let folder = runs();
    let path = folder.path();
    done(path, &["report", "runs/a"]);
    done(path, &["report", "runs"]);
    let pages: [PathBuf; 2] = [
        path.join("runs/a/yinyang_report.html"),
        path.join("report.html"),
    ];
    for page in pages {
        let (dom, said) = opened(&browser, &page, &path.join("profile"), &["--dump-dom"]);
        let complaints: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .collect();
        assert!(complaints.is_empty(), "{complaints:?}");
        // The script has run: values under the pointer, and the name of the other theme on its button.
        assert!(
            dom.contains("data-tip=\"epoch 1"),
            "no tips in {}",
            page.display()
        );
        assert!(dom.contains(">dark</button>") || dom.contains(">light</button>"));
        if page.ends_with("yinyang_report.html") {
            assert!(
                dom.contains("role=\"tab\" aria-selected=\"true\""),
                "samples are not chosen by tabs"
            );
        }
        let picture = path.join("picture.png");
        let screenshot = format!("--screenshot={}", picture.display());
        opened(
            &browser,
            &page,
            &path.join("profile"),
            &[&screenshot, "--window-size=390,844"],
        );
        let png = std::fs::read(&picture).expect("a picture");
        assert!(png.starts_with(b"\x89PNG"));
    }
}
