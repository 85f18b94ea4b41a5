//! Duties of a solver beside solving, for those who write one, in this crate or another.
//!
//! **Who checks what.** [`Solver::for_network`] calls [`Network::validate`], once; nothing checks the
//! network again, but for the constants that are trained, whose new values [`Network::adopt`] takes over
//! and checks in every `forward` and `adjoint`. `forward` calls [`check_batch`]: a
//! [`SpikeTrain`](crate::spikes::SpikeTrain) has checked its own times, but neither neurons nor labels.
//! [`Solver::set_probes`] calls [`check_probes`]. What a solver cannot do (a model, a disturbance, a
//! probe, an observation, the voltages of other populations, a pull, graded spikes, a derivative by the input) it refuses with [`SolveError::Unsupported`] and the way out; it leaves nothing
//! out in silence. It looks for state that is not finite ([`SolveError::NotFinite`]). That seeds and jumps
//! are as many as the trials have samples, and that parameters, trials and gradient belong to this network, is
//! for the caller to see to, who also looks at the numbers of the gradient.
//!
//! **What is where.** The weights of a projection are [`Params::weights`], numbered by its [`Synapses`]: a spike delivers its
//! weight times [`Synapses::factor`] over each of them, and the derivative by a weight has that factor, too. A trained
//! constant is [`Params::constant`], one value per neuron. The same ranges of the gradient take their
//! derivatives. [`Params::layout`] lists all ranges for solvers that copy the buffer as a whole, and
//! [`Params::revision`] says whether a copy is still good.
//!
//! **In which order is summed.** Over samples, in their order, however many threads there are, or over
//! groups of [`Solver::group_len`] samples. With several ranks the sum of the samples before comes from
//! [`Reduce::join`], and [`Reduce::hand_on`] gives the sum to the samples behind ([`crate::reduce`]). A
//! solver that walks through its samples one by one calls the first when it has set the gradient to zero
//! and the second at its end, with all of the gradient, also if it has no samples at all.
//!
//! **How it is proven.** `eventprop_cases::run` compares a solver with every case of the corpus: a line
//! in `crates/eventprop-cases/tests/corpus.rs`. A whole solver that uses nothing but what is public stands
//! beside it in `outside/mod.rs`.
//!
//! [`Network::validate`]: crate::network::Network::validate
//! [`Network::adopt`]: crate::network::Network::adopt
//! [`Synapses`]: crate::connect::Synapses
//! [`Synapses::factor`]: crate::connect::Synapses::factor
//! [`Params::weights`]: crate::params::Params::weights
//! [`Params::constant`]: crate::params::Params::constant
//! [`Params::layout`]: crate::params::Params::layout
//! [`Params::revision`]: crate::params::Params::revision
//! [`Reduce::join`]: crate::reduce::Reduce::join
//! [`Reduce::hand_on`]: crate::reduce::Reduce::hand_on
//! [`Solver::for_network`]: crate::solver::Solver::for_network
//! [`Solver::set_probes`]: crate::solver::Solver::set_probes
//! [`Solver::group_len`]: crate::solver::Solver::group_len
//! [`SolveError::Unsupported`]: crate::solver::SolveError::Unsupported
//! [`SolveError::NotFinite`]: crate::solver::SolveError::NotFinite

use std::sync::Arc;

pub use super::grazing::check_grazing;
pub use super::probe::check_probes;
use crate::dispatch::{Kernel, vectorized};
use crate::network::{Clock, Network, PopulationId};
use crate::readout::{Nodes, Voltages};
use crate::solver::{Convention, Probe, SolveError, Variable};
use crate::spikes::{Batch, SpikeError};

/// Checks that every neuron of a batch is an input and every label an output of a network.
///
/// # Errors
/// The first that is not.
pub fn check_batch(network: &Network, batch: &Batch) -> Result<(), SpikeError> {
    let size = network.input_size();
    let classes = network.output_size();
    for (sample, train) in batch.trains().iter().enumerate() {
        let neurons = train.neurons();
        let neuron = vectorized(Greatest { neurons });
        if neuron as usize >= size {
            return Err(SpikeError::Neuron {
                sample,
                neuron,
                size,
            });
        }
    }
    for (sample, &label) in batch.labels().iter().enumerate() {
        if label as usize >= classes {
            return Err(SpikeError::Label {
                sample,
                label,
                classes,
            });
        }
    }
    Ok(())
}

/// Checks that voltages are asked of populations that have one.
///
/// # Errors
/// [`SolveError::Probe`] for the first that has none.
pub fn check_voltages(network: &Network, populations: &[PopulationId]) -> Result<(), SolveError> {
    let probes = populations.iter().map(|population| Probe {
        population: population.0,
        variable: Variable::Voltage,
    });
    check_probes(network, &probes.collect::<Vec<_>>())
}

/// Checks that derivatives by a current are asked of a population that has a voltage.
///
/// # Errors
/// [`SolveError::Probe`] when it has none.
pub fn check_convention(
    network: &Network,
    convention: Option<Convention>,
) -> Result<(), SolveError> {
    match convention {
        Some(Convention::Current(population)) => check_voltages(network, &[population]),
        Some(Convention::Time | Convention::Graded) | None => Ok(()),
    }
}

/// Checks that amplitudes of the input, where they are `wanted`, are only asked of projections with one constant delay.
///
/// # Errors
/// [`SolveError::Unsupported`] where the input has delays that are parameters.
pub fn check_inputs(
    solver: &'static str,
    network: &Network,
    wanted: bool,
) -> Result<(), SolveError> {
    let mut projections = network.projections().iter();
    let input = network.input();
    if wanted && projections.any(|p| p.source == input && p.delay.each().is_some()) {
        return Err(SolveError::Unsupported {
            solver,
            what: "graded input spikes, or these derivatives by the input, over delays that are parameters",
            why: "give the projections from the input one constant delay each",
        });
    }
    Ok(())
}

/// Makes room for the voltages of these populations at the starts of steps, keeping the memory.
pub fn start_voltages<F>(
    voltages: &mut Vec<Voltages<F>>,
    populations: &[PopulationId],
    nodes: &Arc<Nodes>,
) {
    voltages.resize_with(populations.len(), || Voltages {
        population: PopulationId(0),
        nodes: Arc::clone(nodes),
        values: Vec::new(),
    });
    for (voltages, &population) in voltages.iter_mut().zip(populations) {
        voltages.population = population;
        voltages.nodes = Arc::clone(nodes);
        voltages.values.clear();
    }
}

/// The starts of the steps of a clock as nodes.
pub fn nodes_of(clock: Clock) -> Nodes {
    Nodes {
        times_ms: (0..clock.steps()).map(|k| clock.start_ms(k)).collect(),
        widths_ms: vec![clock.dt_ms(); clock.steps()],
        grid: true,
    }
}

/// The greatest of a list of neurons; 0 of none.
struct Greatest<'a> {
    neurons: &'a [u32],
}

impl Kernel for Greatest<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        self.neurons.iter().fold(0, |most, &n| most.max(n))
    }
}
