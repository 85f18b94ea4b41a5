//! A network as a card sees it: all neurons but the inputs in one row, and projections between parts of it.

use bytemuck::{Pod, Zeroable};
use eventprop::connect::{Delay, Wiring};
use eventprop::network::{Model, Network, NeuronConstant, Population, ProjectionId};
use eventprop::neuron::alif::decay_b;
use eventprop::neuron::flow::Flow;
use eventprop::neuron::folded::Folded;
use eventprop::neuron::sensitivity::Sensitivity;
use eventprop::params::{Params, Role};
use eventprop::solver::SolveError;

/// Constants of a neuron, in the order of `network.wgsl`.
pub const CONSTANTS: usize = 17;
/// Sums of a neuron for the derivatives by its constants.
pub const SUMS: usize = 4;
/// Threads that gather the gradient of one source together.
pub const BLOCK: usize = 64;
/// Threads that multiply a row of weights together, in `adjoint.wgsl`.
const TEAM: usize = 32;
/// The most threads of a sample.
const THREADS_MOST: usize = 256;
/// Bits of the word in which a thread notes which of its neurons have fired.
const EACH_MOST: usize = 32;

/// A projection; `Projection` of `network.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Row {
    pub source_first: u32,
    pub source_size: u32,
    pub target_first: u32,
    pub target_size: u32,
    pub weights: u32,
    pub lag: u32,
    pub from_input: u32,
    pub groups_before: u32,
}

/// A network in numbers.
#[derive(Debug, Clone)]
pub struct Layout {
    /// First neuron of every population in the row; of the input it is without meaning.
    pub first: Vec<usize>,
    pub rows: Vec<Row>,
    /// `[constant, neuron]`.
    pub constants: Vec<f32>,
    pub neurons: usize,
    pub inputs: usize,
    pub steps: usize,
    pub input: usize,
    pub output: usize,
    pub outputs: usize,
    pub weights: usize,
    /// Workgroups of the gradient.
    pub groups: usize,
    /// Steps of the longest way from a spike to its arrival, where any is longer than one.
    pub lags: usize,
    /// True if constants of neurons are trained.
    pub trained: bool,
}

/// Something that no card of ours can do.
pub fn unsupported(what: &'static str) -> SolveError {
    SolveError::Unsupported {
        solver: "gpu",
        what,
        why: "solve this network on the processor (DEVICE=cpu)",
    }
}

impl Layout {
    /// The numbers of a valid network.
    ///
    /// # Errors
    /// [`SolveError::Unsupported`] for what the kernels have no code for.
    pub fn new(network: &Network) -> Result<Self, SolveError> {
        let input = network.input().0;
        let (mut first, mut neurons) = (Vec::new(), 0);
        for (index, population) in network.populations().iter().enumerate() {
            first.push(neurons);
            if index != input {
                neurons += population.size;
            }
        }
        let mut layout = Self {
            rows: Vec::new(),
            constants: vec![0.0; CONSTANTS * neurons],
            neurons,
            inputs: network.input_size(),
            steps: network.clock().steps(),
            input,
            output: network.output().0,
            outputs: network.output_size(),
            weights: 0,
            groups: 0,
            lags: 0,
            trained: network.populations().iter().any(|p| !p.trained.is_empty()),
            first,
        };
        if neurons > THREADS_MOST * EACH_MOST {
            return Err(unsupported("more than 8192 neurons"));
        }
        for index in (0..network.populations().len()).filter(|&index| index != input) {
            layout.take_constants(network, index)?;
        }
        layout.take_projections(network)?;
        Ok(layout)
    }

    /// Takes over the constants of a population.
    pub fn take_constants(&mut self, network: &Network, index: usize) -> Result<(), SolveError> {
        let (population, first) = (&network.populations()[index], self.first[index]);
        let dt = network.clock().dt_ms();
        if population.refractory().is_some() {
            return Err(unsupported("refractory times"));
        }
        for n in 0..population.size {
            let values = constants(population, n, dt)?;
            for (constant, value) in values.into_iter().enumerate() {
                self.constants[constant * self.neurons + first + n] = value as f32;
            }
        }
        Ok(())
    }

    fn take_projections(&mut self, network: &Network) -> Result<(), SolveError> {
        if network.projections().is_empty() {
            return Err(unsupported("a network without projections"));
        }
        // The layout of parameters follows from the network.
        let params = Params::<f32>::zeros(network)?;
        let clock = network.clock();
        for (index, projection) in network.projections().iter().enumerate() {
            if projection.wiring != Wiring::Dense {
                return Err(unsupported("projections that are not dense"));
            }
            let Delay::Constant(delay_ms) = projection.delay else {
                return Err(unsupported("delays that are parameters or differ"));
            };
            let role = Role::Weights(ProjectionId(index));
            let entry = params.layout().iter().find(|entry| entry.role == role);
            let range = &entry.expect("every projection has weights").range;
            let [source, target] = [projection.source, projection.target].map(|p| p.0);
            let sizes = [source, target].map(|p| network.populations()[p].size);
            let from_input = source == self.input;
            // What is on its way for longer than a trial never arrives.
            let lag = clock.delay_steps(delay_ms).min(self.steps + 1);
            if !from_input && lag > 1 {
                self.lags = self.lags.max(lag);
            }
            self.rows.push(Row {
                source_first: if from_input {
                    0
                } else {
                    self.first[source] as u32
                },
                source_size: sizes[0] as u32,
                target_first: self.first[target] as u32,
                target_size: sizes[1] as u32,
                weights: range.start as u32,
                lag: lag as u32,
                from_input: u32::from(from_input),
                groups_before: self.groups as u32,
            });
            self.groups += sizes[0] * sizes[1].div_ceil(BLOCK);
        }
        self.weights = self
            .rows
            .iter()
            .map(|row| (row.weights + row.source_size * row.target_size) as usize)
            .max()
            .unwrap_or(0);
        Ok(())
    }

    /// Threads of a sample: whole teams.
    pub fn threads(&self) -> usize {
        self.neurons.next_multiple_of(TEAM).min(THREADS_MOST)
    }

    /// Words of the bits of a step.
    fn words(&self) -> usize {
        self.neurons.div_ceil(u32::BITS as usize)
    }

    /// Bytes that the threads of a sample share: those of the adjoint pass, which are more.
    pub fn shared_bytes(&self) -> usize {
        let forward = self.neurons + 2 * self.words() + 1;
        let adjoint = 3 * self.neurons + self.threads();
        4 * forward.max(adjoint)
    }

    /// Numbers that are kept for a neuron between windows, in `adjoint.wgsl`.
    pub fn kept(&self) -> usize {
        self.lags + if self.trained { 3 + SUMS + 2 } else { 3 }
    }

    /// The text before that of a kernel.
    pub fn declarations(&self) -> String {
        let values = [
            ("NEURONS", self.neurons),
            ("INPUTS", self.inputs),
            ("OUTPUT", self.first[self.output]),
            ("OUTPUTS", self.outputs),
            ("STEPS", self.steps),
            ("PROJECTIONS", self.rows.len()),
            ("THREADS", self.threads()),
            ("EACH", self.neurons.div_ceil(self.threads())),
            ("WORDS", self.words()),
            ("LAGS", self.lags),
            ("BLOCK", BLOCK),
            ("GROUPS", self.groups),
        ];
        let lines = values.map(|(name, value)| format!("const {name} = {value}u;\n"));
        format!("{}const TRAINED = {};\n", lines.concat(), self.trained)
    }
}

/// Constants of one neuron over a step of `dt` ms. One without threshold has one that nothing reaches; one whose
/// threshold does not adapt has B = β = 0.
fn constants(population: &Population, n: usize, dt: f64) -> Result<[f64; CONSTANTS], SolveError> {
    const NONE: f64 = f32::MAX as f64;
    let of = |which| population.constant(which).map(|constant| constant.of(n));
    let times = of(NeuronConstant::TauMem).zip(of(NeuronConstant::TauSyn));
    let (theta, v_reset, v_start, adaptation) = match &population.model {
        Model::Lif(lif) => (
            lif.v_thresh.of(n),
            lif.v_reset.of(n),
            lif.v_reset.of(n),
            None,
        ),
        Model::Alif(alif) => {
            let lif = &alif.lif;
            (
                lif.v_thresh.of(n),
                lif.v_reset.of(n),
                lif.v_reset.of(n),
                Some(&alif.adaptation),
            )
        }
        Model::Li(li) => (NONE, 0.0, li.v_init.of(n), None),
        Model::Input | Model::Equations(_) => {
            return Err(unsupported("neurons that are given as equations"));
        }
    };
    let (tau_mem, tau_syn) = times.expect("the built-in models have time constants");
    let flow = Flow::over(dt, tau_mem, tau_syn);
    let folded = Folded::<f64>::of(&Sensitivity::over(dt, tau_mem, tau_syn));
    let [b_start, left, b_incr, mem_per_b] = adaptation.map_or([0.0; 4], |a| {
        let tau_b = a.tau_b.of(n);
        [
            a.b_init.of(n),
            decay_b(dt, tau_b),
            a.b_incr.of(n),
            tau_mem / tau_b,
        ]
    });
    Ok([
        flow.decay_mem,
        flow.decay_syn,
        flow.current_to_voltage,
        flow.adjoint_coupling,
        theta,
        v_reset,
        v_start,
        b_start,
        left,
        b_incr,
        mem_per_b,
        tau_mem,
        tau_syn,
        folded.mem_by_v,
        folded.mem_by_i,
        folded.syn_by_lambda_v,
        folded.syn_by_lambda_i,
    ])
}
