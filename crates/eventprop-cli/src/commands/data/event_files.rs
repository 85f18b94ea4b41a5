//! `eventprop data info FILE`, `convert`, `preview`, `encode-series`: custom recordings and series.

use std::path::{Path, PathBuf};

use eventprop_data::binned::{Binning, Repeats};
use eventprop_data::encode::camera::PolarityCode;
use eventprop_data::encode::delta::Delta;
use eventprop_data::encode::level_crossing::LevelCrossing;
use eventprop_data::formats::events::columns::Columns;
use eventprop_data::formats::events::{
    self, Format, Polarity, ReadOptions, Recording, SizeFrom, TimeOrigin, preview,
};
use eventprop_data::sets::own::{self, Request, Setting};
use eventprop_data::sets::series::{self, SeriesCode, SeriesOptions};
use serde_json::json;

use super::answer::Answer;
use crate::failure::Failure;

/// The settings with which a file of events is read.
#[derive(Debug, clap::Args)]
pub struct Reading {
    /// The format of the file, instead of the recognised one: aedat2, aedat3.1, aedat4, nmnist, evt2,
    /// evt2.1, evt3, dat, es, npy, npz, csv, hdf5
    #[arg(long)]
    from: Option<Format>,
    /// Columns of a table without names, such as t_us,x,y,p or t_ms,channel
    #[arg(long)]
    columns: Option<Columns>,
}

impl Reading {
    pub fn options(&self, origin: TimeOrigin) -> ReadOptions {
        ReadOptions {
            format: self.from,
            columns: self.columns.clone(),
            origin,
        }
    }

    fn read(&self, path: &Path, origin: TimeOrigin) -> Result<Recording, Failure> {
        events::read_with(path, &self.options(origin)).map_err(Failure::failed)
    }

    /// Refuses options that are for recordings of events only.
    pub fn refuse(&self, subject: &str) -> Result<(), Failure> {
        let given = [
            ("--from", self.from.is_some()),
            ("--columns", self.columns.is_some()),
        ];
        refuse_given(
            &given,
            &format!("is for recordings of events, and {subject} is none"),
        )
    }
}

/// Refuses the first option that was given, with the reason.
fn refuse_given(options: &[(&str, bool)], reason: &str) -> Result<(), Failure> {
    match options.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Failure::usage(format!("{option} {reason}; leave it out"))),
        None => Ok(()),
    }
}

/// Arguments of `data convert`.
#[derive(Debug, clap::Args)]
pub struct Convert {
    /// The recording; a folder per class of recordings when the output is HDF5
    input: PathBuf,
    /// The file to write: .npy, .csv, .bin, .aedat (3.1), .dat, .es, or .h5 in the layout of SHD
    output: PathBuf,
    /// The format to write, instead of the one of the ending: npy, csv, nmnist, aedat3.1, dat, es
    #[arg(long)]
    to: Option<Format>,
    /// What times count from: first (the first event) or zero (the zero of the file, which for some cameras is
    /// 1970)
    #[arg(long, default_value = "zero")]
    origin: TimeOrigin,
    /// HDF5: pixels of the longer side that a camera is drawn on [default: 128]
    #[arg(long)]
    side: Option<u32>,
    /// HDF5: an input for each polarity (separate), for both (merge), or only ON events (on) [default: separate]
    #[arg(long)]
    polarity: Option<PolarityCode>,
    #[command(flatten)]
    reading: Reading,
}

/// Arguments of `data preview`.
#[derive(Debug, clap::Args)]
pub struct Preview {
    /// The recording
    input: PathBuf,
    /// The picture (.png) or film (.gif) to write
    output: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

/// Arguments of `data encode-series`.
#[derive(Debug, clap::Args)]
pub struct EncodeSeries {
    /// The archive (.npz) with data [sample, step, channel], label [sample] and, if series differ in
    /// length, length [sample]
    input: PathBuf,
    /// The folder that train.h5 and test.h5 are written to
    output: PathBuf,
    /// The code: level-crossing or delta
    #[arg(long, default_value = "level-crossing")]
    code: String,
    /// Distance of levels, or least change, in the unit of the values
    #[arg(long)]
    threshold: f64,
    /// Time from one step to the next in ms
    #[arg(long)]
    period_ms: f64,
    /// Resting value with which every series begins
    #[arg(long)]
    rest: Option<f64>,
    /// Fraction of every class for testing
    #[arg(long, default_value_t = 0.2)]
    test_share: f64,
    /// Seed of the split
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Describes a file of events.
pub fn describe(path: &Path, recording: &Recording) -> Answer {
    let sensor = recording.sensor;
    let channels = sensor.polarity == Polarity::None && sensor.height == 1;
    let size = match sensor.size_from {
        SizeFrom::File => "",
        SizeFrom::Events => ", as far as events reach",
    };
    let sensor_line = if channels {
        format!("channels   {}{size}", sensor.width)
    } else {
        format!(
            "sensor     {} x {} pixels{size}",
            sensor.width, sensor.height
        )
    };
    let count = recording.events.len();
    let mut lines = vec![
        format!("format     {}", recording.format),
        sensor_line,
        format!("events     {count}"),
    ];
    if sensor.polarity == Polarity::OnOff {
        let on = recording.on_count();
        lines.push(format!("polarity   {on} ON, {} OFF", count - on));
    }
    if let Some((first, last)) = recording.span_us() {
        let seconds = (last as f64 - first as f64) / 1e6;
        lines.push(format!("time       {first} to {last} us, {seconds:.6} s"));
    }
    let notes = recording.notes.lines();
    lines.extend(notes.iter().map(|line| format!("note       {line}")));
    Answer {
        text: lines.join("\n"),
        json: json!({
            "file": path,
            "format": recording.format.name(),
            "width": sensor.width,
            "height": sensor.height,
            "channels": channels,
            "size_declared": sensor.size_from == SizeFrom::File,
            "events": count,
            "on": (sensor.polarity == Polarity::OnOff).then(|| recording.on_count()),
            "span_us": recording.span_us().map(|(first, last)| [first, last]),
            "notes": notes,
        }),
    }
}

/// Describes a folder per class of recordings.
pub fn describe_folder(path: &Path, reading: &Reading) -> Result<Answer, Failure> {
    let content =
        own::content(path, &reading.options(TimeOrigin::File)).map_err(Failure::failed)?;
    let size = content.sensor.size;
    let recordings: usize = content.classes.iter().map(|class| class.recordings).sum();
    let mut lines = vec![
        format!("sensor     {} x {} pixels", size.width, size.height),
        format!("classes    {}", content.classes.len()),
        format!("recordings {recordings}"),
    ];
    lines.extend(content.classes.iter().enumerate().map(|(number, class)| {
        let below = match class.folders {
            0 => String::new(),
            folders => format!(" (also in folders below it: {folders})"),
        };
        format!("  {number:<8} {}: {}{below}", class.name, class.recordings)
    }));
    lines.extend(
        content
            .left_out
            .iter()
            .map(|notice| format!("note       {notice}")),
    );
    let classes = content.classes.iter().map(|class| {
        json!({"name": class.name, "recordings": class.recordings, "folders_below": class.folders})
    });
    Ok(Answer {
        text: lines.join("\n"),
        json: json!({
            "folder": path,
            "width": size.width,
            "height": size.height,
            "recordings": recordings,
            "classes": classes.collect::<Vec<_>>(),
            "notes": content.left_out.iter().collect::<Vec<_>>(),
        }),
    })
}

impl Convert {
    /// Runs the command.
    pub fn run(&self) -> Result<Answer, Failure> {
        let ending = ending(&self.output);
        if self.to.is_none() && ["h5", "hdf5"].contains(&ending.as_str()) {
            return self.to_spike_file();
        }
        let given = [
            ("--side", self.side.is_some()),
            ("--polarity", self.polarity.is_some()),
        ];
        refuse_given(
            &given,
            "is for HDF5, and every event is kept as it is in other formats",
        )?;
        let format = self.to.map_or_else(|| format_of(&ending), Ok)?;
        let recording = self.reading.read(&self.input, self.origin)?;
        events::write(&self.output, &recording, format).map_err(Failure::failed)?;
        let count = recording.events.len();
        let line = format!("{}  {count} events, {format}", self.output.display());
        let notes = recording.notes.lines();
        Ok(Answer {
            text: with_notes(line, &notes),
            json: json!({
                "file": self.output,
                "format": format.name(),
                "events": count,
                "notes": notes,
            }),
        })
    }

    fn to_spike_file(&self) -> Result<Answer, Failure> {
        let given = [
            self.side.map(|_| Setting::Side),
            self.polarity.map(|_| Setting::Polarity),
        ];
        let given: Vec<Setting> = given.into_iter().flatten().collect();
        let request = Request {
            // Times are kept as they are; only the places of events matter here.
            binning: Binning {
                dt_ms: 1.0,
                steps: 1,
                inputs: 0,
                rescale_t: 1.0,
                rescale_x: 1.0,
                repeats: Repeats::Count,
            },
            side: self.side.unwrap_or(128),
            polarity: self.polarity.unwrap_or(PolarityCode::Separate),
            reading: &self.reading.options(self.origin),
            given: &given,
            shape: None,
        };
        let written = own::write_spike_file(&self.input, &self.output, &request);
        let written = written.map_err(|error| {
            if error.is_usage() {
                Failure::usage(error)
            } else {
                Failure::failed(error)
            }
        })?;
        let line = format!(
            "{}  {} samples, {} classes, {} channels, {} spikes",
            self.output.display(),
            written.samples,
            written.names.len().max(1),
            written.inputs,
            written.spikes
        );
        Ok(Answer {
            text: with_notes(line, &written.notices),
            json: json!({
                "file": self.output,
                "samples": written.samples,
                "classes": written.names,
                "channels": written.inputs,
                "spikes": written.spikes,
                "notes": written.notices,
            }),
        })
    }
}

impl Preview {
    /// Runs the command.
    pub fn run(&self) -> Result<Answer, Failure> {
        let write = match ending(&self.output).as_str() {
            "png" => preview::write_png,
            "gif" => preview::write_gif,
            other => {
                let message = format!("the ending {other:?} is neither png nor gif");
                return Err(Failure::usage(message));
            }
        };
        let recording = self.reading.read(&self.input, TimeOrigin::File)?;
        write(&self.output, &recording).map_err(Failure::failed)?;
        let count = recording.events.len();
        let notes = recording.notes.lines();
        let line = format!("{}  {count} events", self.output.display());
        Ok(Answer {
            text: with_notes(line, &notes),
            json: json!({"file": self.output, "events": count, "notes": notes}),
        })
    }
}

impl EncodeSeries {
    /// Runs the command.
    pub fn run(&self) -> Result<Answer, Failure> {
        let code = match self.code.as_str() {
            "level-crossing" => LevelCrossing::new(self.threshold).map(SeriesCode::LevelCrossing),
            "delta" => Delta::new(self.threshold).map(SeriesCode::Delta),
            other => {
                let message = format!("code {other:?}; expected level-crossing or delta");
                return Err(Failure::usage(message));
            }
        };
        let options = SeriesOptions {
            code: code.map_err(|error| Failure::usage(error.to_string()))?,
            period_ms: self.period_ms,
            rest: self.rest,
            test_share: self.test_share,
            seed: self.seed,
        };
        let paths = ["train.h5", "test.h5"].map(|name| self.output.join(name));
        std::fs::create_dir_all(&self.output)
            .map_err(|error| Failure::failed(format!("{}: {error}", self.output.display())))?;
        let encoded = series::encode(&self.input, &options, [&paths[0], &paths[1]]);
        let encoded = encoded.map_err(Failure::failed)?;
        let parts = paths.iter().zip(encoded.samples);
        let mut lines: Vec<String> = parts
            .map(|(path, samples)| format!("{}  {samples} samples", path.display()))
            .collect();
        lines.push(format!(
            "{} inputs, {} classes, {} spikes, the last at {:.3} ms",
            encoded.inputs, encoded.classes, encoded.spikes, encoded.latest_ms
        ));
        Ok(Answer {
            text: lines.join("\n"),
            json: json!({
                "files": paths,
                "samples": encoded.samples,
                "inputs": encoded.inputs,
                "classes": encoded.classes,
                "spikes": encoded.spikes,
                "latest_ms": encoded.latest_ms,
            }),
        })
    }
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_lowercase()
}

fn format_of(ending: &str) -> Result<Format, Failure> {
    match ending {
        "npy" => Ok(Format::Npy),
        "csv" | "txt" => Ok(Format::Csv),
        "bin" | "bs2" => Ok(Format::FiveBytes),
        "aedat" => Ok(Format::Aedat31),
        "dat" => Ok(Format::Dat),
        "es" => Ok(Format::EventStream),
        other => Err(Failure::usage(format!(
            "the ending {other:?} names no format that is written; end the name in .npy, .csv, .bin, .aedat, .dat, .es or \
             .h5, or give --to"
        ))),
    }
}

fn with_notes(line: String, notes: &[String]) -> String {
    let notes = notes.iter().map(|note| format!("note  {note}"));
    std::iter::once(line)
        .chain(notes)
        .collect::<Vec<_>>()
        .join("\n")
}
