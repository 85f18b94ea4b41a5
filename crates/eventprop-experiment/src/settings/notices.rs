//! Notices about parameters that have no effect or were rounded.

use eventprop::network::Clock;
use eventprop_params::{Benchmark, Parameters};

use super::network::calibrates;
use super::network_file::replaced;

/// Shares of a step that DT may miss TRIAL_MS by through rounding of decimals.
const WHOLE_STEP: f64 = 1e-6;

pub fn notices(params: &Parameters, clock: Clock) -> Vec<String> {
    let mut notices = Vec::new();
    let (dt_ms, trial_ms) = (params.float("DT_MS"), params.float("TRIAL_MS"));
    let steps = clock.steps();
    if (trial_ms / dt_ms - steps as f64).abs() > WHOLE_STEP {
        notices.push(format!(
            "DT_MS={dt_ms} does not divide TRIAL_MS={trial_ms}: a trial is taken as {steps} whole steps, {} ms",
            clock.trial_ms()
        ));
    }
    if calibrates(params) {
        notices.push(
            "weights that are drawn are scaled on the training samples until every layer is active; choose them with INPUT_HIDDEN_MEAN, HIDDEN_OUTPUT_MEAN and their siblings"
                .to_owned(),
        );
    }
    let replaced = replaced(params);
    if !replaced.is_empty() {
        notices.push(format!(
            "NETWORK says the network: {} {} no effect",
            replaced.join(", "),
            if replaced.len() == 1 { "has" } else { "have" }
        ));
    }
    for (row, _) in params.iter() {
        if !row.effect && params.is_given(row.key) {
            notices.push(format!(
                "{} has no effect here: it {}",
                row.key, row.meaning
            ));
        }
    }
    if params.benchmark() == Benchmark::YinYang && params.text("DATA") == "published" {
        let fixed = ["N_TRAIN", "N_TEST"]
            .into_iter()
            .filter(|key| params.is_given(key));
        notices.extend(fixed.map(|key| {
            format!("{key} has no effect with DATA=published: the sets have 5000 and 1000 samples")
        }));
    }
    notices
}
