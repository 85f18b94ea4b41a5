//! A grid solver from outside of the engine, written from `docs/equations.md` alone.
//!
//! It shows what an implementor needs and that it is public. It shares no formula with the engine: V, I
//! and B and their adjoints are kept for every step, and every sum is taken as the page states it. Slow,
//! in f64, on one thread. `corpus.rs` runs it on every case of the grid.

use std::borrow::Cow;
use std::sync::Arc;

use eventprop::connect::{Lags, Pattern, Synapse, Wiring};
use eventprop::network::{
    Lif, Model, Network, NeuronConstant, Population, PopulationId, ProjectionId,
};
use eventprop::params::Params;
use eventprop::readout::{Nodes, Observe, Peak, Readout, Seed};
use eventprop::real::Real;
use eventprop::solver::for_implementors::check_batch;
use eventprop::solver::{Drive, Grazing, HostTrials, Probe, SolveError, Solver, Sum, Trial};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::tape::{Spikes, Tape};

/// The solver, with what it remembers of the last forward pass.
pub struct PlainGrid {
    network: Network,
    walks: Vec<Walk>,
    /// Steps from a spike to its arrival, per projection.
    lags: Vec<Lags<usize>>,
}

/// A spike at a target: its projection, its place, and the synapse.
type Arrival = (usize, Place, Synapse);

/// A number per population and neuron.
type Field = Vec<Vec<f64>>;

/// V and I at the start of every step, after its arrivals, and I before them; one more V for the end.
#[derive(Default)]
struct Walk {
    v: Vec<Field>,
    i: Vec<Field>,
    i_before: Vec<Field>,
    /// The steps in which the outputs peak.
    peaks: Vec<usize>,
}

/// The constants of one neuron. A neuron without threshold has an infinite one; one whose threshold
/// does not adapt has β = 0 and an infinite τ_B.
#[derive(Clone, Copy)]
struct Neuron {
    tau_mem: f64,
    tau_syn: f64,
    v_init: f64,
    v_reset: f64,
    theta: f64,
    b_init: f64,
    beta: f64,
    tau_b: f64,
    /// Refractory time in steps.
    hold: usize,
    /// a, b, c of `[F1]`, `[F2]` over a step.
    a: f64,
    b: f64,
    c: f64,
}

/// Derivatives of a, b and c over a step.
struct Slopes {
    a_by_mem: f64,
    c_by_mem: f64,
    b_by_syn: f64,
    c_by_syn: f64,
}

/// The adjoints at the start of every step, after the jumps of its spikes.
struct Adjoints {
    v: Vec<Field>,
    i: Vec<Field>,
    b: Field,
}

/// A sample on its way back.
struct Back<'a> {
    index: usize,
    walk: &'a Walk,
    tape: &'a Tape<u32, f64>,
    seed: &'a Seed<f64>,
    spike_jumps: &'a [Vec<f64>],
}

/// A spike: its population and its place on the tape.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    population: usize,
    spike: usize,
}

impl Neuron {
    fn of(population: &Population, n: usize, dt: f64) -> Option<Self> {
        let (tau_mem, tau_syn) = population.time_constants()?;
        let (tau_mem, tau_syn) = (tau_mem.of(n), tau_syn.of(n));
        let (a, b) = ((-dt / tau_mem).exp(), (-dt / tau_syn).exp());
        let rate = 1.0 / tau_syn - 1.0 / tau_mem;
        let mut neuron = Self {
            tau_mem,
            tau_syn,
            v_init: 0.0,
            v_reset: 0.0,
            theta: f64::INFINITY,
            b_init: 0.0,
            beta: 0.0,
            tau_b: f64::INFINITY,
            hold: 0,
            a,
            b,
            c: if rate == 0.0 {
                a * dt / tau_mem
            } else {
                a * -(-rate * dt).exp_m1() / (rate * tau_mem)
            },
        };
        match &population.model {
            Model::Input | Model::Equations(_) => return None,
            Model::Li(li) => neuron.v_init = li.v_init.of(n),
            Model::Lif(lif) => neuron.spiking(lif, n, dt),
            Model::Alif(alif) => {
                neuron.spiking(&alif.lif, n, dt);
                neuron.b_init = alif.adaptation.b_init.of(n);
                neuron.beta = alif.adaptation.b_incr.of(n);
                neuron.tau_b = alif.adaptation.tau_b.of(n);
            }
        }
        Some(neuron)
    }

    fn spiking(&mut self, lif: &Lif, n: usize, dt: f64) {
        self.hold = (lif.refractory.of(n) / dt).round() as usize;
        self.v_init = lif.v_reset.of(n);
        self.v_reset = lif.v_reset.of(n);
        self.theta = lif.v_thresh.of(n);
    }

    /// With g(τ) = e^{−dt/τ}, c = τ_syn (g(τ_mem) − g(τ_syn))/(τ_mem − τ_syn).
    fn slopes(&self, dt: f64) -> Slopes {
        let (mem, syn, a, b) = (self.tau_mem, self.tau_syn, self.a, self.b);
        let a_by_mem = a * dt / (mem * mem);
        let b_by_syn = b * dt / (syn * syn);
        let (c_by_mem, c_by_syn) = if mem == syn {
            let half = a * (dt * dt / mem.powi(4) - 2.0 * dt / mem.powi(3)) / 2.0;
            (mem * half, a_by_mem + mem * half)
        } else {
            let apart = mem - syn;
            (
                syn / apart * (a_by_mem - (a - b) / apart),
                (a - b) * mem / (apart * apart) - b_by_syn * syn / apart,
            )
        };
        Slopes {
            a_by_mem,
            c_by_mem,
            b_by_syn,
            c_by_syn,
        }
    }
}

impl PlainGrid {
    fn neurons(&self) -> Vec<Vec<Neuron>> {
        let dt = self.network.clock().dt_ms();
        let of = |p: &Population| (0..p.size).filter_map(|n| Neuron::of(p, n, dt)).collect();
        self.network.populations().iter().map(of).collect()
    }

    fn take_delays(&mut self, params: &Params<f64>) {
        let clock = self.network.clock();
        let ids = (0..self.network.projections().len()).map(ProjectionId);
        let lags = ids.map(|id| self.network.lags(id, params));
        self.lags = lags.map(|ms| ms.map(|ms| clock.delay_steps(ms))).collect();
    }

    /// Synapses from one neuron, each with the number of its weight.
    fn synapses(&self, projection: usize, source: usize) -> Vec<Synapse> {
        let synapses = self.network.synapses(ProjectionId(projection));
        synapses.of(source).collect()
    }

    /// What a spike delivers over a synapse.
    fn weight(&self, params: &Params<f64>, id: usize, synapse: Synapse) -> f64 {
        let factor = self.network.projections()[id].wiring.factor();
        factor * params.weights(ProjectionId(id))[synapse.weight]
    }

    /// Arrivals at the start of step k, in order of delivery.
    fn arrivals(&self, tape: &Tape<u32, f64>, k: usize) -> Vec<Arrival> {
        let mut all = Vec::new();
        for (id, projection) in self.network.projections().iter().enumerate() {
            let population = projection.source.0;
            for (spike, &when) in tape.populations[population].when.iter().enumerate() {
                let source = tape.populations[population].neuron[spike] as usize;
                for synapse in self.synapses(id, source) {
                    if when as usize + self.lags[id].of(synapse) == k {
                        all.push((id, Place { population, spike }, synapse));
                    }
                }
            }
        }
        all
    }

    fn emit(&self, train: &SpikeTrain) -> Spikes<u32, f64> {
        let mut events: Vec<(u32, u32)> = train.on_grid(self.network.clock()).collect();
        events.sort_unstable();
        let (when, neuron) = events.into_iter().unzip();
        Spikes {
            when,
            neuron,
            ..Spikes::default()
        }
    }

    fn walk(&self, params: &Params<f64>, train: &SpikeTrain) -> (Walk, Tape<u32, f64>) {
        let neurons = self.neurons();
        let start = |f: fn(&Neuron) -> f64| -> Field {
            neurons
                .iter()
                .map(|all| all.iter().map(f).collect())
                .collect()
        };
        let (mut v, mut i, mut b) = (start(|n| n.v_init), start(|_| 0.0), start(|n| n.b_init));
        let mut tape = Tape {
            populations: vec![Spikes::default(); neurons.len()],
        };
        tape.populations[self.network.input().0] = self.emit(train);
        let mut walk = Walk::default();
        for k in 0..self.network.clock().steps() {
            walk.i_before.push(i.clone());
            // [F5]
            for (id, _, synapse) in self.arrivals(&tape, k) {
                let target = self.network.projections()[id].target.0;
                i[target][synapse.target] += self.weight(params, id, synapse);
            }
            walk.v.push(v.clone());
            walk.i.push(i.clone());
            for (p, all) in neurons.iter().enumerate() {
                for (n, neuron) in all.iter().enumerate() {
                    let (v, i, b) = (&mut v[p][n], &mut i[p][n], &mut b[p][n]);
                    let spikes = &mut tape.populations[p];
                    neuron.advance(self.network.clock().dt_ms(), (v, i, b), (k, n, spikes));
                }
            }
        }
        walk.v.push(v);
        let output = self.network.output().0;
        walk.peaks = (0..self.network.output_size())
            .map(|j| {
                let higher = |best: usize, k: usize| {
                    if walk.v[k][output][j] > walk.v[best][output][j] {
                        k
                    } else {
                        best
                    }
                };
                (0..self.network.clock().steps()).fold(0, higher)
            })
            .collect();
        (walk, tape)
    }

    fn readout(&self, walk: &Walk, tape: &Tape<u32, f64>, observe: Observe) -> Readout<f64> {
        let (clock, output) = (self.network.clock(), self.network.output().0);
        let start = |step: &u32| clock.start_ms(*step as usize);
        let mut readout = Readout {
            nodes: Arc::new(Nodes {
                times_ms: (0..clock.steps()).map(|k| clock.start_ms(k)).collect(),
                widths_ms: vec![clock.dt_ms(); clock.steps()],
                grid: true,
            }),
            ..Readout::default()
        };
        match observe {
            Observe::Voltage => {
                readout.voltage = walk.v.iter().flat_map(|v| v[output].clone()).collect();
                let input = &tape.populations[self.network.input().0];
                readout.input_ms = input.when.iter().map(start).collect();
            }
            Observe::Peaks => {
                let peak = |(j, &k): (usize, &usize)| Peak {
                    voltage: walk.v[k][output][j],
                    time_ms: clock.start_ms(k),
                };
                readout.peaks = walk.peaks.iter().enumerate().map(peak).collect();
            }
            Observe::Nothing => {}
            Observe::FirstSpikes => {
                let spikes = &tape.populations[output];
                let first = |j: usize| {
                    let at = spikes.neuron.iter().position(|&n| n as usize == j);
                    at.map_or(f64::INFINITY, |s| start(&spikes.when[s]))
                };
                readout.first_spikes_ms = (0..self.network.output_size()).map(first).collect();
            }
        }
        readout
    }

    /// `[A6]` What R of a spike that arrives at the peak of an output gets instead of the jump of the peak.
    fn kinks(&self, params: &Params<f64>, back: &Back<'_>) -> Vec<(Arrival, f64)> {
        let (output, mut all) = (self.network.output(), Vec::new());
        for (j, seed) in back.seed.peaks.iter().enumerate() {
            let k = back.walk.peaks[j];
            let mut drive = back.walk.i_before[k][output.0][j] - back.walk.v[k][output.0][j];
            let mut arrivals = Vec::new();
            for arrival in self.arrivals(back.tape, k) {
                let (id, _, synapse) = arrival;
                if self.network.projections()[id].target == output && synapse.target == j {
                    let w = self.weight(params, id, synapse);
                    arrivals.push((arrival, w, drive));
                    drive += w;
                }
            }
            // The last one at which the slope turns from up to down, if it stays so.
            let turns = |&(_, w, drive): &(Arrival, f64, f64)| drive > 0.0 && drive + w <= 0.0;
            let carrier = arrivals.iter().rposition(turns);
            let rises = arrivals.first().is_some_and(|first| first.2 > 0.0);
            let Some(carrier) = carrier.filter(|_| k > 0 && rises && drive <= 0.0) else {
                continue;
            };
            let tau_mem = self.neurons()[output.0][j].tau_mem;
            all.push((arrivals[carrier].0, -seed * arrivals[carrier].2 / tau_mem));
            let behind = arrivals[carrier..].iter();
            all.extend(behind.map(|(arrival, w, _)| (*arrival, -seed * w / tau_mem)));
        }
        all
    }

    /// `[A4]` and ∂L/∂t of a spike.
    fn pull(&self, params: &Params<f64>, back: &Back<'_>, adjoints: &Adjoints, at: Place) -> f64 {
        let spikes = &back.tape.populations[at.population];
        let (k, n) = (
            spikes.when[at.spike] as usize,
            spikes.neuron[at.spike] as usize,
        );
        let mut pull = 0.0;
        for (id, projection) in self.network.projections().iter().enumerate() {
            if projection.source.0 != at.population {
                continue;
            }
            let target = projection.target.0;
            for synapse in self.synapses(id, n) {
                let (arrival, j) = (k + self.lags[id].of(synapse), synapse.target);
                if arrival < adjoints.v.len() {
                    let (lambda_v, lambda_i) = (&adjoints.v[arrival], &adjoints.i[arrival]);
                    let w = self.weight(params, id, synapse);
                    pull += w * (lambda_v[target][j] - lambda_i[target][j]);
                }
            }
        }
        let first = spikes.neuron.iter().position(|&other| other as usize == n);
        if at.population == self.network.output().0 && first == Some(at.spike) {
            pull += back.seed.first_spikes.get(n).copied().unwrap_or(0.0);
        }
        pull
    }

    fn back(&self, params: &Params<f64>, back: &Back<'_>, gradient: &mut Params<f64>) {
        let steps = self.network.clock().steps();
        let neurons = self.neurons();
        let zeros: Field = neurons.iter().map(|all| vec![0.0; all.len()]).collect();
        let mut adjoints = Adjoints {
            v: vec![zeros.clone(); steps + 1],
            i: vec![zeros.clone(); steps + 1],
            b: zeros,
        };
        let kinks = self.kinks(params, back);
        for ((id, _, synapse), moved) in &kinks {
            self.add_delay(gradient, (*id, *synapse), *moved);
        }
        // What the ends of refractory times give to R of their spikes.
        let spikes = back.tape.populations.iter();
        let mut released: Field = spikes.map(|spikes| vec![0.0; spikes.len()]).collect();
        for k in (0..steps).rev() {
            self.flow(back, k, &neurons, (&mut adjoints, gradient));
            release(back, k, &neurons, (&mut adjoints, &mut released));
            for population in 0..neurons.len() {
                let spikes = &back.tape.populations[population];
                for spike in (0..spikes.len()).filter(|&s| spikes.when[s] as usize == k) {
                    let at = Place { population, spike };
                    if population != self.network.input().0 {
                        let corrections = kinks.iter().filter(|((_, place, _), _)| *place == at);
                        let pull = self.pull(params, back, &adjoints, at)
                            + corrections.map(|(_, r)| r).sum::<f64>()
                            + released[population][spike];
                        self.jump(back, at, pull, (&neurons, &mut adjoints, gradient));
                    }
                    self.weights((params, back), at, &neurons, &adjoints, gradient);
                }
            }
        }
    }

    /// `[A1]`, `[A2]`, `[A7]` over step k, what the outputs' seeds add at its start, and `[G2]`, `[G3]`.
    fn flow(
        &self,
        back: &Back<'_>,
        k: usize,
        neurons: &[Vec<Neuron>],
        (adjoints, gradient): (&mut Adjoints, &mut Params<f64>),
    ) {
        let dt = self.network.clock().dt_ms();
        let (output, seed) = (self.network.output().0, back.seed);
        for (p, all) in neurons.iter().enumerate() {
            for (n, neuron) in all.iter().enumerate() {
                let (lv, li) = (adjoints.v[k + 1][p][n], adjoints.i[k + 1][p][n]);
                let (v, i) = (back.walk.v[k][p][n], back.walk.i[k][p][n]);
                let slopes = neuron.slopes(dt);
                let (mem, syn) = (neuron.tau_mem, neuron.tau_syn);
                // [G2], [G3]
                let by_mem = -mem * lv * (v * slopes.a_by_mem + i * slopes.c_by_mem);
                let by_syn = -(mem * lv * i * slopes.c_by_syn + syn * li * i * slopes.b_by_syn);
                add(gradient, (p, n), NeuronConstant::TauMem, by_mem);
                add(gradient, (p, n), NeuronConstant::TauSyn, by_syn);
                let at = k * all.len() + n;
                let a = if p == output {
                    seed.voltage.get(at).copied()
                } else {
                    None
                };
                let a = a.unwrap_or(0.0);
                // [A1], [A2], [A7]
                adjoints.i[k][p][n] = a + (li - a) * neuron.b + (lv - a) * neuron.c * mem / syn;
                adjoints.v[k][p][n] = a + (lv - a) * neuron.a;
                adjoints.b[p][n] *= (-dt / neuron.tau_b).exp();
            }
        }
        let last = self.network.clock().steps().saturating_sub(2);
        for (j, neuron) in neurons[output].iter().enumerate() {
            let lambda_v = &mut adjoints.v[k][output][j];
            if back.walk.peaks[j] == k {
                // [A5]
                *lambda_v += seed.peaks.get(j).copied().unwrap_or(0.0) / neuron.tau_mem;
            }
            if k == last {
                *lambda_v += seed.silent.get(j).copied().unwrap_or(0.0);
            }
        }
    }

    /// `[A3]`, `[A8]`, `[G4]`, `[G5]` and the jump of the regularisers.
    fn jump(
        &self,
        back: &Back<'_>,
        at: Place,
        pull: f64,
        (neurons, adjoints, gradient): (&[Vec<Neuron>], &mut Adjoints, &mut Params<f64>),
    ) {
        let p = at.population;
        let spikes = &back.tape.populations[p];
        let (k, n) = (
            spikes.when[at.spike] as usize,
            spikes.neuron[at.spike] as usize,
        );
        let neuron = &neurons[p][n];
        let b = spikes.adaptation.get(at.spike).copied().unwrap_or(0.0);
        let (v_plus, b_plus) = (adjoints.v[k][p][n], adjoints.b[p][n]);
        let share = neuron.tau_mem / neuron.tau_b;
        // [A8], which is [A3] where B = β = 0
        let height = neuron.theta + b - neuron.v_reset - b * share;
        let v_minus =
            v_plus + (height * v_plus - neuron.beta * b_plus + pull) / spikes.drive[at.spike];
        let b_minus = b_plus - v_minus * share;
        add(
            gradient,
            (p, n),
            NeuronConstant::BIncr,
            -neuron.tau_b * b_plus,
        );
        let before = (0..at.spike)
            .rev()
            .find(|&s| spikes.neuron[s] as usize == n);
        // B is advanced before the test: from the end of one step to the end of another.
        let steps = before.map_or(k + 1, |s| k - spikes.when[s] as usize);
        let time = steps as f64 * self.network.clock().dt_ms();
        let by_tau_b = -time / neuron.tau_b * b_minus * b;
        add(gradient, (p, n), NeuronConstant::TauB, by_tau_b);
        let jumps = back.spike_jumps.get(p).map_or(&[][..], Vec::as_slice);
        let jump = jumps.get(back.index * neurons[p].len() + n).copied();
        adjoints.v[k][p][n] = v_minus + jump.unwrap_or(0.0);
        adjoints.b[p][n] = b_minus;
    }

    /// Adds to the derivative with respect to a delay, if it is trained.
    fn add_delay(&self, gradient: &mut Params<f64>, (id, synapse): (usize, Synapse), value: f64) {
        let delay = &self.network.projections()[id].delay;
        let into = gradient.delays_mut(ProjectionId(id));
        if let Some((delays, into)) = delay.trained().zip(into) {
            into[delays.by.index(synapse)] += value;
        }
    }

    /// `[G1]`, `[G6]` of one spike.
    fn weights(
        &self,
        (params, back): (&Params<f64>, &Back<'_>),
        at: Place,
        neurons: &[Vec<Neuron>],
        adjoints: &Adjoints,
        gradient: &mut Params<f64>,
    ) {
        let spikes = &back.tape.populations[at.population];
        let (k, n) = (
            spikes.when[at.spike] as usize,
            spikes.neuron[at.spike] as usize,
        );
        for (id, projection) in self.network.projections().iter().enumerate() {
            if projection.source.0 != at.population {
                continue;
            }
            let p = projection.target.0;
            for synapse in self.synapses(id, n) {
                let Synapse { target, weight, .. } = synapse;
                let arrival = k + self.lags[id].of(synapse);
                if arrival < adjoints.i.len() {
                    let (lambda_v, lambda_i) = (&adjoints.v[arrival][p], &adjoints.i[arrival][p]);
                    gradient.weights_mut(ProjectionId(id))[weight] -=
                        projection.wiring.factor() * neurons[p][target].tau_syn * lambda_i[target];
                    let w = self.weight(params, id, synapse);
                    let by_delay = w * (lambda_v[target] - lambda_i[target]);
                    self.add_delay(gradient, (id, synapse), by_delay);
                }
            }
        }
    }
}

/// `[A16]` at the start of step k.
fn release(
    back: &Back<'_>,
    k: usize,
    neurons: &[Vec<Neuron>],
    (adjoints, released): (&mut Adjoints, &mut Field),
) {
    for (p, all) in neurons.iter().enumerate() {
        let spikes = &back.tape.populations[p];
        for (spike, &neuron) in spikes.neuron.iter().enumerate() {
            let n = neuron as usize;
            let hold = all.get(n).map_or(0, |neuron| neuron.hold);
            if hold > 0 && spikes.when[spike] as usize + hold == k {
                let drive = back.walk.i[k][p][n] - all[n].v_reset;
                released[p][spike] = drive * adjoints.v[k][p][n];
                adjoints.v[k][p][n] = 0.0;
            }
        }
    }
}

impl Neuron {
    /// `[F1]` to `[F4]`, `[F10]`, `[F11]` over step k.
    fn advance(
        &self,
        dt: f64,
        (v, i, b): (&mut f64, &mut f64, &mut f64),
        (k, n, spikes): (usize, usize, &mut Spikes<u32, f64>),
    ) {
        let i_k = *i;
        *v = self.a * *v + self.c * i_k;
        *i = self.b * i_k;
        *b *= (-dt / self.tau_b).exp();
        let mut last = spikes.neuron.iter().zip(&spikes.when).rev();
        let last = last.find(|(neuron, _)| **neuron as usize == n);
        if last.is_some_and(|(_, when)| k <= *when as usize + self.hold) {
            // [F15]
            *v = self.v_reset;
            return;
        }
        if *v >= self.theta + *b {
            spikes.when.push(k as u32);
            spikes.neuron.push(n as u32);
            spikes.drive.push(i_k - *v + *b * self.tau_mem / self.tau_b);
            if self.tau_b.is_finite() {
                spikes.adaptation.push(*b);
            }
            *v = self.v_reset;
            *b += self.beta;
        }
    }
}

/// Adds to the derivative with respect to a constant, if it is trained.
fn add(
    gradient: &mut Params<f64>,
    (population, neuron): (usize, usize),
    which: NeuronConstant,
    value: f64,
) {
    if let Some(range) = gradient.constant_mut(PopulationId(population), which) {
        range[neuron] += value;
    }
}

fn unsupported(what: &'static str, why: &'static str) -> SolveError {
    SolveError::Unsupported {
        solver: "plain grid",
        what,
        why,
    }
}

impl Solver for PlainGrid {
    type Real = f64;
    type Time = u32;
    type Trials = HostTrials<u32, f64>;

    fn for_network(network: &Network) -> Result<Self, SolveError> {
        network.validate()?;
        Ok(Self {
            network: network.clone(),
            walks: Vec::new(),
            lags: Vec::new(),
        })
    }

    fn network(&self) -> &Network {
        &self.network
    }

    fn group_len(&self, _samples: usize) -> usize {
        1
    }

    fn set_probes(&mut self, probes: &[Probe]) -> Result<(), SolveError> {
        if probes.is_empty() {
            return Ok(());
        }
        Err(unsupported("recording", "use the fast grid solver"))
    }

    fn record(&self, _sample: usize, probe: usize) -> Cow<'_, [f64]> {
        panic!("there is no probe {probe}: set_probes() refuses all")
    }

    fn rewire(&mut self, id: ProjectionId, pattern: Arc<Pattern>) {
        self.network.set_wiring(id, Wiring::Sparse(pattern));
    }

    fn forward(
        &mut self,
        params: &Params<f64>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<u32, f64>,
    ) -> Result<(), SolveError> {
        check_batch(&self.network, batch)?;
        if trial.disturbance.is_some() {
            return Err(unsupported("disturbances", "use the fast grid solver"));
        }
        let graded = |train: &SpikeTrain| !train.amplitudes().is_empty();
        if !trial.voltages.is_empty() || batch.trains().iter().any(graded) {
            return Err(unsupported(
                "voltages of populations, or graded spikes",
                "use the fast grid solver",
            ));
        }
        self.network.adopt(params)?;
        self.take_delays(params);
        *out = HostTrials::default();
        self.walks.clear();
        for (sample, train) in batch.trains().iter().enumerate() {
            let (walk, tape) = self.walk(params, train);
            let end = walk.v.last().expect("there is one more than steps");
            for (p, all) in end.iter().enumerate() {
                if let Some(neuron) = all.iter().position(|v| !v.is_finite()) {
                    return Err(SolveError::NotFinite {
                        population: self.network.populations()[p].name.clone(),
                        neuron,
                        time_ms: self.network.clock().trial_ms(),
                        sample,
                    });
                }
            }
            out.readouts.push(self.readout(&walk, &tape, trial.observe));
            out.tapes.push(tape);
            self.walks.push(walk);
        }
        Ok(())
    }

    fn adjoint(
        &mut self,
        params: &Params<f64>,
        trials: &HostTrials<u32, f64>,
        drive: Drive<'_, f64>,
        sum: Sum<'_, f64>,
    ) -> Result<(), SolveError> {
        if drive.grazing != Grazing::Keep {
            return Err(unsupported(
                "limits of the drive",
                "set GRAZING to \"keep\"",
            ));
        }
        let pulls = |seed: &Seed<f64>| {
            seed.pulls
                .iter()
                .any(|p| !p.dl_dv.is_empty() || !p.dl_dt.is_empty())
        };
        if sum.inputs.is_some() || drive.seeds.iter().any(pulls) {
            return Err(unsupported(
                "pulls at populations, or derivatives by the input",
                "use the fast grid solver",
            ));
        }
        self.network.adopt(params)?;
        self.take_delays(params);
        let gradient = sum.gradient;
        gradient.values_mut().fill(0.0);
        sum.reduce.join(f64::numbers_mut(gradient.values_mut()))?;
        for (index, tape) in trials.tapes.iter().enumerate() {
            let back = Back {
                index,
                walk: &self.walks[index],
                tape,
                seed: &drive.seeds[index],
                spike_jumps: drive.spike_jumps,
            };
            self.back(params, &back, gradient);
        }
        sum.reduce
            .hand_on(f64::numbers_mut(gradient.values_mut()))?;
        Ok(())
    }
}
