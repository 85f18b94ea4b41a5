//! A few samples looked at closely: all spikes, and the traces of some neurons forwards and backwards.
//!
//! The fixed-step solver records them, also for runs of the event solver, which has no steps.

use std::cmp::Ordering;

use eventprop::network::{Network, PopulationId};
use eventprop::solver::grid::Grid;
use eventprop::solver::{Probe, Solver, Trials, Variable};
use eventprop::spikes::Batch;
use eventprop::tape::SpikeTime;
use eventprop::train::{Session, TrainError};
use serde_json::{Value as Json, json};

use super::evaluation_log::EvaluationLog;

/// Right samples that are looked at, of as many classes, and wrong ones.
const RIGHT: usize = 4;
const WRONG: usize = 2;
/// Neurons of a hidden layer, and outputs, whose traces are kept.
const HIDDEN_TRACES: usize = 3;
const OUTPUT_TRACES: usize = 5;
/// Points of a trace.
const POINTS: usize = 320;

/// The variables that are kept.
const VARIABLES: [Variable; 3] = [Variable::Voltage, Variable::LambdaV, Variable::LambdaI];

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleTrace {
    /// Its place in its part of the data.
    pub place: usize,
    /// Its class.
    pub label: u32,
    /// The network's prediction.
    pub prediction: Option<u32>,
    /// Its loss.
    pub loss: f64,
    /// Spikes of every population.
    spikes: Vec<SpikesOf>,
    /// Traces of hidden neurons and outputs.
    traces: Vec<Trace>,
    /// Milliseconds between two points of a trace.
    spacing_ms: f64,
}

#[derive(Debug, Clone, PartialEq)]
struct SpikesOf {
    population: String,
    size: usize,
    times_ms: Vec<f64>,
    neurons: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq)]
struct Trace {
    population: String,
    neuron: usize,
    /// Parallel to [`VARIABLES`].
    points: [Vec<f32>; 3],
}

/// Places of samples that show what the network does: the first right one of some classes, then the
/// first wrong ones. Without predictions, the first samples.
pub fn chosen_places(outcomes: &EvaluationLog, samples: usize) -> Vec<usize> {
    let mut classes: Vec<u32> = Vec::new();
    let mut places = Vec::new();
    for (place, sample) in outcomes.list.iter().enumerate() {
        if sample.is_right() && places.len() < RIGHT && !classes.contains(&sample.label) {
            classes.push(sample.label);
            places.push(place);
        }
    }
    let all = outcomes.list.iter().enumerate();
    let wrong = all.filter(|(_, sample)| !sample.is_right());
    places.extend(wrong.map(|(place, _)| place).take(WRONG));
    if places.is_empty() {
        places.extend(0..samples.min(RIGHT));
    }
    places
}

/// Records one sample, alone in its batch; no parameter changes.
///
/// # Errors
/// When the sample cannot be solved.
pub fn record(
    session: &mut Session<Grid<f32>>,
    hidden: &[PopulationId],
    batch: &Batch,
    place: usize,
) -> Result<SampleTrace, TrainError> {
    let output = session.solver.network().output();
    let traced: Vec<PopulationId> = hidden.iter().copied().chain([output]).collect();
    let probe = |id: &PopulationId| {
        VARIABLES.map(|variable| Probe {
            population: id.0,
            variable,
        })
    };
    let probes: Vec<Probe> = traced.iter().flat_map(probe).collect();
    session.solver.set_probes(&probes)?;
    let report = session.gradient_of(batch, None)?;
    let outcome = &report.outcomes[0];
    let label = batch.labels()[0];
    let stride = session.solver.network().clock().steps().div_ceil(POINTS);
    let mut traces = Vec::new();
    for (turn, &id) in traced.iter().enumerate() {
        let recorded: [_; 3] =
            std::array::from_fn(|v| session.solver.record(0, VARIABLES.len() * turn + v));
        let of_layer = Layer {
            network: session.solver.network(),
            id,
            recorded: recorded.each_ref().map(|values| &values[..]),
            stride,
        };
        let neurons = if id == output {
            of_layer.outputs(label, outcome.prediction)
        } else {
            of_layer.strongest(1, HIDDEN_TRACES)
        };
        traces.extend(neurons.into_iter().map(|neuron| of_layer.trace(neuron)));
    }
    Ok(SampleTrace {
        place,
        label,
        prediction: outcome.prediction,
        loss: outcome.loss,
        spikes: spikes(session),
        traces,
        spacing_ms: stride as f64 * session.solver.network().clock().dt_ms(),
    })
}

fn spikes(session: &Session<Grid<f32>>) -> Vec<SpikesOf> {
    let network = session.solver.network();
    let populations = network.populations().iter();
    let tape = session.trials.tape(0);
    let of = |(population, spikes): (
        &eventprop::network::Population,
        &eventprop::tape::Spikes<u32, f32>,
    )| SpikesOf {
        population: population.name.clone(),
        size: population.size,
        times_ms: spikes.when.iter().map(|t| t.ms(network.clock())).collect(),
        neurons: spikes.neuron.clone(),
    };
    populations.zip(&tape.populations).map(of).collect()
}

/// Recordings of one population.
struct Layer<'a> {
    network: &'a Network,
    id: PopulationId,
    /// Parallel to [`VARIABLES`], each `[steps, size]`.
    recorded: [&'a [f32]; 3],
    /// Steps between two points that are kept.
    stride: usize,
}

impl Layer<'_> {
    fn size(&self) -> usize {
        self.network.population(self.id).size
    }

    /// The neurons in which a variable has the largest absolute values, ascending.
    fn strongest(&self, variable: usize, count: usize) -> Vec<usize> {
        let peak = |neuron: usize| {
            let values = self.recorded[variable].iter().skip(neuron);
            values
                .step_by(self.size())
                .fold(0.0_f32, |most, x| most.max(x.abs()))
        };
        let mut ranked: Vec<(f32, usize)> = (0..self.size()).map(|n| (peak(n), n)).collect();
        let order = |a: &(f32, usize), b: &(f32, usize)| {
            b.0.partial_cmp(&a.0)
                .unwrap_or(Ordering::Equal)
                .then(a.1.cmp(&b.1))
        };
        ranked.sort_by(order);
        let mut neurons: Vec<usize> = ranked.iter().take(count).map(|(_, n)| *n).collect();
        neurons.sort_unstable();
        neurons
    }

    /// The output of the class, the one that the network chose, and others with high voltages.
    fn outputs(&self, label: u32, prediction: Option<u32>) -> Vec<usize> {
        let first = [Some(label), prediction].into_iter().flatten();
        let mut neurons: Vec<usize> = first.map(|class| class as usize).collect();
        neurons.sort_unstable();
        neurons.dedup();
        let others = self.strongest(0, OUTPUT_TRACES);
        let others: Vec<usize> = others
            .into_iter()
            .filter(|n| !neurons.contains(n))
            .collect();
        let room = OUTPUT_TRACES - neurons.len();
        neurons.extend(others.into_iter().take(room));
        neurons.sort_unstable();
        neurons
    }

    fn trace(&self, neuron: usize) -> Trace {
        let size = self.size();
        let points = self.recorded.map(|values| {
            let of_neuron = values.iter().skip(neuron).step_by(size);
            of_neuron.step_by(self.stride).copied().collect()
        });
        Trace {
            population: self.network.population(self.id).name.clone(),
            neuron,
            points,
        }
    }
}

impl SampleTrace {
    /// As JSON. Times in ms, variables with four digits.
    pub fn to_json(&self) -> Json {
        let spikes = self.spikes.iter().map(|s| {
            json!({
                "population": s.population,
                "size": s.size,
                "times_ms": s.times_ms.iter().map(|t| (t * 1e4).round() / 1e4).collect::<Json>(),
                "neurons": s.neurons,
            })
        });
        let trace = |trace: &Trace| {
            let mut object = json!({"population": trace.population, "neuron": trace.neuron});
            for (variable, points) in VARIABLES.iter().zip(&trace.points) {
                object[variable.name()] = points.iter().map(|&x| four_digits(x)).collect();
            }
            object
        };
        json!({
            "place": self.place,
            "label": self.label,
            "prediction": self.prediction,
            "loss": self.loss,
            "spacing_ms": self.spacing_ms,
            "spikes": spikes.collect::<Json>(),
            "traces": self.traces.iter().map(trace).collect::<Json>(),
        })
    }
}

fn four_digits(x: f32) -> f64 {
    format!("{x:.3e}")
        .parse()
        .expect("a number was just written")
}

#[cfg(test)]
mod tests {
    use eventprop::loss::Loss;
    use eventprop::network::{Clock, Init, Li, Lif, Network};
    use eventprop::optim::{Optimizer, Sgd};
    use eventprop::params::Params;

    use eventprop::train::Plan;

    use super::super::evaluation_log::Predicted;
    use super::*;

    #[test]
    fn right_samples_of_unlike_classes_come_first_and_then_wrong_ones() {
        let sample = |label, right: bool| Predicted {
            label,
            prediction: right.then_some(label),
        };
        let list = vec![
            sample(0, false),
            sample(1, true),
            sample(1, true),
            sample(0, true),
            sample(2, false),
            sample(2, false),
        ];
        assert_eq!(chosen_places(&EvaluationLog { list }, 6), [1, 3, 0, 4]);
        assert_eq!(chosen_places(&EvaluationLog::default(), 2), [0, 1]);
    }

    /// One input spike, one hidden neuron that it makes spike, one leaky output: the recording holds
    /// the spikes of the tape, and the recorded λ_V of the hidden neuron is not zero before its spike.
    #[test]
    fn a_recording_holds_spikes_and_traces() {
        let mut network = Network::new(Clock::new(0.1, 40.0).expect("a clock"));
        let input = network.add_input("input", 1);
        let hidden = network.add_lif("hidden", 1, Lif::new(20.0, 5.0));
        let output = network.add_li("output", 2, Li::new(20.0, 5.0));
        network.connect(input, hidden, Init::Values(vec![12.0]));
        network.connect(hidden, output, Init::Values(vec![1.0, -1.0]));
        let params = Params::init(&network, 1).expect("parameters");
        let plan = Plan::new(Loss::Max, Optimizer::Sgd(Sgd));
        let solver = Grid::<f32>::new(&network).expect("a solver");
        let mut session = Session::new(solver, params, plan).expect("a session");
        let mut batch = Batch::default();
        batch.resize(1);
        batch.fill(|_, target| {
            *target.label = 0;
            target.train.refill(std::iter::once((1.0, 0)));
        });
        let recording = record(&mut session, &[hidden], &batch, 7).expect("recorded");
        assert_eq!(
            (recording.place, recording.label, recording.prediction),
            (7, 0, Some(0))
        );
        let json = recording.to_json();
        let spikes = &json["spikes"][1];
        assert_eq!(spikes["population"], "hidden");
        let count = session.trials.tape(0).populations[1].len();
        assert!(count > 0);
        assert_eq!(spikes["times_ms"].as_array().map(Vec::len), Some(count));
        let traces = json["traces"].as_array().expect("traces");
        assert_eq!(traces.len(), 3, "one hidden neuron and two outputs");
        let points = traces[0]["lambda_V"].as_array().expect("points");
        assert_eq!(points.len(), 200, "400 steps, every second one");
        assert_ne!(points[0], 0.0);
    }
}
