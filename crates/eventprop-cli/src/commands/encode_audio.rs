//! `eventprop data encode-audio` and `preview-audio`: recordings into spikes.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::ValueEnum;
use eventprop_audio::constants::{CONSTANTS, Constant};
use eventprop_audio::encoder::{EncodeError, Encoder, Encoding, Workspace};
use eventprop_audio::membrane::Phase;
use eventprop_audio::preset::Preset;
use eventprop_audio::settings::{Mode, Settings};
use eventprop_audio::sound::Sound;
use eventprop_data::formats::spike_file::TimeType;
use eventprop_data::sets::from_sound::conversion::{self, Conversion, Event, OnBroken, Report};
use eventprop_data::sets::from_sound::file_list::FileList;
use eventprop_data::sets::from_sound::naming::{Naming, Origin};
use eventprop_data::sets::from_sound::pattern::{Pattern, Selection};
use eventprop_experiment::machine;
use eventprop_report::{AudioPreview, AudioSpike, Figure, Resonance};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::failure::{self, DONE, FAILED, Failure};
use crate::signals::Stop;
use crate::{output, pictures};

/// How sound is encoded.
#[derive(Debug, clap::Args)]
pub struct EncoderArgs {
    /// Published constants: shd, lauscher-1.0.1, lauscher-2020 or article
    #[arg(long, value_name = "NAME", default_value = "shd")]
    preset: Preset,
    /// Number of channels
    #[arg(long, value_name = "N", default_value_t = 700)]
    channels: usize,
    /// Seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Random numbers: fast has the published law, exact the published draws (about ten times slower)
    #[arg(long, value_enum, default_value_t = ModeArg::Fast)]
    mode: ModeArg,
    /// Sample rate in Hz to which sound is resampled, or `native` for none
    #[arg(long, value_name = "HZ", default_value = "48000", value_parser = rate)]
    rate: Rate,
    /// Let the membrane answer after the sound, which SHD does not
    #[arg(long)]
    causal: bool,
    /// Change a constant; `eventprop data audio-constants` lists them. May be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Longest accepted recording in s; memory grows by about 5 MB for each second and thread
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    max_seconds: f64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeArg {
    Fast,
    Exact,
}

/// A rate, or that of the recording.
#[derive(Debug, Clone, Copy)]
struct Rate(Option<u32>);

fn rate(text: &str) -> Result<Rate, String> {
    if text == "native" {
        return Ok(Rate(None));
    }
    let number = text
        .parse()
        .map_err(|_| "a number of Hz, or `native`".to_owned());
    number.map(|rate| Rate(Some(rate)))
}

/// Arguments of `data encode-audio`.
#[derive(Debug, clap::Args)]
pub struct EncodeArgs {
    /// Folder of the recordings (.wav and .flac, with all folders in it)
    folder: PathBuf,
    /// The spike file to write, in the layout of SHD
    out: PathBuf,
    /// Source of the labels [default: csv with --csv, pattern if it has {label}, else folder]
    #[arg(long, value_enum, value_name = "SOURCE")]
    labels_from: Option<SourceArg>,
    /// Source of the speakers [default: the pattern if it has {speaker}, else nowhere]
    #[arg(long, value_enum, value_name = "SOURCE")]
    speakers_from: Option<SourceArg>,
    /// Pattern of the file names without extension, such as {label}_{speaker}_{index}
    #[arg(long)]
    pattern: Option<Pattern>,
    /// Table with the columns file, label and speaker
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// The classes in the order of their numbers, renamed if wanted: 0=zero,1=one
    #[arg(long, value_name = "CLASS[=WORD],…", value_delimiter = ',')]
    classes: Vec<String>,
    /// Take only some values of a field: index=0-4, speaker=theo, speaker!=theo. May be repeated
    #[arg(long, value_name = "FIELD=VALUES")]
    select: Vec<Selection>,
    /// Take only the files of this list, one per line. May be repeated
    #[arg(long, value_name = "FILE")]
    only: Vec<PathBuf>,
    /// Leave out the files of this list. May be repeated
    #[arg(long, value_name = "FILE")]
    except: Vec<PathBuf>,
    /// Type of the times; SHD has f16
    #[arg(long, value_enum, default_value_t = TimeArg::F16)]
    time_type: TimeArg,
    /// Number of threads [default: all processors]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Stop at the first recording that cannot be encoded
    #[arg(long)]
    strict: bool,
    /// Overwrite an existing file
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    encoder: EncoderArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SourceArg {
    Folder,
    Pattern,
    Csv,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TimeArg {
    F16,
    F32,
}

impl SourceArg {
    fn source(self) -> Origin {
        match self {
            Self::Folder => Origin::Folder,
            Self::Pattern => Origin::Pattern,
            Self::Csv => Origin::Csv,
        }
    }
}

impl EncoderArgs {
    fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings {
            channels: self.channels,
            rate_hz: self.rate.0,
            mode: match self.mode {
                ModeArg::Fast => Mode::Fast,
                ModeArg::Exact => Mode::Exact,
            },
            seed: self.seed,
            ..self.preset.settings()
        };
        if self.causal {
            settings.membrane.phase = Phase::Causal;
        }
        for assignment in &self.set {
            let wrong = || Failure::usage(format!("--set {assignment}: write NAME=VALUE"));
            let (name, value) = assignment.split_once('=').ok_or_else(wrong)?;
            settings.assign(name, value).map_err(Failure::usage)?;
        }
        if self.max_seconds.is_nan() || self.max_seconds <= 0.0 {
            return Err(Failure::usage("--max-seconds must be above 0"));
        }
        Ok(settings)
    }

    fn encoder(&self) -> Result<Encoder, Failure> {
        Encoder::new(self.settings()?).map_err(Failure::usage)
    }
}

impl EncodeArgs {
    /// Runs the command.
    pub fn run(&self, json: bool) -> u8 {
        failure::conclude(self.convert(json), json)
    }

    fn naming(&self) -> Naming {
        let in_pattern = |field: &str| {
            self.pattern
                .as_ref()
                .is_some_and(|pattern| pattern.has(field))
        };
        let labels = self.labels_from.map(SourceArg::source);
        let labels = labels.unwrap_or(match &self.csv {
            Some(_) => Origin::Csv,
            None if in_pattern("label") => Origin::Pattern,
            None => Origin::Folder,
        });
        let speakers = self.speakers_from.map(SourceArg::source);
        let class = |text: &String| {
            let (key, word) = text.split_once('=').unwrap_or((text, text));
            (key.to_owned(), word.to_owned())
        };
        Naming {
            labels,
            speakers: speakers.or_else(|| in_pattern("speaker").then_some(Origin::Pattern)),
            pattern: self.pattern.clone(),
            csv: self.csv.clone(),
            classes: self.classes.iter().map(class).collect(),
            select: self.select.clone(),
            only: self.only.clone(),
            except: self.except.clone(),
        }
    }

    fn convert(&self, json: bool) -> Result<u8, Failure> {
        let part = conversion::journal_path(&self.out);
        if self.out.exists() && !part.exists() && !self.overwrite {
            let text = format!(
                "{} exists; name another file, or pass --overwrite",
                self.out.display()
            );
            return Err(Failure::usage(text));
        }
        let encoder = self.encoder.encoder()?;
        let file_list = FileList::new(&self.folder, &self.naming()).map_err(Failure::refused)?;
        announce(&file_list, encoder.settings());
        let stop = Stop::listen(
            "stopping after the recordings under way; the same command goes on (again: at once)",
        )?;
        stop.begin();
        let threads = machine::cores();
        let conversion = Conversion {
            encoder: &encoder,
            file_list: &file_list,
            out: &self.out,
            times: match self.time_type {
                TimeArg::F16 => TimeType::F16,
                TimeArg::F32 => TimeType::F32,
            },
            max_seconds: self.encoder.max_seconds,
            threads: self.threads.unwrap_or(threads),
            broken: if self.strict {
                OnBroken::Stop
            } else {
                OnBroken::Skip
            },
            cancel: stop.flag(),
        };
        let bar = bar(file_list.bytes());
        let started = std::time::Instant::now();
        let report = conversion.run(&mut |event| show(event, &bar));
        bar.finish_and_clear();
        let report = report.map_err(Failure::failed)?;
        let wall_s = started.elapsed().as_secs_f64();
        let code = self.conclude(&report, &file_list, wall_s, json);
        // Without a signal it was a broken recording that stopped a strict conversion.
        let asked = report.stopped && stop.flag().load(Ordering::Relaxed);
        Ok(if asked { stop.code() } else { code })
    }

    fn conclude(&self, report: &Report, file_list: &FileList, wall_s: f64, json: bool) -> u8 {
        let out = self.out.display();
        let broken = report.broken.len();
        if report.stopped {
            let part = conversion::journal_path(&self.out);
            output::err(&format!(
                "stopped after {} of {} recordings; they are kept in {}, and the same command goes on from there",
                report.encoded,
                file_list.recordings.len(),
                part.display()
            ));
        } else if broken > 0 {
            output::err(&format!(
                "{broken} of {} recordings could not be encoded and are not in {out}; when they are repaired, the same \
                 command encodes just them",
                file_list.recordings.len()
            ));
        }
        if json {
            let failed = report
                .broken
                .iter()
                .map(|(name, problem)| json!({"file": name, "problem": problem}));
            let answer = json!({
                "file": self.out,
                "samples": report.encoded,
                "resumed": report.resumed,
                "classes": file_list.classes,
                "speakers": file_list.speakers,
                "seconds_of_sound": report.seconds,
                "spikes": report.spikes,
                "broken": failed.collect::<Vec<_>>(),
                "unmatched": file_list.unmatched.len(),
                "absent": file_list.absent.len(),
                "stopped": report.stopped,
                "wall_s": wall_s,
            });
            output::out(&answer.to_string());
        } else if !report.stopped {
            let spikes = report.spikes as f64 / report.encoded as f64;
            output::out(&format!(
                "{out}: {} samples, {} classes, {} speakers, {:.1} s of sound, {spikes:.0} spikes per sample, {wall_s:.1} s",
                report.encoded,
                file_list.classes.len(),
                file_list.speakers.len(),
                report.seconds
            ));
        }
        if broken == 0 { DONE } else { FAILED }
    }
}

fn announce(file_list: &FileList, settings: &Settings) {
    for (names, what) in [
        (&file_list.unmatched, "files do not match and are left out"),
        (&file_list.absent, "listed recordings are not in the folder"),
    ] {
        if !names.is_empty() {
            let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
            let more = if names.len() > 3 { ", …" } else { "" };
            let (count, first) = (names.len(), first.join(", "));
            output::err(&format!("note: {count} {what}: {first}{more}"));
        }
    }
    if settings.rate_hz.is_none() {
        output::err(
            "note: sound is not resampled; below 48 kHz the spikes are not those of the published model, and at 8 or \
             16 kHz there are several times too many",
        );
    }
}

fn bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    let template = "{bar:30} {percent:>3} %  {eta} left  {msg}";
    bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    bar
}

fn show(event: &Event<'_>, bar: &ProgressBar) {
    let (Event::Done { recording, .. } | Event::Broken { recording, .. }) = event;
    bar.inc(recording.bytes);
    bar.set_message(recording.name.clone());
    match event {
        Event::Done { notes, .. } => {
            for note in *notes {
                bar.suspend(|| output::err(&format!("note: {}: {note}", recording.name)));
            }
        }
        Event::Broken { problem, .. } => {
            bar.suspend(|| output::err(&format!("error: {}: {problem}", recording.name)));
        }
    }
}

/// Arguments of `data audio-constants`.
#[derive(Debug, clap::Args)]
pub struct ConstantsArgs {
    /// The preset whose values are shown
    #[arg(long, value_name = "NAME", default_value = "shd")]
    preset: Preset,
}

impl ConstantsArgs {
    /// Runs the command.
    pub fn run(&self, json: bool) -> u8 {
        let settings = self.preset.settings();
        if json {
            let value = |constant: &Constant| {
                let fields = json!({
                    "value": constant.text(&settings),
                    "unit": constant.unit,
                    "symbol": constant.symbol,
                    "meaning": constant.meaning,
                });
                (constant.name.to_owned(), fields)
            };
            let values: serde_json::Map<_, _> = CONSTANTS.iter().map(value).collect();
            output::out(&serde_json::Value::Object(values).to_string());
        } else {
            for constant in &CONSTANTS {
                output::out(&format!(
                    "{:<17}{:<8}{:>11} {:<12}{}; {}",
                    constant.name,
                    constant.symbol,
                    constant.text(&settings),
                    constant.unit,
                    constant.meaning,
                    constant.allowed(),
                ));
            }
        }
        DONE
    }
}

/// Arguments of `data preview-audio`.
#[derive(Debug, clap::Args)]
pub struct PreviewArgs {
    /// The recording
    sound: PathBuf,
    /// The picture to write, .png or .svg
    picture: PathBuf,
    #[command(flatten)]
    encoder: EncoderArgs,
}

impl PreviewArgs {
    /// Runs the command.
    pub fn run(&self, json: bool) -> u8 {
        failure::conclude(self.draw(json), json)
    }

    fn draw(&self, json: bool) -> Result<u8, Failure> {
        let encoder = self.encoder.encoder()?;
        let sound = Sound::read(&self.sound, self.encoder.max_seconds).map_err(Failure::failed)?;
        let named =
            |error: EncodeError| Failure::failed(format!("{}: {error}", self.sound.display()));
        let stream = conversion::stream_of(&self.sound).map_err(Failure::failed)?;
        let encoding = encoder
            .encode(&sound, stream, &mut Workspace::default())
            .map_err(named)?;
        for note in &encoding.notes {
            output::err(&format!("note: {}: {note}", self.sound.display()));
        }
        let title = self.sound.file_name().unwrap_or_default().to_string_lossy();
        let figure = preview(&title, &sound, &encoding, encoder.settings());
        pictures::write_one(&figure, &self.picture)?;
        if json {
            let answer = json!({
                "picture": self.picture,
                "seconds_of_sound": sound.seconds(),
                "spikes": encoding.spikes.len(),
            });
            output::out(&answer.to_string());
        } else {
            output::out(&format!(
                "{}: {:.2} s of sound, {} spikes",
                self.picture.display(),
                sound.seconds(),
                encoding.spikes.len()
            ));
        }
        Ok(DONE)
    }
}

/// Frequencies in Hz that are marked beside the channels.
const MARKED_HZ: [f64; 8] = [
    100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 20_000.0,
];

fn preview(title: &str, sound: &Sound, encoding: &Encoding, settings: &Settings) -> Figure {
    let spikes = encoding.spikes.iter().map(|spike| AudioSpike {
        seconds: encoding.seconds(*spike),
        channel: u32::from(spike.channel),
    });
    let encoded = encoding.samples as f64 / f64::from(encoding.rate_hz);
    let preview = AudioPreview {
        title,
        samples: &sound.samples,
        rate_hz: f64::from(sound.rate_hz),
        seconds: sound.seconds().max(encoded),
        spikes: &spikes.collect::<Vec<_>>(),
        channels: settings.channels,
        resonances: &MARKED_HZ.map(|hz| Resonance {
            hz,
            channel: settings.resonant_channel(hz),
        }),
    };
    preview.figure()
}
