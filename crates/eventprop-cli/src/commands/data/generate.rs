//! `eventprop data generate`: synthetic data sets.

use std::path::PathBuf;

use clap::Subcommand;
use eventprop_data::sets::shd::synthetic::ShdLike;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::answer::Answer;
use crate::failure::Failure;

/// The data that can be generated.
#[derive(Debug, Subcommand)]
pub(super) enum Kind {
    /// A synthetic set with the shape of SHD: 700 channels, patterns that differ only in time. It is
    /// made by rule, no recording of speech; figures on it say nothing about SHD
    ShdLike(Settings),
}

/// The settings of a synthetic set with the shape of SHD.
#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// Folder for shd_train.h5 and shd_test.h5 [default: shd-like in the folder of the data]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Samples of the training part
    #[arg(long, value_name = "N", default_value_t = ShdLike::default().train)]
    train: usize,
    /// Samples of the test part
    #[arg(long, value_name = "N", default_value_t = ShdLike::default().test)]
    test: usize,
    /// Speakers; of more than five, 4 and 5 are only in the test part, as in SHD
    #[arg(long, value_name = "N", default_value_t = ShdLike::default().speakers)]
    speakers: u16,
    /// Classes; the benchmark shd takes up to 20
    #[arg(long, value_name = "N", default_value_t = ShdLike::default().classes)]
    classes: u16,
    /// Seed of the samples; words and speakers are the same under every seed
    #[arg(long, value_name = "S", default_value_t = ShdLike::default().seed)]
    seed: u64,
}

pub(super) fn generate(kind: &Kind, dirs: &[PathBuf]) -> Result<Answer, Failure> {
    let Kind::ShdLike(settings) = kind;
    let folder = match (&settings.out, dirs.first()) {
        (Some(out), _) => out.clone(),
        (None, Some(dir)) => dir.join("shd-like"),
        (None, None) => {
            return Err(Failure::usage(
                "no folder for data is known; name one with --out",
            ));
        }
    };
    let set = ShdLike {
        train: settings.train,
        test: settings.test,
        speakers: settings.speakers,
        classes: settings.classes,
        seed: settings.seed,
    };
    let bar = ProgressBar::new(0);
    let template = "{bar:30} {pos} of {len} samples  {eta} left";
    bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    let written = set.write(&folder, &mut |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let paths = written.map_err(Failure::failed)?;
    let mut lines: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    lines.push(format!(
        "SYNTHETIC: {} training and {} test samples, {} classes, {} speakers, seed {}; use them with --data-dir {}",
        set.train,
        set.test,
        set.classes,
        set.speakers,
        set.seed,
        folder.display()
    ));
    Ok(Answer {
        text: lines.join("\n"),
        json: json!({
            "synthetic": true,
            "folder": folder,
            "files": paths,
            "train": set.train,
            "test": set.test,
            "classes": set.classes,
            "speakers": set.speakers,
            "seed": set.seed,
        }),
    })
}
