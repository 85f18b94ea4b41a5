//! A folder of recordings becomes a spike file.
//!
//! Threads take recordings one by one; every one that is done goes to a [`journal`](super::journal), and at the end
//! all go to the file in the order of the file list. So the file depends on neither the threads nor the order, and a
//! stopped conversion loses only what was being encoded. Memory: the encoder's for each thread, and some hundred
//! bytes per recording.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventprop_audio::encoder::{Encoder, Note, Workspace};
use eventprop_audio::sound::Sound;
use thiserror::Error;

use super::file_list::{FileList, Recording};
use super::journal::{Done, Journal, JournalError};
use crate::atomic::{self, WriteError};
use crate::binned::Speakers;
use crate::formats::spike_file::{
    MetaColumn, Sample, SpikeFileWriter, TimeType, WriteFileError, WriteOptions,
};
use crate::obtain::checksum::sha256_hex;

/// Settings of the conversion of a folder.
#[derive(Debug, Clone, Copy)]
pub struct Conversion<'a> {
    /// The encoder.
    pub encoder: &'a Encoder,
    /// The recordings to encode.
    pub file_list: &'a FileList,
    /// The spike file to write.
    pub out: &'a Path,
    /// Type of its times.
    pub times: TimeType,
    /// The longest sound that is taken, in s.
    pub max_seconds: f64,
    /// Number of threads, at least 1.
    pub threads: usize,
    /// Treatment of a recording that cannot be encoded.
    pub broken: OnBroken,
    /// Set to stop; what is done is kept.
    pub cancel: &'a AtomicBool,
}

/// Treatment of a recording that cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBroken {
    /// Leave it out and go on.
    Skip,
    /// Stop.
    Stop,
}

/// Event of a conversion.
#[derive(Debug)]
pub enum Event<'a> {
    /// A recording is done; `resumed` if it was before.
    Done {
        /// The recording.
        recording: &'a Recording,
        /// True if it was done by an earlier conversion.
        resumed: bool,
        /// Oddities of the recording.
        notes: &'a [Note],
    },
    /// A recording cannot be encoded.
    Broken {
        /// The recording.
        recording: &'a Recording,
        /// Why.
        problem: &'a str,
    },
}

/// Result of a conversion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Recordings in the file.
    pub encoded: usize,
    /// Those of them that an earlier conversion had done.
    pub resumed: usize,
    /// Seconds of sound in the file.
    pub seconds: f64,
    /// Spikes in the file.
    pub spikes: u64,
    /// Names of recordings that could not be encoded, and why; sorted by name.
    pub broken: Vec<(String, String)>,
    /// Recordings with something odd about them.
    pub noted: usize,
    /// True if it was stopped before its end. Then there is no file yet.
    pub stopped: bool,
}

/// A conversion failed.
#[derive(Debug, Error)]
pub enum ConversionError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The spike file.
    #[error(transparent)]
    File(#[from] WriteFileError),
    /// The table of what is in it.
    #[error(transparent)]
    Table(#[from] WriteError),
    /// Everything is broken.
    #[error("none of the {recordings} recordings could be encoded; the first: {first}")]
    Nothing {
        /// Number of those there.
        recordings: usize,
        /// Why the first could not.
        first: String,
    },
}

/// The journal of an output.
pub fn journal_path(out: &Path) -> PathBuf {
    beside(out, ".part")
}

/// The table of the recordings of an output.
pub fn table_path(out: &Path) -> PathBuf {
    beside(out, ".files.csv")
}

fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// State that the threads share.
struct Shared<'a> {
    journal: Journal,
    report: Report,
    failed: Option<JournalError>,
    hear: &'a mut (dyn FnMut(&Event<'_>) + Send),
}

impl Conversion<'_> {
    /// Encodes what is not done yet, then writes the file and the table beside it. `hear` is told of every recording.
    ///
    /// The journal is removed when all recordings are in the file, and kept when some are broken, so that the
    /// same call encodes just those once they are repaired.
    ///
    /// # Errors
    /// [`ConversionError`]; what was encoded is kept in the journal.
    pub fn run(
        &self,
        hear: &mut (dyn FnMut(&Event<'_>) + Send),
    ) -> Result<Report, ConversionError> {
        let settings = self.encoder.settings().describe();
        let journal = Journal::open(&journal_path(self.out), &settings)?;
        let shared = Mutex::new(Shared {
            journal,
            report: Report::default(),
            failed: None,
            hear,
        });
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| self.work(&next, &shared));
            }
        });
        let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Shared {
            journal,
            mut report,
            failed,
            ..
        } = shared;
        if let Some(error) = failed {
            return Err(error.into());
        }
        report.broken.sort();
        if report.stopped {
            return Ok(report);
        }
        if let (0, Some((name, problem))) = (report.encoded, report.broken.first()) {
            return Err(ConversionError::Nothing {
                recordings: self.file_list.recordings.len(),
                first: format!("{name}: {problem}"),
            });
        }
        self.write(&journal, &report)?;
        if report.broken.is_empty() {
            journal.remove()?;
        }
        Ok(report)
    }

    /// One thread.
    fn work(&self, next: &AtomicUsize, shared: &Mutex<Shared<'_>>) {
        let mut workspace = Workspace::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(recording) = self.file_list.recordings.get(index) else {
                return;
            };
            if self.cancel.load(Ordering::Relaxed) {
                lock(shared).report.stopped = true;
            }
            if lock(shared).report.stopped {
                return;
            }
            self.take(recording, &mut workspace, shared);
        }
    }

    fn take(&self, recording: &Recording, workspace: &mut Workspace, shared: &Mutex<Shared<'_>>) {
        let before = lock(shared).journal.get(&recording.name);
        let hash = || File::open(&recording.path).and_then(sha256_hex);
        let known = before
            .unwrap_or(None)
            .filter(|done| hash().is_ok_and(|hash| hash == done.sha256));
        let (result, resumed) = match known {
            Some(done) => (Ok(done), true),
            None => (self.encode(recording, workspace), false),
        };
        let mut shared = lock(shared);
        let shared = &mut *shared;
        match result {
            Ok(done) => {
                let pushed = if resumed {
                    Ok(())
                } else {
                    shared.journal.push(&done)
                };
                if let Err(error) = pushed {
                    shared.failed.get_or_insert(error);
                    shared.report.stopped = true;
                    return;
                }
                let report = &mut shared.report;
                report.encoded += 1;
                report.resumed += usize::from(resumed);
                report.noted += usize::from(!done.encoding.notes.is_empty());
                report.seconds += done.seconds;
                report.spikes += done.encoding.spikes.len() as u64;
                (shared.hear)(&Event::Done {
                    recording,
                    resumed,
                    notes: &done.encoding.notes,
                });
            }
            Err(problem) => {
                (shared.hear)(&Event::Broken {
                    recording,
                    problem: &problem,
                });
                shared.report.broken.push((recording.name.clone(), problem));
                shared.report.stopped |= self.broken == OnBroken::Stop;
            }
        }
    }

    fn encode(&self, recording: &Recording, workspace: &mut Workspace) -> Result<Done, String> {
        let path = &recording.path;
        let sound = Sound::read(path, self.max_seconds).map_err(|error| error.to_string())?;
        let sha256 = File::open(path).and_then(sha256_hex);
        let sha256 = sha256.map_err(|error| error.to_string())?;
        let encoding = self
            .encoder
            .encode(&sound, stream(&sha256), workspace)
            .map_err(|error| error.to_string())?;
        Ok(Done {
            name: recording.name.clone(),
            sha256,
            seconds: sound.seconds(),
            encoding,
        })
    }

    fn write(&self, journal: &Journal, report: &Report) -> Result<(), ConversionError> {
        let file_list = self.file_list;
        let meta_info = if file_list.speakers.is_empty() {
            Vec::new()
        } else {
            vec![(
                "name".to_owned(),
                MetaColumn::Text(file_list.speakers.clone()),
            )]
        };
        let options = WriteOptions {
            times: self.times,
            speakers: if file_list.speakers.is_empty() {
                Speakers::Unknown
            } else {
                Speakers::Known
            },
            keys: file_list.classes.clone(),
            meta_info,
            attributes: vec![
                (
                    "source".to_owned(),
                    "recordings encoded by eventprop data encode-audio".to_owned(),
                ),
                ("encoder".to_owned(), self.encoder.settings().describe()),
            ],
            ..WriteOptions::default()
        };
        let mut file = SpikeFileWriter::create(self.out, options)?;
        let mut lines = vec![TITLES.map(str::to_owned)];
        let (mut times_s, mut units) = (Vec::new(), Vec::new());
        let broken = |name: &str| {
            report
                .broken
                .binary_search_by(|(other, _)| other.as_str().cmp(name))
                .is_ok()
        };
        let whole = file_list
            .recordings
            .iter()
            .filter(|recording| !broken(&recording.name));
        for (sample, recording) in whole.enumerate() {
            let done = journal
                .get(&recording.name)?
                .expect("every recording is in the journal or broken");
            let encoding = &done.encoding;
            times_s.clear();
            times_s.extend(encoding.spikes.iter().map(|spike| encoding.seconds(*spike)));
            units.clear();
            units.extend(encoding.spikes.iter().map(|spike| spike.channel));
            file.push(Sample {
                times_s: &times_s,
                units: &units,
                label: recording.label,
                speaker: recording.speaker,
            })?;
            lines.push(self.line(sample, recording, &done));
        }
        atomic::write(&table_path(self.out), |out| {
            let mut table = csv::Writer::from_writer(out);
            lines.iter().try_for_each(|line| table.write_record(line))?;
            table.flush()
        })?;
        file.finish()?;
        Ok(())
    }

    /// A line of the table.
    fn line(&self, sample: usize, recording: &Recording, done: &Done) -> [String; 9] {
        let name = recording
            .speaker
            .map_or("", |speaker| &self.file_list.speakers[usize::from(speaker)]);
        [
            sample.to_string(),
            recording.name.clone(),
            recording.label.to_string(),
            self.file_list.classes[usize::from(recording.label)].clone(),
            recording
                .speaker
                .map_or(String::new(), |speaker| speaker.to_string()),
            name.to_owned(),
            done.seconds.to_string(),
            done.encoding.spikes.len().to_string(),
            done.sha256.clone(),
        ]
    }
}

/// Titles of the table of recordings.
const TITLES: [&str; 9] = [
    "sample",
    "file",
    "label",
    "class",
    "speaker",
    "speaker_name",
    "seconds",
    "spikes",
    "sha256",
];

/// The stream of random numbers of a file: the first 64 bits of its SHA-256, so that the same recording gives the
/// same spikes under any name and in any company.
pub fn stream(sha256: &str) -> u64 {
    let digits = sha256.get(..16).unwrap_or(sha256);
    u64::from_str_radix(digits, 16).unwrap_or(0)
}

/// The stream of a file.
///
/// # Errors
/// The system's error when it cannot be read.
pub fn stream_of(path: &Path) -> io::Result<u64> {
    Ok(stream(&sha256_hex(File::open(path)?)?))
}

/// A thread that panicked has ended the program's work anyway; the others may finish what they hold.
fn lock<'a, 'b>(shared: &'a Mutex<Shared<'b>>) -> MutexGuard<'a, Shared<'b>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
