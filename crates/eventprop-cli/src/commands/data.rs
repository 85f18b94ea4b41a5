//! `eventprop data`: list, fetch, verify, info, generate, files of events, and sound into spikes.

mod answer;
mod event_files;
mod generate;
mod recording;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Subcommand;
use eventprop_data::formats::events::{self, EventFileError, EventProblem, TimeOrigin};
use eventprop_data::formats::is_packed;
use eventprop_data::formats::npz::is_npz;
use eventprop_data::obtain::fetch::{self, FetchOptions, Fetched, Progress};
use eventprop_data::obtain::manual::{self, ByHand};
use eventprop_data::obtain::registry::{Dataset, UnknownDataset};
use eventprop_data::obtain::verify::{FileState, FileStatus};
use eventprop_data::obtain::{locate, verify};
use eventprop_data::sets::info::{Info, PartInfo};
use eventprop_data::sets::{dvs_gesture, info, nmnist};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};

use super::encode_audio;
use answer::Answer;

use crate::failure::{self, DONE, Failure};
use crate::output;
use crate::signals;

/// Arguments of `data`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// Folder of the data [default: $EVENTPROP_DATA, then the cache folder of the system]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// Print one JSON object at the end
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with data sets.
#[derive(Debug, Subcommand)]
enum Action {
    /// List the data sets and whether they are on this computer
    List,
    /// Download and verify a data set
    Fetch {
        /// The data set
        dataset: FetchSubject,
        /// URL of a folder with the files, instead of the known ones; may be repeated
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
    },
    /// Compare the files of a data set with their checksums
    Verify {
        /// The data set
        dataset: Dataset,
    },
    /// Encode recordings as spikes, as SHD and SSC were made: a folder of sound becomes a spike file
    EncodeAudio(Box<encode_audio::EncodeArgs>),
    /// Draw a recording and its spikes
    PreviewAudio(encode_audio::PreviewArgs),
    /// List the constants of the audio encoder: value, unit, meaning
    AudioConstants(encode_audio::ConstantsArgs),
    /// Describe a data set, a spike file (samples, classes, speakers, spikes, oddities, licence), a recording
    /// of events (format, sensor, events, time) or a folder per class of them
    Info {
        /// The data set, a file in the HDF5 layout of SHD (.h5, .h5.gz, .h5.zip), a recording of events, or a
        /// folder with a folder per class of recordings
        #[arg(value_name = "DATASET|PATH")]
        subject: Subject,
        #[command(flatten)]
        reading: event_files::Reading,
    },
    /// Convert a recording to another format, or a folder of them to HDF5 in the layout of SHD
    Convert(event_files::Convert),
    /// Draw a recording as a picture (PNG) or a film (GIF)
    Preview(event_files::Preview),
    /// Turn labelled series of sensor values into spike trains in the layout of SHD
    EncodeSeries(event_files::EncodeSeries),
    /// Make a synthetic data set
    Generate {
        #[command(subcommand)]
        kind: generate::Kind,
    },
}

/// A subject to describe.
#[derive(Debug, Clone)]
enum Subject {
    Dataset(Dataset),
    File(PathBuf),
}

impl FromStr for Subject {
    type Err = UnknownDataset;

    /// A file is any text that names no data set and looks like a path, or is one.
    fn from_str(text: &str) -> Result<Self, UnknownDataset> {
        let path = PathBuf::from(text);
        match text.parse() {
            Ok(dataset) => Ok(Self::Dataset(dataset)),
            Err(_) if path.extension().is_some() || path.exists() => Ok(Self::File(path)),
            Err(error) => Err(error),
        }
    }
}

/// Data sets that can be fetched, or must be downloaded manually.
#[derive(Debug, Clone)]
enum FetchSubject {
    Dataset(Dataset),
    ByHand(&'static ByHand),
}

impl FromStr for FetchSubject {
    type Err = UnknownDataset;

    fn from_str(name: &str) -> Result<Self, UnknownDataset> {
        match manual::find(name) {
            Some(set) => Ok(Self::ByHand(set)),
            None => name.parse().map(Self::Dataset),
        }
    }
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        if let Err(refusal) = self.check() {
            return failure::conclude(Err(refusal), self.json);
        }
        // Encoding sound can go on later, and listens by itself.
        let goes_on = matches!(self.action, Action::EncodeAudio(_));
        if !goes_on && let Err(failure) = signals::end_at_once() {
            return failure::conclude(Err(failure), self.json);
        }
        let dirs = self.dirs();
        let answer = match &self.action {
            Action::List => Ok(list(&dirs)),
            Action::Fetch { dataset, mirror } => match dataset {
                FetchSubject::Dataset(dataset) => download(*dataset, mirror.clone(), &dirs),
                FetchSubject::ByHand(set) => Err(Failure::failed(set.instructions(&dirs))),
            },
            Action::Verify { dataset } => check(*dataset, &dirs),
            Action::Info { subject, reading } => match subject {
                Subject::Dataset(dataset) => reading
                    .refuse(dataset.name())
                    .and_then(|()| describe(*dataset, &dirs)),
                Subject::File(path) => describe_file(path, reading),
            },
            Action::Convert(convert) => convert.run(),
            Action::Preview(preview) => preview.run(),
            Action::EncodeSeries(series) => series.run(),
            Action::Generate { kind } => generate::generate(kind, &dirs),
            Action::EncodeAudio(args) => return args.run(self.json),
            Action::PreviewAudio(args) => return args.run(self.json),
            Action::AudioConstants(args) => return args.run(self.json),
        };
        let ended = answer.map(|answer| {
            output::out(&if self.json {
                answer.json.to_string()
            } else {
                answer.text
            });
            DONE
        });
        failure::conclude(ended, self.json)
    }

    /// Refuses a folder of the data sets where none of them is asked for.
    fn check(&self) -> Result<(), Failure> {
        let sets = match &self.action {
            Action::List
            | Action::Fetch { .. }
            | Action::Verify { .. }
            | Action::Generate { .. } => true,
            Action::Info { subject, .. } => matches!(subject, Subject::Dataset(_)),
            _ => false,
        };
        if self.data_dir.is_some() && !sets {
            let message = "--data-dir is for the data sets, and this command reads the paths that it is given; leave it out";
            return Err(Failure::usage(message));
        }
        Ok(())
    }

    fn dirs(&self) -> Vec<PathBuf> {
        let env = std::env::var_os("EVENTPROP_DATA");
        locate::data_dirs(self.data_dir.as_deref(), env.as_deref())
    }
}

fn download(dataset: Dataset, mirrors: Vec<String>, dirs: &[PathBuf]) -> Result<Answer, Failure> {
    let folder = home(dataset, dirs)?;
    let options = FetchOptions {
        mirrors,
        ..FetchOptions::default()
    };
    let bar = ProgressBar::new(0);
    let template = "{msg}  {bar:30} {decimal_bytes} of {decimal_total_bytes}  {eta} left";
    bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    let mut show = |progress: Progress<'_>| {
        bar.set_length(progress.bytes_total.unwrap_or(progress.bytes));
        bar.set_position(progress.bytes);
        bar.set_message(progress.file.to_owned());
        ControlFlow::Continue(())
    };
    let fetched = fetch::fetch(dataset, &folder, &options, &mut show);
    bar.finish_and_clear();
    let fetched = fetched.map_err(Failure::failed)?;
    let mut lines: Vec<String> = fetched.iter().map(fetched_line).collect();
    lines.push(format!("{dataset} is complete in {}", folder.display()));
    let files = fetched
        .iter()
        .map(|file| json!({"path": file.path, "url": file.url}));
    Ok(Answer {
        text: lines.join("\n"),
        json: json!({
            "dataset": dataset.name(),
            "folder": folder,
            "files": files.collect::<Json>(),
        }),
    })
}

fn fetched_line(file: &Fetched) -> String {
    let from = match file.url {
        Some(_) => "fetched, checksum right",
        None => "was there",
    };
    format!("{}  {from}", file.path.display())
}

/// The folder of a data set, there or not.
fn home(dataset: Dataset, dirs: &[PathBuf]) -> Result<PathBuf, Failure> {
    let unknown = "no folder for data is known; name one with --data-dir";
    locate::home(dataset, dirs).ok_or_else(|| Failure::usage(unknown))
}

fn list(dirs: &[PathBuf]) -> Answer {
    let found = Dataset::ALL.map(|dataset| (dataset, folder_of(dataset, dirs)));
    let by_hand = manual::ALL
        .each_ref()
        .map(|set| (set, folder_by_hand(set, dirs)));
    let mut lines: Vec<String> = found.iter().map(list_line).collect();
    lines.extend(by_hand.iter().map(|(set, folder)| {
        let state = match folder {
            Some(folder) => format!("in {}", folder.display()),
            None => format!(
                "not here; `eventprop data fetch {}` says how to get it",
                set.name
            ),
        };
        format!("{:<11} {}: {state}", set.name, set.title)
    }));
    let folders: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    lines.push(format!("looked in {}", folders.join(", ")));
    let sets = found.iter().map(|(dataset, folder)| {
        let entry = dataset.entry();
        json!({
            "name": dataset.name(),
            "title": entry.title,
            "licence": entry.licence,
            "folder": folder,
            "fetchable": !entry.mirrors.is_empty(),
        })
    });
    let sets = sets.chain(by_hand.iter().map(|(set, folder)| {
        json!({
            "name": set.name,
            "title": set.title,
            "licence": set.licence,
            "folder": folder,
            "fetchable": false,
        })
    }));
    Answer {
        text: lines.join("\n"),
        json: json!({"datasets": sets.collect::<Json>(), "folders": dirs}),
    }
}

/// The folder that holds the test part of a set that is downloaded manually.
fn folder_by_hand(set: &ByHand, dirs: &[PathBuf]) -> Option<PathBuf> {
    match set.name {
        "nmnist" => nmnist::find(dirs, nmnist::Split::Test).ok(),
        _ => dvs_gesture::find(dirs, dvs_gesture::Split::Test).ok(),
    }
}

/// The folder that holds all files of a data set.
fn folder_of(dataset: Dataset, dirs: &[PathBuf]) -> Option<PathBuf> {
    let files = dataset.entry().files.iter();
    let names: Vec<&str> = files.map(|file| file.name).collect();
    let paths = locate::find(dataset, &names, dirs).ok()?;
    Some(paths.first()?.parent()?.to_owned())
}

fn list_line((dataset, folder): &(Dataset, Option<PathBuf>)) -> String {
    let entry = dataset.entry();
    let state = match folder {
        Some(folder) => format!("in {}", folder.display()),
        None if entry.mirrors.is_empty() => "generated when needed".to_owned(),
        None => format!("not here; get it with `eventprop data fetch {dataset}`"),
    };
    format!("{:<11} {}: {state}", dataset.name(), entry.title)
}

fn check(dataset: Dataset, dirs: &[PathBuf]) -> Result<Answer, Failure> {
    let folder = home(dataset, dirs)?;
    let statuses = verify::verify(dataset, &folder).map_err(Failure::failed)?;
    let mut lines: Vec<String> = statuses.iter().map(status_line).collect();
    let harmless = |s: &&FileStatus| {
        use FileState::{Ok, Unchecked, Unknown};
        matches!(s.state, Ok | Unchecked { .. } | Unknown)
    };
    let wrong = statuses.len() - statuses.iter().filter(harmless).count();
    if wrong > 0 {
        lines.insert(0, format!("{wrong} files of {dataset} are not right"));
        lines.push(if dataset.entry().mirrors.is_empty() {
            "the benchmark needs no files: it draws the samples itself".to_owned()
        } else {
            format!("`eventprop data fetch {dataset}` gets what is missing or damaged")
        });
        return Err(Failure::failed(lines.join("\n")));
    }
    let unchecked = |s: &FileStatus| matches!(s.state, FileState::Unchecked { .. });
    lines.push(if statuses.iter().any(unchecked) {
        format!("{dataset} is complete; not every file could be compared")
    } else {
        format!("{dataset} is complete and right")
    });
    let files = statuses
        .iter()
        .map(|s| json!({"path": s.path, "ok": s.state == FileState::Ok}));
    Ok(Answer {
        text: lines.join("\n"),
        json: json!({
            "dataset": dataset.name(),
            "folder": folder,
            "files": files.collect::<Json>(),
        }),
    })
}

fn status_line(status: &FileStatus) -> String {
    let found = match &status.state {
        FileState::Ok => "right".to_owned(),
        FileState::Missing => "missing".to_owned(),
        FileState::Partial { found, expected } => {
            let of = expected.map_or_else(String::new, |bytes| format!(" of {bytes}"));
            format!("interrupted download, {found}{of} bytes")
        }
        FileState::WrongChecksum { found, expected } => {
            let (algorithm, digits) = (expected.algorithm(), expected.digits());
            format!("WRONG CONTENT: {algorithm} {found}, expected {digits}")
        }
        FileState::Unchecked { known } => {
            format!("not compared: only the checksum of {known} is published")
        }
        FileState::Unreadable { reason } => format!("cannot be read: {reason}"),
        FileState::Unknown => "does not belong to the data set".to_owned(),
    };
    format!("{}  {found}", status.path.display())
}

/// What is packed is a spike file unless it is an archive of arrays, and HDF5 can be one; all else is a recording of
/// events, or a folder of them.
fn describe_file(path: &Path, reading: &event_files::Reading) -> Result<Answer, Failure> {
    if path.is_dir() {
        return event_files::describe_folder(path, reading);
    }
    let failed = |error| Failure::failed(format!("{}: {error}", path.display()));
    let spike_file = || {
        reading.refuse(&path.display().to_string())?;
        recording::describe(path)
    };
    if is_packed(path).map_err(failed)? && !is_npz(path).map_err(failed)? {
        return spike_file();
    }
    match events::read_with(path, &reading.options(TimeOrigin::File)) {
        Ok(events) => Ok(event_files::describe(path, &events)),
        Err(EventFileError {
            problem: EventProblem::SpikeFile,
            ..
        }) => spike_file(),
        Err(error) => Err(Failure::failed(error)),
    }
}

fn describe(dataset: Dataset, dirs: &[PathBuf]) -> Result<Answer, Failure> {
    let Info { entry, parts } = info::info(dataset, dirs).map_err(Failure::failed)?;
    let mut lines = vec![
        entry.title.to_owned(),
        format!("source     {}", entry.citation),
        format!("licence    {}", entry.licence),
        format!("page       {}", entry.page),
    ];
    for part in &parts {
        lines.push(part_line(part));
        lines.extend(part.survey.iter().flat_map(recording::lines));
    }
    Ok(Answer {
        text: lines.join("\n"),
        json: json!({
            "dataset": dataset.name(),
            "title": entry.title,
            "citation": entry.citation,
            "licence": entry.licence,
            "page": entry.page,
            "parts": parts.iter().map(part_json).collect::<Json>(),
        }),
    })
}

fn part_line(part: &PartInfo) -> String {
    let counts: Vec<String> = part.class_counts.iter().map(usize::to_string).collect();
    format!(
        "{:<11}{} samples, {} classes ({}), {} input neurons, {} to {} spikes per sample (mean {:.1})",
        part.name,
        part.samples(),
        counts.len(),
        counts.join(" "),
        part.inputs,
        part.spikes.min,
        part.spikes.max,
        part.spikes.mean,
    )
}

fn part_json(part: &PartInfo) -> Json {
    json!({
        "name": part.name,
        "samples": part.samples(),
        "class_counts": part.class_counts,
        "shape": part.shape,
        "inputs": part.inputs,
        "spikes": {"min": part.spikes.min, "mean": part.spikes.mean, "max": part.spikes.max},
        "recording": part.survey.as_ref().map(recording::json),
    })
}
