//! A synthetic set with the shape of SHD, for tests, benchmarks and demonstrations where there are no
//! recordings. It is made of patterns, not of speech, and says so wherever it goes.
//!
//! # What is in it
//! A sample is a "word" of [`UNITS`] sounds, one after the other. A sound is a band of channels that
//! is swept through once, upwards or downwards. **Every word has every sound once**, for as long and
//! as loud on average as every other word; words differ in the order of the sounds, and two by two
//! only in the directions of the sweeps. So how often a channel spikes says nothing about the class:
//! only the order within tenths of a second does, and for half of the information only that within
//! hundredths.
//!
//! Speakers differ in tempo, loudness, pitch (sounds come in pulses) and in where their bands are;
//! samples in the length and loudness of every sound. Some 6 % of the spikes are scattered over all
//! channels and times. As in SHD there are 700 channels, 20 classes, 12 speakers of whom 4 and 5 are
//! only in the test part, some 8,200 spikes and 0.4 to 1.3 s per sample; a channel is silent for 1 ms
//! after a spike, and times are float16.
//!
//! Everything is a function of the settings, whatever the number of threads; words and speakers are the
//! same under every seed.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use eventprop::rng::{Key, Purpose};
use eventprop::time_noise::TimeNoise;
use rayon::prelude::*;
use thiserror::Error;

use super::{CHANNELS, Corpus, Counts, SYNTHETIC, ShdError, Split, bin_sample, check_grid};
use crate::binned::{BinnedSet, Binning, Speakers};
use crate::formats::spike_file::{
    MetaColumn, Sample, SpikeFile, SpikeFileWriter, Spikes, WriteFileError, WriteOptions,
    nearest_f16,
};

/// Sounds of a word.
pub const UNITS: usize = 6;
/// Most classes and speakers; more words would differ too little.
pub const CLASSES_MAX: u16 = 200;
const SPEAKERS_MAX: u16 = 1000;

/// The middle channel of each sound's band, and its share of the spikes. Speech is in the channels
/// 200 to 690 of SHD, most of it above 400.
const BANDS: [(f64, f64); UNITS] = [
    (245.0, 0.12),
    (330.0, 0.14),
    (410.0, 0.18),
    (485.0, 0.20),
    (555.0, 0.20),
    (630.0, 0.16),
];
/// Channels from the middle of a band to the end of its sweep, and the width (s.d.) around it.
const SWEEP: f64 = 45.0;
const WIDTH: f64 = 16.0;
/// Spikes of a sample before those too close to another are left out.
const SPIKES: f64 = 11_700.0;
/// Share of the spikes that are scattered.
const SCATTERED: f64 = 0.06;
/// Length of a sound in s, and how much of the neighbours it overlaps.
const SOUND_S: f64 = 0.11;
const OVERLAP: f64 = 0.1;
/// No spike comes later, in s.
const END_S: f64 = 1.36;
/// Time after a spike in which its channel is silent, in s.
const DEAD_S: f64 = 0.001_04;
/// Samples that are made at once.
const BLOCK: usize = 512;

/// The settings of a synthetic set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShdLike {
    /// Samples of the training part.
    pub train: usize,
    /// Samples of the test part.
    pub test: usize,
    /// Speakers. Of more than five, 4 and 5 are only in the test part; of four or five the last two,
    /// of two or three the last.
    pub speakers: u16,
    /// Classes.
    pub classes: u16,
    /// Another seed gives other samples of the same words and speakers.
    pub seed: u64,
}

impl Default for ShdLike {
    /// As many of all as SHD has; seed 1.
    fn default() -> Self {
        Self {
            train: 8156,
            test: 2264,
            speakers: 12,
            classes: 20,
            seed: 1,
        }
    }
}

/// A synthetic set cannot be made.
#[derive(Debug, Error)]
pub enum SyntheticError {
    /// A setting out of its range.
    #[error("{found} {name}; expected 1 to {most}")]
    Setting {
        /// The value set.
        name: &'static str,
        /// Its value.
        found: u16,
        /// The greatest value.
        most: u16,
    },
    /// A part that SHD does not have.
    #[error("SHD has no validation part; it has train and test")]
    Split,
    /// A grid that is none.
    #[error(transparent)]
    Grid(#[from] ShdError),
    /// The folder cannot be made.
    #[error("cannot make the folder {folder}: {source}", folder = folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// A file of that name that is not synthetic.
    #[error(
        "{path} is there and is not synthetic; it is left alone: choose another folder",
        path = path.display()
    )]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFileError),
}

/// A part that is to be made: the class of every sample.
struct Part {
    key: Key,
    labels: Vec<u16>,
    words: Vec<Word>,
    /// The speakers of most samples, and of the others.
    speakers: [Vec<u16>; 2],
}

/// The order of the sounds of a class, and which of them go up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    order: [usize; UNITS],
    upwards: [bool; UNITS],
}

/// Voice of a speaker.
#[derive(Debug, Clone, Copy)]
struct Voice {
    /// Factor of all lengths.
    tempo: f64,
    /// Factor of all numbers of spikes.
    loudness: f64,
    /// Channels that all bands are shifted by.
    shift: f64,
    /// Factor of the distances of the bands from channel 450.
    stretch: f64,
    pitch_hz: f64,
}

/// A synthetic sample.
#[derive(Debug, Clone, PartialEq)]
struct Made {
    spikes: Spikes,
    label: u16,
    speaker: u16,
}

impl ShdLike {
    /// Writes `shd_train.h5` and `shd_test.h5` into `folder`, which is made when it is missing, and
    /// gives their paths. `progress` is told the samples done and those of both parts.
    ///
    /// Cost: some 34 kB per sample on the disk.
    ///
    /// # Errors
    /// [`SyntheticError`]; a file of that name that is no synthetic one is not replaced.
    pub fn write(
        &self,
        folder: &Path,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<[PathBuf; 2], SyntheticError> {
        fs::create_dir_all(folder).map_err(|source| SyntheticError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let parts = [("shd_train.h5", Split::Train), ("shd_test.h5", Split::Test)];
        let parts = parts.map(|(name, split)| (folder.join(name), split));
        for (path, _) in &parts {
            if path.exists() && !is_synthetic(path) {
                return Err(SyntheticError::InTheWay { path: path.clone() });
            }
        }
        let mut before = 0;
        for (path, split) in &parts {
            let part = self.part(*split)?;
            let mut file = SpikeFileWriter::create(path, self.options())?;
            let mut written = Ok(());
            part.for_each(|made| {
                if written.is_ok() {
                    written = made.push_to(&mut file);
                    progress(before + file.len(), self.train + self.test);
                }
            });
            written?;
            file.finish()?;
            before += part.labels.len();
        }
        Ok(parts.map(|(path, _)| path))
    }

    /// A part as a binned set, the same that comes of reading the written file as SHD: of as many
    /// classes as are set, and at least the 20 of SHD.
    ///
    /// # Errors
    /// [`SyntheticError`].
    pub fn binned(&self, split: Split, binning: &Binning) -> Result<BinnedSet, SyntheticError> {
        check_grid(binning)?;
        let part = self.part(split)?;
        let classes = u32::from(self.classes).max(Corpus::Shd.classes());
        let mut set = BinnedSet::new(binning.inputs, binning.steps, classes, Speakers::Known)
            .with_repeats(binning.repeats);
        let mut counts = Counts::default();
        let mut wrong = None;
        part.for_each_made(
            |made| {
                (
                    bin_sample(&made.spikes, TimeNoise::F64, binning),
                    made.label,
                    made.speaker,
                )
            },
            |(binned, label, speaker)| match binned {
                Ok(mut binned) => {
                    counts.add(binned.counts);
                    set.push(&mut binned.events, label, Some(speaker));
                }
                Err(problem) => wrong = wrong.or(Some(problem)),
            },
        );
        if let Some((spike, problem)) = wrong {
            // Only with fewer inputs than there are channels.
            let (path, sample) = (PathBuf::from("synthetic SHD"), set.len());
            return Err(ShdError::Spike {
                path,
                sample,
                spike,
                problem,
            }
            .into());
        }
        set.lost = counts.lost();
        set.class_names = self.class_names();
        set.shrink();
        Ok(set)
    }

    /// Description of themselves in the files.
    fn description(&self) -> String {
        let Self {
            train,
            test,
            speakers,
            classes,
            seed,
        } = self;
        format!(
            "patterns made by `eventprop data generate shd-like --train {train} --test {test} \
             --speakers {speakers} --classes {classes} --seed {seed}`; no recording of speech"
        )
    }

    fn class_names(&self) -> Vec<String> {
        let names = (0..self.classes).map(|class| format!("pattern {class}"));
        names.collect()
    }

    fn options(&self) -> WriteOptions {
        let voices: Vec<Voice> = (0..self.speakers).map(voice).collect();
        let column = |name: &str, value: fn(&Voice) -> f64| {
            let values = voices.iter().map(value).collect();
            (name.to_owned(), MetaColumn::Numbers(values))
        };
        WriteOptions {
            speakers: Speakers::Known,
            keys: self.class_names(),
            meta_info: vec![
                column("loudness", |voice| voice.loudness),
                column("pitch_hz", |voice| voice.pitch_hz),
                column("shift_channels", |voice| voice.shift),
                column("stretch", |voice| voice.stretch),
                column("tempo", |voice| voice.tempo),
            ],
            attributes: vec![(SYNTHETIC.to_owned(), self.description())],
            ..WriteOptions::default()
        }
    }

    fn part(&self, split: Split) -> Result<Part, SyntheticError> {
        for (name, found, most) in [
            ("speakers", self.speakers, SPEAKERS_MAX),
            ("classes", self.classes, CLASSES_MAX),
        ] {
            if !(1..=most).contains(&found) {
                return Err(SyntheticError::Setting { name, found, most });
            }
        }
        let samples = match split {
            Split::Train => self.train,
            Split::Test => self.test,
            Split::Valid => return Err(SyntheticError::Split),
        };
        let key = Key::new(self.seed, Purpose::Data).with(split as u64);
        let order = key.with(u64::MAX).permutation(samples);
        let labels = order
            .into_iter()
            .map(|n| (n % usize::from(self.classes)) as u16);
        let (new, known): (Vec<u16>, Vec<u16>) =
            (0..self.speakers).partition(|speaker| test_speakers(self.speakers).contains(speaker));
        Ok(Part {
            key,
            labels: labels.collect(),
            words: words(self.classes),
            speakers: match split {
                Split::Test if !new.is_empty() => [new, known],
                _ => [known.clone(), known],
            },
        })
    }
}

/// The speakers that are only in the test part.
fn test_speakers(speakers: u16) -> Range<u16> {
    match speakers {
        0 | 1 => 0..0,
        2 | 3 => speakers - 1..speakers,
        4 | 5 => speakers - 2..speakers,
        _ => 4..6,
    }
}

fn is_synthetic(path: &Path) -> bool {
    SpikeFile::open(path)
        .is_ok_and(|file| file.attributes().iter().any(|(name, _)| name == SYNTHETIC))
}

/// The words of the classes. Two by two they have one order and opposite directions; every order is
/// the one of several that differs most from those before.
fn words(classes: u16) -> Vec<Word> {
    const CANDIDATES: u64 = 64;
    let key = Key::new(0, Purpose::Data).with(1);
    let mut words: Vec<Word> = Vec::new();
    for pair in 0..u64::from(classes.div_ceil(2)) {
        let key = key.with(pair);
        let candidates = (0..CANDIDATES).map(|n| permutation(key.with(n)));
        let least = |order: &[usize; UNITS]| {
            let others = words.iter().map(|word| swaps(order, &word.order));
            others.min().unwrap_or(0)
        };
        // The first of the best, so that the choice does not depend on how a maximum is searched.
        let order = candidates
            .rev()
            .max_by_key(least)
            .expect("there are candidates");
        let mut upwards = [false; UNITS];
        for &unit in permutation(key.with(CANDIDATES)).iter().take(UNITS / 2) {
            upwards[unit] = true;
        }
        words.push(Word { order, upwards });
        let upwards = upwards.map(|up| !up);
        words.push(Word { order, upwards });
    }
    words.truncate(usize::from(classes));
    words
}

fn permutation(key: Key) -> [usize; UNITS] {
    let order = key.permutation(UNITS);
    std::array::from_fn(|place| order[place])
}

/// The pairs of sounds that two orders put the other way round.
fn swaps(a: &[usize; UNITS], b: &[usize; UNITS]) -> usize {
    let place = |order: &[usize; UNITS], unit| order.iter().position(|u| *u == unit);
    let pairs = (0..UNITS).flat_map(|first| (0..first).map(move |second| (first, second)));
    pairs
        .filter(|&(i, j)| (place(a, i) < place(a, j)) != (place(b, i) < place(b, j)))
        .count()
}

fn voice(speaker: u16) -> Voice {
    let key = Key::new(0, Purpose::Data).with(2).with(u64::from(speaker));
    let between = |counter, least: f64, most: f64| least + (most - least) * key.uniform(counter);
    Voice {
        tempo: between(0, 0.85, 1.2),
        loudness: between(1, 0.88, 1.12),
        shift: between(2, -14.0, 14.0),
        stretch: between(3, 0.95, 1.05),
        pitch_hz: between(4, 95.0, 210.0),
    }
}

/// A sound as it is spoken once.
struct Sound {
    unit: usize,
    upwards: bool,
    start_s: f64,
    length_s: f64,
    spikes: usize,
}

impl Part {
    /// Makes every sample, in parallel, and gives them to `each` in order.
    fn for_each(&self, each: impl FnMut(Made)) {
        self.for_each_made(|made| made, each);
    }

    fn for_each_made<T: Send>(&self, map: impl Fn(Made) -> T + Sync, mut each: impl FnMut(T)) {
        for start in (0..self.labels.len()).step_by(BLOCK) {
            let block = start..self.labels.len().min(start + BLOCK);
            let made: Vec<T> = block
                .into_par_iter()
                .map(|sample| map(self.sample(sample)))
                .collect();
            made.into_iter().for_each(&mut each);
        }
    }

    fn sample(&self, sample: usize) -> Made {
        let key = self.key.with(sample as u64);
        let traits = key.with(0);
        let label = self.labels[sample];
        // In SHD's test part every fifth sample or so is of a speaker of the training part.
        let speakers = &self.speakers[usize::from(traits.uniform(0) < 0.2)];
        let speaker = speakers[traits.below(1, speakers.len() as u64) as usize];
        let voice = voice(speaker);
        let sounds = sounds(&self.words[usize::from(label)], &voice, traits);
        let mut spikes: Vec<(u16, f64)> = Vec::with_capacity(1 << 14);
        for (n, sound) in sounds.iter().enumerate() {
            speak(sound, &voice, key.with(1 + n as u64), &mut spikes);
        }
        let last = sounds.last().expect("a word has sounds");
        let end_s = (last.start_s + last.length_s + 0.03).min(END_S);
        let scattered = (spikes.len() as f64 * SCATTERED / (1.0 - SCATTERED)) as u64;
        let scatter = key.with(1 + UNITS as u64);
        spikes.extend((0..scattered).map(|n| {
            let [a, b, ..] = scatter.words(n);
            let channel = (u64::from(a) * u64::from(CHANNELS)) >> 32;
            (channel as u16, unit_interval(b) * end_s)
        }));
        Made {
            spikes: as_in_a_file(spikes),
            label,
            speaker,
        }
    }
}

impl Made {
    fn push_to(&self, file: &mut SpikeFileWriter) -> Result<(), SyntheticError> {
        let units: Vec<u16> = self.spikes.units.iter().map(|&unit| unit as u16).collect();
        file.push(Sample {
            times_s: &self.spikes.times_s,
            units: &units,
            label: self.label,
            speaker: Some(self.speaker),
        })?;
        Ok(())
    }
}

/// The sounds of a word as one speaker says it once. Neither how long nor how loud a sound is depends on
/// its place.
fn sounds(word: &Word, voice: &Voice, traits: Key) -> Vec<Sound> {
    let vary = |counter, spread: f64| (spread * traits.normal(counter)).exp();
    let length_s = SOUND_S * voice.tempo * vary(2, 0.12);
    let spikes = SPIKES * (1.0 - SCATTERED) * voice.loudness * vary(3, 0.18);
    let mut start_s = 0.02 + 0.04 * traits.uniform(4);
    let mut sounds = Vec::with_capacity(UNITS);
    for unit in word.order {
        let number = unit as u64;
        let length_s = length_s * vary(10 + number, 0.18);
        sounds.push(Sound {
            unit,
            upwards: word.upwards[unit],
            start_s,
            length_s,
            spikes: (spikes * BANDS[unit].1 * vary(20 + number, 0.15)) as usize,
        });
        start_s += length_s;
    }
    sounds
}

/// Adds the spikes of a sound: evenly over its sweep, in the pulses of the voice.
fn speak(sound: &Sound, voice: &Voice, key: Key, spikes: &mut Vec<(u16, f64)>) {
    let middle = 450.0 + (BANDS[sound.unit].0 - 450.0) * voice.stretch + voice.shift;
    let direction = if sound.upwards { SWEEP } else { -SWEEP };
    for n in 0..sound.spikes as u64 {
        let words = key.words(n);
        let [along, a, b, within] = words.map(unit_interval);
        let normal = (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos();
        let channel = (middle + direction * (2.0 * along - 1.0) + WIDTH * normal).round();
        let span = 1.0 + 2.0 * OVERLAP;
        let smooth_s = sound.start_s + sound.length_s * (span * along - OVERLAP);
        // The spikes of a period gather in its first half.
        let pulse_s = (smooth_s * voice.pitch_hz).floor() / voice.pitch_hz;
        let time_s = pulse_s + within / (2.0 * voice.pitch_hz);
        let inside = (0.0..f64::from(CHANNELS)).contains(&channel);
        if inside && (0.0..END_S).contains(&time_s) {
            spikes.push((channel as u16, time_s));
        }
    }
}

fn unit_interval(word: u32) -> f64 {
    f64::from(word) * (1.0 / 4_294_967_296.0)
}

/// The spikes in the order of time, as float16, without those that come too soon after another of
/// their channel.
fn as_in_a_file(mut spikes: Vec<(u16, f64)>) -> Spikes {
    let in_channel = |a: &(u16, f64), b: &(u16, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1));
    spikes.sort_unstable_by(in_channel);
    let mut last = (u16::MAX, 0.0);
    spikes.retain(|&(channel, time_s)| {
        let kept = channel != last.0 || time_s - last.1 >= DEAD_S;
        if kept {
            last = (channel, time_s);
        }
        kept
    });
    for spike in &mut spikes {
        spike.1 = nearest_f16(spike.1).to_f64();
    }
    spikes.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    Spikes {
        times_s: spikes.iter().map(|spike| spike.1).collect(),
        units: spikes.iter().map(|spike| i64::from(spike.0)).collect(),
    }
}

#[cfg(test)]
mod tests;
