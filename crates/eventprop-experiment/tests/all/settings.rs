//! Values that exclude each other are refused with their keys, and unusual ones are explained.

use eventprop_experiment::settings::Settings;
use eventprop_params::{Benchmark, Parameters};

fn settings(benchmark: Benchmark, assignments: &[&str]) -> Result<Settings, String> {
    let mut params = Parameters::new(benchmark);
    params.draw_seeds(|| 1);
    for assignment in assignments {
        params.assign(assignment).expect(assignment);
    }
    Settings::new(&params).map_err(|error| error.to_string())
}

#[test]
fn defaults_and_presets_fit_together() {
    for benchmark in Benchmark::ALL {
        settings(benchmark, &[]).expect("the defaults fit together");
        for preset in benchmark.presets() {
            let mut params = Parameters::new(benchmark);
            params.draw_seeds(|| 1);
            params.preset(&preset.name).expect(&preset.name);
            Settings::new(&params).expect(&preset.name);
        }
    }
}

#[test]
fn impossible_combinations_name_key_reason_and_way_out() {
    for (benchmark, assignments, expected) in [
        (
            Benchmark::YinYang,
            &["V_RESET=1.5"][..],
            "V_RESET=1.5 is not possible: V_THRESH=1.0 is not above it; choose a reset potential below the threshold",
        ),
        (
            Benchmark::YinYang,
            &["V_RESET=0.9999999999"],
            "V_RESET=0.9999999999 is not possible: V_THRESH=1.0 is not above it in single precision; choose a reset potential below the threshold",
        ),
        (
            Benchmark::YinYang,
            &["PDROP=0.5", "SOLVER=event"],
            "PDROP=0.5 is not possible: withholding is defined per time step, and SOLVER=event has none; use SOLVER=grid, or set it to 0",
        ),
        (
            Benchmark::Mnist,
            &["NUM_HIDDEN=[10,20]", "N_HID_LAYER=3"],
            "N_HID_LAYER=3 is not possible: NUM_HIDDEN lists 2 layers; leave N_HID_LAYER out, or give NUM_HIDDEN as one number",
        ),
        (
            Benchmark::Mnist,
            &["DT_MS=50"],
            "DT_MS=50.0 is not possible: TRIAL_MS=20 would have 0.4 steps; choose DT_MS so that a trial has 1 to 2147483647 steps",
        ),
        (
            Benchmark::Mnist,
            &["REC_SPIKES=[hiden]"],
            "REC_SPIKES=[\"hiden\"] is not possible: the network has no population hiden; choose from input, hidden, output",
        ),
        (
            Benchmark::Mnist,
            &["REC_NEURONS=[[input,V]]"],
            "REC_NEURONS=[[\"input\",\"V\"]] is not possible: input has no variable V; record V, I, lambda_V or lambda_I of hidden or output neurons, or B or lambda_B of hidden neurons with HIDDEN_NEURON_TYPE=ALIF, or a variable x of equations and p_x",
        ),
        (
            Benchmark::Mnist,
            &["REC_NEURONS=[[hidden,V]]", "SOLVER=event"],
            "REC_NEURONS=[[\"hidden\",\"V\"]] is not possible: the event solver has no steps in which to record; use SOLVER=grid",
        ),
        (
            Benchmark::Mnist,
            &["REC_SYNAPSES=[[hid_to_hid,w]]"],
            "REC_SYNAPSES=[[\"hid_to_hid\",\"w\"]] is not possible: the network has no projection hid_to_hid; choose from in_to_hid, hid_to_out",
        ),
        (
            Benchmark::Mnist,
            &["INPUT_MS=30"],
            "INPUT_MS=30.0 is not possible: the trial has only 20 ms; lengthen TRIAL_MS, or leave INPUT_MS out",
        ),
        (
            Benchmark::Shd,
            &["HIDDEN_NOISE=0.1", "SOLVER=event"],
            "HIDDEN_NOISE=0.1 is not possible: noise is defined per time step, and SOLVER=event has none; use SOLVER=grid, or set it to 0",
        ),
        (
            Benchmark::Shd,
            &["TRAIN_TAU=true", "MIN_TAU_SYN=7"],
            "MIN_TAU_SYN=7.0 is not possible: TAU_SYN=5.0 is below it, and time constants are drawn or trained; lower MIN_TAU_SYN or raise TAU_SYN",
        ),
        (
            Benchmark::Mnist,
            &["DELAY=10", "DELAY_SPREAD=10"],
            "DELAY=10.0 is not possible: spikes would be 20.0 ms on their way, in a trial of 20.0 ms; lower DELAY or DELAY_SPREAD, or raise TRIAL_MS",
        ),
        (
            Benchmark::Mnist,
            &["DELAY=10", "DELAY_MAX_MS=9"],
            "DELAY_MAX_MS=9.0 is not possible: DELAY + DELAY_SPREAD = 10.0 ms is above it; raise DELAY_MAX_MS, or start from shorter delays",
        ),
        (
            Benchmark::Mnist,
            &["TRAIN_DELAY=true", "DELAY_MAX_MS=20"],
            "DELAY_MAX_MS=20.0 is not possible: a trial has 20.0 ms, and later arrivals do nothing; choose a longest delay below TRIAL_MS",
        ),
        (
            Benchmark::Shd,
            &["REWIRE_SILENT=true", "REWIRE_LIFT_ALL=true"],
            "REWIRE_LIFT_ALL=true is not possible: REWIRE_LIFT=0.0 is nothing to add; give REWIRE_LIFT, or leave REWIRE_LIFT_ALL out",
        ),
        (
            Benchmark::Shd,
            &["REC_SPIKES=[hidden]"],
            "REC_SPIKES=[\"hidden\"] is not possible: the network has no population hidden; choose from input, hidden0, output",
        ),
        (
            Benchmark::Shd,
            &["CHECKPOINT_NAME=a/b"],
            "CHECKPOINT_NAME=a/b is not possible: it begins the names of files; use letters, digits and _; OUT_DIR chooses the folder",
        ),
        (
            Benchmark::Mnist,
            &["NAME=a/b"],
            "NAME=a/b is not possible: it begins the names of files; use letters, digits and _; OUT_DIR chooses the folder",
        ),
    ] {
        assert_eq!(settings(benchmark, assignments).unwrap_err(), expected);
    }
}

#[test]
fn a_trial_of_broken_steps_is_taken_as_whole_ones_and_said_so() {
    let settings = settings(Benchmark::Mnist, &["DT_MS=3", "BUILD=false"]).expect("valid");
    assert_eq!(
        settings.notices,
        [
            "DT_MS=3 does not divide TRIAL_MS=20: a trial is taken as 7 whole steps, 21 ms",
            "BUILD has no effect here: it compiled the simulation; nothing is compiled here",
        ]
    );
}

#[test]
fn layers_come_from_a_number_or_a_list() {
    let hidden = |assignments: &[&str]| {
        settings(Benchmark::Mnist, assignments)
            .expect("valid")
            .network
            .hidden
    };
    assert_eq!(hidden(&[]), [128]);
    assert_eq!(hidden(&["NUM_HIDDEN=64", "N_HID_LAYER=3"]), [64, 64, 64]);
    assert_eq!(hidden(&["NUM_HIDDEN=[64,32]"]), [64, 32]);
}
