//! Losses by `genn_eventprop`'s names.

use std::collections::HashMap;

use eventprop::loss::{FirstSpike, Loss, Penalty, Weighting};
use pyo3::PyErr;

use crate::errors;

/// A loss as Python names it: the name and its constants.
pub type Named = (String, HashMap<String, f64>);

const NAMES: &str = "sum, sum_weigh_linear, sum_weigh_exp, sum_weigh_sigmoid, sum_weigh_input, sum_weigh_late, avg_xentropy, max, first_spike, first_spike_exp";

/// The loss of this name. Constants that are missing have the defaults of the benchmarks; those that
/// the loss does not use are ignored.
pub fn named((name, constants): &Named, dt_ms: f64) -> Result<Loss, PyErr> {
    let constant = |key: &str, default: f64| constants.get(key).copied().unwrap_or(default);
    let first_spike = |penalty| {
        Loss::FirstSpike(FirstSpike {
            tau_0: constant("tau_0", 0.5),
            alpha: constant("alpha", 3e-3),
            penalty,
            push_silent: constant("push_silent", 1.0) != 0.0,
        })
    };
    Ok(match name.as_str() {
        "sum" => Loss::Sum(Weighting::Flat),
        "sum_weigh_linear" => Loss::Sum(Weighting::Linear),
        "sum_weigh_exp" => Loss::Sum(Weighting::Exp),
        "sum_weigh_sigmoid" => Loss::Sum(Weighting::Sigmoid),
        "sum_weigh_input" => {
            let tau = constant("tau", 20.0);
            // `genn_eventprop`'s accumulator gains 0.01 DT/τ with every input spike.
            let gain = constant("gain", 0.01 * dt_ms / tau);
            Loss::Sum(Weighting::Input { tau, gain })
        }
        "sum_weigh_late" => Loss::Sum(Weighting::Late {
            tau: constant("tau", 20.0),
        }),
        "avg_xentropy" => Loss::AvgXentropy,
        "max" => Loss::Max,
        "first_spike" => first_spike(Penalty::Inverse),
        "first_spike_exp" => first_spike(Penalty::Exp {
            tau_1: constant("tau_1", 6.4),
        }),
        _ => {
            return Err(errors::value(format!(
                "there is no loss {name:?}; there are {NAMES}"
            )));
        }
    })
}

/// The constants of a loss: with its name, what [`named`] takes.
pub fn constants(loss: &Loss) -> Vec<(&'static str, f64)> {
    match *loss {
        Loss::Sum(Weighting::Input { tau, gain }) => vec![("tau", tau), ("gain", gain)],
        Loss::Sum(Weighting::Late { tau }) => vec![("tau", tau)],
        Loss::FirstSpike(FirstSpike {
            tau_0,
            alpha,
            penalty,
            push_silent,
        }) => {
            let mut constants = vec![
                ("tau_0", tau_0),
                ("alpha", alpha),
                ("push_silent", f64::from(u8::from(push_silent))),
            ];
            if let Penalty::Exp { tau_1 } = penalty {
                constants.push(("tau_1", tau_1));
            }
            constants
        }
        Loss::Sum(_) | Loss::AvgXentropy | Loss::Max => Vec::new(),
    }
}
