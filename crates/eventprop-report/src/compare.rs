//! The page of several runs: curves on top of each other, results side by side, means over seeds.

use serde_json::{Map, Value as Json, json};

use crate::curves::{CurveGroup, Overlay};
use crate::figure::{Figure, Ink};
use crate::html::{Table, count, duration, escape, percent};
use crate::page::{Page, card, figures as grid, note, paragraph, warnings};
use crate::read::{EpochLine, RunRecord};
use crate::statistics::mean_and_sd;

/// Runs of one experiment: they differ in names and seeds only.
struct Group<'a> {
    /// The name that tells it from the others.
    name: String,
    runs: Vec<&'a RunRecord>,
}

/// Groups in the order in which their first runs come.
fn groups(runs: &[RunRecord]) -> Vec<Group<'_>> {
    let mut found: Vec<(String, Map<String, Json>, Vec<&RunRecord>)> = Vec::new();
    for run in runs {
        let key = format!("{} {}", run.word("command"), run.word("benchmark"));
        let experiment = run.experiment();
        match found
            .iter_mut()
            .find(|(k, e, _)| *k == key && *e == experiment)
        {
            Some((_, _, members)) => members.push(run),
            None => found.push((key, experiment, vec![run])),
        }
    }
    let differing = differing_keys(found.iter().map(|(_, experiment, _)| experiment));
    let several_tasks = found.iter().any(|(key, _, _)| *key != found[0].0);
    let named = found.into_iter().map(|(key, experiment, runs)| {
        let value = |key: &String| {
            format!(
                "{key}={}",
                plain(experiment.get(key).unwrap_or(&Json::Null))
            )
        };
        let mut words: Vec<String> = differing.iter().take(3).map(value).collect();
        if several_tasks || words.is_empty() {
            words.insert(0, key);
        }
        Group {
            name: words.join(" "),
            runs,
        }
    });
    named.collect()
}

/// Keys whose values are not the same in all experiments.
fn differing_keys<'a>(mut all: impl Iterator<Item = &'a Map<String, Json>>) -> Vec<String> {
    let Some(first) = all.next() else {
        return Vec::new();
    };
    let mut keys: Vec<String> = Vec::new();
    for other in all {
        for key in first.keys().chain(other.keys()) {
            if first.get(key) != other.get(key) && !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}

fn plain(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Mean ± standard deviation of shares, with the number of values.
fn mean_text(values: &[f64]) -> String {
    match mean_and_sd(values) {
        None => "–".to_owned(),
        Some((mean, None)) => percent(mean),
        Some((mean, Some(sd))) => format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * sd),
    }
}

impl Group<'_> {
    fn values(&self, key: &str) -> Vec<f64> {
        self.runs.iter().filter_map(|run| run.result(key)).collect()
    }
}

/// The page.
pub fn page(runs: &[RunRecord]) -> String {
    let groups = groups(runs);
    let mut page = Page::new(&format!("{} runs", runs.len()), top(runs, &groups));
    page.section("learning", "Learning", learning(&groups));
    page.section("results", "Results", results(&groups));
    page.section("runs", "Runs", run_table(&groups));
    page.section("configuration", "Configuration", configuration(&groups));
    page.to_html()
}

fn top(runs: &[RunRecord], groups: &[Group<'_>]) -> String {
    let best = groups.iter().max_by(|a, b| {
        let mean = |group: &Group<'_>| {
            let mean = mean_and_sd(&group.values("validation_accuracy"));
            mean.map_or(f64::NEG_INFINITY, |(mean, _)| mean)
        };
        mean(a).total_cmp(&mean(b))
    });
    let mut cards = String::new();
    if let Some(best) = best {
        let of = |key: &str| (mean_text(&best.values(key)), best.values(key).len());
        for (name, key) in [
            ("test accuracy", "test_accuracy"),
            ("validation accuracy", "validation_accuracy"),
        ] {
            let (text, n) = of(key);
            if n > 0 {
                cards += &card(
                    name,
                    &text,
                    &format!("{n} {}", if n == 1 { "run" } else { "seeds, mean ± sd" }),
                );
            }
        }
    }
    let seconds: f64 = runs.iter().filter_map(|run| run.result("seconds")).sum();
    cards += &card(
        "runs",
        &runs.len().to_string(),
        &format!("{} configurations", groups.len()),
    );
    cards += &card("training time", &duration(seconds), "of all runs together");
    let words = match (groups.len(), best) {
        (1, _) => "All runs have the same parameters and differ in their seeds only.".to_owned(),
        (_, Some(best)) => format!(
            "The accuracies above are those of the configuration with the best mean validation accuracy, {}. Configurations are compared by validation, never by test.",
            best.name
        ),
        _ => String::new(),
    };
    let notices: Vec<String> = runs
        .iter()
        .flat_map(|run| {
            run.notices
                .iter()
                .map(|n| format!("{}: {n}", run.folder.display()))
        })
        .collect();
    format!(
        "<h1>{} runs</h1><div class=\"cards\">{cards}</div>{}{}",
        runs.len(),
        paragraph(&words),
        warnings(&notices)
    )
}

/// The charts of a comparison.
const OVERLAYS: [Overlay; 5] = [
    Overlay {
        name: "validation_accuracy",
        title: "Accuracy, evaluation",
        y_label: "correct predictions (%)",
        key: "evaluation_accuracy",
        is_share: true,
    },
    Overlay {
        name: "train_accuracy",
        title: "Accuracy, training",
        y_label: "correct predictions (%)",
        key: "train_accuracy",
        is_share: true,
    },
    Overlay {
        name: "validation_loss",
        title: "Loss, evaluation",
        y_label: "mean loss of a sample",
        key: "evaluation_loss",
        is_share: false,
    },
    Overlay {
        name: "train_loss",
        title: "Loss, training",
        y_label: "mean loss of a sample",
        key: "train_loss",
        is_share: false,
    },
    Overlay {
        name: "spikes",
        title: "Spikes",
        y_label: "spikes per hidden neuron and sample",
        key: "spikes_per_neuron",
        is_share: false,
    },
];

fn overlays(groups: &[Group<'_>]) -> Vec<Figure> {
    let lines = |run: &&RunRecord| -> Vec<Vec<EpochLine>> {
        let folds = run.folds();
        let of = |fold: &Option<u64>| {
            run.epochs
                .iter()
                .filter(|l| l.fold == *fold)
                .cloned()
                .collect()
        };
        folds.iter().map(of).collect()
    };
    let all: Vec<(String, Vec<Vec<EpochLine>>)> = groups
        .iter()
        .map(|group| {
            (
                group.name.clone(),
                group.runs.iter().flat_map(lines).collect(),
            )
        })
        .collect();
    let groups: Vec<CurveGroup<'_>> = all
        .iter()
        .map(|(name, curves)| {
            let curves = curves.iter().map(|curve| curve.iter().collect());
            (name.clone(), curves.collect())
        })
        .collect();
    let draw = |overlay: &Overlay| overlay.draw(&groups);
    OVERLAYS.iter().filter_map(draw).collect()
}

/// The drawings.
pub fn figures(runs: &[RunRecord]) -> Vec<Figure> {
    overlays(&groups(runs))
}

fn learning(groups: &[Group<'_>]) -> String {
    let body = grid(&overlays(groups));
    if body.is_empty() {
        return paragraph("No epoch has ended yet.");
    }
    body + &note(
        "A line for each configuration: the mean over its runs; the band is one standard deviation to either side. The colours are those of the tables below.",
    )
}

/// The colour of a group, in front of its name.
fn swatch(index: usize, name: &str) -> String {
    let Ink::Series(series) = Ink::Series(index % 8) else {
        return escape(name);
    };
    format!(
        "<span class=\"swatch\" style=\"background:var(--c{series})\"></span>{}",
        escape(name)
    )
}

fn results(groups: &[Group<'_>]) -> String {
    let mut table = Table::new(&[
        "configuration",
        "#runs",
        "#test accuracy",
        "#validation accuracy",
        "#training accuracy",
        "#seconds",
    ]);
    for (index, group) in groups.iter().enumerate() {
        let seconds = mean_and_sd(&group.values("seconds"));
        table.rows.push(vec![
            swatch(index, &group.name),
            group.runs.len().to_string(),
            mean_text(&group.values("test_accuracy")),
            mean_text(&group.values("validation_accuracy")),
            mean_text(&group.values("train_accuracy")),
            seconds.map_or("–".to_owned(), |(mean, _)| format!("{mean:.1}")),
        ]);
    }
    table.to_html()
        + &note(
            "Mean ± standard deviation (n − 1) over the runs of a configuration, which differ in their seeds. Seconds are those of training.",
        )
}

fn run_table(groups: &[Group<'_>]) -> String {
    let mut table = Table::new(&[
        "run",
        "configuration",
        "seeds",
        "#epochs",
        "#chosen",
        "#test",
        "#validation",
        "#training",
        "#samples/s",
    ]);
    for (index, group) in groups.iter().enumerate() {
        for run in &group.runs {
            let share = |key: &str| run.result(key).map_or("–".to_owned(), percent);
            let seeds: Vec<String> = run.seeds().into_iter().map(|(_, seed)| seed).collect();
            let chosen = run
                .result("selected_epoch")
                .map(|epoch| format!("{}", epoch + 1.0));
            let rate = run
                .result("samples_per_second")
                .map(|rate| count(rate as u64));
            table.rows.push(vec![
                escape(&format!("{} ({})", run.name, run.folder.display())),
                swatch(index, &group.name),
                escape(&seeds.join(", ")),
                run.epochs.len().to_string(),
                chosen.unwrap_or_else(|| "–".to_owned()),
                share("test_accuracy"),
                share("validation_accuracy"),
                share("train_accuracy"),
                rate.unwrap_or_else(|| "–".to_owned()),
            ]);
        }
    }
    let keys: Vec<&str> = groups[0].runs[0]
        .seeds()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    let words = format!(
        "Seeds are {}. The chosen epoch is the one whose weights were tested. For the inside of one run: eventprop report with its folder alone.",
        keys.join(", ")
    );
    table.to_html() + &note(&words)
}

fn configuration(groups: &[Group<'_>]) -> String {
    let experiments: Vec<Map<String, Json>> = groups
        .iter()
        .map(|group| group.runs[0].experiment())
        .collect();
    let keys = differing_keys(experiments.iter());
    let mut body = String::new();
    if !keys.is_empty() {
        let names: Vec<String> = (0..groups.len())
            .map(|index| swatch(index, &(index + 1).to_string()))
            .collect();
        let mut table = Table::new(&["key"]);
        table.heads.extend(names);
        for key in &keys {
            let value = |e: &Map<String, Json>| {
                let value = e.get(key).map_or("–".to_owned(), plain);
                format!("<code>{}</code>", escape(&value))
            };
            let mut row = vec![format!("<code>{}</code>", escape(key))];
            row.extend(experiments.iter().map(value));
            table.rows.push(row);
        }
        body += "<h3>What differs</h3>";
        body += &table.to_html();
    }
    let mut table = Table::new(&["key", "value"]);
    for (key, value) in experiments[0].iter().filter(|(key, _)| !keys.contains(key)) {
        let row = [key.as_str(), &plain(value)].map(|t| format!("<code>{}</code>", escape(t)));
        table.rows.push(row.to_vec());
    }
    body + &format!(
        "<details><summary>{} parameters that all runs share</summary>{}</details>",
        table.rows.len(),
        table.to_html()
    )
}

/// Runs and groups as JSON.
pub fn to_json(runs: &[RunRecord]) -> Json {
    let run = |run: &RunRecord| {
        json!({
            "name": run.name,
            "folder": run.folder.display().to_string(),
            "benchmark": run.word("benchmark"),
            "command": run.word("command"),
            "selection": run.word("selection"),
            "epochs": run.epochs.len(),
            "selected_epoch": run.result("selected_epoch"),
            "test_accuracy": run.result("test_accuracy"),
            "validation_accuracy": run.result("validation_accuracy"),
            "train_accuracy": run.result("train_accuracy"),
            "seeds": run.values.iter().filter(|(key, _)| super::read::is_seed(key))
                .map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>(),
            "notices": run.notices,
        })
    };
    let statistics = |values: &[f64]| {
        let (mean, sd) = mean_and_sd(values).unzip();
        json!({"mean": mean, "sd": sd.flatten(), "n": values.len()})
    };
    let group = |group: &Group<'_>| {
        json!({
            "name": group.name,
            "runs": group.runs.len(),
            "test_accuracy": statistics(&group.values("test_accuracy")),
            "validation_accuracy": statistics(&group.values("validation_accuracy")),
        })
    };
    json!({
        "runs": runs.iter().map(run).collect::<Json>(),
        "groups": groups(runs).iter().map(group).collect::<Json>(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn run(values: Json, test: f64) -> RunRecord {
        let Json::Object(values) = values else {
            panic!("an object");
        };
        RunRecord {
            folder: PathBuf::from("a"),
            name: "test".to_owned(),
            values,
            parameters: None,
            report_file: Json::Null,
            summary: json!({"benchmark": "mnist", "command": "train", "test_accuracy": test}),
            epochs: Vec::new(),
            details: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Seeds and names do not make another experiment, a parameter does.
    #[test]
    fn runs_are_grouped_by_what_they_try() {
        let runs = [
            run(json!({"NAME": "a", "MODEL_SEED": 1, "ETA": 0.1}), 0.8),
            run(json!({"NAME": "b", "MODEL_SEED": 2, "ETA": 0.1}), 0.9),
            run(json!({"NAME": "c", "MODEL_SEED": 1, "ETA": 0.2}), 0.7),
        ];
        let groups = groups(&runs);
        let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["ETA=0.1", "ETA=0.2"]);
        assert_eq!(
            mean_text(&groups[0].values("test_accuracy")),
            "85.00 ± 7.07 %"
        );
        let json = to_json(&runs);
        assert_eq!(json["groups"][0]["test_accuracy"]["n"], 2);
        assert_eq!(json["runs"][2]["seeds"]["MODEL_SEED"], 1);
    }
}
