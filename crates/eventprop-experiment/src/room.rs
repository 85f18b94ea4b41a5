//! Room for a run: what its counts surely take, against the memory that there is.
//!
//! The sums are floors. What they refuse cannot run; what they let pass may still need more, which `eventprop plan`
//! measures.

use eventprop::connect::{By, Delay};
use eventprop::network::Network;
use eventprop::readout::Observe;
use eventprop::solver::Solver;
use eventprop::tape::SpikeTime;
use eventprop::with_solver;
use eventprop_params::value::Value;
use eventprop_params::{Benchmark, Pairs, ParamError, Parameters};
use serde_json::Value as Json;

use crate::description::NetworkSize;
use crate::machine;
use crate::settings::{DelayedProjections, NetworkSettings, Recorded, Settings};

/// The share of the free memory that is left for what the sums do not know.
pub const SPARE: f64 = 0.1;

/// Memory where the system does not tell: the address space of a process.
const ADDRESSES: u64 = 1 << 47;

/// A point of Yin-Yang: four coordinates, a class, its places in the part and in the order of an epoch.
const POINT_BYTES: f64 = 4.0 * 8.0 + 1.0 + 2.0 * 8.0;

/// A synthetic utterance: at steps of 1 ms its events take 10,000 bytes, at longer ones less.
const UTTERANCE_BYTES: f64 = 2000.0;

/// Memory that may be taken: what is free, less [`SPARE`] of it.
pub fn spendable() -> f64 {
    (1.0 - SPARE) * machine::free_bytes().unwrap_or(ADDRESSES) as f64
}

/// The words for what takes more than may be taken.
pub fn shortage(of: &str, bytes: f64, spendable: f64) -> String {
    let gb = |bytes: f64| format!("{:.1} GB", bytes * 1e-9);
    format!(
        "{of} would take at least {}, and {} of memory can be had",
        gb(bytes),
        gb(spendable)
    )
}

/// What is solved at once.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Samples.
    pub samples: usize,
    /// Steps of a trial.
    pub steps: usize,
    /// Neurons behind the input.
    pub neurons: f64,
    /// Those of them that the loss sees.
    pub outputs: usize,
}

impl Load {
    /// Some samples of a network.
    pub fn of(network: &Network, samples: usize) -> Self {
        let sizes = network.populations().iter().map(|one| one.size as f64);
        Self {
            samples,
            steps: network.clock().steps(),
            neurons: sizes.sum::<f64>() - network.population(network.input()).size as f64,
            outputs: network.output_size(),
        }
    }

    /// What a solver surely holds of them: states, observed voltages with the seed that drives the adjoint pass, and
    /// the times and widths of the steps.
    pub fn bytes<S: Solver>(self, observe: Observe) -> f64 {
        let number = size_of::<S::Real>() as f64;
        let (samples, steps) = (self.samples as f64, self.steps as f64);
        if !S::Time::IN_STEPS {
            // V, I and λ of one sample at a time.
            return 4.0 * self.neurons * number;
        }
        // V, and the currents of this step and the next.
        let states = samples * self.neurons * 3.0 * number;
        let observed = if observe == Observe::Voltage {
            samples * steps * self.outputs as f64 * 2.0 * number
        } else {
            0.0
        };
        states + observed + 16.0 * steps
    }
}

/// Refuses more samples than fit, where samples are made rather than read.
pub fn for_samples(params: &Parameters) -> Result<(), ParamError> {
    const KEYS: [&str; 4] = ["N_TRAIN", "N_VALIDATE", "N_TEST", "N_BATCH"];
    let bytes = |params: &Parameters| {
        let counts = KEYS[..3].iter().map(|key| match params.get(key) {
            Value::Int(count) => count as f64,
            _ => 0.0,
        });
        Some(sample_bytes(params)? * counts.sum::<f64>())
    };
    refuse(
        params,
        &KEYS,
        &Need {
            of: "its samples",
            bytes: &bytes,
        },
    )
}

/// Bytes of one sample, where samples are made.
fn sample_bytes(params: &Parameters) -> Option<f64> {
    let made = |key: &str, how: &str| params.has(key) && params.text(key) == how;
    if made("DATA_SET", "synthetic") {
        return Some(UTTERANCE_BYTES);
    }
    let drawn = params.benchmark() == Benchmark::YinYang && made("DATA", "generated");
    // Yin-Yang counts samples per class.
    drawn.then_some(3.0 * POINT_BYTES)
}

/// Refuses a network that does not fit: its parameters with gradient, moments and checkpoint, and what a solver
/// remembers of every step and sample.
pub fn for_network(params: &Parameters, size: NetworkSize) -> Result<(), ParamError> {
    const KEYS: [&str; 5] = ["NUM_HIDDEN", "N_HID_LAYER", "N_BATCH", "TRIAL_MS", "DT_MS"];
    let is_of_file = !matches!(params.get("NETWORK"), Value::None);
    let keys = if is_of_file { &KEYS[2..] } else { &KEYS };
    let need = |params: &Parameters| {
        let settings = Settings::new(params).ok()?;
        Some(with_solver!(settings.solver, S => network_bytes::<S>(&settings, size)))
    };
    let need = Need {
        of: "the network",
        bytes: &need,
    };
    refuse(params, keys, &need)
}

fn network_bytes<S: Solver>(settings: &Settings, size: NetworkSize) -> f64 {
    let number = size_of::<S::Real>() as f64;
    // A checkpoint holds everything but the gradient once more while it is written.
    let copies = 2.0 * settings.optimizer.copies() - 1.0;
    let parameters = match &settings.network.described {
        Some(described) => described.parameters(size),
        None => weights(&settings.network, size) * (1.0 + delays_per_weight(settings)),
    };
    let parameters = parameters * number * copies;
    let neurons: f64 = settings.network.hidden.iter().map(|&n| n as f64).sum();
    let load = Load {
        samples: settings.batch,
        steps: settings.clock.steps(),
        neurons,
        outputs: size.classes,
    };
    parameters + load.bytes::<S>(settings.loss.observes()) + neurons * number * behind(settings)
}

/// Refuses recordings that do not fit: they are kept until the end of a run, and once more in its checkpoints. `given`
/// has the parameters by name.
pub fn for_recordings(recorded: Recorded, given: &Json) -> Result<(), ParamError> {
    recordings_within(spendable(), recorded, given)
}

fn recordings_within(free: f64, recorded: Recorded, given: &Json) -> Result<(), ParamError> {
    let bytes = 2.0 * size_of::<f32>() as f64 * (recorded.neurons + recorded.synapses);
    if bytes <= free {
        return Ok(());
    }
    let (key, when, less) = if recorded.neurons > recorded.synapses {
        (
            "REC_NEURONS",
            "REC_NEURONS_EPOCH_TRIAL",
            ", fewer neurons (REC_NEURON_IDS)",
        )
    } else {
        ("REC_SYNAPSES", "REC_SYNAPSES_EPOCH_TRIAL", "")
    };
    Err(ParamError::Combination {
        key,
        found: given[key].to_string(),
        problem: shortage("what is recorded", bytes, free),
        way_out: format!(
            "record fewer trials ({when}){less} or fewer samples of a batch (REC_SAMPLES)"
        ),
    })
}

/// Delays that are parameters, for each weight.
fn delays_per_weight(settings: &Settings) -> f64 {
    let delays = &settings.network.delays;
    let by_synapse = delays
        .delay
        .each()
        .is_some_and(|each| each.by == By::Synapse);
    let everywhere = delays.projections == DelayedProjections::All;
    f64::from(u8::from(by_synapse && everywhere))
}

/// Numbers that a neuron is kept for in one sample, where a spike meets its targets at different steps: two for each step
/// up to the longest delay.
fn behind(settings: &Settings) -> f64 {
    let of_keys = std::iter::once(&settings.network.delays.delay);
    let delays: Vec<&Delay> = match &settings.network.described {
        Some(described) => described.projections.iter().map(|p| &p.delay).collect(),
        None => of_keys.collect(),
    };
    let apart = delays.into_iter().filter_map(Delay::each);
    let apart = apart.filter(|each| matches!(each.by, By::Target | By::Synapse));
    let steps = apart.map(|each| 2.0 * (each.most_ms / settings.clock.dt_ms()).ceil());
    steps.fold(0.0, f64::max)
}

/// Weights of all projections.
fn weights(network: &NetworkSettings, size: NetworkSize) -> f64 {
    let (mut all, mut source) = (0.0, size.inputs as f64);
    let mut forward = network.input_hidden;
    for &layer in &network.hidden {
        let target = layer as f64;
        all += synapses(forward.pairs, source, target);
        if network.recurrent {
            all += synapses(network.hidden_hidden.pairs, target, target);
        }
        (source, forward) = (target, network.hidden_forward);
    }
    all + synapses(network.hidden_output.pairs, source, size.classes as f64)
}

/// Synapses between layers of these sizes, on the average over seeds.
fn synapses(pairs: Pairs, sources: f64, targets: f64) -> f64 {
    match pairs {
        Pairs::All => sources * targets,
        Pairs::Probability(probability) => probability * sources * targets,
        Pairs::FanIn(fan_in) => fan_in as f64 * targets,
    }
}

/// What is to be held, and the bytes that it takes under parameters; none where they do not fit together.
struct Need<'a> {
    of: &'static str,
    bytes: &'a dyn Fn(&Parameters) -> Option<f64>,
}

/// Refuses what does not fit into the memory that is free.
fn refuse(params: &Parameters, keys: &[&'static str], need: &Need<'_>) -> Result<(), ParamError> {
    within(spendable(), params, keys, need)
}

/// Refuses what takes more than `free` bytes, by the key whose lowering lets it fit: one that was given before one
/// at its default.
fn within(
    free: f64,
    params: &Parameters,
    keys: &[&'static str],
    need: &Need<'_>,
) -> Result<(), ParamError> {
    let Some(bytes) = (need.bytes)(params).filter(|bytes| *bytes > free) else {
        return Ok(());
    };
    let fits = |params: &Parameters| (need.bytes)(params).is_some_and(|bytes| bytes <= free);
    let mut keys: Vec<&'static str> = keys.iter().copied().filter(|key| params.has(key)).collect();
    keys.sort_by_key(|key| !params.is_given(key));
    let problem = shortage(need.of, bytes, free);
    let fitting = keys
        .iter()
        .find_map(|key| Some((*key, fitting(params, key, &fits)?)));
    Err(if let Some((key, value)) = fitting {
        let bound = if key == "DT_MS" { "least" } else { "most" };
        params.refuse(key, problem, format!("{key} can be at {bound} {value}"))
    } else {
        let way_out = format!("lower several of {}", keys.join(", "));
        params.refuse(keys[0], problem, way_out)
    })
}

/// The value of a key that is nearest to its present one and fits, found by bisection of its count; none if not even
/// a count of 1 fits.
fn fitting(params: &Parameters, key: &str, fits: &dyn Fn(&Parameters) -> bool) -> Option<Value> {
    let lowered = |count| lowered(params, key, count).filter(fits);
    let mut most = lowered(1)?;
    let (mut fitting, mut beyond) = (1, count(params, key)?);
    while beyond - fitting > 1 {
        let middle = fitting + (beyond - fitting) / 2;
        match lowered(middle) {
            Some(params) => (most, fitting) = (params, middle),
            None => beyond = middle,
        }
    }
    Some(most.get(key))
}

/// The count that a value stands for: the largest of a list, the steps of a trial.
fn count(params: &Parameters, key: &str) -> Option<i64> {
    match params.get(key) {
        Value::Int(count) => Some(count),
        Value::List(sizes) => sizes
            .iter()
            .filter_map(|size| match size {
                Value::Int(size) => Some(*size),
                _ => None,
            })
            .max(),
        Value::Float(_) => Some((params.float("TRIAL_MS") / params.float("DT_MS")) as i64),
        _ => None,
    }
}

/// The same parameters with such a count lowered.
fn lowered(params: &Parameters, key: &str, most: i64) -> Option<Parameters> {
    let whole = |value: Value| match value {
        Value::Int(count) => Value::Int(count.min(most)),
        other => other,
    };
    let value = match params.get(key) {
        Value::List(sizes) => Value::List(sizes.into_iter().map(whole).collect()),
        Value::Float(_) if key == "DT_MS" => Value::Float(params.float("TRIAL_MS") / most as f64),
        Value::Float(_) => Value::Float(params.float("DT_MS") * most as f64),
        one => whole(one),
    };
    let mut lowered = params.clone();
    lowered.set(key, value).ok()?;
    Some(lowered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(benchmark: Benchmark, assignments: &[&str]) -> Parameters {
        let mut params = Parameters::new(benchmark);
        for assignment in assignments {
            params.assign(assignment).expect(assignment);
        }
        params.draw_seeds(|| 1);
        params
    }

    const SIZE: NetworkSize = NetworkSize {
        inputs: 10,
        classes: 3,
    };

    /// The refusal of a network of a kilobyte per key, where so many bytes are free.
    fn refusal(free: f64, benchmark: Benchmark, assignments: &[&str]) -> String {
        let params = params(benchmark, assignments);
        let need = |params: &Parameters| {
            let settings = Settings::new(params).ok()?;
            Some(with_solver!(settings.solver, S => network_bytes::<S>(&settings, SIZE)))
        };
        let need = Need {
            of: "the network",
            bytes: &need,
        };
        let keys = ["NUM_HIDDEN", "N_BATCH", "TRIAL_MS", "DT_MS"];
        let refused = within(free, &params, &keys, &need);
        refused.expect_err("too large").to_string()
    }

    #[test]
    fn the_key_that_was_given_is_named_with_the_largest_value_that_fits() {
        // 10 × 40 + 40 × 3 weights of eight bytes, five times with Adam and four times in a checkpoint; four numbers a
        // hidden neuron.
        let free = 9.0 * 8.0 * 520.0 + 4.0 * 8.0 * 40.0;
        for hidden in ["NUM_HIDDEN=1000000000", "NUM_HIDDEN=41"] {
            let error = refusal(free, Benchmark::YinYang, &[hidden]);
            assert!(
                error.contains(hidden) && error.ends_with("NUM_HIDDEN can be at most 40"),
                "{error}"
            );
        }
        let error = refusal(1e9, Benchmark::YinYang, &["NUM_HIDDEN=[5,2000000000]"]);
        assert!(error.contains("can be at most [5,"), "{error}");
        // Times and widths take 16 bytes a step.
        let error = refusal(1e9, Benchmark::Mnist, &["TRIAL_MS=999999999"]);
        assert!(error.starts_with("TRIAL_MS=999999999"), "{error}");
        let error = refusal(1e9, Benchmark::Mnist, &["DT_MS=1e-7"]);
        assert!(error.contains("DT_MS can be at least"), "{error}");
        let error = refusal(1.0, Benchmark::Mnist, &["N_BATCH=7"]);
        assert!(
            error.ends_with("lower several of N_BATCH, NUM_HIDDEN, TRIAL_MS, DT_MS"),
            "{error}"
        );
    }

    #[test]
    fn recordings_are_counted_before() {
        let given = serde_json::json!({"REC_NEURONS": [["hidden", "V"]], "REC_SYNAPSES": [["input_hidden", "dw"]]});
        let refusal = |neurons, synapses| {
            let recorded = Recorded { neurons, synapses };
            recordings_within(1e9, recorded, &given).map_err(|error| error.to_string())
        };
        assert_eq!(refusal(1e8, 0.2e8), Ok(()));
        assert_eq!(
            refusal(1e9, 1e8).unwrap_err(),
            r#"REC_NEURONS=[["hidden","V"]] is not possible: what is recorded would take at least 8.8 GB, and 1.0 GB of memory can be had; record fewer trials (REC_NEURONS_EPOCH_TRIAL), fewer neurons (REC_NEURON_IDS) or fewer samples of a batch (REC_SAMPLES)"#
        );
        assert!(refusal(0.0, 1e9).unwrap_err().starts_with("REC_SYNAPSES="));
    }

    #[test]
    fn samples_that_are_made_are_counted_before() {
        for (benchmark, assignments, key) in [
            (Benchmark::YinYang, &["N_BATCH=1000000000"][..], "N_BATCH"),
            (Benchmark::YinYang, &["N_TRAIN=4000000000"], "N_TRAIN"),
            (Benchmark::YinYang, &["N_TEST=4000000000"], "N_TEST"),
            (
                Benchmark::Shd,
                &["DATA_SET=synthetic", "N_VALIDATE=999999999"],
                "N_VALIDATE",
            ),
        ] {
            let error = for_samples(&params(benchmark, assignments))
                .expect_err(key)
                .to_string();
            assert!(
                error.starts_with(key) && error.contains(&format!("{key} can be at most")),
                "{error}"
            );
        }
        // The files have as many as they have.
        assert!(for_samples(&params(Benchmark::Shd, &["N_TRAIN=4000000000"])).is_ok());
    }
}
