//! Losses of other people: pulls at voltages and spike times of any population, derivatives by the input, graded spikes.
//!
//! Between events every derivative is compared with differences of the event solver's own loss. On the grid spikes stay on
//! their steps while something changes a little, so differences see what has no spike on its way: networks of leaky
//! integrators there agree to rounding, and networks that spike agree with the judge.
//!
//! # Differences and tolerances
//! (4 D(h/2) − D(h))/3 of two central differences errs by the order of h⁴; the two differences say how much, and rounding
//! adds a few ε L/h. A derivative has to agree to 1e-7 of the largest one, or to ten times that uncertainty; only those
//! whose uncertainty is below 1e-7 of the largest are counted, and most have to be.

use eventprop::connect::{By, Delay, Delays, Wiring};
use eventprop::gradcheck::{Settings, Verdict, check_own};
use eventprop::loss::{
    FirstSpike, Labelled, Loss, LossFunction, LossScale, Outcome, Penalty, Weighting,
};
use eventprop::network::{
    Clock, Constant, Init, Li, Lif, Network, NeuronConstant, PopulationId, Projection,
};
use eventprop::params::Params;
use eventprop::readout::{Observe, Readout, Seed};
use eventprop::real::Real;
use eventprop::reduce::Alone;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::solver::grid::judge::Judge;
use eventprop::solver::{
    Convention, Drive, Grazing, HostTrials, InputGradient, SolveError, Solver, Sum, Trial, Trials,
};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::tape::SpikeTime;
use eventprop_cases::random::{Constants, Drawn, Output, Shape, TRIAL_MS, draw};

/// A loss that reads everything: Σ cos(0.3 t + …)/N over all spikes and Σ ω V²/N over the rows of all voltages.
#[derive(Debug, Clone)]
struct Everything {
    voltages: Vec<PopulationId>,
    spikes: Vec<PopulationId>,
    clock: Clock,
}

impl Everything {
    fn of(network: &Network) -> Self {
        let all = (0..network.populations().len()).map(PopulationId);
        Self {
            voltages: all.clone().filter(|id| *id != network.input()).collect(),
            spikes: all.filter(|id| network.population(*id).spikes()).collect(),
            clock: network.clock(),
        }
    }
}

impl<R: Trials> LossFunction<R> for Everything {
    fn trial(&self) -> Trial<'_> {
        Trial {
            voltages: &self.voltages,
            ..Trial::observing(Observe::Nothing)
        }
    }

    fn evaluate(&self, trials: &R, of: Labelled, seed: &mut Seed<R::Real>) -> Outcome {
        let (tape, readout) = (trials.tape(of.sample), trials.readout(of.sample));
        let n = of.samples as f64;
        let pulls = seed.pulls_mut(tape.populations.len());
        let mut loss = 0.0;
        for id in &self.spikes {
            let spikes = &tape.populations[id.0];
            for (when, neuron) in spikes.when.iter().zip(&spikes.neuron) {
                let phase = 0.3 * when.ms(self.clock) + f64::from(*neuron) + id.0 as f64;
                loss += phase.cos();
                pulls[id.0]
                    .dl_dt
                    .push(R::Real::from_f64(-0.3 * phase.sin() / n));
            }
        }
        for voltages in &readout.voltages {
            let size = voltages.values.len() / voltages.rows();
            for (place, v) in voltages.values.iter().enumerate() {
                let (v, row) = (v.to_f64(), place / size);
                let width = voltages.nodes.widths_ms.get(row).copied().unwrap_or(0.5);
                let width = width * (1.0 + (place % size) as f64);
                loss += width * v * v;
                let dl_dv = R::Real::from_f64(2.0 * width * v / n);
                pulls[voltages.population.0].dl_dv.push(dl_dv);
            }
        }
        Outcome {
            loss,
            prediction: None,
        }
    }
}

/// Loss, gradient, and derivative by the input.
struct Derived<F> {
    loss: f64,
    /// Spikes of every population, in all samples.
    spikes: Vec<usize>,
    gradient: Params<F>,
    by_input: Vec<Vec<F>>,
}

fn derive<S: Solver>(
    solver: &mut S,
    params: &Params<S::Real>,
    batch: &Batch,
    loss: &impl LossFunction<S::Trials>,
    convention: Convention,
) -> Derived<S::Real> {
    let mut trials = S::Trials::default();
    solver
        .forward(params, batch, loss.trial(), &mut trials)
        .unwrap();
    let mut seeds = vec![Seed::default(); batch.len()];
    let mut total = 0.0;
    let mut spikes = Vec::new();
    for (sample, (seed, &label)) in seeds.iter_mut().zip(batch.labels()).enumerate() {
        let of = Labelled {
            sample,
            label,
            samples: batch.len(),
        };
        total += loss.evaluate(&trials, of, seed).loss / batch.len() as f64;
        let tape = trials.tape(sample);
        spikes.extend(tape.populations.iter().map(eventprop::tape::Spikes::len));
    }
    let mut gradient = params.zeros_like();
    let mut inputs = InputGradient::new(convention);
    let sum = Sum {
        gradient: &mut gradient,
        samples: batch.len(),
        reduce: &mut Alone,
        inputs: Some(&mut inputs),
    };
    let drive = Drive {
        seeds: &seeds,
        spike_jumps: &[],
        grazing: Grazing::Keep,
    };
    solver.adjoint(params, &trials, drive, sum).unwrap();
    Derived {
        loss: total,
        spikes,
        gradient,
        by_input: inputs.samples,
    }
}

/// Comparisons of one derivative.
#[derive(Debug, Default)]
struct Tally {
    certain: usize,
    all: usize,
}

impl Tally {
    /// Compares a derivative with differences of `loss`, which gives the loss and the number of spikes at a displacement.
    fn compare(
        &mut self,
        (derivative, largest): (f64, f64),
        mut loss: impl FnMut(f64) -> (f64, Vec<usize>),
        what: &dyn std::fmt::Debug,
    ) {
        self.all += 1;
        let (centre, spikes) = loss(0.0);
        for h in [1e-3, 1e-4, 1e-5] {
            let mut same = true;
            let mut quotient = |h: f64| {
                let (up, down) = (loss(h), loss(-h));
                same &= up.1 == spikes && down.1 == spikes;
                (up.0 - down.0) / (2.0 * h)
            };
            let (coarse, fine) = (quotient(h), quotient(h / 2.0));
            let rounding = 8.0 * f64::EPSILON * centre.abs().max(1.0) / h;
            let uncertain = (fine - coarse).abs() / 3.0 + rounding;
            if same && uncertain < 1e-7 * largest.max(1e-2) {
                let difference = (4.0 * fine - coarse) / 3.0;
                let allowed = 1e-7 * largest + 10.0 * uncertain;
                assert!(
                    (derivative - difference).abs() <= allowed,
                    "{what:?}: {derivative:e}, by differences {difference:e} ± {uncertain:e}"
                );
                self.certain += 1;
                return;
            }
        }
    }

    fn conclude(&self) {
        assert!(5 * self.certain > 4 * self.all, "{self:?}");
    }
}

fn largest(by_input: &[Vec<f64>]) -> f64 {
    let all = by_input.iter().flatten();
    all.fold(0.0, |most, x| most.max(x.abs()))
}

fn networks(outputs: &[Output]) -> impl Iterator<Item = (u64, Drawn)> {
    let seeds = (0..12_u64).flat_map(|seed| outputs.iter().map(move |output| (seed, *output)));
    seeds.map(|(seed, output)| {
        let shape = Shape {
            adapting: seed % 4 == 3,
            ..Shape::of_seed(seed, output)
        };
        (seed, draw(shape, seed, 1.0))
    })
}

/// Networks whose delays are trained, of every kind in turn.
fn delayed(outputs: &[Output]) -> impl Iterator<Item = (u64, Drawn)> {
    let seeds = (0..12_u64).flat_map(|seed| outputs.iter().map(move |output| (seed, *output)));
    seeds.map(|(seed, output)| {
        let shape = Shape {
            delays: true,
            trained_delays: true,
            ..Shape::of_seed(seed, output)
        };
        (seed, draw(shape, seed, 1.0))
    })
}

const BOTH: [Output; 2] = [Output::Lif, Output::Li];

/// The batch with one sample replaced.
fn with_train(batch: &Batch, sample: usize, train: SpikeTrain) -> Batch {
    let mut trains = batch.trains().to_vec();
    trains[sample] = train;
    Batch::new(trains, batch.labels().to_vec()).unwrap()
}

/// `[A3]` `[A5]` of every population.
#[test]
fn pulls_at_every_population_agree_with_differences() {
    let (mut right, mut certain, mut all) = (0, 0, 0);
    for (seed, drawn) in networks(&BOTH) {
        let settings = Settings {
            per_projection: 6,
            seed,
            ..Settings::default()
        };
        let solver = Event::new(&drawn.network).unwrap();
        let loss = Everything::of(&drawn.network);
        let report = check_own(solver, &drawn.params, &drawn.batch, loss, settings).unwrap();
        let wrong = report.checks.iter().find(|c| c.verdict == Verdict::Wrong);
        assert!(wrong.is_none(), "network {seed}: {wrong:?}");
        for check in &report.checks {
            let of = report.checks.iter().filter(|c| c.name == check.name);
            let scale = of.map(|c| c.adjoint.abs()).fold(0.0, f64::max);
            if check.verdict == Verdict::Correct && check.uncertainty < 1e-8 * scale {
                let off = (check.adjoint - check.difference).abs() / scale;
                assert!(off < 1e-7, "network {seed}: {check:?}");
                certain += 1;
            }
        }
        right += report.count(Verdict::Correct);
        all += report.checks.len();
    }
    assert!(5 * right > 4 * all, "{right} of {all}");
    assert!(2 * certain > all, "{certain} of {all}");
}

/// `[G7]`, with amplitudes and without, also over delays that are trained.
#[test]
fn input_times_agree_with_differences() {
    let mut tally = Tally::default();
    for (seed, drawn) in networks(&BOTH).chain(delayed(&BOTH)) {
        let mut solver = Event::new(&drawn.network).unwrap();
        let loss = Everything::of(&drawn.network);
        let train = drawn.batch.trains()[0].clone();
        let amplitudes: Vec<f64> = if seed % 2 == 0 {
            (0..train.len())
                .map(|n| 0.6 + 0.2 * (n % 4) as f64)
                .collect()
        } else {
            Vec::new()
        };
        let moved = |place: usize, by: f64| {
            let mut times = train.times_ms().to_vec();
            times[place] += by;
            let neurons = train.neurons().to_vec();
            let train = if amplitudes.is_empty() {
                SpikeTrain::new(times, neurons)
            } else {
                SpikeTrain::graded(times, neurons, &amplitudes)
            };
            with_train(&drawn.batch, 0, train.unwrap())
        };
        let time = Convention::Time;
        let found = derive(&mut solver, &drawn.params, &moved(0, 0.0), &loss, time);
        assert_eq!(found.by_input[0].len(), train.len());
        let largest = largest(&found.by_input);
        for place in (0..train.len()).step_by(2) {
            let at = |by: f64| {
                let batch = moved(place, by);
                let derived = derive(&mut solver, &drawn.params, &batch, &loss, time);
                (derived.loss, derived.spikes)
            };
            let derivative = (found.by_input[0][place], largest);
            tally.compare(derivative, at, &(seed, place));
        }
    }
    tally.conclude();
}

/// The sample with a graded spike of neuron `neuron` at step `k` in addition.
fn with_amplitude(train: &SpikeTrain, (k, neuron, amplitude): (usize, u32, f64)) -> SpikeTrain {
    let (mut times, mut neurons) = (train.times_ms().to_vec(), train.neurons().to_vec());
    let mut amplitudes = train.amplitudes().to_vec();
    amplitudes.resize(times.len(), 1.0);
    times.push(k as f64);
    neurons.push(neuron);
    amplitudes.push(amplitude);
    SpikeTrain::graded(times, neurons, &amplitudes).unwrap()
}

/// `[G8]` where there is a spike and where there is none.
#[test]
fn amplitudes_agree_with_differences() {
    let mut tally = Tally::default();
    for (seed, drawn) in networks(&BOTH) {
        let mut solver = Event::new(&drawn.network).unwrap();
        check_amplitudes(&mut solver, (seed, &drawn), &mut tally);
    }
    tally.conclude();
}

/// `[G8]` on the grid, of leaky integrators that the input reaches with a delay and without.
#[test]
fn amplitudes_agree_with_differences_on_the_grid() {
    let mut tally = Tally::default();
    for (seed, drawn) in networks(&[Output::Li]) {
        let mut network = Network::new(drawn.network.clock());
        let input = network.add_input("input", drawn.network.input_size());
        let output = network.add(
            "output",
            3,
            drawn.network.populations().last().unwrap().model.clone(),
        );
        let normal = Init::Normal {
            mean: 0.1,
            std: 0.3,
        };
        network.connect(input, output, normal.clone());
        network.connect_delayed(input, output, normal, 2.0 + seed as f64);
        let drawn = Drawn {
            params: Params::init(&network, seed).unwrap(),
            batch: drawn.batch,
            network,
        };
        let mut grid = Grid::<f64>::new(&drawn.network).unwrap();
        check_amplitudes(&mut grid, (seed, &drawn), &mut tally);
    }
    tally.conclude();
}

fn check_amplitudes<S: Solver<Real = f64>>(
    solver: &mut S,
    (seed, drawn): (u64, &Drawn),
    tally: &mut Tally,
) {
    let loss = Everything::of(&drawn.network);
    let graded = Convention::Graded;
    let inputs = drawn.network.input_size();
    let mut train = with_amplitude(&drawn.batch.trains()[0], (3, 1, 0.4));
    let places = [(0, 0), (3, 1), (5, 4), (11, 2), (19, 3)];
    // The voltages of leaky integrators are integrated piece by piece; what arrives ends a piece, and a spike of amplitude
    // 0 arrives, too, however long its delay.
    for (k, neuron) in places {
        train = with_amplitude(&train, (k, neuron, 0.0));
    }
    let batch = with_train(&drawn.batch, 0, train.clone());
    let found = derive(solver, &drawn.params, &batch, &loss, graded);
    assert_eq!(
        found.by_input[0].len(),
        inputs * drawn.network.clock().steps()
    );
    let largest = largest(&found.by_input);
    for (k, neuron) in places {
        let at = |by: f64| {
            let train = with_amplitude(&train, (k, neuron, by));
            let batch = with_train(&drawn.batch, 0, train);
            let derived = derive(solver, &drawn.params, &batch, &loss, graded);
            (derived.loss, derived.spikes)
        };
        let derivative = found.by_input[0][k * inputs + neuron as usize];
        tally.compare((derivative, largest), at, &(seed, k, neuron));
    }
}

/// Weights and delays of graded spikes: `[G1]` and `[G6]` with amplitudes.
#[test]
fn weights_and_delays_of_graded_spikes_agree_with_differences() {
    let mut right = 0;
    let mut delays = 0;
    for (seed, drawn) in networks(&BOTH).chain(delayed(&BOTH)) {
        let train = with_amplitude(&drawn.batch.trains()[0], (3, 1, -0.7));
        let batch = with_train(&drawn.batch, 0, with_amplitude(&train, (1, 0, 2.5)));
        let settings = Settings {
            per_projection: 4,
            ..Settings::default()
        };
        let solver = Event::new(&drawn.network).unwrap();
        let loss = Everything::of(&drawn.network);
        let report = check_own(solver, &drawn.params, &batch, loss, settings).unwrap();
        let wrong = report.checks.iter().find(|c| c.verdict == Verdict::Wrong);
        assert!(wrong.is_none(), "network {seed}: {wrong:?}");
        right += report.count(Verdict::Correct);
        let of_input = |name: &str| name.starts_with("input->") && name.contains(".delay");
        let checks = report.checks.iter().filter(|c| of_input(&c.name));
        delays += checks.filter(|c| c.verdict == Verdict::Correct).count();
    }
    assert!(right > 100, "{right}");
    assert!(delays > 50, "{delays}");
}

/// Everything that the fast grid does at the door, the judge does too. Both sum the same few hundred numbers in other
/// orders, in double precision.
#[test]
fn the_grid_agrees_with_its_judge() {
    for (seed, mut drawn) in networks(&BOTH) {
        if seed % 2 == 1 {
            let train = with_amplitude(&drawn.batch.trains()[0], (2, 1, 1.5));
            drawn.batch = with_train(&drawn.batch, 0, train);
        }
        let loss = Everything::of(&drawn.network);
        let of_hidden = Convention::Current(PopulationId(1));
        for convention in [Convention::Time, Convention::Graded, of_hidden] {
            let mut grid = Grid::<f64>::new(&drawn.network).unwrap();
            let mut judge = Judge::new(&drawn.network).unwrap();
            let fast = derive(&mut grid, &drawn.params, &drawn.batch, &loss, convention);
            let slow = derive(&mut judge, &drawn.params, &drawn.batch, &loss, convention);
            let what = format!("network {seed}, {convention:?}");
            assert!(
                (fast.loss - slow.loss).abs() < 1e-12 * slow.loss.abs().max(1.0),
                "{what}"
            );
            close(fast.gradient.values(), slow.gradient.values(), &what);
            for (fast, slow) in fast.by_input.iter().zip(&slow.by_input) {
                let (mut fast, mut slow) = (fast.clone(), slow.clone());
                if convention == Convention::Time {
                    // The judge has the input spikes of a step by neuron, the grid by time.
                    fast.sort_by(f64::total_cmp);
                    slow.sort_by(f64::total_cmp);
                }
                close(&fast, &slow, &what);
            }
        }
    }
}

/// `[G8]` of the judge over delays of every kind; the other solvers refuse by name what they cannot do over them.
#[test]
fn amplitudes_over_delays_of_their_own_agree_or_are_refused() {
    let mut tally = Tally::default();
    for by in [By::Projection, By::Source, By::Target, By::Synapse] {
        let mut network = Network::new(Clock::new(1.0, TRIAL_MS).unwrap());
        let input = network.add_input("input", 5);
        let output = network.add_li("output", 3, Li::new(15.0, 5.0));
        let (mean, std) = (0.1, 0.3);
        network.add_projection(Projection {
            source: input,
            target: output,
            wiring: Wiring::Dense,
            delay: Delay::Each(Delays {
                by,
                init: Init::Uniform {
                    low: 0.0,
                    high: 6.0,
                },
                most_ms: 8.0,
                trained: true,
            }),
            init: Init::Normal { mean, std },
        });
        let shape = Shape {
            images: false,
            ..Shape::of_seed(1, Output::Li)
        };
        let drawn = Drawn {
            params: Params::init(&network, 3).unwrap(),
            batch: draw(shape, 1, 1.0).batch,
            network,
        };
        let mut judge = Judge::new(&drawn.network).unwrap();
        check_amplitudes(&mut judge, (by as u64, &drawn), &mut tally);
        let plain = &drawn.batch;
        let train = with_amplitude(&plain.trains()[0], (3, 1, 0.5));
        let graded = with_train(plain, 0, train);
        let mut grid = Grid::<f64>::new(&drawn.network).unwrap();
        let mut event = Event::new(&drawn.network).unwrap();
        for refused in [
            forward_and_back(&mut grid, (&drawn.params, &graded), None),
            forward_and_back(&mut grid, (&drawn.params, plain), Some(Convention::Time)),
            forward_and_back(&mut grid, (&drawn.params, plain), Some(Convention::Graded)),
            forward_and_back(&mut event, (&drawn.params, plain), Some(Convention::Graded)),
        ] {
            let error = refused.expect_err("they are refused").to_string();
            assert!(error.contains("over delays that are parameters"), "{error}");
        }
    }
    tally.conclude();
}

/// Both passes over a batch, without a loss.
fn forward_and_back<S: Solver>(
    solver: &mut S,
    (params, batch): (&Params<S::Real>, &Batch),
    convention: Option<Convention>,
) -> Result<(), SolveError> {
    let mut trials = S::Trials::default();
    solver.forward(
        params,
        batch,
        Trial::observing(Observe::Nothing),
        &mut trials,
    )?;
    let mut inputs = convention.map(InputGradient::new);
    let sum = Sum {
        gradient: &mut params.zeros_like(),
        samples: batch.len(),
        reduce: &mut Alone,
        inputs: inputs.as_mut(),
    };
    let drive = Drive {
        seeds: &vec![Seed::default(); batch.len()],
        spike_jumps: &[],
        grazing: Grazing::Keep,
    };
    solver.adjoint(params, &trials, drive, sum)
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = expected.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = 1e-11 * size;
        assert!(
            (found - expected).abs() <= allowed,
            "{what}, {place}: {found} {expected}"
        );
    }
}

/// Input spikes through a layer that spikes to leaky integrators, on steps of `dt`.
fn layered(dt: f64) -> (Network, Params<f64>, Batch) {
    let mut network = Network::new(Clock::new(dt, 40.0).unwrap());
    let input = network.add_input("input", 3);
    let hidden = network.add_lif("hidden", 4, Lif::new(20.0, 5.0).v_reset(-0.2));
    let output = network.add_li("output", 2, Li::new(15.0, 5.0));
    let normal = |mean, std| Init::Normal { mean, std };
    network.connect(input, hidden, normal(2.0, 0.7));
    network.connect(hidden, hidden, normal(0.0, 0.3));
    network.connect(hidden, output, normal(0.2, 0.5));
    let params = Params::init(&network, 5).unwrap();
    let train = SpikeTrain::new(vec![2.0, 4.0, 5.0, 11.0, 16.0], vec![0, 1, 2, 1, 0]);
    let batch = Batch::new(vec![train.unwrap()], vec![0]).unwrap();
    (network, params, batch)
}

/// The mean of the outputs' voltages squared, over the trial.
#[derive(Debug, Clone)]
struct Outputs([PopulationId; 1]);

impl<R: Trials> LossFunction<R> for Outputs {
    fn trial(&self) -> Trial<'_> {
        Trial {
            voltages: &self.0,
            ..Trial::observing(Observe::Nothing)
        }
    }

    fn evaluate(&self, trials: &R, of: Labelled, seed: &mut Seed<R::Real>) -> Outcome {
        let readout = trials.readout(of.sample);
        let voltages = &readout.voltages[0];
        let size = voltages.values.len() / voltages.rows();
        let populations = trials.tape(of.sample).populations.len();
        let pull = &mut seed.pulls_mut(populations)[self.0[0].0];
        let mut loss = 0.0;
        for (place, v) in voltages.values.iter().enumerate() {
            let width = voltages
                .nodes
                .widths_ms
                .get(place / size)
                .copied()
                .unwrap_or(0.0);
            let v = v.to_f64();
            loss += width * v * v;
            pull.dl_dv.push(R::Real::from_f64(2.0 * width * v));
        }
        Outcome {
            loss,
            prediction: None,
        }
    }
}

/// `[G7]` `[G8]` `[G9]` on the grid go to those between events as the step goes to zero, in the order of the step: an
/// eighth of the step leaves less than a quarter of the error.
#[test]
fn inputs_of_the_grid_converge() {
    let outputs = Outputs([PopulationId(2)]);
    for convention in [
        Convention::Time,
        Convention::Graded,
        Convention::Current(PopulationId(1)),
        Convention::Current(PopulationId(2)),
    ] {
        let error = |dt: f64| {
            let (network, params, batch) = layered(dt);
            let mut event = Event::new(&network).unwrap();
            let exact = derive(&mut event, &params, &batch, &outputs, convention);
            let mut grid = Grid::<f64>::new(&network).unwrap();
            let found = derive(&mut grid, &params, &batch, &outputs, convention);
            assert_eq!(exact.spikes, found.spikes, "{dt}");
            // λ_V of a neuron jumps at its spikes, which the grid places on its steps: one step of each is off.
            let both = found.by_input[0].iter().zip(&exact.by_input[0]);
            let off: f64 = both.map(|(x, y)| (x - y).abs()).sum();
            off / exact.by_input[0].iter().map(|x| x.abs()).sum::<f64>()
        };
        let (coarse, fine) = (error(0.16), error(0.02));
        assert!(
            fine < coarse / 4.0 && fine < 0.02,
            "{convention:?}: {coarse} {fine}"
        );
    }
}

/// `[G9]`: a constant current c through the whole trial is the same as a threshold and a reset that are lower by c. Its
/// derivative is the sum over the steps.
#[test]
fn currents_agree_with_differences() {
    let (network, params, batch) = layered(1.0);
    let loss = Outputs([PopulationId(2)]);
    let current = Convention::Current(PopulationId(1));
    let mut event = Event::new(&network).unwrap();
    let found = derive(&mut event, &params, &batch, &loss, current);
    let of_neuron = |n: usize| found.by_input[0].iter().skip(n).step_by(4).sum::<f64>();
    let sums: Vec<f64> = (0..4).map(of_neuron).collect();
    let largest = sums.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let mut tally = Tally::default();
    for (n, sum) in sums.iter().enumerate() {
        let at = |c: f64| {
            let lowered = |from: f64| {
                let mut values = vec![from; 4];
                values[n] -= c;
                Constant::PerNeuron(values)
            };
            let mut changed = Network::new(network.clock());
            let input = changed.add_input("input", 3);
            let lif = Lif::new(20.0, 5.0)
                .v_thresh(lowered(1.0))
                .v_reset(lowered(-0.2));
            let hidden = changed.add_lif("hidden", 4, lif);
            let output = changed.add_li("output", 2, Li::new(15.0, 5.0));
            let none = Init::Normal {
                mean: 0.0,
                std: 0.0,
            };
            changed.connect(input, hidden, none.clone());
            changed.connect(hidden, hidden, none.clone());
            changed.connect(hidden, output, none);
            let mut event = Event::new(&changed).unwrap();
            let derived = derive(&mut event, &params, &batch, &loss, current);
            (derived.loss, derived.spikes)
        };
        tally.compare((*sum, largest), at, &n);
    }
    tally.conclude();
}

/// `[G9]` step by step: V at the end of the trial moves by e^{−(T − t_{k+1})/τ} (1 − e^{−dt/τ}) per unit of a current over step
/// k. Sums of a few exponentials, on both solvers.
#[test]
fn a_current_decays_to_the_end() {
    #[derive(Debug)]
    struct End([PopulationId; 1]);
    impl<R: Trials> LossFunction<R> for End {
        fn trial(&self) -> Trial<'_> {
            Trial {
                voltages: &self.0,
                ..Trial::observing(Observe::Nothing)
            }
        }

        fn evaluate(&self, trials: &R, of: Labelled, seed: &mut Seed<R::Real>) -> Outcome {
            let readout = trials.readout(of.sample);
            let values = &readout.voltages[0].values;
            let pull = &mut seed.pulls_mut(2)[1];
            pull.dl_dv.resize(values.len(), R::Real::ZERO);
            *pull.dl_dv.last_mut().unwrap() = R::Real::ONE;
            Outcome {
                loss: values.last().unwrap().to_f64(),
                prediction: None,
            }
        }
    }
    let mut network = Network::new(Clock::new(0.5, 8.0).unwrap());
    let input = network.add_input("input", 1);
    // A threshold that is never reached: rows are the starts of steps on both solvers.
    let lif = Lif::new(10.0, 4.0).v_thresh(100.0);
    let output = network.add_lif("output", 1, lif);
    network.connect(input, output, Init::Values(vec![0.7]));
    let params = Params::init(&network, 1).unwrap();
    let train = SpikeTrain::new(vec![2.0], vec![0]).unwrap();
    let batch = Batch::new(vec![train], vec![0]).unwrap();
    let (loss, current) = (End([output]), Convention::Current(output));
    let mut event = Event::new(&network).unwrap();
    let mut grid = Grid::<f64>::new(&network).unwrap();
    for by_input in [
        derive(&mut event, &params, &batch, &loss, current).by_input,
        derive(&mut grid, &params, &batch, &loss, current).by_input,
    ] {
        assert_eq!(by_input[0].len(), 16);
        for (k, found) in by_input[0].iter().enumerate() {
            let left = (-(8.0 - 0.5 * (k + 1) as f64) / 10.0_f64).exp();
            let expected = left * (1.0 - (-0.05_f64).exp());
            assert!((found - expected).abs() < 1e-14, "{k}: {found} {expected}");
        }
    }
}

/// A spike of amplitude 2 is two spikes, and one of amplitude 1 is a spike: to rounding, since sums have another order.
#[test]
fn amplitudes_count() {
    fn check<S: Solver<Real = f64>>(seed: u64, drawn: &Drawn) {
        let train = &drawn.batch.trains()[0];
        let (times, neurons) = (train.times_ms().to_vec(), train.neurons().to_vec());
        let twice = |list: &[f64]| -> Vec<f64> { list.iter().flat_map(|&x| [x, x]).collect() };
        let two = SpikeTrain::new(
            twice(&times),
            neurons.iter().flat_map(|&n| [n, n]).collect(),
        );
        let amplitudes = vec![2.0; times.len()];
        let graded = SpikeTrain::graded(times, neurons, &amplitudes);
        let loss = Outputs([drawn.network.output()]);
        let mut solver = S::for_network(&drawn.network).unwrap();
        let mut of = |train: SpikeTrain| {
            let batch = Batch::new(vec![train], vec![0]).unwrap();
            derive(&mut solver, &drawn.params, &batch, &loss, Convention::Time)
        };
        let (two, graded) = (of(two.unwrap()), of(graded.unwrap()));
        let what = format!("network {seed}");
        close(graded.gradient.values(), two.gradient.values(), &what);
        let pairs = two.by_input[0].chunks(2).map(|pair| pair[0] + pair[1]);
        close(&graded.by_input[0], &pairs.collect::<Vec<_>>(), &what);
    }
    for (seed, drawn) in networks(&[Output::Li]) {
        check::<Grid<f64>>(seed, &drawn);
        check::<Judge>(seed, &drawn);
        check::<Event>(seed, &drawn);
    }
}

/// The losses of this project, written as pulls, have the same gradients bit for bit: first spikes as ∂L/∂t of spikes on
/// both solvers, and an integral as ∂L/∂V at the nodes between events.
#[test]
fn losses_give_the_same_bits_through_the_door() {
    fn compare<S, T>(drawn: &Drawn, loss: &Loss)
    where
        T: SpikeTime,
        S: Solver<Time = T, Trials = HostTrials<T, <S as Solver>::Real>>,
    {
        let params = drawn.params.cast::<S::Real>();
        let mut solver = S::for_network(&drawn.network).unwrap();
        let output = [drawn.network.output()];
        let first = matches!(loss, Loss::FirstSpike(_));
        let trial = Trial {
            voltages: if first { &[] } else { &output },
            ..Trial::observing(loss.observes())
        };
        let mut trials = S::Trials::default();
        solver
            .forward(&params, &drawn.batch, trial, &mut trials)
            .unwrap();
        let evaluator = loss.prepare(&drawn.network, LossScale::Exact).unwrap();
        let (mut seeds, mut pulled) = (Vec::new(), Vec::new());
        for (sample, readout) in trials.readouts.iter_mut().enumerate() {
            if let Some(voltages) = readout.voltages.first() {
                readout.nodes = voltages.nodes.clone();
                readout.voltage.clone_from(&voltages.values);
            }
            let mut seed = Seed::default();
            let label = drawn.batch.labels()[sample];
            evaluator.evaluate(readout, label, drawn.batch.len(), &mut seed);
            let tape = &trials.tapes[sample];
            let mut pulls = Seed::default();
            let pull = &mut pulls.pulls_mut(tape.populations.len())[output[0].0];
            let spikes = &tape.populations[output[0].0];
            let clock = drawn.network.clock();
            for (when, &neuron) in spikes.when.iter().zip(&spikes.neuron) {
                let n = neuron as usize;
                let first = readout.first_spikes_ms.get(n) == Some(&when.ms(clock));
                let dl_dt = seed.first_spikes.get(n).copied();
                pull.dl_dt
                    .push(dl_dt.filter(|_| first).unwrap_or(S::Real::ZERO));
            }
            let (widths, size) = (&readout.nodes.widths_ms, drawn.network.output_size());
            let each = seed.voltage.iter().enumerate();
            let dl_dv = each.map(|(place, a)| -(S::Real::from_f64(widths[place / size]) * *a));
            pull.dl_dv.extend(dl_dv);
            seeds.push(seed);
            pulled.push(pulls);
        }
        let mut bits = |seeds: &[Seed<S::Real>]| -> Vec<u64> {
            let mut gradient = params.zeros_like();
            let sum = Sum {
                gradient: &mut gradient,
                samples: drawn.batch.len(),
                reduce: &mut Alone,
                inputs: None,
            };
            let drive = Drive {
                seeds,
                spike_jumps: &[],
                grazing: Grazing::Keep,
            };
            solver.adjoint(&params, &trials, drive, sum).unwrap();
            gradient
                .values()
                .iter()
                .map(|x| x.to_f64().to_bits())
                .collect()
        };
        assert_eq!(bits(&pulled), bits(&seeds), "{}", loss.name());
    }
    let first = Loss::FirstSpike(FirstSpike {
        tau_0: 2.0,
        alpha: 0.1,
        penalty: Penalty::Inverse,
        push_silent: false,
    });
    for seed in 0..6 {
        let drawn = draw(Shape::of_seed(seed, Output::Lif), seed, 1.0);
        compare::<Event, f64>(&drawn, &first);
        compare::<Grid<f32>, u32>(&drawn, &first);
        compare::<Grid<f64>, u32>(&drawn, &first);
        let drawn = draw(Shape::of_seed(seed, Output::Li), seed, 1.0);
        compare::<Event, f64>(&drawn, &Loss::Sum(Weighting::Exp));
        compare::<Event, f64>(&drawn, &Loss::AvgXentropy);
    }
}

/// Derivatives with respect to trained constants through pulls.
#[test]
fn constants_agree_with_differences() {
    let shape = Shape {
        trained: true,
        adapting: true,
        constants: Constants::PerNeuron,
        ..Shape::of_seed(1, Output::Li)
    };
    for seed in 0..4 {
        let drawn = draw(shape, seed, 1.0);
        let solver = Event::new(&drawn.network).unwrap();
        let loss = Everything::of(&drawn.network);
        let settings = Settings {
            per_projection: 3,
            ..Settings::default()
        };
        let report = check_own(solver, &drawn.params, &drawn.batch, loss, settings).unwrap();
        let of_tau = report.checks.iter().filter(|c| c.name.contains("tau"));
        assert!(of_tau.clone().count() > 6);
        let wrong = of_tau.clone().find(|c| c.verdict == Verdict::Wrong);
        assert!(wrong.is_none(), "{wrong:?}");
    }
    assert!(NeuronConstant::ALL.len() > 2);
}

/// Voltages of a population that spikes, at the starts of steps: the grid records the same rows as its probe, one later.
#[test]
fn rows_are_the_starts_of_steps() {
    let drawn = draw(Shape::of_seed(4, Output::Li), 4, 1.0);
    let hidden = PopulationId(1);
    let shown = [hidden, drawn.network.output()];
    let trial = Trial {
        voltages: &shown,
        ..Trial::observing(Observe::Voltage)
    };
    let mut readouts: Vec<Readout<f64>> = Vec::new();
    let mut grid = Grid::<f64>::new(&drawn.network).unwrap();
    let mut trials = HostTrials::default();
    grid.forward(&drawn.params, &drawn.batch, trial, &mut trials)
        .unwrap();
    readouts.push(trials.readout(0).into_owned());
    let mut event = Event::new(&drawn.network).unwrap();
    let mut trials = HostTrials::default();
    event
        .forward(&drawn.params, &drawn.batch, trial, &mut trials)
        .unwrap();
    readouts.push(trials.readout(0).into_owned());
    for readout in &readouts {
        assert_eq!(readout.voltages[0].rows(), TRIAL_MS as usize + 1);
        let [_, output] = &readout.voltages[..] else {
            panic!("two populations are shown");
        };
        // The widths of all rows are the trial.
        let trial: f64 = output.nodes.widths_ms.iter().sum();
        assert!((trial - TRIAL_MS).abs() < 1e-12);
    }
    // The grid shows the output twice: as the losses of this project read it, and as any other.
    assert_eq!(readouts[0].voltages[1].values, readouts[0].voltage);
    assert!(readouts[1].voltages[1].rows() >= 2 * TRIAL_MS as usize);
}

#[test]
fn what_has_no_voltage_is_refused_by_name() {
    let drawn = draw(Shape::of_seed(4, Output::Li), 4, 1.0);
    let trial = Trial {
        voltages: &[drawn.network.input()],
        ..Trial::observing(Observe::Nothing)
    };
    let mut event = Event::new(&drawn.network).unwrap();
    let refused = event.forward(
        &drawn.params,
        &drawn.batch,
        trial,
        &mut HostTrials::default(),
    );
    assert!(matches!(
        refused,
        Err(SolveError::Probe { variable: "V", .. })
    ));
    let wrong = SpikeTrain::graded(vec![1.0], vec![0], &[f64::NAN]).unwrap_err();
    assert!(
        wrong.to_string().contains("spike 0 has amplitude NaN"),
        "{wrong}"
    );
    let wrong = SpikeTrain::graded(vec![1.0], vec![0], &[]).unwrap_err();
    assert!(
        wrong.to_string().contains("1 spike times but 0 amplitudes"),
        "{wrong}"
    );
    assert!(Loss::Max.prepare(&drawn.network, LossScale::Exact).is_ok());
}
