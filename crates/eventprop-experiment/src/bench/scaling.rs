//! Growth of the time per sample with each size of a network and its input.
//!
//! One size after the other is varied, the rest stays that of the workload `shd`. The law that is fitted
//! is time ∝ floorˣ along each axis, with the floor of the work that was really done: x = 1 says that the
//! time grows as the work does, x > 1 that larger is slower than it must be.

use eventprop::train::TrainError;
use eventprop_gpu::DeviceName;

use super::{Input, Length, Measured, Shape, Workload};

/// The size that is varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Recurrent neurons.
    Hidden,
    /// Input neurons.
    Inputs,
    /// Steps of a trial.
    Steps,
    /// Input spikes per sample.
    Spikes,
    /// Samples of a batch.
    Batch,
    /// Threads.
    Threads,
}

impl Axis {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Hidden,
        Self::Inputs,
        Self::Steps,
        Self::Spikes,
        Self::Batch,
        Self::Threads,
    ];

    /// The name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Inputs => "inputs",
            Self::Steps => "steps",
            Self::Spikes => "spikes",
            Self::Batch => "batch",
            Self::Threads => "threads",
        }
    }

    /// The sizes that are tried on a machine with this many cores.
    pub fn sizes(self, cores: usize) -> Vec<usize> {
        match self {
            Self::Hidden => vec![64, 128, 256, 512, 1024, 2048, 4096],
            Self::Inputs => vec![100, 300, 700, 2000, 8000],
            Self::Steps => vec![100, 300, 1000, 5000, 20_000],
            Self::Spikes => vec![100, 1000, 8000, 30_000, 100_000],
            Self::Batch => vec![1, 4, 32, 128, 512],
            Self::Threads => std::iter::successors(Some(1), |n| Some(2 * n))
                .take_while(|&threads| threads <= cores)
                .collect(),
        }
    }

    /// The shape with one size changed. The weights of the input are scaled so that the mean current,
    /// and so roughly the activity, stays.
    fn shape(self, size: usize) -> Shape {
        let mut shape = Workload::Shd.shape();
        let Input::Binned { spikes, share } = shape.input else {
            unreachable!("the workload shd is binned")
        };
        let per_step = |spikes: f64, steps: usize| spikes / steps as f64;
        let usual = per_step(f64::from(spikes), shape.steps);
        let mut spikes = spikes;
        match self {
            Self::Hidden => {
                shape.hidden = size;
                // The variance of what arrives over recurrent synapses stays.
                shape.recurrent = Some((0.0, 0.02 * (256.0 / size as f64).sqrt()));
            }
            Self::Inputs => shape.inputs = size,
            Self::Steps => shape.steps = size,
            Self::Spikes => spikes = size as u32,
            Self::Batch => shape.batch = size,
            Self::Threads => {}
        }
        shape.input = Input::Binned { spikes, share };
        let scale = usual / per_step(f64::from(spikes), shape.steps);
        shape.into_hidden = (scale * shape.into_hidden.0, scale * shape.into_hidden.1);
        shape
    }
}

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The size that was varied.
    pub axis: Axis,
    /// To which size.
    pub size: usize,
    /// The measurement.
    pub measured: Measured,
}

impl Point {
    /// Milliseconds per sample, the fastest round.
    pub fn ms(&self) -> f64 {
        1e3 / self.measured.training.fastest
    }

    /// The floor of it.
    pub fn floor_ms(&self) -> f64 {
        1e3 / self.measured.floor_samples_per_second.unwrap_or(f64::NAN)
    }
}

/// Measures one point.
///
/// # Errors
/// As [`super::run`].
pub fn measure(axis: Axis, size: usize, threads: usize) -> Result<Point, TrainError> {
    let shape = axis.shape(size);
    let threads = if axis == Axis::Threads { size } else { threads };
    let length = Length {
        // As many samples for every size of batch.
        batches: (32 / shape.batch).max(1),
        rounds: 3,
        resident: 0,
    };
    let measured = super::run(&shape, DeviceName::Cpu, threads, length)?;
    Ok(Point {
        axis,
        size,
        measured,
    })
}

/// time = factor · floorˣ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// The time where the floor is 1 ms.
    pub factor: f64,
    /// x.
    pub exponent: f64,
}

impl Law {
    /// By least squares on the logarithms of (floor, time) in ms; `None` for fewer than two points or
    /// floors that are all the same.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let logs: Vec<(f64, f64)> = points
            .iter()
            .map(|(floor, time)| (floor.ln(), time.ln()))
            .collect();
        let count = logs.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|p| p.0), mean(|p| p.1));
        let spread: f64 = logs.iter().map(|p| (p.0 - x) * (p.0 - x)).sum();
        let common: f64 = logs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
        let exponent = common / spread;
        (logs.len() > 1 && spread > 0.0).then(|| Self {
            factor: (y - exponent * x).exp(),
            exponent,
        })
    }

    /// The time in ms that it gives for a floor in ms.
    pub fn ms(&self, floor_ms: f64) -> f64 {
        self.factor * floor_ms.powf(self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Law};

    /// Powers of two make the logarithms whole multiples of one number: what is left is rounding.
    #[test]
    fn a_power_law_is_found() {
        let points: Vec<(f64, f64)> = (0..5)
            .map(|n| (f64::from(1 << n), 3.0 * f64::from(1 << n).powf(1.5)))
            .collect();
        let law = Law::fit(&points).unwrap();
        assert!((law.exponent - 1.5).abs() < 1e-14);
        assert!((law.factor - 3.0).abs() < 1e-13);
        assert!((law.ms(4.0) - 24.0).abs() < 1e-12);
        assert_eq!(Law::fit(&points[..1]), None);
        assert_eq!(Law::fit(&[(2.0, 1.0), (2.0, 4.0)]), None);
    }

    #[test]
    fn every_size_is_a_valid_network() {
        for axis in Axis::ALL {
            for size in axis.sizes(4) {
                axis.shape(size).network().unwrap();
            }
        }
    }
}
