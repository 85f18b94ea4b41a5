//! The lines of `eventprop data info` on recordings of spikes.

use std::path::Path;

use eventprop_data::sets::shd::CHANNELS;
use eventprop_data::sets::shd::survey::{Oddities, Percentiles, Survey, survey};
use serde_json::{Value as Json, json};

use super::answer::Answer;
use crate::failure::Failure;

/// Describes a spike file.
pub(super) fn describe(path: &Path) -> Result<Answer, Failure> {
    let survey = survey(path).map_err(Failure::failed)?;
    let counts: Vec<String> = survey.class_counts.iter().map(usize::to_string).collect();
    let mut text = vec![format!(
        "{}: {} samples, {} classes ({})",
        path.display(),
        survey.samples(),
        counts.len(),
        counts.join(" ")
    )];
    text.extend(lines(&survey));
    Ok(Answer {
        text: text.join("\n"),
        json: json(&survey),
    })
}

/// The lines beside samples and classes.
pub(super) fn lines(survey: &Survey) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(says) = &survey.synthetic {
        lines.push(format!("  SYNTHETIC  {says}"));
    }
    lines.push(match &survey.speakers {
        Some(speakers) => {
            let each: Vec<String> = speakers
                .iter()
                .map(|(id, n)| format!("{id}: {n}"))
                .collect();
            format!("  speakers   {} ({})", speakers.len(), each.join(", "))
        }
        None => "  speakers   not told".to_owned(),
    });
    if !survey.keys.is_empty() {
        lines.push(format!("  words      {}", survey.keys.join(" ")));
    }
    lines.push(format!("  spikes     {}", percentiles(&survey.spikes, 0)));
    lines.push(format!(
        "  last spike {} s",
        percentiles(&survey.last_spike_s, 3)
    ));
    let odd = odd(&survey.oddities);
    lines.push(format!(
        "  odd        {}",
        if odd.is_empty() {
            "nothing".to_owned()
        } else {
            odd.join(", ")
        }
    ));
    lines
}

fn percentiles(of: &Percentiles, digits: usize) -> String {
    format!(
        "{:.digits$} to {:.digits$}, 5 % below {:.digits$}, half below {:.digits$}, 95 % below {:.digits$}, mean {:.digits$}",
        of.min, of.max, of.p5, of.median, of.p95, of.mean
    )
}

fn odd(odd: &Oddities) -> Vec<String> {
    let above = format!("spikes on channel {CHANNELS} or above");
    let counts = [
        (odd.not_finite, "times that are NaN or infinite"),
        (odd.negative, "negative times"),
        (odd.below, "spikes on a channel below 0"),
        (odd.above, above.as_str()),
        (odd.unsorted, "samples not in the order of time"),
        (odd.empty, "samples without spikes"),
    ];
    let some = counts.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, what)| format!("{count} {what}"))
        .collect()
}

/// The same for programs.
pub(super) fn json(survey: &Survey) -> Json {
    let percentiles = |of: &Percentiles| {
        json!({
            "samples": of.samples, "min": of.min, "p5": of.p5, "median": of.median,
            "p95": of.p95, "max": of.max, "mean": of.mean,
        })
    };
    let speakers = survey.speakers.as_ref().map(|speakers| {
        let each = speakers
            .iter()
            .map(|(id, n)| json!({"id": id, "samples": n}));
        each.collect::<Json>()
    });
    let odd = &survey.oddities;
    json!({
        "path": survey.path,
        "samples": survey.samples(),
        "class_counts": survey.class_counts,
        "words": survey.keys,
        "speakers": speakers,
        "spikes": percentiles(&survey.spikes),
        "last_spike_s": percentiles(&survey.last_spike_s),
        "highest_channel": survey.highest_unit,
        "oddities": {
            "not_finite": odd.not_finite, "negative": odd.negative,
            "channel_below_0": odd.below, "channel_above_699": odd.above,
            "unsorted_samples": odd.unsorted, "empty_samples": odd.empty,
        },
        "synthetic": survey.synthetic,
    })
}
