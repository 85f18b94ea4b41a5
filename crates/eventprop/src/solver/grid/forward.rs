//! One sample forwards, step by step.
//!
//! Order within step k, as in the reference: spikes of earlier steps are delivered (`[F5]`), the
//! output is observed with V_k, V and I are advanced exactly (`[F1]`, `[F2]`), the threshold is tested
//! (`[F3]`; where it adapts it relaxes first, `[F10]` `[F11]`), neurons above it are recorded with their
//! drive J, where it does not adapt I_k − V_{k+1}, and reset (`[F4]`). A spike
//! of step k acts from step k + delay on, delay ≥ 1.

use super::plan::{Adapting, Layer, Plan, Steps};
use super::project::{self, Blocked};
use super::rows;
use super::state::{Kink, State};
use super::trace::Shape;
use crate::dispatch::Kernel;
use crate::neuron::alif;
use crate::readout::{Observe, Peak};
use crate::real::Real;
use crate::solver::Disturbance;
use crate::solver::probe::Variable;
use crate::spikes::SpikeTrain;
use crate::tape::{Spikes, Tape};

/// Neurons advanced together, with one bit each in a word.
const WORD: usize = u32::BITS as usize;

/// Everything that the forward pass over one sample needs.
pub(super) struct ForwardSample<'a, F> {
    pub plan: &'a Plan<F>,
    /// Weights per link, `[source, stride of the target]`.
    pub weights: &'a [&'a [F]],
    pub train: &'a SpikeTrain,
    pub sample_id: u64,
    pub observe: Observe,
    pub disturbance: Option<&'a Disturbance>,
    pub state: &'a mut State<F>,
    pub tape: &'a mut Tape<u32, F>,
    pub voltage: &'a mut Vec<F>,
    pub peaks: &'a mut Vec<Peak<F>>,
    /// Where the spikes of the input are projected for a window of steps; none when their rows are
    /// added step by step.
    pub projected: Option<Projected<'a, F>>,
}

/// The currents that the input's spikes cause.
pub(super) struct Projected<'a, F> {
    pub weights: &'a Blocked<F>,
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
            &mut self.state.input_seen,
            &mut self.tape.populations[self.plan.input],
        );
        self.start_readout();
        for k in 0..self.plan.clock.steps() {
            self.project(k);
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
            project::project(self.plan, projected.weights, (spikes, window), currents);
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
                if self.plan.hears_input[population] {
                    let before = self.plan.columns_before[population];
                    project::add_step(i, (projected.currents, projected.shape, before), row);
                }
            }
        }
        for (index, link) in self.plan.links.iter().enumerate() {
            if self.projected.is_some() && link.source == self.plan.input {
                continue;
            }
            let spikes = &self.tape.populations[link.source];
            let first = self.state.next[index];
            let arrive = |step: &&u32| **step as usize + link.delay == k;
            let count = spikes.when[first..].iter().take_while(arrive).count();
            if count > 0 {
                self.state.next[index] += count;
                let sources = &spikes.neuron[first..first + count];
                rows::add_all(&mut self.state.i[link.target], self.weights[index], sources);
            }
        }
    }

    #[inline(always)]
    fn observe(&mut self, k: usize) {
        let size = self.plan.layers[self.plan.output].size;
        let v = &self.state.v[self.plan.output][..size];
        match self.observe {
            Observe::FirstSpikes => {}
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

    #[inline(always)]
    fn advance(&mut self, k: usize) {
        for (population, layer) in self.plan.layers.iter().enumerate() {
            if population == self.plan.input {
                continue;
            }
            let disturbance = self
                .disturbance
                .filter(|d| d.withhold[population] > 0.0 || d.noise[population] > 0.0);
            let State {
                v,
                i,
                i_next,
                b,
                above,
                began,
                ..
            } = &mut *self.state;
            let v = &mut v[population][..];
            let i_now = &mut i[population][..];
            let b = &mut b[population][..];
            let spikes = &mut self.tape.populations[population];
            if layer.sensitivities.is_some() {
                let (began_v, began_i) = &mut began[population];
                began_v[k * layer.stride..(k + 1) * layer.stride].copy_from_slice(v);
                began_i[k * layer.stride..(k + 1) * layer.stride].copy_from_slice(i_now);
            }
            if let Some(disturbance) = disturbance {
                let place = Place {
                    population,
                    k,
                    sample_id: self.sample_id,
                    dt: self.plan.clock.dt_ms(),
                };
                advance_disturbed(layer, (v, i_now, b), spikes, disturbance, &place);
                continue;
            }
            let state = Advancing {
                v,
                i: i_now,
                i_next: &mut i_next[population],
                above,
            };
            let k = k as u32;
            match (layer.uniform, &layer.adapting) {
                (Some(step), None) => state.run(step, Fixed, layer, spikes, k),
                (None, None) => state.run(&layer.steps[..], Fixed, layer, spikes, k),
                (_, Some(adapting)) => {
                    let thresholds = Relaxing { adapting, b };
                    state.run(&layer.steps[..], thresholds, layer, spikes, k);
                }
            }
            std::mem::swap(&mut i[population], &mut i_next[population]);
        }
    }

    #[inline(always)]
    fn record(&mut self, k: usize) {
        for (probe, record) in self.state.probes.iter().zip(&mut self.state.records) {
            let source = match probe.variable {
                Variable::Voltage => &self.state.v[probe.population],
                Variable::Current => &self.state.i[probe.population],
                Variable::Adaptation => &self.state.b[probe.population],
                Variable::LambdaV | Variable::LambdaI | Variable::LambdaB => continue,
            };
            let size = self.plan.layers[probe.population].size;
            if source.is_empty() {
                // Thresholds that do not adapt: the record is zero already.
                continue;
            }
            record[k * size..(k + 1) * size].copy_from_slice(&source[..size]);
        }
    }

    /// For every output whose peak lies where a spike arrives and turns the slope from up to down:
    /// which spike that is (`[A6]`).
    #[inline(always)]
    fn find_kinks(&mut self) {
        for (j, kink) in self.state.kinks.iter_mut().enumerate() {
            let mut drive = kink.drive_before;
            if kink.step == 0 || drive <= F::ZERO {
                continue;
            }
            for (index, link) in self.plan.links_into(self.plan.output) {
                let spikes = &self.tape.populations[link.source];
                let weights = self.weights[index];
                let stride = self.plan.layers[self.plan.output].stride;
                let first = kink
                    .step
                    .checked_sub(link.delay)
                    .map_or(usize::MAX, |step| {
                        spikes.when.partition_point(|&when| (when as usize) < step)
                    });
                let mut spike = first;
                while spike < spikes.len() && spikes.when[spike] as usize + link.delay == kink.step
                {
                    let w = weights[spikes.neuron[spike] as usize * stride + j];
                    if drive > F::ZERO && drive + w <= F::ZERO {
                        kink.carrier = Some((index, spike));
                        kink.carrier_drive = drive;
                    }
                    drive += w;
                    spike += 1;
                }
            }
            if drive > F::ZERO {
                kink.carrier = None;
            }
        }
    }
}

/// Puts the input spikes on the grid: the first step whose start is not before the time; one spike
/// per neuron and step; nothing after the trial.
#[inline(always)]
fn emit_input<F: Real>(
    plan: &Plan<F>,
    train: &SpikeTrain,
    seen: &mut Vec<u32>,
    spikes: &mut Spikes<u32, F>,
) {
    // The step after the last spike of each neuron; 0 where there was none.
    seen.clear();
    seen.resize(plan.layers[plan.input].size, 0);
    // PERF: many spikes share a time.
    let (mut last_ms, mut step) = (f64::NAN, 0);
    for (time_ms, neuron) in train.iter() {
        if time_ms != last_ms {
            step = plan.clock.step_of(time_ms);
            last_ms = time_ms;
            if step >= plan.clock.steps() {
                break;
            }
        }
        let seen = &mut seen[neuron as usize];
        if *seen != step as u32 + 1 {
            *seen = step as u32 + 1;
            spikes.when.push(step as u32);
            spikes.neuron.push(neuron);
        }
    }
}

/// The thresholds of a layer within one step.
trait Thresholds<F> {
    /// The threshold of a neuron, `theta` where it does not adapt. Asked once per neuron and step.
    fn now(&mut self, theta: F, neuron: usize) -> F;

    /// The drive of a spike; notes what the adjoint will need and raises the threshold.
    fn spike(&mut self, neuron: usize, i: F, v: F, spikes: &mut Spikes<u32, F>);
}

/// Thresholds that do not adapt.
struct Fixed;

impl<F: Real> Thresholds<F> for Fixed {
    #[inline(always)]
    fn now(&mut self, theta: F, _neuron: usize) -> F {
        theta
    }

    #[inline(always)]
    fn spike(&mut self, _neuron: usize, i: F, v: F, spikes: &mut Spikes<u32, F>) {
        // [F4] J = I_k − V_{k+1}
        spikes.drive.push(i - v);
    }
}

/// Thresholds that adapt.
struct Relaxing<'a, F> {
    adapting: &'a Adapting<F>,
    b: &'a mut [F],
}

impl<F: Real> Thresholds<F> for Relaxing<'_, F> {
    #[inline(always)]
    fn now(&mut self, theta: F, neuron: usize) -> F {
        // [F10] B_{k+1} = e^{−dt/τ_B} B_k
        self.b[neuron] *= self.adapting.decay[neuron];
        theta + self.b[neuron]
    }

    #[inline(always)]
    fn spike(&mut self, neuron: usize, i: F, v: F, spikes: &mut Spikes<u32, F>) {
        let (threshold, b) = (self.adapting.threshold[neuron], self.b[neuron]);
        // [F11]
        let drive = alif::drive(i, v, b, threshold.mem_per_b);
        spikes.drive.push(drive);
        spikes.adaptation.push(b);
        self.b[neuron] = b + threshold.b_incr;
    }
}

/// A layer on its way over one step.
struct Advancing<'a, F> {
    v: &'a mut [F],
    i: &'a [F],
    /// What I will be at the end of the step.
    i_next: &'a mut [F],
    above: &'a mut Vec<(u32, u32)>,
}

impl<F: Real> Advancing<'_, F> {
    /// `[F1]` to `[F4]` for a layer.
    #[inline(always)]
    fn run<C: Steps<F>>(
        self,
        steps: C,
        mut thresholds: impl Thresholds<F>,
        layer: &Layer<F>,
        spikes: &mut Spikes<u32, F>,
        k: u32,
    ) {
        let Self {
            v,
            i,
            i_next,
            above,
        } = self;
        flow(steps, v, i, i_next);
        // PERF: where a neuron fires is a surprise to the processor. Words are therefore listed without
        // a branch: each is written to the list, and the next one over it unless a neuron fires there.
        above.resize(v.len().div_ceil(WORD), (0, 0));
        let mut firing = 0;
        for (word, v) in v.chunks(WORD).enumerate() {
            let first = word * WORD;
            // PERF: the length of a whole word is known to the compiler.
            let bits = match <&[F; WORD]>::try_from(v) {
                Ok(v) => reached(steps, &mut thresholds, v, first),
                Err(_) => reached(steps, &mut thresholds, v, first),
            };
            above[firing] = (first as u32, bits);
            firing += usize::from(bits != 0);
        }
        for &(first, mut bits) in &above[..firing] {
            while bits != 0 {
                let n = first as usize + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                spikes.when.push(k);
                spikes.neuron.push(n as u32);
                thresholds.spike(n, i[n], v[n], spikes);
                // [F4]
                v[n] = layer.v_init[n];
            }
        }
    }
}

/// `[F1]` `[F2]` over a step.
#[inline(always)]
fn flow<F: Real, C: Steps<F>>(steps: C, v: &mut [F], i: &[F], i_next: &mut [F]) {
    for (n, ((v, i), i_next)) in v.iter_mut().zip(i).zip(i_next).enumerate() {
        let step = steps.at(n);
        // [F1] V_{k+1} = e^{−dt/τ_mem} V_k + (I → V) I_k
        *v = step.decay_mem * *v + step.current_to_voltage * *i;
        // [F2]
        *i_next = step.decay_syn * *i;
    }
}

/// `[F3]` for up to 32 neurons: a bit for each that is above its threshold.
#[inline(always)]
fn reached<F: Real, C: Steps<F>>(
    steps: C,
    thresholds: &mut impl Thresholds<F>,
    v: &[F],
    first: usize,
) -> u32 {
    let mut bits = 0;
    for (n, v) in v.iter().enumerate() {
        let theta = thresholds.now(steps.at(first + n).v_thresh, first + n);
        bits |= u32::from(*v >= theta) << n;
    }
    bits
}

/// Which layer, step and sample random draws belong to.
struct Place {
    population: usize,
    k: usize,
    sample_id: u64,
    dt: f64,
}

/// `[F1]` to `[F4]` with membrane noise (V += A ξ √dt before the threshold test) and with neurons
/// withheld from firing (V is then not reset and the neuron tries again in the next step).
fn advance_disturbed<F: Real>(
    layer: &Layer<F>,
    (v, i, b): (&mut [F], &mut [F], &mut [F]),
    spikes: &mut Spikes<u32, F>,
    disturbance: &Disturbance,
    place: &Place,
) {
    match &layer.adapting {
        None => advance_disturbed_with(Fixed, layer, (v, i), spikes, disturbance, place),
        Some(adapting) => {
            let thresholds = Relaxing { adapting, b };
            advance_disturbed_with(thresholds, layer, (v, i), spikes, disturbance, place);
        }
    }
}

fn advance_disturbed_with<F: Real>(
    mut thresholds: impl Thresholds<F>,
    layer: &Layer<F>,
    (v, i): (&mut [F], &mut [F]),
    spikes: &mut Spikes<u32, F>,
    disturbance: &Disturbance,
    place: &Place,
) {
    let withhold = disturbance.withhold[place.population];
    let noise = disturbance.noise[place.population] * place.dt.sqrt();
    let narrow = |key: crate::rng::Key| key.with(place.population as u64).with(place.sample_id);
    let withhold_key = narrow(disturbance.withhold_key);
    let noise_key = narrow(disturbance.noise_key);
    for n in 0..layer.size {
        let step = layer.steps[n];
        let counter = (place.k * layer.size + n) as u64;
        v[n] = step.decay_mem * v[n] + step.current_to_voltage * i[n];
        if noise > 0.0 {
            v[n] += F::from_f64(noise * noise_key.normal(counter));
        }
        let theta = thresholds.now(step.v_thresh, n);
        if v[n] >= theta && (withhold == 0.0 || withhold_key.uniform(counter) >= withhold) {
            spikes.when.push(place.k as u32);
            spikes.neuron.push(n as u32);
            thresholds.spike(n, i[n], v[n], spikes);
            v[n] = layer.v_init[n];
        }
        i[n] *= step.decay_syn;
    }
}
