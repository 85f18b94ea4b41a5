//! The summary of a run as text.

use eventprop_experiment::run::{Score, Summary};

/// The result alone.
pub fn one_line(summary: &Summary) -> String {
    let mut parts = Vec::new();
    let scores = [
        ("test", summary.test),
        ("validation", summary.validation),
        ("training", summary.train),
    ];
    for (name, score) in scores {
        parts.extend(score.map(|score| format!("{name} accuracy {}", percent(score))));
    }
    if summary.cancelled {
        parts.push("stopped before the end".to_owned());
    }
    format!(
        "{} {}: {}",
        summary.command,
        summary.benchmark,
        parts.join(", ")
    )
}

/// Result and times.
pub fn full(summary: &Summary) -> String {
    let mut lines = vec![String::new()];
    if summary.cancelled {
        let way_on = if summary.command == "test" {
            String::new()
        } else {
            let folder = summary.out_dir.display();
            format!("; `eventprop resume {folder}` goes on")
        };
        lines.push(format!("stopped before the end{way_on}"));
    }
    if let Some(test) = summary.test {
        let line = format!(
            "test accuracy        {} ({} samples)",
            percent(test),
            test.samples
        );
        lines.push(line);
    }
    if summary.selected_on_test {
        let note = "chosen              by the samples that were tested (SELECT_ON_TEST): too good";
        lines.push(note.to_owned());
    }
    lines.extend(validation(summary));
    lines.extend(folds(summary));
    if let Some(train) = summary.train {
        lines.push(format!(
            "training accuracy    {} in the last epoch",
            percent(train)
        ));
    }
    if let Some(rate) = summary.samples_per_second {
        lines.push(format!(
            "training time        {} epochs in {:.1} s, {rate:.0} samples/s",
            summary.epochs, summary.seconds
        ));
    }
    if summary.demonstration {
        lines.push(format!(
            "data                 DEMONSTRATION with a few samples; for the real set:\n{:<21}eventprop data fetch {}",
            "",
            summary.benchmark.data_set()
        ));
    }
    lines.join("\n")
}

/// The files to look at.
pub fn files(summary: &Summary) -> String {
    let files = summary.files.iter().enumerate();
    let lines = files.map(|(index, file)| {
        let head = if index == 0 { "look at" } else { "" };
        format!("{head:<21}{}", file.display())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn validation(summary: &Summary) -> Option<String> {
    let score = summary.validation?;
    let accuracy = percent(score);
    Some(match (summary.fold_deviation(), summary.selected_epoch) {
        (Some(deviation), _) => format!(
            "validation accuracy  {accuracy} +- {:.2} (mean and sd of {} folds)",
            100.0 * deviation,
            summary.folds.len()
        ),
        (None, Some(epoch)) => format!(
            "validation accuracy  {accuracy} in epoch {}, whose weights were tested",
            epoch + 1
        ),
        (None, None) => format!("validation accuracy  {accuracy}"),
    })
}

/// A line for every fold.
fn folds(summary: &Summary) -> impl Iterator<Item = String> {
    let folds = summary.folds.iter().zip(&summary.held_out);
    folds.map(|(score, held_out)| {
        let percent = percent(*score);
        format!("  {held_out:<18} {percent} ({} samples)", score.samples)
    })
}

fn percent(score: Score) -> String {
    format!("{:.2} %", 100.0 * score.accuracy)
}
