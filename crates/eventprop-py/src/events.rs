//! Spike trains of many samples in four flat arrays, as Python keeps them.

use std::ops::Range;

use eventprop::network::Clock;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::Trials;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::tape::SpikeTime;
use eventprop::time_noise::TimeNoise;
use eventprop_experiment::data::Dropping;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::errors;

/// The arrays of a `Spikes` object, borrowed.
#[derive(FromPyObject)]
pub struct Events<'py> {
    #[pyo3(attribute("times_ms"))]
    times_ms: PyReadonlyArray1<'py, f64>,
    #[pyo3(attribute("neurons"))]
    neurons: PyReadonlyArray1<'py, u32>,
    #[pyo3(attribute("offsets"))]
    offsets: PyReadonlyArray1<'py, i64>,
    #[pyo3(attribute("labels"))]
    labels: PyReadonlyArray1<'py, u32>,
    /// One for each spike; none where all are 1.
    #[pyo3(attribute("amplitudes"))]
    amplitudes: Option<PyReadonlyArray1<'py, f64>>,
    #[pyo3(attribute("_noise"))]
    noise: Noise,
}

/// The spikes of a population in all samples of a batch, one sample behind the other.
pub struct Flat {
    pub times: Vec<f64>,
    pub neurons: Vec<u32>,
    pub offsets: Vec<i64>,
}

impl Flat {
    /// Those of the population with this number.
    pub fn of(trials: &impl Trials, population: usize, clock: Clock) -> Self {
        let mut flat = Self {
            times: Vec::new(),
            neurons: Vec::new(),
            offsets: vec![0],
        };
        for sample in 0..trials.samples() {
            let tape = trials.tape(sample);
            let spikes = &tape.populations[population];
            let times = spikes.when.iter().map(|when| when.ms(clock));
            flat.times.extend(times);
            flat.neurons.extend_from_slice(&spikes.neuron);
            flat.offsets.push(flat.times.len() as i64);
        }
        flat
    }
}

/// Noise of times as Python keeps it: share of the time, and ms.
pub type Noise = (f64, f64);

/// Noise of times that came in floats of so many bytes; of differences of such times up to `longest_ms`, where that is
/// given.
#[pyfunction]
pub fn time_noise(bytes: usize, longest_ms: Option<f64>) -> Noise {
    let noise = match bytes {
        2 => TimeNoise::F16,
        4 => TimeNoise::F32,
        _ => TimeNoise::F64,
    };
    let noise = longest_ms.map_or(noise, |longest_ms| noise.of_differences(longest_ms));
    (noise.relative, noise.absolute_ms)
}

/// The steps of times on a grid, as the grid solver takes them.
#[pyfunction]
pub fn steps_of<'py>(
    py: Python<'py>,
    times_ms: PyReadonlyArray1<'py, f64>,
    noise: Noise,
    dt_ms: f64,
    trial_ms: f64,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let clock = Clock::new(dt_ms, trial_ms).map_err(errors::value)?;
    let times = times_ms.as_slice().map_err(errors::value)?;
    let noise = time_noise_of(noise);
    let steps = times.iter().map(|time| clock.step_of(*time, noise) as i64);
    Ok(steps.collect::<Vec<_>>().into_pyarray(py))
}

fn time_noise_of((relative, absolute_ms): Noise) -> TimeNoise {
    TimeNoise {
        relative,
        absolute_ms,
    }
}

/// The same as slices, which can be read while Python goes on.
#[derive(Clone, Copy)]
pub struct Slices<'a> {
    times_ms: &'a [f64],
    neurons: &'a [u32],
    offsets: &'a [i64],
    labels: &'a [u32],
    /// Empty where all are 1.
    amplitudes: &'a [f64],
    /// Noise of the times.
    pub noise: TimeNoise,
}

impl Events<'_> {
    /// The arrays as slices.
    pub fn slices(&self) -> PyResult<Slices<'_>> {
        let slices = Slices {
            times_ms: self.times_ms.as_slice().map_err(errors::value)?,
            neurons: self.neurons.as_slice().map_err(errors::value)?,
            offsets: self.offsets.as_slice().map_err(errors::value)?,
            labels: self.labels.as_slice().map_err(errors::value)?,
            amplitudes: match &self.amplitudes {
                Some(amplitudes) => amplitudes.as_slice().map_err(errors::value)?,
                None => &[],
            },
            noise: time_noise_of(self.noise),
        };
        let fits = slices.offsets.len() == slices.labels.len() + 1
            && slices.neurons.len() == slices.times_ms.len()
            && (slices.amplitudes.is_empty() || slices.amplitudes.len() == slices.times_ms.len())
            && slices.offsets[slices.labels.len()] == slices.times_ms.len() as i64;
        if fits {
            Ok(slices)
        } else {
            Err(errors::value(
                "the arrays of these spikes do not fit together; make a new Spikes object",
            ))
        }
    }
}

impl Slices<'_> {
    /// Fills `batch` with the samples at `places`, or with all.
    pub fn fill(&self, places: Option<&[i64]>, batch: &mut Batch) {
        self.fill_but(places, None, batch);
    }

    /// The same, but for spikes that are left out.
    pub fn fill_but(&self, places: Option<&[i64]>, dropping: Option<Dropping>, batch: &mut Batch) {
        batch.resize(places.map_or(self.len(), <[i64]>::len));
        batch.fill(|turn, slot| {
            let sample = places.map_or(turn, |places| places[turn] as usize);
            let (times_ms, neurons, label) = self.sample(sample);
            let draws = dropping.map(|dropping| {
                let key = dropping.key.with(sample as u64);
                dropping.dropout.draws(key)
            });
            let spikes = times_ms.iter().copied().zip(neurons.iter().copied());
            match draws.clone() {
                None => slot.train.refill(spikes),
                Some(mut draws) => slot.train.refill(spikes.filter(|_| draws.keep())),
            }
            slot.train.set_noise(self.noise);
            if !self.amplitudes.is_empty() {
                let amplitudes = &self.amplitudes[self.range(sample)];
                match draws {
                    None => slot.train.set_amplitudes(amplitudes),
                    Some(mut draws) => {
                        let kept = amplitudes.iter().copied().filter(|_| draws.keep());
                        slot.train.set_amplitudes(&kept.collect::<Vec<_>>());
                    }
                }
            }
            *slot.label = label;
            *slot.id = sample as u64;
        });
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The places of the spikes of a sample.
    fn range(&self, sample: usize) -> Range<usize> {
        self.offsets[sample] as usize..self.offsets[sample + 1] as usize
    }

    /// Times, neurons and class of a sample.
    pub fn sample(&self, sample: usize) -> (&[f64], &[u32], u32) {
        let range = self.range(sample);
        let (times_ms, neurons) = (&self.times_ms[range.clone()], &self.neurons[range]);
        (times_ms, neurons, self.labels[sample])
    }

    /// True if all places are samples.
    pub fn check(&self, places: &[i64]) -> PyResult<()> {
        let samples = self.labels.len() as i64;
        match places.iter().find(|place| !(0..samples).contains(place)) {
            None => Ok(()),
            Some(place) => Err(errors::value(format!(
                "sample {place} of {samples} does not exist"
            ))),
        }
    }
}

/// Spikes of many samples in flat arrays, one sample after the other.
#[derive(Debug)]
pub struct Columns {
    pub times_ms: Vec<f64>,
    pub neurons: Vec<u32>,
    /// The beginning of every sample, and the end of the last.
    pub offsets: Vec<i64>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            times_ms: Vec::new(),
            neurons: Vec::new(),
            offsets: vec![0],
        }
    }
}

/// Arrays of times, neurons and offsets.
pub type Arrays<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
);

impl Columns {
    /// Adds the spikes of a sample.
    pub fn push(&mut self, spikes: impl IntoIterator<Item = (f64, u32)>) {
        for (time_ms, neuron) in spikes {
            self.times_ms.push(time_ms);
            self.neurons.push(neuron);
        }
        self.offsets.push(self.times_ms.len() as i64);
    }

    /// The arrays of Python, without copying.
    pub fn into_arrays(self, py: Python<'_>) -> Arrays<'_> {
        (
            self.times_ms.into_pyarray(py),
            self.neurons.into_pyarray(py),
            self.offsets.into_pyarray(py),
        )
    }
}

/// Times and neurons.
type Sorted<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<u32>>);

/// The events of every sample sorted by (time, neuron); refuses times that are not finite or negative.
#[pyfunction]
pub fn sorted_events<'py>(
    py: Python<'py>,
    times_ms: PyReadonlyArray1<'py, f64>,
    neurons: PyReadonlyArray1<'py, u32>,
    offsets: PyReadonlyArray1<'py, i64>,
) -> PyResult<Sorted<'py>> {
    let times = times_ms.as_slice().map_err(errors::value)?;
    let neurons = neurons.as_slice().map_err(errors::value)?;
    let offsets = offsets.as_slice().map_err(errors::value)?;
    let mut sorted = Columns::default();
    for (sample, bounds) in offsets.windows(2).enumerate() {
        let range = bounds[0] as usize..bounds[1] as usize;
        let train = SpikeTrain::new(times[range.clone()].to_vec(), neurons[range].to_vec());
        let train = train.map_err(|error| errors::value(format!("sample {sample}: {error}")))?;
        sorted.push(train.iter());
    }
    let (times, neurons, _) = sorted.into_arrays(py);
    Ok((times, neurons))
}

/// The order in which an epoch of training shows its samples.
#[pyfunction]
pub fn permutation(py: Python<'_>, seed: u64, epoch: u64, len: usize) -> Bound<'_, PyArray1<i64>> {
    let order = Key::new(seed, Purpose::Shuffle)
        .with(epoch)
        .permutation(len);
    let order: Vec<i64> = order.into_iter().map(|place| place as i64).collect();
    order.into_pyarray(py)
}
