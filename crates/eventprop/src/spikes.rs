//! Spike trains: what enters a network.
//!
//! A [`SpikeTrain`] is a list of (time, neuron) events of one sample, sorted by time and, at equal
//! times, by neuron. Times are milliseconds from the start of the trial. The invariants are checked
//! once, here; the solvers rely on them.

use rayon::prelude::*;
use thiserror::Error;

use crate::network::Clock;
use crate::time_noise::TimeNoise;

/// Samples that a task fills: encoding one costs about a microsecond.
const SAMPLES_PER_TASK: usize = 8;

/// Why a list of events is not a spike train.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SpikeError {
    /// The two lists have different lengths.
    #[error("{times} spike times but {neurons} neuron indices; give one neuron for every time")]
    Lengths {
        /// Number of times given.
        times: usize,
        /// Number of neuron indices given.
        neurons: usize,
    },
    /// A time is NaN, infinite or negative.
    #[error(
        "spike {index} has time {time_ms} ms; spike times must be finite and not negative (ms from the start of the trial)"
    )]
    Time {
        /// Position in the list.
        index: usize,
        /// The offending time.
        time_ms: f64,
    },
    /// There is not one amplitude for every spike.
    #[error("{times} spike times but {amplitudes} amplitudes; give one amplitude for every spike")]
    Amplitudes {
        /// Number of times given.
        times: usize,
        /// Number of amplitudes given.
        amplitudes: usize,
    },
    /// An amplitude is NaN or infinite.
    #[error("spike {index} has amplitude {amplitude}; amplitudes must be finite")]
    Amplitude {
        /// Position in the list.
        index: usize,
        /// The offending amplitude.
        amplitude: f64,
    },
    /// A neuron index does not exist in the input population.
    #[error(
        "sample {sample}: spike on input neuron {neuron}, but the input population has {size} neurons (0 to {})",
        size - 1
    )]
    Neuron {
        /// Position of the sample in its batch.
        sample: usize,
        /// The offending neuron.
        neuron: u32,
        /// Size of the input population.
        size: usize,
    },
    /// A label does not exist in the output population.
    #[error(
        "sample {sample}: label {label}, but the output population has {classes} neurons (0 to {})",
        classes - 1
    )]
    Label {
        /// Position of the sample in its batch.
        sample: usize,
        /// The offending label.
        label: u32,
        /// Size of the output population.
        classes: usize,
    },
    /// Trains and labels differ in number.
    #[error("{trains} spike trains but {labels} labels; give one label for every sample")]
    Labels {
        /// Number of spike trains.
        trains: usize,
        /// Number of labels.
        labels: usize,
    },
}

/// The input spikes of one sample, sorted by (time, neuron).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpikeTrain {
    times_ms: Vec<f64>,
    neurons: Vec<u32>,
    /// Empty where all are 1.
    amplitudes: Vec<f64>,
    noise: TimeNoise,
}

impl SpikeTrain {
    /// A train from times (ms from the start of the trial) and neuron indices, in any order.
    ///
    /// # Errors
    /// [`SpikeError::Lengths`] and [`SpikeError::Time`].
    pub fn new(times_ms: Vec<f64>, neurons: Vec<u32>) -> Result<Self, SpikeError> {
        if times_ms.len() != neurons.len() {
            return Err(SpikeError::Lengths {
                times: times_ms.len(),
                neurons: neurons.len(),
            });
        }
        if let Some(index) = times_ms.iter().position(|t| !t.is_finite() || *t < 0.0) {
            return Err(SpikeError::Time {
                index,
                time_ms: times_ms[index],
            });
        }
        let mut train = Self {
            times_ms,
            neurons,
            amplitudes: Vec::new(),
            noise: TimeNoise::F64,
        };
        train.sort();
        Ok(train)
    }

    /// A train of graded spikes: a spike of amplitude a acts a times as strongly (`[F5]`).
    ///
    /// # Errors
    /// Those of [`Self::new`], [`SpikeError::Amplitudes`] and [`SpikeError::Amplitude`].
    pub fn graded(
        times_ms: Vec<f64>,
        neurons: Vec<u32>,
        amplitudes: &[f64],
    ) -> Result<Self, SpikeError> {
        if amplitudes.len() != times_ms.len() {
            return Err(SpikeError::Amplitudes {
                times: times_ms.len(),
                amplitudes: amplitudes.len(),
            });
        }
        if let Some(index) = amplitudes.iter().position(|a| !a.is_finite()) {
            return Err(SpikeError::Amplitude {
                index,
                amplitude: amplitudes[index],
            });
        }
        let mut order: Vec<usize> = (0..times_ms.len()).collect();
        let by_key = |n: &usize, m: &usize| {
            let by_time = times_ms[*n].total_cmp(&times_ms[*m]);
            by_time.then(neurons.get(*n).cmp(&neurons.get(*m)))
        };
        // A stable order, as that of the spikes is.
        order.sort_by(by_key);
        let amplitudes = order.into_iter().map(|place| amplitudes[place]).collect();
        let train = Self::new(times_ms, neurons)?;
        Ok(Self {
            amplitudes,
            ..train
        })
    }

    /// The same with times that came in numbers of another type than float64.
    #[must_use]
    pub fn with_noise(self, noise: TimeNoise) -> Self {
        Self { noise, ..self }
    }

    /// Says with which noise the times came; [`TimeNoise::F64`] unless it is said.
    pub fn set_noise(&mut self, noise: TimeNoise) {
        self.noise = noise;
    }

    /// Noise of the times.
    pub fn noise(&self) -> TimeNoise {
        self.noise
    }

    /// Replaces the content by events that are already valid and sorted, with times in float64, keeping the
    /// memory.
    ///
    /// # Panics
    /// In debug builds, when the events are not sorted by (time, neuron) or a time is not valid.
    pub fn refill(&mut self, events: impl Iterator<Item = (f64, u32)>) {
        self.times_ms.clear();
        self.neurons.clear();
        self.amplitudes.clear();
        self.noise = TimeNoise::F64;
        for (time_ms, neuron) in events {
            debug_assert!(time_ms.is_finite() && time_ms >= 0.0);
            debug_assert!(
                self.times_ms
                    .last()
                    .is_none_or(
                        |last| (*last, self.neurons[self.neurons.len() - 1]) <= (time_ms, neuron)
                    )
            );
            self.times_ms.push(time_ms);
            self.neurons.push(neuron);
        }
    }

    /// Gives the spikes amplitudes, keeping the memory; none for 1.
    ///
    /// # Panics
    /// In debug builds, when there is not one finite amplitude for every spike.
    pub fn set_amplitudes(&mut self, amplitudes: &[f64]) {
        debug_assert!(amplitudes.is_empty() || amplitudes.len() == self.len());
        debug_assert!(amplitudes.iter().all(|a| a.is_finite()));
        self.amplitudes.clear();
        self.amplitudes.extend_from_slice(amplitudes);
    }

    /// Amplitudes, parallel to [`Self::times_ms`]; empty where all are 1.
    pub fn amplitudes(&self) -> &[f64] {
        &self.amplitudes
    }

    /// Number of spikes.
    pub fn len(&self) -> usize {
        self.times_ms.len()
    }

    /// True if there is no spike.
    pub fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }

    /// Spike times in ms, ascending.
    pub fn times_ms(&self) -> &[f64] {
        &self.times_ms
    }

    /// Neuron indices, parallel to [`Self::times_ms`].
    pub fn neurons(&self) -> &[u32] {
        &self.neurons
    }

    /// The events as (time in ms, neuron).
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (f64, u32)> + '_ {
        self.times_ms
            .iter()
            .copied()
            .zip(self.neurons.iter().copied())
    }

    /// The events that a trial holds, on its steps, as (step, neuron), in the order of their times: several
    /// spikes of a neuron in one step are several events.
    #[inline]
    pub fn on_grid(&self, clock: Clock) -> impl Iterator<Item = (u32, u32)> + '_ {
        // PERF: many spikes share a time.
        let (mut last_ms, mut step) = (f64::NAN, 0);
        let placed = self.iter().map(move |(time_ms, neuron)| {
            if time_ms != last_ms {
                step = clock.step_of(time_ms, self.noise);
                last_ms = time_ms;
            }
            (step, neuron)
        });
        placed
            .take_while(move |(step, _)| *step < clock.steps())
            .map(|(step, neuron)| (step as u32, neuron))
    }

    fn sort(&mut self) {
        let sorted = (1..self.len()).all(|n| self.key(n - 1) <= self.key(n));
        if sorted {
            return;
        }
        let mut events: Vec<(f64, u32)> = self.iter().collect();
        events.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        (self.times_ms, self.neurons) = events.into_iter().unzip();
    }

    fn key(&self, index: usize) -> (f64, u32) {
        (self.times_ms[index], self.neurons[index])
    }
}

/// Samples that are solved together: spike trains and their labels.
///
/// Each sample also has an identity under which random draws are keyed (noise, withholding), so that
/// a draw depends on the sample and not on its place in the batch. [`Batch::new`] numbers them from 0.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    trains: Vec<SpikeTrain>,
    labels: Vec<u32>,
    ids: Vec<u64>,
}

/// One sample of a [`Batch`], to be refilled.
#[derive(Debug)]
pub struct SampleMut<'a> {
    /// The input spikes.
    pub train: &'a mut SpikeTrain,
    /// The class.
    pub label: &'a mut u32,
    /// The identity under which random draws are keyed.
    pub id: &'a mut u64,
}

impl Batch {
    /// A batch of trains with one label each (the class, counted from 0).
    ///
    /// # Errors
    /// [`SpikeError::Labels`] when the numbers differ.
    pub fn new(trains: Vec<SpikeTrain>, labels: Vec<u32>) -> Result<Self, SpikeError> {
        if trains.len() != labels.len() {
            return Err(SpikeError::Labels {
                trains: trains.len(),
                labels: labels.len(),
            });
        }
        let ids = (0..trains.len() as u64).collect();
        Ok(Self {
            trains,
            labels,
            ids,
        })
    }

    /// Makes room for `len` samples, keeping the memory of trains already there; the caller then
    /// fills each with [`Self::sample_mut`].
    pub fn resize(&mut self, len: usize) {
        self.trains.resize_with(len, SpikeTrain::default);
        self.labels.resize(len, 0);
        self.ids.resize(len, 0);
    }

    /// One sample, to be refilled.
    pub fn sample_mut(&mut self, sample: usize) -> SampleMut<'_> {
        SampleMut {
            train: &mut self.trains[sample],
            label: &mut self.labels[sample],
            id: &mut self.ids[sample],
        }
    }

    /// Fills all samples, each by its place in the batch, on the threads of the current pool.
    pub fn fill(&mut self, fill: impl Fn(usize, SampleMut<'_>) + Sync) {
        let slots = self
            .trains
            .par_iter_mut()
            .zip(&mut self.labels)
            .zip(&mut self.ids);
        slots
            .with_min_len(SAMPLES_PER_TASK)
            .enumerate()
            .for_each(|(place, ((train, label), id))| fill(place, SampleMut { train, label, id }));
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.trains.len()
    }

    /// True if there is no sample.
    pub fn is_empty(&self) -> bool {
        self.trains.is_empty()
    }

    /// The spike trains.
    pub fn trains(&self) -> &[SpikeTrain] {
        &self.trains
    }

    /// The labels, parallel to [`Self::trains`].
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The identities under which random draws are keyed, parallel to [`Self::trains`].
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }
}
