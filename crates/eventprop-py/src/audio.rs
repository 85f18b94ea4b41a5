//! From sound to spikes, as SHD was made.

use std::path::PathBuf;
use std::sync::Arc;

use eventprop_audio::encoder::{Encoder, Encoding, Workspace};
use eventprop_audio::preset::Preset;
use eventprop_audio::settings::Mode;
use eventprop_audio::sound::Sound;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::events::{Arrays, Columns};
use crate::{errors, pool};

/// Reads WAV or FLAC: samples from −1 to 1, and samples per second.
#[pyfunction]
pub fn read_sound(
    py: Python<'_>,
    path: PathBuf,
    max_s: f64,
) -> PyResult<(Bound<'_, PyArray1<f64>>, u32)> {
    let sound = pool::compute(py, move || Sound::read(&path, max_s))?;
    let sound = sound.map_err(|error| errors::file(&error))?;
    Ok((sound.samples.into_pyarray(py), sound.rate_hz))
}

/// The settings with which sound is encoded.
#[derive(FromPyObject)]
pub struct Request {
    #[pyo3(item)]
    preset: String,
    #[pyo3(item)]
    channels: usize,
    /// The rate to which sounds are brought; none takes them as they are.
    #[pyo3(item)]
    resample_hz: Option<u32>,
    #[pyo3(item)]
    exact: bool,
    #[pyo3(item)]
    seed: u64,
    /// Constants by name, as text.
    #[pyo3(item)]
    constants: Vec<(String, String)>,
}

/// An encoder with what it computed once.
#[pyclass(frozen, module = "eventprop._engine")]
pub struct SoundEncoder(Arc<Encoder>);

#[pymethods]
impl SoundEncoder {
    #[new]
    fn new(py: Python<'_>, request: Request) -> PyResult<Self> {
        let preset: Preset = request.preset.parse().map_err(errors::value)?;
        let mut settings = preset.settings();
        settings.channels = request.channels;
        settings.rate_hz = request.resample_hz;
        settings.seed = request.seed;
        settings.mode = if request.exact {
            Mode::Exact
        } else {
            Mode::Fast
        };
        for (name, value) in &request.constants {
            settings.assign(name, value).map_err(errors::value)?;
        }
        let encoder = pool::compute(py, move || Encoder::new(settings))?;
        Ok(Self(Arc::new(encoder.map_err(errors::value)?)))
    }

    /// Encodes some sounds, the first of which has the number `first`: their spikes, and what is odd
    /// about them, with the place of the sound.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        sounds: Vec<(PyReadonlyArray1<'py, f64>, u32)>,
        first: usize,
    ) -> PyResult<(Arrays<'py>, Vec<(usize, String)>)> {
        let sound = |(samples, rate_hz): &(PyReadonlyArray1<'py, f64>, u32)| {
            let samples = samples.as_slice().map_err(errors::value)?;
            Ok(Sound::new(samples.to_vec(), *rate_hz))
        };
        let sounds = sounds.iter().map(sound).collect::<PyResult<Vec<Sound>>>()?;
        let encoder = Arc::clone(&self.0);
        let encoded: Vec<_> = pool::compute(py, move || {
            let place = |place: usize| (first + place) as u64;
            let sounds = sounds.par_iter().enumerate();
            sounds
                .map_init(Workspace::default, |workspace, (index, sound)| {
                    encoder.encode(sound, place(index), workspace)
                })
                .collect()
        })?;
        let mut columns = Columns::default();
        let mut notes = Vec::new();
        for (index, encoded) in encoded.into_iter().enumerate() {
            let sound = first + index;
            let encoded: Encoding =
                encoded.map_err(|error| errors::value(format!("sounds[{sound}]: {error}")))?;
            let said = encoded.notes.iter();
            notes.extend(said.map(|note| (sound, note.to_string())));
            let spikes = encoded.spikes.iter();
            columns.push(
                spikes.map(|spike| (1e3 * encoded.seconds(*spike), u32::from(spike.channel))),
            );
        }
        Ok((columns.into_arrays(py), notes))
    }
}
