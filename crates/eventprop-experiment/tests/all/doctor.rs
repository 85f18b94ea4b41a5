//! The doctor names what was made wrong on purpose, and what it proposes is not wrong any more.

use eventprop_experiment::data::Source;
use eventprop_experiment::params::Benchmark;
use eventprop_experiment::run::doctor::{Diagnosis, Illness, examine};

use crate::Trial;

fn diagnosis(assignments: &[&str]) -> Diagnosis {
    let trial = Trial::new(Benchmark::YinYang, assignments);
    let source = Source {
        dirs: Vec::new(),
        demonstration: true,
    };
    examine(&trial.params, &source).expect("a diagnosis")
}

fn has(diagnosis: &Diagnosis, illness: Illness, place: &str) -> bool {
    let complaints = &mut diagnosis.complaints.iter();
    complaints.any(|complaint| complaint.illness == illness && complaint.place.contains(place))
}

#[test]
fn a_healthy_network_is_left_alone() {
    for solver in ["SOLVER=grid", "SOLVER=event"] {
        let diagnosis = diagnosis(&["NUM_HIDDEN=100", solver]);
        assert_eq!(diagnosis.complaints, []);
        assert!(diagnosis.fix.is_empty());
    }
}

#[test]
fn a_silent_layer_is_named_and_woken() {
    let diagnosis = diagnosis(&["INPUT_HIDDEN_MEAN=0.05", "INPUT_HIDDEN_STD=0.02"]);
    assert!(has(&diagnosis, Illness::Silent, "hidden"));
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
    assert!(has(&diagnosis, Illness::Saturated, "hidden"));
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
        has(&diagnosis, Illness::Exploding, "hidden"),
        "grows by {growth}"
    );
    let cured = diagnosis.cured.expect("a cure").growth();
    assert!(cured <= 100.0, "{growth}, then {cured}");
}
