//! DVS128 Gesture: eleven gestures of 29 people before a camera of 128 × 128 pixels under three to five
//! kinds of light (Amir et al. 2017, "A low power, fully event-based gesture recognition system").
//!
//! Read are the original release (`userNN_LIGHT.aedat` in AEDAT 3.1, `userNN_LIGHT_labels.csv` with class
//! and start and end of every clip, `trials_to_train.txt` and `trials_to_test.txt`), and the clips that
//! tonic hands out (`ibmGestureTrain/userNN_LIGHT/CLASS.npy`). Classes count from 0 here, from 1 in the
//! label files. Training and test have different people; the number of the person goes with each clip,
//! so that a validation part can leave people out.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;

use crate::binned::{BinError, BinnedSet, Binning, Speakers};
use crate::camera::CameraCode;
use crate::events::{self, Event, EventFileError};

/// Pixels of a side.
pub const SIDE: u32 = 128;
/// Gestures.
pub const CLASSES: u32 = 11;
/// The gestures, by class.
pub const NAMES: [&str; CLASSES as usize] = [
    "hand_clapping",
    "right_hand_wave",
    "left_hand_wave",
    "right_arm_clockwise",
    "right_arm_counter_clockwise",
    "left_arm_clockwise",
    "left_arm_counter_clockwise",
    "arm_roll",
    "air_drums",
    "air_guitar",
    "other",
];
/// What a gesture becomes in a mirror: right is left, and clockwise is counter-clockwise.
pub const MIRRORED: [u16; CLASSES as usize] = [0, 2, 1, 6, 5, 4, 3, 7, 8, 9, 10];
/// Folders below a data folder in which the set is looked for.
const FOLDERS: [&str; 5] = ["dvs_gesture", "DvsGesture", "DVSGesture", "dvs-gesture", ""];

/// A part of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Users 1 to 23.
    Train,
    /// Users 24 to 29.
    Test,
}

impl Split {
    fn list(self) -> &'static str {
        match self {
            Self::Train => "trials_to_train.txt",
            Self::Test => "trials_to_test.txt",
        }
    }

    fn clips_folder(self) -> &'static str {
        match self {
            Self::Train => "ibmGestureTrain",
            Self::Test => "ibmGestureTest",
        }
    }
}

/// DVS128 Gesture could not be read.
#[derive(Debug, Error)]
pub enum GestureError {
    /// It is in none of the folders.
    #[error(
        "DVS128 Gesture is in none of {folders:?}: neither {list} of the original release nor {clips}/ of tonic's clips \
         in dvs_gesture/, DvsGesture/ or the folder itself. `eventprop data fetch dvs-gesture` says how to get it"
    )]
    NotFound {
        /// List of the original release.
        list: &'static str,
        /// Folder of tonic's clips.
        clips: &'static str,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// A recording is damaged.
    #[error(transparent)]
    File(#[from] EventFileError),
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of a label file is not class, start, end.
    #[error("{}, line {line}: found {found:?}, expected {expected}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The line.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A clip begins after the last event.
    #[error(
        "{}: class {class} begins at {start_us} µs, but the last event of the recording is at {last_us} µs: labels and \
         recording do not belong together, or the recording is cut off", path.display()
    )]
    BeyondRecording {
        /// The recording.
        path: PathBuf,
        /// The class, from 1.
        class: u32,
        /// Start of the clip.
        start_us: i64,
        /// Time of the last event.
        last_us: i64,
    },
    /// A name without the number of a person or of a class.
    #[error("{}: the name is not {expected}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// An event does not fit the sensor or the grid.
    #[error("{}: {problem}", path.display())]
    Bin {
        /// The recording.
        path: PathBuf,
        /// What is wrong.
        problem: BinError,
    },
    /// A recording of another camera.
    #[error("{}: the sensor has {width} × {height} pixels, expected {SIDE} × {SIDE}", path.display())]
    Sensor {
        /// The recording.
        path: PathBuf,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// One labelled stretch of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clip {
    /// The class, from 0.
    pub class: u16,
    /// First time that belongs to it, in µs.
    pub start_us: i64,
    /// First time behind it.
    pub end_us: i64,
}

/// What is taken of every clip, in ms from its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Where it begins.
    pub start_ms: f64,
    /// Where it ends.
    pub end_ms: f64,
}

/// A part, as spikes on a grid; its speakers are the users.
#[derive(Debug)]
pub struct Loaded {
    /// The samples.
    pub set: BinnedSet,
    /// Where they came from.
    pub folder: PathBuf,
    /// What a user should know.
    pub notices: Vec<String>,
}

/// How clips become samples.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// For a sensor of 128 × 128 pixels.
    pub code: &'a CameraCode,
    /// The grid.
    pub binning: &'a Binning,
    /// The stretch of every clip; the whole clip without one.
    pub window: Option<Window>,
}

/// Reads a part.
///
/// # Errors
/// [`GestureError`].
pub fn read_binned<P: AsRef<Path>>(
    dirs: &[P],
    split: Split,
    request: &Request<'_>,
) -> Result<Loaded, GestureError> {
    let (folder, recordings) = recordings(dirs, split)?;
    let (code, binning) = (request.code, request.binning);
    let mut set = BinnedSet::new(code.inputs(), binning.steps, CLASSES, Speakers::Known);
    let mut notices = Vec::new();
    // A few recordings at a time: each has some 20 million bytes.
    for group in recordings.chunks(4 * rayon::current_num_threads()) {
        let read: Vec<Read> = group
            .par_iter()
            .map(|recording| recording.read(request))
            .collect::<Result<_, _>>()?;
        for read in read {
            for (mut spikes, class, user) in read.samples {
                set.push(&mut spikes, class, Some(user));
            }
            set.lost.of += read.events;
            set.lost.cut_off += read.late;
            notices.extend(read.notices);
        }
    }
    set.shrink();
    set.class_names = NAMES.map(str::to_owned).to_vec();
    notices.extend(set.lost.late_notice());
    Ok(Loaded {
        set,
        folder,
        notices,
    })
}

/// A file with one or several clips.
enum Recording {
    /// An original recording with its labels.
    Original { events: PathBuf, labels: PathBuf },
    /// A clip of tonic's, with its class.
    Cut { events: PathBuf, class: u16 },
}

/// Spikes, class, user.
type Sample = (Vec<(u32, u16)>, u16, u16);

/// What comes of a file.
#[derive(Default)]
struct Read {
    samples: Vec<Sample>,
    events: u64,
    late: u64,
    notices: Vec<String>,
}

/// Where a part lies, in the first of the data folders that holds it.
///
/// # Errors
/// [`GestureError`].
pub fn find<P: AsRef<Path>>(dirs: &[P], split: Split) -> Result<PathBuf, GestureError> {
    Ok(recordings(dirs, split)?.0)
}

fn recordings<P: AsRef<Path>>(
    dirs: &[P],
    split: Split,
) -> Result<(PathBuf, Vec<Recording>), GestureError> {
    let folders = dirs
        .iter()
        .flat_map(|dir| FOLDERS.map(|below| dir.as_ref().join(below)));
    for folder in folders {
        let list = folder.join(split.list());
        if list.is_file() {
            return Ok((folder.clone(), original(&folder, &list)?));
        }
        let clips = folder.join(split.clips_folder());
        if clips.is_dir() {
            return Ok((clips.clone(), cut(&clips)?));
        }
    }
    Err(GestureError::NotFound {
        list: split.list(),
        clips: split.clips_folder(),
        folders: dirs.iter().map(|dir| dir.as_ref().to_owned()).collect(),
    })
}

/// The recordings that a list of trials names, in its order.
fn original(folder: &Path, list: &Path) -> Result<Vec<Recording>, GestureError> {
    let text = text(list)?;
    let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
    let recordings = names.map(|name| {
        let events = folder.join(name);
        let stem = name.strip_suffix(".aedat").unwrap_or(name);
        Recording::Original {
            events,
            labels: folder.join(format!("{stem}_labels.csv")),
        }
    });
    Ok(recordings.collect())
}

/// The clips in the folders of a part, by user, light and class.
fn cut(folder: &Path) -> Result<Vec<Recording>, GestureError> {
    let mut clips = Vec::new();
    for user in entries(folder)? {
        if !user.is_dir() {
            continue;
        }
        let mut classes = Vec::new();
        for events in entries(&user)? {
            let stem = events.file_stem().and_then(|stem| stem.to_str());
            let class = stem.and_then(|stem| stem.parse::<u16>().ok());
            let Some(class) = class.filter(|class| u32::from(*class) < CLASSES) else {
                let (path, expected) = (events, "CLASS.npy with a class from 0 to 10");
                return Err(GestureError::Name { path, expected });
            };
            classes.push((class, events));
        }
        classes.sort();
        clips.extend(
            classes
                .into_iter()
                .map(|(class, events)| Recording::Cut { events, class }),
        );
    }
    Ok(clips)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, GestureError> {
    let io = |source| GestureError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        paths.push(entry.map_err(io)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn text(path: &Path) -> Result<String, GestureError> {
    std::fs::read_to_string(path).map_err(|source| GestureError::Io {
        path: path.to_owned(),
        source,
    })
}

/// The clips of a label file: a line `class,startTime_usec,endTime_usec`, then one line each.
///
/// # Errors
/// [`GestureError::Io`] and [`GestureError::Label`].
pub fn read_labels(path: &Path) -> Result<Vec<Clip>, GestureError> {
    let text = text(path)?;
    let mut clips = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let values: Vec<&str> = line.split(',').map(str::trim).collect();
        if line.trim().is_empty() || (n == 0 && values.first() == Some(&"class")) {
            continue;
        }
        let numbers: Option<Vec<i64>> = values.iter().map(|value| value.parse().ok()).collect();
        let label = |expected| GestureError::Label {
            path: path.to_owned(),
            line: n + 1,
            found: line.to_owned(),
            expected,
        };
        let Some(&[class, start_us, end_us]) = numbers.as_deref() else {
            return Err(label("class, start and end in µs"));
        };
        if !(1..=i64::from(CLASSES)).contains(&class) {
            return Err(label("a class from 1 to 11"));
        }
        if start_us < 0 || end_us <= start_us {
            return Err(label("an end after the start"));
        }
        clips.push(Clip {
            class: class as u16 - 1,
            start_us,
            end_us,
        });
    }
    Ok(clips)
}

/// The number in `user01_fluorescent`.
fn user(path: &Path, name: Option<&std::ffi::OsStr>) -> Result<u16, GestureError> {
    let number = name.and_then(|name| {
        let digits = name.to_str()?.strip_prefix("user")?.split('_').next()?;
        digits.parse().ok()
    });
    number.ok_or_else(|| GestureError::Name {
        path: path.to_owned(),
        expected: "of the form userNN_LIGHT",
    })
}

impl Recording {
    fn read(&self, request: &Request<'_>) -> Result<Read, GestureError> {
        let mut read = Read::default();
        match self {
            Self::Original { events, labels } => {
                let user = user(events, events.file_name())?;
                let clips = read_labels(labels)?;
                let recording = checked(events)?;
                let last_us = recording.span_us().map_or(0, |(_, last)| last);
                for clip in clips {
                    let Clip {
                        class,
                        start_us,
                        end_us,
                    } = clip;
                    if start_us > last_us {
                        return Err(GestureError::BeyondRecording {
                            path: events.clone(),
                            class: u32::from(class) + 1,
                            start_us,
                            last_us,
                        });
                    }
                    if end_us > last_us + 1_000_000 {
                        let (name, class) = (events.display(), class + 1);
                        read.notices.push(format!(
                            "{name}: class {class} ends at {end_us} µs, the recording at {last_us} µs"
                        ));
                    }
                    let within = recording.between(start_us, end_us);
                    read.add(events, (within, start_us), (class, user), request)?;
                }
                let lines = recording.notes.lines();
                let said = lines
                    .iter()
                    .map(|line| format!("{}: {line}", events.display()));
                read.notices.extend(said);
            }
            Self::Cut { events, class } => {
                let folder = events.parent().and_then(Path::file_name);
                let user = user(events, folder)?;
                let recording = checked(events)?;
                // Times of a clip count from the start of its recording.
                let start_us = recording.span_us().map_or(0, |(first, _)| first);
                let all = (&recording.events[..], start_us);
                read.add(events, all, (*class, user), request)?;
            }
        }
        Ok(read)
    }
}

/// A recording of the right camera.
fn checked(path: &Path) -> Result<events::Recording, GestureError> {
    let recording = events::read(path)?;
    let (width, height) = (recording.sensor.width, recording.sensor.height);
    if width > SIDE || height > SIDE {
        return Err(GestureError::Sensor {
            path: path.to_owned(),
            width,
            height,
        });
    }
    Ok(recording)
}

impl Read {
    fn add(
        &mut self,
        path: &Path,
        (events, start_us): (&[Event], i64),
        (class, user): (u16, u16),
        request: &Request<'_>,
    ) -> Result<(), GestureError> {
        let (events, start_us) = within(events, start_us, request.window);
        let mut spikes = Vec::with_capacity(events.len());
        let late = request
            .code
            .bin(events, start_us, request.binning, &mut spikes)
            .map_err(|problem| GestureError::Bin {
                path: path.to_owned(),
                problem,
            })?;
        self.late += late;
        self.events += events.len() as u64;
        self.samples.push((spikes, class, user));
        Ok(())
    }
}

/// The events of a clip that begins at `start_us` which lie in a window of it, and when that begins.
pub(crate) fn within(events: &[Event], start_us: i64, window: Option<Window>) -> (&[Event], i64) {
    let Some(window) = window else {
        return (events, start_us);
    };
    let at = |ms: f64| start_us.saturating_add((ms * 1000.0).round() as i64);
    let (from, to) = (at(window.start_ms), at(window.end_ms));
    let first = events.partition_point(|event| event.t_us < from);
    let end = events.partition_point(|event| event.t_us < to);
    (&events[first..end.max(first)], from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::PolarityCode;
    use crate::events::{Format, Notes, Polarity, Sensor, SizeFrom};

    fn recording(times: &[i64]) -> events::Recording {
        let event = |&t_us: &i64| Event {
            t_us,
            x: 5,
            y: 127,
            on: true,
        };
        events::Recording {
            format: Format::Aedat31,
            sensor: Sensor {
                width: 128,
                height: 128,
                polarity: Polarity::OnOff,
                size_from: SizeFrom::File,
            },
            events: times.iter().map(event).collect(),
            notes: Notes::default(),
        }
    }

    fn write(folder: &Path, name: &str, labels: &str, times: &[i64]) {
        let path = folder.join(format!("{name}.aedat"));
        events::write(&path, &recording(times), Format::Aedat31).unwrap();
        let header = "class,startTime_usec,endTime_usec\n";
        std::fs::write(
            folder.join(format!("{name}_labels.csv")),
            format!("{header}{labels}"),
        )
        .unwrap();
    }

    fn code() -> CameraCode {
        CameraCode::new((SIDE, SIDE), 32, PolarityCode::Separate).unwrap()
    }

    fn read(folder: &Path, split: Split, window: Option<Window>) -> Result<Loaded, GestureError> {
        let binning = Binning {
            dt_ms: 1.0,
            steps: 100,
            inputs: code().inputs(),
            rescale_t: 1.0,
            rescale_x: 1.0,
        };
        let request = Request {
            code: &code(),
            binning: &binning,
            window,
        };
        read_binned(&[folder], split, &request)
    }

    fn steps(set: &BinnedSet, sample: usize) -> Vec<u32> {
        let mut steps = Vec::new();
        set.for_each_spike(sample, |step, channel| {
            assert_eq!(channel, (32 * 31 + 1) * 2 + 1);
            steps.push(step);
        });
        steps
    }

    /// Clips may overlap, as those of some recordings do; the end of a clip does not belong to it.
    #[test]
    fn the_original_release() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("DvsGesture");
        std::fs::create_dir(&place).unwrap();
        let times = [900, 1000, 41_000, 51_500, 60_000, 190_000];
        write(
            &place,
            "user07_led",
            "8,1000,60000\n8,50000,300000\n",
            &times,
        );
        std::fs::write(place.join("trials_to_train.txt"), "user07_led.aedat\n\n").unwrap();
        let loaded = read(folder.path(), Split::Train, None).unwrap();
        assert_eq!(
            (loaded.set.labels(), loaded.set.speakers()),
            (&[7, 7][..], Some(&[7, 7][..]))
        );
        assert_eq!(steps(&loaded.set, 0), [0, 40, 50]);
        assert_eq!(steps(&loaded.set, 1), [1, 10]);
        assert_eq!(
            loaded.notices,
            ["1 of 6 events come after TRIAL_MS and are cut off"]
        );
        let window = Window {
            start_ms: 40.0,
            end_ms: 50.0,
        };
        let loaded = read(folder.path(), Split::Train, Some(window)).unwrap();
        assert_eq!(
            (steps(&loaded.set, 0), steps(&loaded.set, 1)),
            (vec![0], vec![])
        );
        let missing = read(folder.path(), Split::Test, None)
            .unwrap_err()
            .to_string();
        assert!(missing.contains("trials_to_test.txt"), "{missing}");
    }

    #[test]
    fn labels_that_do_not_fit_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("trials_to_test.txt"), "user24_led.aedat").unwrap();
        for (labels, words) in [
            (
                "1,2000,3000\n",
                "begins at 2000 µs, but the last event of the recording is at 1000",
            ),
            ("12,10,20\n", "line 2"),
            ("1,20\n", "class, start and end"),
            ("1,20,10\n", "an end after the start"),
        ] {
            write(folder.path(), "user24_led", labels, &[0, 1000]);
            let error = read(folder.path(), Split::Test, None)
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{error}");
        }
        write(folder.path(), "user24_led", "1,0,2000000\n", &[0, 1000]);
        let loaded = read(folder.path(), Split::Test, None).unwrap();
        assert!(
            loaded.notices[0].contains("ends at 2000000"),
            "{:?}",
            loaded.notices
        );
    }

    /// Rows x, y, p, t in ms, as tonic's archives have them.
    #[test]
    fn clips_of_tonic() {
        let folder = tempfile::tempdir().unwrap();
        let user = folder.path().join("ibmGestureTest/user25_lab");
        std::fs::create_dir_all(&user).unwrap();
        let rows = [5.0, 127.0, 1.0, 700.0, 5.0, 127.0, 1.0, 703.0];
        for class in [10, 2] {
            crate::npy::write(&user.join(format!("{class}.npy")), &[2, 4], &rows).unwrap();
        }
        let loaded = read(folder.path(), Split::Test, None).unwrap();
        assert_eq!(
            (loaded.set.labels(), loaded.set.speakers()),
            (&[2, 10][..], Some(&[25, 25][..]))
        );
        assert_eq!(steps(&loaded.set, 0), [0, 3]);
        std::fs::write(user.join("11.npy"), "").unwrap();
        assert!(read(folder.path(), Split::Test, None).is_err());
    }

    #[test]
    fn two_mirrors_change_nothing() {
        for (class, name) in NAMES.iter().enumerate() {
            let mirrored = usize::from(MIRRORED[class]);
            assert_eq!(usize::from(MIRRORED[mirrored]), class);
            let swap = |name: &str| name.contains("right") || name.contains("left");
            assert_eq!(mirrored != class, swap(name), "{name}");
            assert_eq!(
                name.contains("counter"),
                NAMES[mirrored].contains("clockwise") && !NAMES[mirrored].contains("counter")
            );
        }
    }
}
