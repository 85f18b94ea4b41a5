//! Spikes whose drive J is tiny, where the gradient has a factor 1/J.

use super::SolveError;
use crate::network::{Clock, Network, Population};
use crate::real::Real;
use crate::tape::{SpikeTime, Spikes, Tape};

/// Treatment of spikes whose drive J = I − V is tiny, where the gradient has a factor 1/J.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Grazing {
    /// Use the drive as it is.
    #[default]
    Keep,
    /// Use max(J, limit) in the adjoint jump.
    Limit(f64),
    /// Stop with [`SolveError::Grazing`].
    Error,
}

/// A spike counts as grazing when its drive is below this share of the threshold: the jump factor
/// I / (I − ϑ) is then above 100.
pub const GRAZING_SHARE: f64 = 0.01;

/// True if a spike of a neuron with threshold `theta` grazes it.
#[inline(always)]
fn grazes(drive: f64, theta: f64) -> bool {
    drive < GRAZING_SHARE * theta
}

/// True of a spike of a model from equations, whose drive is in typical sizes of its threshold.
fn grazes_size(drive: f64) -> bool {
    grazes(drive, 1.0)
}

/// True if a spike of a population grazes its threshold, where that is an error.
pub(crate) fn is_error<T, F: Real>(
    grazing: Grazing,
    population: &Population,
    spikes: &Spikes<T, F>,
    spike: usize,
) -> bool {
    let theta = population.threshold();
    let theta = theta.map_or(1.0, |theta| theta.of(spikes.neuron[spike] as usize));
    grazing == Grazing::Error && grazes(spikes.drive[spike].to_f64(), theta)
}

impl Grazing {
    /// The drive that the adjoint jump is to use; none where the spike grazes and that is an error.
    #[inline(always)]
    pub(crate) fn drive<F: Real>(self, drive: F, theta: f64) -> Option<F> {
        match self {
            Self::Limit(least) if drive.to_f64() < least => Some(F::from_f64(least)),
            Self::Error if grazes(drive.to_f64(), theta) => None,
            Self::Keep | Self::Limit(_) | Self::Error => Some(drive),
        }
    }
}

/// Number of a population's spikes that graze their threshold.
pub(crate) fn grazing_spikes<T, F: Real>(population: &Population, spikes: &Spikes<T, F>) -> usize {
    let Some(v_thresh) = population.threshold() else {
        let drives = spikes
            .drive
            .iter()
            .filter(|drive| grazes_size(drive.to_f64()));
        return drives.count();
    };
    let drives = spikes.drive.iter().zip(&spikes.neuron);
    drives
        .filter(|(drive, neuron)| grazes(drive.to_f64(), v_thresh.of(**neuron as usize)))
        .count()
}

/// Looks for spikes that graze their threshold, before an adjoint pass for which that is an error.
///
/// # Errors
/// [`SolveError::Grazing`] for the last one of the first population that has some.
pub fn check_grazing<T: SpikeTime, F: Real>(
    network: &Network,
    tape: &Tape<T, F>,
    sample: usize,
) -> Result<(), SolveError> {
    for (population, spikes) in network.populations().iter().zip(&tape.populations) {
        let Some(v_thresh) = population.threshold() else {
            continue;
        };
        let mut each = spikes.drive.iter().zip(&spikes.neuron);
        let grazing =
            each.rposition(|(drive, &neuron)| grazes(drive.to_f64(), v_thresh.of(neuron as usize)));
        if let Some(spike) = grazing {
            return Err(error(population, spikes, spike, network.clock(), sample));
        }
    }
    Ok(())
}

/// Spike number `spike` of a population grazes its threshold, and that is an error.
#[cold]
pub(crate) fn error<T: SpikeTime, F: Real>(
    population: &Population,
    spikes: &Spikes<T, F>,
    spike: usize,
    clock: Clock,
    sample: usize,
) -> SolveError {
    SolveError::Grazing {
        population: population.name.clone(),
        neuron: spikes.neuron[spike] as usize,
        time_ms: spikes.when[spike].ms(clock),
        sample,
        drive: spikes.drive[spike].to_f64(),
    }
}
