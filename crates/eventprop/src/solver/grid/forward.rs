//! One sample forwards, step by step.
//!
//! Order within step k, as in `genn_eventprop`: spikes of earlier steps are delivered (`[F5]`), the
//! output is observed with V_k, V and I are advanced exactly (`[F1]`, `[F2]`), the threshold is tested
//! (`[F3]`; where it adapts it relaxes first, `[F10]` `[F11]`), neurons above it are recorded with their
//! drive J, where it does not adapt I_k − V_{k+1}, and reset (`[F4]`). A spike
//! of step k acts from step k + delay on, delay ≥ 1.

use super::gradient;
use super::plan::Plan;
use super::project::{self, InputWeights};
use super::refractory::Holds;
use super::state::{Kink, State};
use crate::connect::trace::Shape;
use crate::connect::{ByNeuron, Columns, Part, Sent};
use crate::dispatch::Kernel;
use crate::network::PopulationId;
use crate::neuron::model::{Each, Lookup, Shared, Visit};
use crate::neuron::{self, Kept, Neuron, Spiking};
use crate::readout::{Observe, Peak, Voltages};
use crate::real::Real;
use crate::rng::Key;
use crate::solver::Disturbance;
use crate::solver::kink::Search;
use crate::solver::probe::Variable;
use crate::spikes::SpikeTrain;
use crate::tape::{Spikes, Tape};

/// Neurons advanced together, with one bit each in a word.
const WORD: usize = u32::BITS as usize;

/// Everything that the forward pass over one sample needs.
pub(super) struct ForwardSample<'a, F> {
    pub plan: &'a Plan<F>,
    /// Weights per link, packed.
    pub weights: &'a [&'a [F]],
    pub train: &'a SpikeTrain,
    pub sample_id: u64,
    pub observe: Observe,
    pub disturbance: Option<&'a Disturbance>,
    /// Populations whose voltages are shown, in `voltages`.
    pub shown: &'a [PopulationId],
    pub state: &'a mut State<F>,
    pub tape: &'a mut Tape<u32, F>,
    pub voltage: &'a mut Vec<F>,
    pub peaks: &'a mut Vec<Peak<F>>,
    pub voltages: &'a mut [Voltages<F>],
    /// Projection of the input's spikes for a window of steps; none when their rows are
    /// added step by step.
    pub projected: Option<Projected<'a, F>>,
    /// Currents to come, where spikes do not arrive as wholes.
    pub coming: Option<Coming<'a, F>>,
}

/// Currents of a window of steps, and of those behind it that the longest delay reaches.
pub(super) struct Coming<'a, F> {
    /// Per population; empty where spikes arrive as wholes.
    pub currents: &'a mut [Columns<F>],
    pub group: &'a mut ByNeuron,
    /// Steps of a window.
    pub window: usize,
}

/// The currents that the input's spikes cause.
pub(super) struct Projected<'a, F> {
    pub weights: &'a InputWeights<F>,
    /// Those of the present window.
    pub currents: &'a mut [F],
    pub shape: Shape,
}

impl<F: Real> Kernel for ForwardSample<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        self.state.start_trial(self.plan);
        self.start_tape();
        emit_input(
            self.plan,
            self.train,
            &mut self.tape.populations[self.plan.input],
        );
        self.start_readout();
        for k in 0..self.plan.clock.steps() {
            self.project(k);
            self.send_input(k);
            self.deliver(k);
            self.observe(k);
            self.advance(k);
            self.record(k);
        }
        if self.observe == Observe::Voltage {
            let size = self.plan.layers[self.plan.output].size;
            self.voltage
                .extend_from_slice(&self.state.v[self.plan.output][..size]);
        }
        self.show();
        if self.observe == Observe::Peaks {
            self.find_kinks();
        }
    }
}

impl<F: Real> ForwardSample<'_, F> {
    #[inline(always)]
    fn start_tape(&mut self) {
        self.tape
            .populations
            .resize_with(self.plan.layers.len(), Spikes::default);
        for spikes in &mut self.tape.populations {
            spikes.clear();
        }
    }

    #[inline(always)]
    fn start_readout(&mut self) {
        self.voltage.clear();
        self.peaks.clear();
        if self.observe == Observe::Peaks {
            let size = self.plan.layers[self.plan.output].size;
            let start = self.state.v[self.plan.output][..size].iter();
            self.peaks.extend(start.map(|&voltage| Peak {
                voltage,
                time_ms: 0.0,
            }));
            self.state.kinks.clear();
            self.state.kinks.resize(self.peaks.len(), Kink::default());
        }
    }

    /// `[F5]` Projects the input's spikes at the first step of a window.
    #[inline(always)]
    fn project(&mut self, k: usize) {
        let Some(projected) = &mut self.projected else {
            return;
        };
        let rows = projected.shape.rows;
        if k.is_multiple_of(rows) {
            let window = k..(k + rows).min(self.plan.clock.steps());
            let spikes = &self.tape.populations[self.plan.input];
            let currents = (&mut *projected.currents, projected.shape);
            let weights = (projected.weights, &mut self.state.transits[..]);
            project::project(self.plan, weights, (spikes, window), currents);
        }
    }

    /// `[F5]` At the first step of a window, leaves the weights of the input's spikes in the currents to come, where
    /// they do not arrive as wholes.
    #[inline(always)]
    fn send_input(&mut self, k: usize) {
        let Some(Coming {
            currents,
            group,
            window,
        }) = &mut self.coming
        else {
            return;
        };
        if !k.is_multiple_of(*window) {
            return;
        }
        for (population, rows) in self.plan.kept_apart(*window) {
            if k == 0 {
                currents[population].start(self.plan.layers[population].size, rows);
            } else {
                currents[population].forward(*window);
            }
        }
        for (index, link) in self.plan.links.iter().enumerate() {
            let Some(apart) = link.connection.apart() else {
                continue;
            };
            if link.source == self.plan.input {
                let spikes = &self.tape.populations[link.source];
                let sent = self.state.transits[index].pass(&spikes.when, k + *window - 1);
                let part = Part {
                    neurons: &spikes.neuron[sent.clone()],
                    steps: &spikes.when[sent],
                    sample: 0,
                };
                gradient::fill(link, group, std::iter::once(part));
                let currents = (&mut currents[link.target], k);
                apart.send_all(self.weights[index], group, currents);
            }
        }
    }

    /// `[F5]` Likewise for the spikes of the step before, and adds the currents that have come.
    #[inline(always)]
    fn deliver_apart(&mut self, k: usize) {
        let Some(Coming {
            currents, window, ..
        }) = &mut self.coming
        else {
            return;
        };
        let first = k - k % *window;
        for (index, link) in self.plan.links.iter().enumerate() {
            let Some(apart) = link.connection.apart() else {
                continue;
            };
            if link.source != self.plan.input {
                let spikes = &self.tape.populations[link.source];
                for spike in self.state.transits[index].pass(&spikes.when, k) {
                    let source = spikes.neuron[spike] as usize;
                    let Some(source) = link.connection.synapses.row_of(source) else {
                        continue;
                    };
                    let step = k - 1;
                    let sent = Sent { source, step };
                    let currents = (&mut currents[link.target], first);
                    apart.send(self.weights[index], sent, currents);
                }
            }
        }
        for (population, _) in self.plan.kept_apart(*window) {
            currents[population].add_row(k - first, &mut self.state.i[population]);
        }
    }

    /// `[F5]` Adds the weight rows of all spikes that arrive at the start of step k.
    #[inline(always)]
    fn deliver(&mut self, k: usize) {
        if self.observe == Observe::Peaks {
            let State {
                i, current_before, ..
            } = &mut *self.state;
            current_before.copy_of(&i[self.plan.output]);
        }
        if let Some(projected) = &self.projected {
            let row = k % projected.shape.rows;
            for (population, i) in self.state.i.iter_mut().enumerate() {
                if projected.weights.reach(population) {
                    let before = self.plan.columns_before[population];
                    project::add_step(i, (projected.currents, projected.shape, before), row);
                }
            }
        }
        for (index, link) in self.plan.links.iter().enumerate() {
            let projected = self.projected.as_ref();
            if projected.is_some_and(|projected| projected.weights.hold(index)) {
                continue;
            }
            let spikes = &self.tape.populations[link.source];
            let transit = &mut self.state.transits[index];
            if link.connection.rests(transit, &spikes.when, k) {
                continue;
            }
            let i = &mut self.state.i[link.target];
            let (w, at) = (self.weights[index], (spikes, k));
            if spikes.amplitude.is_empty() {
                link.connection.deliver(transit, w, at, i);
            } else {
                link.connection.deliver_graded(transit, w, at, i);
            }
        }
        self.deliver_apart(k);
    }

    #[inline(always)]
    fn observe(&mut self, k: usize) {
        let size = self.plan.layers[self.plan.output].size;
        if !self.shown.is_empty() {
            self.show();
        }
        let v = &self.state.v[self.plan.output][..size];
        match self.observe {
            Observe::Nothing | Observe::FirstSpikes => {}
            Observe::Voltage => self.voltage.extend_from_slice(v),
            Observe::Peaks => {
                for (j, (peak, &v)) in self.peaks.iter_mut().zip(v).enumerate() {
                    if v > peak.voltage {
                        peak.voltage = v;
                        peak.time_ms = self.plan.clock.start_ms(k);
                        self.state.kinks[j] = Kink {
                            step: k,
                            drive_before: self.state.current_before[j] - v,
                            ..Kink::default()
                        };
                    }
                }
            }
        }
    }

    /// V of the populations whose voltages are shown.
    #[inline(never)]
    fn show(&mut self) {
        for (population, voltages) in self.shown.iter().zip(&mut *self.voltages) {
            let v = &self.state.v[population.0][..self.plan.layers[population.0].size];
            voltages.values.extend_from_slice(v);
        }
    }

    #[inline(always)]
    fn advance(&mut self, k: usize) {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            if population == self.plan.input {
                continue;
            }
            let State {
                v,
                i,
                i_next,
                own,
                trail,
                above,
                step_start,
                ..
            } = &mut *self.state;
            if layer.sensitivities.is_some() {
                let start = &mut step_start[population];
                let row = k * layer.stride..(k + 1) * layer.stride;
                start.v[row.clone()].copy_from_slice(&v[population]);
                start.i[row].copy_from_slice(&i[population]);
            }
            let advance = Advance {
                v: &mut v[population],
                i: &i[population],
                i_next: &mut i_next[population],
                own: &mut own[population],
                trail: &mut trail[population],
                above,
                spikes: &mut self.tape.populations[population],
                holds: layer.refractory.as_ref(),
                k,
                size: layer.size,
            };
            let disturbs =
                |d: &&Disturbance| d.withhold[population] > 0.0 || d.noise[population] > 0.0;
            match self.disturbance.filter(disturbs) {
                None => layer.cells.visit(advance),
                Some(disturbance) => layer.cells.visit(Disturbed {
                    draws: Draws::new(
                        disturbance,
                        population,
                        self.sample_id,
                        self.plan.clock.dt_ms(),
                    ),
                    advance,
                }),
            };
            std::mem::swap(&mut i[population], &mut i_next[population]);
        }
    }

    #[inline(always)]
    fn record(&mut self, k: usize) {
        for (probe, record) in self.state.probes.iter().zip(&mut self.state.records) {
            let source = match probe.variable {
                Variable::Voltage => &self.state.v[probe.population],
                Variable::Current => &self.state.i[probe.population],
                Variable::Adaptation => &self.state.own[probe.population],
                Variable::LambdaV
                | Variable::LambdaI
                | Variable::LambdaB
                | Variable::State(_)
                | Variable::Adjoint(_) => continue,
            };
            let size = self.plan.layers[probe.population].size;
            if source.is_empty() {
                // Thresholds that do not adapt: the record is zero already.
                continue;
            }
            record[k * size..(k + 1) * size].copy_from_slice(&source[..size]);
        }
    }

    /// The carriers of the peaks of the outputs (`[A6]`).
    #[inline(always)]
    fn find_kinks(&mut self) {
        for (j, kink) in self.state.kinks.iter_mut().enumerate() {
            let mut search = Search::from_drive(kink.drive_before);
            for (index, link) in self.plan.links_into(self.plan.output) {
                let spikes = &self.tape.populations[link.source];
                let arrivals = (spikes, kink.step);
                let connection = &link.connection;
                for (spike, w) in connection.arrivals_at(self.weights[index], arrivals, j) {
                    search.pass((index, spike), spikes.amplitude_of(spike) * w);
                }
            }
            kink.carrier = search.carrier();
        }
    }
}

/// Puts the input spikes on the grid. Several spikes of a neuron in one step arrive one after the other.
#[inline(always)]
fn emit_input<F: Real>(plan: &Plan<F>, train: &SpikeTrain, spikes: &mut Spikes<u32, F>) {
    for (step, neuron) in train.on_grid(plan.clock) {
        spikes.when.push(step);
        spikes.neuron.push(neuron);
    }
    // What comes after the trial is left out.
    let amplitudes = train.amplitudes().iter().take(spikes.neuron.len());
    spikes.amplitude.extend(amplitudes.map(|&a| F::from_f64(a)));
}

/// A layer on its way over one step.
struct Advance<'a, F> {
    v: &'a mut [F],
    i: &'a [F],
    /// I at the end of the step.
    i_next: &'a mut [F],
    own: &'a mut [F],
    trail: &'a mut Vec<F>,
    above: &'a mut Vec<(u32, u32)>,
    spikes: &'a mut Spikes<u32, F>,
    /// Refractory times, where there are any.
    holds: Option<&'a Holds<F>>,
    k: usize,
    /// Neurons; what lies behind them is padding.
    size: usize,
}

impl<F: Real> Visit<F> for Advance<'_, F> {
    type Output = ();

    #[inline(always)]
    fn integrators<N: Neuron<F>>(mut self, cells: &Each<N>) {
        match cells.uniform {
            Some(cell) => self.flow(Shared(cell)),
            None => self.flow(&cells.all[..]),
        }
    }

    #[inline(always)]
    fn spiking<N: Spiking<F>>(self, cells: &Each<N>) {
        match cells.uniform {
            Some(cell) => self.flow_and_fire(Shared(cell)),
            None => self.flow_and_fire(&cells.all[..]),
        }
    }
}

impl<F: Real> Advance<'_, F> {
    /// The flow of a layer over a step.
    #[inline(always)]
    fn flow<N: Neuron<F>>(&mut self, cells: impl Lookup<N>) {
        let kept = self.v.len() * N::Trail::COUNT;
        let row = self.k * kept..(self.k + 1) * kept;
        if self.trail.len() < row.end {
            self.trail.resize(row.end, F::ZERO);
        }
        let trail = &mut self.trail[row];
        flow(cells, self.v, self.i, self.i_next, self.own, trail);
    }

    /// V of neurons that are refractory, after the flow.
    #[inline(always)]
    fn hold(&mut self) {
        if let Some(holds) = self.holds {
            holds.hold(self.k, self.v, self.i, self.spikes);
        }
    }

    /// The flow, the threshold test and the spikes of a layer in a step.
    #[inline(always)]
    fn flow_and_fire<N: Spiking<F>>(mut self, cells: impl Lookup<N>) {
        self.flow(cells);
        self.hold();
        let Self {
            v,
            i,
            own,
            above,
            spikes,
            k,
            size,
            ..
        } = self;
        // PERF: where a neuron fires is a surprise to the processor. Words are therefore listed without
        // a branch: each is written to the list, and the next one over it unless a neuron fires there.
        above.resize(v.len().div_ceil(WORD), (0, 0));
        let mut firing = 0;
        for (word, v) in v.chunks(WORD).enumerate() {
            let first = word * WORD;
            // PERF: the length of a whole word is known to the compiler.
            let bits = match <&[F; WORD]>::try_from(v) {
                Ok(v) => reached(cells, v, own, first),
                Err(_) => reached(cells, v, own, first),
            };
            above[firing] = (first as u32, bits);
            firing += usize::from(bits != 0);
        }
        for &(first, bits) in &above[..firing] {
            // What pads the last word has no spikes, whatever the threshold.
            let padding = WORD.saturating_sub(size.saturating_sub(first as usize)) as u32;
            let mut bits = bits & u32::MAX.checked_shr(padding).unwrap_or(0);
            while bits != 0 {
                let n = first as usize + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                fire(cells.at(n), n, k, i[n], &mut v[n], own, spikes);
            }
        }
    }
}

/// One step of all neurons of a layer.
///
/// PERF: as parameters of their own the slices are known not to overlap; as fields of a struct they are
/// compared in every step.
#[inline(always)]
fn flow<F: Real, N: Neuron<F>>(
    cells: impl Lookup<N>,
    v: &mut [F],
    i: &[F],
    i_next: &mut [F],
    own: &mut [F],
    trail: &mut [F],
) {
    let len = v.len();
    let (i, i_next) = (&i[..len], &mut i_next[..len]);
    let own = &mut own[..len * N::Own::COUNT];
    for n in 0..len {
        let at = neuron::State { v: v[n], i: i[n] };
        let stepped = cells.at(n).step(at, N::Own::load(own, n));
        v[n] = stepped.state.v;
        i_next[n] = stepped.state.i;
        stepped.own.store(own, n);
        stepped.trail.store(trail, n);
    }
}

/// A spike of neuron `n` in step `k`, which began with the current `i_k`: onto the tape, and the reset.
#[inline(always)]
fn fire<F: Real, N: Spiking<F>>(
    cell: N,
    n: usize,
    k: usize,
    i_k: F,
    v: &mut F,
    own: &mut [F],
    spikes: &mut Spikes<u32, F>,
) {
    let own_minus = N::Own::load(own, n);
    let jumped = cell.jump(i_k, *v, own_minus);
    spikes.when.push(k as u32);
    spikes.neuron.push(n as u32);
    spikes.drive.push(jumped.drive);
    own_minus.push(&mut spikes.adaptation);
    *v = jumped.v;
    jumped.own.store(own, n);
}

/// The threshold test for up to 32 neurons: a bit for each that fires.
#[inline(always)]
fn reached<F: Real, N: Spiking<F>>(cells: impl Lookup<N>, v: &[F], own: &[F], first: usize) -> u32 {
    let own = &own[first * N::Own::COUNT..(first + v.len()) * N::Own::COUNT];
    let mut bits = 0;
    for (n, v) in v.iter().enumerate() {
        let fires = cells.at(first + n).fires(*v, N::Own::load(own, n));
        bits |= u32::from(fires) << n;
    }
    bits
}

/// The random draws of a layer of a sample.
struct Draws {
    withhold: f64,
    withhold_key: Key,
    /// A √dt.
    noise: f64,
    noise_key: Key,
}

impl Draws {
    fn new(disturbance: &Disturbance, population: usize, sample_id: u64, dt: f64) -> Self {
        let narrow = |key: Key| key.with(population as u64).with(sample_id);
        Self {
            withhold: disturbance.withhold[population],
            withhold_key: narrow(disturbance.withhold_key),
            noise: disturbance.noise[population] * dt.sqrt(),
            noise_key: narrow(disturbance.noise_key),
        }
    }

    /// Adds A ξ √dt to V, before the threshold test.
    fn add_noise<F: Real>(&self, v: &mut F, counter: u64) {
        if self.noise > 0.0 {
            *v += F::from_f64(self.noise * self.noise_key.normal(counter));
        }
    }

    /// True if a neuron above threshold fires.
    fn lets_fire(&self, counter: u64) -> bool {
        self.withhold == 0.0 || self.withhold_key.uniform(counter) >= self.withhold
    }
}

/// The same with membrane noise, and with neurons withheld from firing (V is then not reset and the neuron
/// tries again in the next step).
struct Disturbed<'a, F> {
    draws: Draws,
    advance: Advance<'a, F>,
}

impl<F: Real> Disturbed<'_, F> {
    /// The flow and the noise; returns what the draws of the first neuron in this step are counted from.
    fn flow<N: Neuron<F>>(&mut self, cells: &[N]) -> u64 {
        self.advance.flow(cells);
        let Advance { v, k, size, .. } = &mut self.advance;
        let first = (*k * *size) as u64;
        for (v, counter) in v[..*size].iter_mut().zip(first..) {
            self.draws.add_noise(v, counter);
        }
        first
    }
}

impl<F: Real> Visit<F> for Disturbed<'_, F> {
    type Output = ();

    fn integrators<N: Neuron<F>>(mut self, cells: &Each<N>) {
        self.flow(&cells.all);
    }

    fn spiking<N: Spiking<F>>(mut self, cells: &Each<N>) {
        let first = self.flow(&cells.all);
        self.advance.hold();
        let Advance {
            v,
            i,
            own,
            spikes,
            k,
            size,
            ..
        } = self.advance;
        for (n, counter) in (0..size).zip(first..) {
            let cell = cells.all[n];
            if cell.fires(v[n], N::Own::load(own, n)) && self.draws.lets_fire(counter) {
                fire(cell, n, k, i[n], &mut v[n], own, spikes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Clock, Lif, Network, PopulationId};
    use crate::solver::grid::plan;

    /// 1e-46 is 0 in single precision, which the padding reaches without any input.
    #[test]
    fn padding_has_no_spikes_whatever_the_threshold() {
        let mut network = Network::new(Clock::new(1.0, 5.0).unwrap());
        network.add_input("input", 1);
        let lif = Lif::new(20.0, 5.0).v_thresh(1e-46);
        let PopulationId(hidden) = network.add_lif("hidden", 41, lif);
        let layer = plan::layer::<f32>(&network.populations()[hidden], network.clock());
        let [mut v, i, mut i_next] = [0.0, 0.0, 0.0].map(|x| vec![x; layer.stride]);
        let (mut trail, mut above, mut spikes) = (Vec::new(), Vec::new(), Spikes::default());
        layer.cells.visit(Advance {
            v: &mut v,
            i: &i,
            i_next: &mut i_next,
            own: &mut [],
            trail: &mut trail,
            above: &mut above,
            spikes: &mut spikes,
            holds: None,
            k: 0,
            size: layer.size,
        });
        assert!(layer.stride > layer.size);
        assert_eq!(spikes.neuron, (0..41).collect::<Vec<u32>>());
    }
}
