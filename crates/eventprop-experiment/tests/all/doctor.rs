//! The doctor names what was made wrong on purpose, and what it proposes is not wrong any more.

use eventprop_experiment::data::Source;
use eventprop_experiment::health::doctor::{Diagnosis, Problem, examine};
use eventprop_params::Benchmark;

use crate::Trial;

fn diagnosis(assignments: &[&str]) -> Diagnosis {
    let trial = Trial::new(Benchmark::YinYang, assignments);
    let source = Source {
        dirs: Vec::new(),
        demonstration: true,
    };
    examine(&trial.params, &source).expect("a diagnosis")
}

/// Trials of 30 ms are short for neurons of 20 ms, those of speech are long.
#[test]
fn losses_that_teach_little_in_long_trials_are_named() {
    let told = |assignments: &[&str]| {
        let diagnosis = diagnosis(&[&["NUM_HIDDEN=50", "SOLVER=grid"], assignments].concat());
        let told = |notice: &String| notice.contains("try LOSS_TYPE=sum_weigh_exp");
        diagnosis.notices.iter().any(told)
    };
    assert!(told(&["LOSS_TYPE=sum", "TAU_MEM=6"]));
    assert!(told(&["LOSS_TYPE=max", "TAU_MEM=6"]));
    assert!(!told(&["LOSS_TYPE=sum_weigh_exp", "TAU_MEM=6"]));
    assert!(!told(&["LOSS_TYPE=sum"]));
}

fn has(diagnosis: &Diagnosis, problem: Problem, place: &str) -> bool {
    let complaints = &mut diagnosis.complaints.iter();
    complaints.any(|complaint| complaint.problem == problem && complaint.place.contains(place))
}

#[test]
fn a_healthy_network_is_left_alone() {
    for solver in ["SOLVER=grid", "SOLVER=event"] {
        let diagnosis = diagnosis(&["NUM_HIDDEN=100", solver]);
        assert_eq!(diagnosis.complaints, []);
        assert!(diagnosis.fix.is_empty());
    }
}

/// With the strength that the doctor names, a tenth of the loss's gradient is the regulariser's: the two
/// gradients differ by that much.
#[test]
fn a_guiding_regulariser_adds_a_tenth_to_the_gradient() {
    let plain = ["SOLVER=event", "NUM_HIDDEN=50", "NU_UPPER=4"];
    let strength = diagnosis(&plain)
        .guiding_strength
        .expect("there are spikes");
    let square_with = |factor: f64| {
        let keys = ["LBD_UPPER", "LBD_LOWER"].map(|key| format!("{key}={}", factor * strength));
        let with = [&plain[..], &["REG_TYPE=simple", &keys[0], &keys[1]]].concat();
        diagnosis(&with).look.gradients[0].norm.powi(2)
    };
    // |g + 2 r|² − 2 |g + r|² + |g|² = 2 |r|², whatever the angle between loss and regulariser.
    let loss = square_with(0.0);
    let twice_regularizer = square_with(2.0) - 2.0 * square_with(1.0) + loss;
    // Differences of numbers of the size of the loss's square, each right to some 1e-12 of it.
    let share = (twice_regularizer / loss / 2.0).sqrt();
    assert!((share - 0.1).abs() < 1e-8, "{share}");
}

#[test]
fn a_silent_layer_is_named_and_woken() {
    let diagnosis = diagnosis(&["INPUT_HIDDEN_MEAN=0.05", "INPUT_HIDDEN_STD=0.02"]);
    assert!(has(&diagnosis, Problem::Silent, "hidden"));
    assert_eq!(diagnosis.look.layers[0].spikes, 0);
    let cured = diagnosis.cured.expect("a cure");
    let rate = cured.layers[0].rate;
    // Not above the target, and not below it by more than the width of the last interval allows: a factor
    // 2^(1/64) in the weights, which moves some spikes of every neuron.
    assert!(
        rate <= diagnosis.target && rate > 0.5 * diagnosis.target,
        "{rate} of {}",
        diagnosis.target
    );
}

#[test]
fn a_saturated_layer_is_named_and_calmed() {
    let diagnosis = diagnosis(&["SOLVER=grid", "INPUT_HIDDEN_MEAN=60.0"]);
    assert!(has(&diagnosis, Problem::Saturated, "hidden"));
    let cured = diagnosis.cured.expect("a cure");
    assert!(cured.layers[0].rate <= diagnosis.target);
    assert_eq!(cured.layers[0].saturated, 0);
}

#[test]
fn an_exploding_gradient_is_named_and_tamed() {
    let diagnosis = diagnosis(&[
        "SOLVER=grid",
        "LOSS_TYPE=sum",
        "HIDDEN_OUTPUT_MEAN=0.0",
        "HIDDEN_OUTPUT_STD=1000.0",
    ]);
    let growth = diagnosis.look.growth();
    assert!(
        has(&diagnosis, Problem::Exploding, "hidden"),
        "grows by {growth}"
    );
    let cured = diagnosis.cured.expect("a cure").growth();
    assert!(cured <= 100.0, "{growth}, then {cured}");
}

/// Events that never reach the network are a finding: half of a sequence lies behind the end of the trial; and where
/// everything is within, nothing is said.
#[test]
fn lost_events_are_named() {
    let source = Source {
        dirs: Vec::new(),
        demonstration: true,
    };
    let examined = |assignments: &[&str]| {
        let trial = Trial::new(Benchmark::Smnist, assignments);
        examine(&trial.params, &source).expect("a diagnosis")
    };
    let short = examined(&["N_TRAIN=32", "NUM_HIDDEN=8", "DT_MS=4", "TRIAL_MS=784"]);
    let [cut_off, _] = short.look.lost.shares();
    assert!(cut_off > 0.3 && cut_off < 0.7, "{cut_off}");
    assert!(has(&short, Problem::InputLost, "input"));
    // There is a pixel every 2 ms; in steps of that length and more crossings of one threshold meet.
    let whole = examined(&["N_TRAIN=32", "NUM_HIDDEN=8", "DT_MS=1"]);
    assert!(!has(&whole, Problem::InputLost, "input"));
}
