//! The work of the fuzz targets: every reader of bytes that come from elsewhere, and what is done first with what it
//! gives. A reader may refuse; it must not panic, run for ever or take memory without a bound.
//!
//! Panics of libraries are errors by `eventprop_audio::guard`. A panic of ours would be hidden there too: it ends
//! the process here.

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Once;

use eventprop_audio::guard::guarded;
use eventprop_audio::sound::Sound;
use eventprop_data::formats::events::{self, ReadOptions};
use eventprop_data::formats::npz::Npz;
use eventprop_data::formats::spike_file::{SpikeFile, SpikeFileError, is_spike_file};
use eventprop_data::formats::{idx, npy};
use eventprop_experiment::checkpoint::{Container, hex};
use eventprop_experiment::run::saved_network;
use eventprop_experiment::settings::Settings;
use eventprop_experiment::sweep::Sweep;
use eventprop_params::{Benchmark, Parameters};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 11] = [
    ("checkpoint", checkpoint),
    ("events", events),
    ("idx", idx),
    ("mat", mat),
    ("npy", npy),
    ("npz", npz),
    ("params", params),
    ("sound", sound),
    ("spike_file", spike_file),
    ("sweep", sweep),
    ("wav", wav),
];

/// Sounds longer than this are refused.
const SECONDS_MAX: f64 = 60.0;

/// Longer recordings are not written.
const SPAN_WRITTEN_US: i64 = 1 << 17;

/// Length of the block of text with which MATLAB begins an HDF5 file.
const MATLAB_BYTES: usize = 512;

/// Event recordings of cameras, and tables; also what is done with the events.
pub fn events(bytes: &[u8]) {
    watch();
    let Ok(recording) = events::parse(bytes, &ReadOptions::default()) else {
        return;
    };
    let (start, end) = recording.span_us().unwrap_or_default();
    with_file("written", &[], |path| {
        // Silence takes bytes in one of the formats.
        if end.saturating_sub(start) < SPAN_WRITTEN_US {
            for format in events::Format::ALL {
                let _ = events::write(path, &recording, format);
            }
        }
    });
}

/// Images and labels as MNIST has them.
pub fn idx(bytes: &[u8]) {
    watch();
    let path = Path::new("input");
    let _ = idx::parse_images(path, bytes);
    let _ = idx::parse_labels(path, bytes);
}

/// NumPy arrays: of numbers, and of events.
pub fn npy(bytes: &[u8]) {
    watch();
    let _ = npy::parse(bytes, bytes.len() as u64);
    let options = ReadOptions {
        format: Some(events::Format::Npy),
        ..ReadOptions::default()
    };
    let _ = events::parse(bytes, &options);
}

/// NumPy archives.
pub fn npz(bytes: &[u8]) {
    with_file("input.npz", bytes, |path| {
        if let Ok(archive) = Npz::open(path) {
            for name in archive.names() {
                let _ = archive.array(name);
            }
        }
        let _ = events::read(path);
        let _ = idx::read_images(path);
    });
}

/// HDF5: lists of spikes as SHD has them, and recordings of cameras.
pub fn spike_file(bytes: &[u8]) {
    with_file("input.h5", bytes, hdf5);
}

/// HDF5 as MATLAB writes it: behind a block of text.
pub fn mat(bytes: &[u8]) {
    let mut file = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".to_vec();
    file.resize(MATLAB_BYTES - 4, b' ');
    file.extend([0x00, 0x02, b'I', b'M']);
    file.extend(bytes);
    with_file("input.mat", &file, hdf5);
}

fn hdf5(path: &Path) {
    let scratch = path.parent().expect("a file lies in a folder");
    let _ = is_spike_file(path);
    if let Ok(file) = SpikeFile::open_in(path, scratch) {
        let _ = file.for_each(|_, _| Ok::<_, SpikeFileError>(()), |_, ()| {});
    }
    let _ = events::read(path);
}

/// Sound of every kind: FLAC, WAV, tags.
pub fn sound(bytes: &[u8]) {
    with_file("input.flac", bytes, |path| {
        let read = Sound::read(path, SECONDS_MAX);
        let _ = read.map(|sound| sound.clipped());
    });
}

/// WAV: the bytes are its chunks.
pub fn wav(bytes: &[u8]) {
    let mut file = b"RIFF".to_vec();
    file.extend((bytes.len() as u32 + 4).to_le_bytes());
    file.extend(b"WAVE");
    file.extend(bytes);
    sound(&file);
}

/// Parameters: a file in JSON and in TOML for the benchmark that the first byte chooses, and its lines as they stand
/// on a command line; then the settings that they make.
pub fn params(bytes: &[u8]) {
    let Some((&first, text)) = bytes.split_first() else {
        return;
    };
    let benchmark = Benchmark::ALL[usize::from(first) % Benchmark::ALL.len()];
    let settings = |mut params: Parameters| {
        params.draw_seeds(|| 1);
        let _ = Settings::new(&params);
    };
    for name in ["input.json", "input.toml"] {
        with_file(name, text, |path| {
            let mut params = Parameters::new(benchmark);
            if params.read(path).is_ok() {
                settings(params);
            }
        });
    }
    let mut params = Parameters::new(benchmark);
    for line in String::from_utf8_lossy(text).lines() {
        let _ = params.assign(line);
    }
    settings(params);
}

/// Files of sweeps.
pub fn sweep(bytes: &[u8]) {
    with_file("input.toml", bytes, |path| {
        let _ = Sweep::read(path, 1);
    });
}

/// Checkpoints as they are, and with the checksum that they should have; what is whole gives its network.
pub fn checkpoint(bytes: &[u8]) {
    watch();
    let _ = Container::parse(bytes);
    let Some(summed) = with_checksum(bytes) else {
        return;
    };
    if Container::parse(&summed).is_ok() {
        with_file("input.safetensors", &summed, |path| {
            let _ = saved_network(path);
        });
    }
}

/// The bytes of a checkpoint with the right checksum in its place, if it has one.
fn with_checksum(bytes: &[u8]) -> Option<Vec<u8>> {
    const KEY: &[u8] = b"\"sha256\":\"";
    const DIGITS: usize = 64;
    let at = bytes.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let mut summed = bytes.to_vec();
    summed.get_mut(at..at + DIGITS)?.fill(b'0');
    let sum = hex(&Sha256::digest(&summed));
    summed[at..at + DIGITS].copy_from_slice(sum.as_bytes());
    Some(summed)
}

/// Lets a panic of this project end the process, also where the guard would make an error of it.
fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        guarded(|| ()).expect("nothing panics");
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let ours = |file: &str| file.contains("crates/eventprop");
            if panic.location().is_some_and(|at| ours(at.file())) {
                let mut text = String::new();
                let _ = write!(text, "{panic}");
                let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
                process::abort();
            }
            before(panic);
        }));
    });
}

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Gives a file of these bytes to a reader that takes a path.
fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    watch();
    let folder: PathBuf = FOLDER.with(|folder| {
        let new = || tempfile::tempdir().expect("room for a folder");
        folder.get_or_init(new).path().to_owned()
    });
    let path = folder.join(name);
    fs::write(&path, bytes).expect("room for a file");
    read(&path);
}
