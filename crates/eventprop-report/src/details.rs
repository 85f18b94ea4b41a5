//! The page of one run.

use std::fmt::Write;

use eventprop_params::value::Value;
use serde_json::Value as Json;

use crate::curves::{CurveGroup, Overlay};
use crate::figure::Figure;
use crate::html::{Table, base64, count, duration, escape, percent};
use crate::page::{Page, card, figures as grid, note, paragraph, warnings};
use crate::read::{EpochLine, RunRecord, is_seed};
use crate::{confusion, curves, kernels, neurons, samples, weights};

/// Shares of neurons from which on a reader is told.
const SILENT_WARNING: f64 = 0.1;
const SATURATED_WARNING: f64 = 0.05;
/// A picture is put into the page up to this size.
const PICTURE_BYTES: usize = 700_000;

/// The page.
pub fn page(run: &RunRecord) -> String {
    let mut page = Page::new(
        &format!("{} · {}", run.name, run.word("benchmark")),
        top(run),
    );
    page.section("learning", "Learning", learning(run));
    page.section("mistakes", "Predictions", mistakes(run));
    page.section("samples", "Samples", sample_section(run));
    page.section("neurons", "Neurons", neuron_section(run));
    page.section(
        "parameters",
        "Weights and time constants",
        weight_section(run),
    );
    page.section("configuration", "Configuration", configuration(run));
    page.section("environment", "Environment and seeds", environment(run));
    page.to_html()
}

/// All drawings, each with a name of its own.
pub fn figures(run: &RunRecord) -> Vec<Figure> {
    let mut all = learning_figures(run);
    all.extend(mistake_figures(run));
    all.extend(neurons::of_run(run));
    all.extend(weights::of_run(run));
    all.extend(kernels::of_run(run));
    all.extend(
        samples::of_run(run)
            .iter()
            .flat_map(samples::Sample::figures),
    );
    all
}

fn top(run: &RunRecord) -> String {
    let mut about: Vec<String> = Vec::new();
    for key in ["benchmark", "network", "loss"] {
        let word = run.word(key);
        if !word.is_empty() {
            about.push(if key == "loss" {
                format!("loss {word}")
            } else {
                word.to_owned()
            });
        }
    }
    let solver = run.word("solver");
    if !solver.is_empty() {
        about.push(format!("{solver} solver"));
    }
    format!(
        "<h1>{}</h1><div class=\"sub\">{}</div>{}{}{}",
        escape(&run.name),
        escape(&about.join(" · ")),
        cards(run),
        paragraph(&in_words(run)),
        warnings(&look_out(run))
    )
}

fn cards(run: &RunRecord) -> String {
    let mut cards = String::new();
    if let Some(test) = run.result("test_accuracy") {
        let samples = part_size(run, "test");
        let below = interval(test, samples).map_or_else(String::new, |(low, high)| {
            format!(
                "95 %: {:.1} to {:.1} %, {} samples",
                100.0 * low,
                100.0 * high,
                count(samples)
            )
        });
        cards += &card("test accuracy", &percent(test), &below);
    }
    if let Some(validation) = run.result("validation_accuracy") {
        let below = match (run.word("command"), run.result("fold_deviation")) {
            ("xval", Some(sd)) => format!("mean of the folds, sd {}", percent(sd)),
            _ => run
                .result("selected_epoch")
                .map_or_else(String::new, |e| format!("epoch {}", e + 1.0)),
        };
        cards += &card("validation accuracy", &percent(validation), &below);
    }
    let last = run.last();
    if let Some(last) = last {
        cards += &card(
            "training accuracy",
            &percent(last.number("train_accuracy")),
            &format!(
                "epoch {}, {} samples",
                last.turn(),
                count(last.number("samples") as u64)
            ),
        );
    }
    let seconds: f64 = run.epochs.iter().map(|e| e.number("seconds")).sum();
    let samples: f64 = run.epochs.iter().map(|e| e.number("samples")).sum();
    if seconds > 0.0 {
        let rate = format!("{} samples/s", count((samples / seconds) as u64));
        let epochs = run.epochs.len();
        cards += &card(
            "training time",
            &duration(seconds),
            &format!("{epochs} epochs, {rate}"),
        );
    }
    if let Some(last) = last.filter(|last| last.number("spikes_per_neuron").is_finite()) {
        let value = format!("{:.2}", last.number("spikes_per_neuron"));
        cards += &card(
            "spikes per neuron",
            &value,
            "per sample, hidden layers, last epoch",
        );
    }
    format!("<div class=\"cards\">{cards}</div>")
}

fn part_size(run: &RunRecord, part: &str) -> u64 {
    run.report_file["samples"][part].as_u64().unwrap_or(0)
}

/// The interval of Wilson (1927) that holds the true accuracy with 95 % confidence.
fn interval(share: f64, samples: u64) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_964;
    if samples == 0 {
        return None;
    }
    let n = samples as f64;
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    Some(((middle - half) / whole, (middle + half) / whole))
}

/// The run and the rule that chose the model, in words.
fn in_words(run: &RunRecord) -> String {
    let [train, validation, test] =
        ["train", "validation", "test"].map(|p| count(part_size(run, p)));
    let epochs = run.epochs.len();
    let tested = run.result("test_accuracy").is_some();
    match (run.word("command"), run.word("selection")) {
        ("xval", _) => format!(
            "A cross-validation: every fold was held out once, and counts with its accuracy after the last epoch. {epochs} epochs of all folds together."
        ),
        ("train_test", _) => format!(
            "Trained on {train} samples (training and validation together) for {epochs} epochs. No epoch was selected: the weights of the last one were tested on {test} samples."
        ),
        (_, "best validation accuracy") => {
            let chosen = run.result("selected_epoch");
            let chosen = chosen.map_or("the best epoch".to_owned(), |e| {
                format!("epoch {}", e + 1.0)
            });
            let ending = if tested {
                format!(
                    "The weights of that epoch were evaluated once, on {test} held-out test samples."
                )
            } else {
                "The test samples were not evaluated.".to_owned()
            };
            format!(
                "Trained on {train} samples for {epochs} epochs. The validation split selected the model: {chosen} had the best accuracy on its {validation} samples. {ending}"
            )
        }
        (_, "last epoch") if tested => format!(
            "Trained on {train} samples for {epochs} epochs. No split selected the model: the weights of the last epoch were tested, on {test} samples."
        ),
        (_, "last epoch") => format!(
            "Trained on {train} samples for {epochs} epochs. No split selected the model. The test samples were not evaluated."
        ),
        _ => format!("{epochs} epochs. The files do not say how the model was selected."),
    }
}

fn look_out(run: &RunRecord) -> Vec<String> {
    let mut texts = run.notices.clone();
    let is = |json: &Json, key: &str| json[key].as_bool() == Some(true);
    if is(&run.report_file, "demonstration") || is(&run.summary, "demonstration") {
        texts.push("A few samples that come with the program stood in for the real data: no result can be drawn from these accuracies.".to_owned());
    }
    if is(&run.summary, "selected_on_test") {
        texts.push(
            "The epoch was selected on the test samples: the test accuracy is too optimistic."
                .to_owned(),
        );
    }
    match run.report_file["state"].as_str() {
        Some("running") => texts.push("The run has not ended, or was interrupted.".to_owned()),
        Some("stopped") => texts.push("The run was stopped before its end.".to_owned()),
        _ => {}
    }
    if let Some(problem) = run.report_file["recordings_problem"].as_str() {
        texts.push(format!("No sample could be recorded: {problem}"));
    }
    texts.extend(run.last().into_iter().flat_map(layer_warnings));
    texts.extend(course_warnings(run));
    texts
}

fn layer_warnings(last: &EpochLine) -> Vec<String> {
    let mut texts = Vec::new();
    for layer in last.json["layers"].as_array().into_iter().flatten() {
        let (name, size) = (
            layer["population"].as_str().unwrap_or("?"),
            &layer["neurons"],
        );
        let share = |key: &str| {
            let part = layer[key].as_f64().unwrap_or(0.0);
            (part, part / size.as_f64().unwrap_or(1.0))
        };
        let (silent, of_all) = share("silent");
        if of_all > SILENT_WARNING {
            texts.push(format!(
                "{silent} of {size} neurons in layer {name} were silent in the last epoch and receive no gradient. Larger initial weights (…_MEAN, …_STD), REWIRE_SILENT or a larger LBD_LOWER bring them back."
            ));
        }
        let (saturated, of_all) = share("saturated");
        if of_all > SATURATED_WARNING {
            texts.push(format!(
                "{saturated} of {size} neurons in layer {name} are saturated. Smaller initial weights or a larger LBD_UPPER calm them."
            ));
        }
    }
    texts
}

fn course_warnings(run: &RunRecord) -> Vec<String> {
    let mut texts = Vec::new();
    let Some(last) = run.last() else {
        return texts;
    };
    let gap = last.number("train_accuracy") - last.number("evaluation_accuracy");
    if gap > 0.1 {
        texts.push(format!(
            "Training samples are seen {:.0} percentage points better than others: the network overfits. Augmentation, dropout or stronger regularisation may help.",
            100.0 * gap
        ));
    }
    let chosen = run.summary["selected_epoch"].as_u64();
    let by_validation = run.word("selection") == "best validation accuracy";
    if by_validation && chosen == Some(last.epoch) && run.epochs.len() > 2 {
        texts.push(
            "The last epoch was the best one: more epochs (N_EPOCH) may give more.".to_owned(),
        );
    }
    texts
}

fn learning_figures(run: &RunRecord) -> Vec<Figure> {
    let folds = run.folds();
    if folds.len() < 2 {
        return curves::of_run(run);
    }
    let of = |fold: &Option<u64>| -> Vec<&EpochLine> {
        run.epochs
            .iter()
            .filter(|line| line.fold == *fold)
            .collect()
    };
    let groups: [CurveGroup<'_>; 1] = [(
        format!("mean of {} folds", folds.len()),
        folds.iter().map(of).collect(),
    )];
    let overlays = [
        Overlay {
            name: "loss",
            title: "Loss on the held-out fold",
            y_label: "mean loss of a sample",
            key: "evaluation_loss",
            is_share: false,
        },
        Overlay {
            name: "accuracy",
            title: "Accuracy on the held-out fold",
            y_label: "correct predictions (%)",
            key: "evaluation_accuracy",
            is_share: true,
        },
        Overlay {
            name: "train_loss",
            title: "Loss in training",
            y_label: "mean loss of a sample",
            key: "train_loss",
            is_share: false,
        },
        Overlay {
            name: "train_accuracy",
            title: "Accuracy in training",
            y_label: "correct predictions (%)",
            key: "train_accuracy",
            is_share: true,
        },
    ];
    let draw = |overlay: &Overlay| overlay.draw(&groups);
    overlays.iter().filter_map(draw).collect()
}

fn learning(run: &RunRecord) -> String {
    let body = grid(&learning_figures(run));
    if body.is_empty() {
        return paragraph("No epoch has ended yet.");
    }
    let folds = run.folds().len();
    let words = if folds > 1 {
        "Lines are means over the folds, bands one standard deviation to either side."
    } else {
        "Training values are means over an epoch in which the weights change; evaluations use the weights at its end. Spikes, silent and saturated neurons are those of training. A neuron is silent when it spikes in no training sample of the epoch, and saturated when it spikes, on average, at least once in half its synaptic time constant."
    };
    format!("{body}{}{}", note(words), fold_table(run))
}

fn fold_table(run: &RunRecord) -> String {
    let folds = run.folds();
    if folds.len() < 2 {
        return String::new();
    }
    let mut table = Table::new(&[
        "fold",
        "#epochs",
        "#training accuracy",
        "#held-out accuracy",
        "#held-out loss",
    ]);
    for fold in folds {
        let lines: Vec<&EpochLine> = run.epochs.iter().filter(|l| l.fold == fold).collect();
        let Some(last) = lines.last() else {
            continue;
        };
        let name = last.json["held_out"].as_str().map(escape);
        table.rows.push(vec![
            name.unwrap_or_else(|| fold.map_or("–".to_owned(), |f| (f + 1).to_string())),
            lines.len().to_string(),
            percent(last.number("train_accuracy")),
            percent(last.number("evaluation_accuracy")),
            super::html::number(last.number("evaluation_loss")),
        ]);
    }
    table.to_html()
}

fn mistake_figures(run: &RunRecord) -> Vec<Figure> {
    let confusion = confusion::of_run(run);
    let of_classes = confusion
        .iter()
        .flat_map(|c| [c.figure(), c.class_figure()]);
    of_classes.chain(confusion::speakers(run)).collect()
}

fn mistakes(run: &RunRecord) -> String {
    let Some(confusion) = confusion::of_run(run) else {
        return String::new();
    };
    let mut body = grid(&mistake_figures(run));
    body += &paragraph(&confusion.worst());
    body += &picture(run);
    body
}

/// The map of a Yin-Yang run, which the run itself has drawn.
fn picture(run: &RunRecord) -> String {
    let path = run.folder.join(format!("{}_decision_map.png", run.name));
    match std::fs::read(path) {
        Ok(bytes) if bytes.len() <= PICTURE_BYTES => format!(
            "<h3>Decision map</h3><figure><img alt=\"What the network sees at every point of the Yin-Yang symbol\" src=\"data:image/png;base64,{}\"></figure>{}",
            base64(&bytes),
            note(
                "What the network with the tested weights sees at every point, and the test samples; crosses are mistakes."
            )
        ),
        _ => String::new(),
    }
}

fn sample_section(run: &RunRecord) -> String {
    let samples = samples::of_run(run);
    if samples.is_empty() {
        return String::new();
    }
    let one = |sample: &samples::Sample<'_>| {
        format!(
            "<div class=\"sample\" data-name=\"{}\"><h3>{}</h3>{}</div>",
            escape(&sample.name()),
            escape(&format!("{} ({})", sample.name(), sample.about())),
            grid(&sample.figures())
        )
    };
    let all: String = samples.iter().map(one).collect();
    let wrong = samples.iter().filter(|sample| !sample.is_right()).count();
    let part = run.report_file["evaluated"]["part"]
        .as_str()
        .unwrap_or("training");
    let words = format!(
        "{} {part} samples: one correct example for some of the classes, and the first mistakes ({wrong}), solved once more with the tested weights and fixed time steps. λ_V and λ_I are the adjoints that EventProp integrates backwards: how the loss of this one sample would change with V or I of a neuron at that time, with the sign turned. Hidden neurons are those with the largest λ_V; of the outputs at most five are drawn.",
        samples.len()
    );
    format!("{}<div class=\"samples\">{all}</div>", note(&words))
}

fn neuron_section(run: &RunRecord) -> String {
    let body = grid(&neurons::of_run(run));
    if body.is_empty() {
        return body;
    }
    let words = "A step of the colour scale is a factor of two in spikes per sample of the epoch's training. Where many neurons or epochs share a cell, it shows their mean, and is silent only when all of them are.";
    body + &note(words)
}

fn weight_section(run: &RunRecord) -> String {
    let mut figures = weights::of_run(run);
    figures.extend(kernels::of_run(run));
    let body = grid(&figures);
    if body.is_empty() {
        return body;
    }
    let words = "Before the first epoch, and after training (the weights that were tested). Numbers are mean ± standard deviation over the parameters.";
    body + &note(words)
}

/// Keys whose values are not the defaults.
fn differences(run: &RunRecord) -> Table {
    let mut table = Table::new(&["key", "value", "default", "meaning"]);
    let Some(parameters) = &run.parameters else {
        return table;
    };
    let defaults = eventprop_params::Parameters::new(parameters.benchmark());
    for (row, value) in parameters.iter() {
        let default = defaults.get(row.key);
        let same = value == default || is_seed(row.key) || !row.effect;
        if same || ["NAME", "OUT_DIR"].contains(&row.key) {
            continue;
        }
        table.rows.push(vec![
            format!("<code>{}</code>", escape(row.key)),
            code(&value, row.unit),
            code(&default, row.unit),
            escape(row.meaning),
        ]);
    }
    table
}

fn code(value: &Value, unit: &str) -> String {
    let text = value.to_string();
    let (text, lines) = (escape(&text), text.lines().count());
    if lines > 1 {
        return format!("<details><summary>{lines} lines</summary><pre>{text}</pre></details>");
    }
    format!("<code>{text}</code> {}", escape(unit))
}

fn configuration(run: &RunRecord) -> String {
    let table = differences(run);
    let mut body = match (&run.parameters, table.rows.is_empty()) {
        (None, _) => String::new(),
        (Some(_), true) => paragraph("All parameters have their defaults."),
        (Some(_), false) => format!("<h3>What differs from the defaults</h3>{}", table.to_html()),
    };
    let mut all = Table::new(&["key", "value", "meaning"]);
    for (key, value) in &run.values {
        let row = run.parameters.as_ref().and_then(|parameters| {
            parameters
                .iter()
                .map(|(row, _)| row)
                .find(|row| row.key == key)
        });
        all.rows.push(vec![
            format!("<code>{}</code>", escape(key)),
            format!(
                "<code>{}</code> {}",
                escape(&plain(value)),
                row.map_or("", |r| r.unit)
            ),
            row.map_or_else(String::new, |row| escape(row.meaning)),
        ]);
    }
    write!(
        body,
        "<details><summary>All {} parameters</summary>{}</details>",
        all.rows.len(),
        all.to_html()
    )
    .expect("a String takes every write");
    let command = match run.word("command") {
        "" => "train",
        command => command,
    };
    let repeat = format!(
        "eventprop {command} {} --params {}.json --out elsewhere",
        run.word("benchmark"),
        run.name
    );
    body + &format!("<h3>Reproduce</h3><pre>{}</pre>", escape(&repeat))
        + &note(
            "The parameters hold the seeds: the same program gives the same bits, with any number of threads.",
        )
}

fn plain(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn environment(run: &RunRecord) -> String {
    let mut table = Table::new(&["what", "value"]);
    let mut add = |what: &str, value: String| {
        if !value.is_empty() {
            table.rows.push(vec![escape(what), escape(&value)]);
        }
    };
    for (key, seed) in run.seeds() {
        add(key, seed);
    }
    let environment = &run.report_file["environment"];
    let text = |key: &str| environment[key].as_str().unwrap_or("").to_owned();
    add(
        "program",
        environment["eventprop"]
            .as_str()
            .map_or(String::new(), |v| format!("eventprop {v}")),
    );
    add("system", text("system"));
    add("processor", text("processor"));
    if let (Some(threads), Some(all)) = (
        environment["threads"].as_u64(),
        environment["processors"].as_u64(),
    ) {
        add(
            "threads",
            format!("{threads} (the machine has {all} logical processors)"),
        );
    }
    let gigabytes = |json: &Json| {
        json.as_f64()
            .map_or(String::new(), |b| format!("{:.2} GB", b / 1e9))
    };
    add(
        "memory of the machine",
        gigabytes(&environment["memory_bytes"]),
    );
    add(
        "largest memory of the run",
        gigabytes(&run.report_file["memory_peak_bytes"]),
    );
    add(
        "trained parameters",
        run.report_file["trained_parameters"]
            .as_u64()
            .map_or(String::new(), count),
    );
    let time = |key: &str| run.report_file[key].as_f64().map_or(String::new(), utc);
    add("began", time("started_unix_seconds"));
    add("ended", time("ended_unix_seconds"));
    add("folder", run.folder.display().to_string());
    table.to_html()
}

/// A time as date and time of day in UTC: days are counted in eras of 400 years that begin in March
/// (Hinnant 2013, "chrono-compatible low-level date algorithms").
fn utc(unix_seconds: f64) -> String {
    let seconds = unix_seconds as i64;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(utc(0.0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400.0), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_767_225_599.9), "2025-12-31 23:59:59 UTC");
    }

    /// Brown, Cai & DasGupta (2001) give 0.0 to 0.1611 for none of 20: z²/(n + z²).
    #[test]
    fn intervals_of_wilson() {
        let (low, high) = interval(0.0, 20).expect("samples");
        assert!(
            low.abs() < 1e-12 && (high - 0.161_13).abs() < 1e-4,
            "{high}"
        );
        let (low, high) = interval(0.5, 100).expect("samples");
        assert!((low + high - 1.0).abs() < 1e-12);
        assert_eq!(interval(0.5, 0), None);
    }

    #[test]
    fn layers_that_are_silent_or_saturated_are_named() {
        let line = EpochLine {
            fold: None,
            epoch: 0,
            json: serde_json::json!({"layers": [
                {"population": "hidden0", "neurons": 10, "silent": 4, "saturated": 0},
                {"population": "hidden1", "neurons": 10, "silent": 1, "saturated": 3},
            ]}),
        };
        let texts = layer_warnings(&line);
        assert_eq!(texts.len(), 2);
        assert!(texts[0].contains("4 of 10 neurons in layer hidden0 were silent"));
        assert!(texts[1].contains("3 of 10 neurons in layer hidden1 are saturated"));
    }
}
