//! Spike trains of many samples in four flat arrays, as Python keeps them.

use eventprop::rng::{Key, Purpose};
use eventprop::spikes::{Batch, SpikeTrain};
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
}

/// The same as slices, which can be read while Python goes on.
#[derive(Clone, Copy)]
pub struct Slices<'a> {
    times_ms: &'a [f64],
    neurons: &'a [u32],
    offsets: &'a [i64],
    labels: &'a [u32],
}

impl Events<'_> {
    /// The arrays as slices.
    pub fn slices(&self) -> PyResult<Slices<'_>> {
        let slices = Slices {
            times_ms: self.times_ms.as_slice().map_err(errors::value)?,
            neurons: self.neurons.as_slice().map_err(errors::value)?,
            offsets: self.offsets.as_slice().map_err(errors::value)?,
            labels: self.labels.as_slice().map_err(errors::value)?,
        };
        let fits = slices.offsets.len() == slices.labels.len() + 1
            && slices.neurons.len() == slices.times_ms.len()
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
        batch.resize(places.map_or(self.labels.len(), <[i64]>::len));
        batch.fill(|turn, slot| {
            let sample = places.map_or(turn, |places| places[turn] as usize);
            let (first, end) = (
                self.offsets[sample] as usize,
                self.offsets[sample + 1] as usize,
            );
            let times = self.times_ms[first..end].iter().copied();
            let neurons = self.neurons[first..end].iter().copied();
            slot.train.refill(times.zip(neurons));
            *slot.label = self.labels[sample];
            *slot.id = sample as u64;
        });
    }

    /// Whether all places are samples.
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

/// Arrays of times, neurons and offsets of spike trains.
type Arrays<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
);

/// Arrays of spike trains.
pub fn arrays<'a, 'py>(
    py: Python<'py>,
    trains: impl Iterator<Item = &'a SpikeTrain> + Clone,
) -> Arrays<'py> {
    let len = trains.clone().map(SpikeTrain::len).sum();
    let (mut times, mut neurons) = (Vec::with_capacity(len), Vec::with_capacity(len));
    let mut offsets = vec![0];
    for train in trains {
        times.extend_from_slice(train.times_ms());
        neurons.extend_from_slice(train.neurons());
        offsets.push(times.len() as i64);
    }
    (
        times.into_pyarray(py),
        neurons.into_pyarray(py),
        offsets.into_pyarray(py),
    )
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
    let mut trains = Vec::with_capacity(offsets.len() - 1);
    for (sample, bounds) in offsets.windows(2).enumerate() {
        let range = bounds[0] as usize..bounds[1] as usize;
        let train = SpikeTrain::new(times[range.clone()].to_vec(), neurons[range].to_vec());
        trains.push(train.map_err(|error| errors::value(format!("sample {sample}: {error}")))?);
    }
    let (times, neurons, _) = arrays(py, trains.iter());
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
