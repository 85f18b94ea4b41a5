//! The list of the case files.

use crate::case::Case;
use crate::file::{CaseError, parse};

macro_rules! cases {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../cases/", $name, ".toml")))),*]
    };
}

/// Name and text of every file in `cases/`.
const FILES: &[(&str, &str)] = cases![
    "golden_sum",
    "golden_sum_weigh_exp",
    "golden_avg_xentropy",
    "golden_first_spike",
    "analytic_one_arrival",
    "analytic_one_spike",
    "analytic_two_spikes",
    "adapting_thresholds",
    "analytic_first_spike",
    "analytic_peak",
    "analytic_peak_at_a_kink",
    "no_spikes",
    "loss_first_spike",
    "loss_first_spike_exp",
    "loss_max",
    "loss_sum",
    "loss_sum_weigh_linear",
    "loss_sum_weigh_exp",
    "loss_sum_weigh_sigmoid",
    "loss_sum_weigh_input",
    "loss_sum_weigh_late",
    "loss_avg_xentropy",
    "reset_not_at_zero",
    "reset_above_zero",
    "delayed",
    "equal_time_constants",
    "nearly_equal_time_constants",
    "per_neuron_constants",
    "repeated_spikes",
    "analytic_one_to_one",
    "one_to_one",
    "sparse",
    "convolution",
    "analytic_trained_delays",
    "trained_delays",
    "deep",
    "deep_recurrent_first_spike",
    "skip_connections",
    "spikes_in_the_last_step",
    "refractory",
    "equations_lif",
    "equations_alif",
    "equations_lif_refractory",
    "equations_alif_refractory",
    "equations_qif",
    "equations_eif",
    "equations_adex",
    "equations_izhikevich",
    "equations_resonate_and_fire",
    "equations_lif_alpha",
    "equations_lif_two_synapses",
    "equations_lif_conductance",
];

/// Every case of the corpus.
///
/// # Errors
/// The first file that is not a case.
pub fn all() -> Result<Vec<Case>, CaseError> {
    FILES.iter().map(|(name, text)| parse(name, text)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::FILES;

    #[test]
    fn every_case_expects_something() {
        for case in super::all().unwrap() {
            assert!(!case.expectations.is_empty(), "{}", case.name);
        }
    }

    #[test]
    fn every_file_of_the_folder_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
        let in_folder: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed = FILES
            .iter()
            .map(|(name, _)| format!("{name}.toml"))
            .collect();
        assert_eq!(in_folder, listed);
    }
}
