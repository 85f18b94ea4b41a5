//! The response of one neuron of a model from equations to a step of current: an arrival in every step.

use eventprop::network::{Clock, Equations, Init, Network, NeuronModel};
use eventprop::params::Params;
use eventprop::readout::Observe;
use eventprop::solver::grid::Grid;
use eventprop::solver::{HostTrials, Probe, SolveError, Solver, Trial, Variable};
use eventprop::spikes::{Batch, SpikeTrain};

/// Length and step of the trial, and when arrivals begin and end, in ms.
const TRIAL_MS: f64 = 100.0;
const DT_MS: f64 = 0.1;
const FROM_MS: f64 = 10.0;
const TO_MS: f64 = 80.0;
/// Spikes from which on a weight is enough, and most doublings of the first weight that is tried.
const SPIKES: usize = 3;
const DOUBLINGS: usize = 40;

/// What a neuron does.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// Weight of every arrival, one in each step of 0.1 ms.
    pub weight: f64,
    /// When arrivals begin and end, in ms.
    pub current_ms: [f64; 2],
    /// Ends of the steps in ms.
    pub times_ms: Vec<f64>,
    /// Name and values of every state variable.
    pub traces: Vec<(String, Vec<f64>)>,
    /// Times of the spikes in ms.
    pub spikes_ms: Vec<f64>,
}

/// The response to arrivals of this weight; without one the weight is doubled until the neuron spikes a few times.
///
/// # Errors
/// When the model cannot be solved.
pub fn response(model: &NeuronModel, weight: Option<f64>) -> Result<Response, SolveError> {
    if let Some(weight) = weight {
        return respond(model, weight);
    }
    let mut found = respond(model, 1e-3)?;
    for doubling in 1..DOUBLINGS {
        if found.spikes_ms.len() >= SPIKES || (!model.spikes() && doubling > 4) {
            break;
        }
        match respond(model, 1e-3 * 2.0_f64.powi(doubling as i32)) {
            Ok(stronger) => found = stronger,
            // Beyond what the model bears.
            Err(_) => break,
        }
    }
    Ok(found)
}

fn respond(model: &NeuronModel, weight: f64) -> Result<Response, SolveError> {
    let clock = Clock::new(DT_MS, TRIAL_MS)?;
    let mut network = Network::new(clock);
    let input = network.add_input("input", 1);
    let neuron = network.add_equations("neuron", 1, Equations::new(model.clone()));
    network.connect(input, neuron, Init::Values(vec![weight]));
    let steps = clock.steps();
    let during = |time: &f64| (FROM_MS..TO_MS).contains(time);
    let times: Vec<f64> = (0..steps)
        .map(|k| clock.start_ms(k))
        .filter(during)
        .collect();
    let neurons = vec![0; times.len()];
    let batch = Batch::new(vec![SpikeTrain::new(times, neurons)?], vec![0])?;
    let mut solver = Grid::<f64>::new(&network)?;
    let probe = |name: &str| {
        let variable = Variable::of(network.population(neuron), name);
        Probe {
            population: neuron.0,
            variable: variable.expect("the model has its own variables"),
        }
    };
    let names = model.state().iter().map(|name| name.text());
    solver.set_probes(&names.clone().map(probe).collect::<Vec<_>>())?;
    let params = Params::init(&network, 0)?;
    let mut trials = HostTrials::default();
    solver.forward(
        &params,
        &batch,
        Trial::observing(Observe::Nothing),
        &mut trials,
    )?;
    let spikes = &trials.tapes[0].populations[neuron.0];
    Ok(Response {
        weight,
        current_ms: [FROM_MS, TO_MS],
        times_ms: (1..=steps).map(|k| clock.start_ms(k)).collect(),
        traces: names
            .enumerate()
            .map(|(place, name)| (name.to_owned(), solver.record(0, place).to_vec()))
            .collect(),
        spikes_ms: spikes
            .when
            .iter()
            .map(|&k| clock.start_ms(k as usize + 1))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::response;
    use eventprop::network::NeuronModel;

    /// Every model that comes along spikes under enough current, and integrators never do.
    #[test]
    fn every_model_responds() {
        for name in NeuronModel::shipped_names() {
            let model = NeuronModel::shipped(name).unwrap();
            let found = response(&model, None).unwrap();
            assert_eq!(found.spikes_ms.len() >= 3, model.spikes(), "{name}");
            assert_eq!(found.traces.len(), model.state().len());
            assert!(found.traces.iter().all(|(_, values)| values.len() == 1000));
        }
    }
}
