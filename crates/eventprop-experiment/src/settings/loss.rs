//! The loss, the regulariser of the hidden layers, and grazing spikes.

use eventprop::loss::{FirstSpike, Loss, Penalty, Weighting};
use eventprop::regularize::{LayerCount, Regularizer, SpikeCount};
use eventprop::solver::Grazing;
use eventprop_params::Parameters;

pub fn loss(params: &Parameters) -> Loss {
    let first_spike = |penalty| {
        Loss::FirstSpike(FirstSpike {
            tau_0: params.float("TAU_0"),
            alpha: params.float("ALPHA"),
            penalty,
            push_silent: true,
        })
    };
    match params.text("LOSS_TYPE").as_str() {
        "first_spike" => first_spike(Penalty::Inverse),
        "first_spike_exp" => first_spike(Penalty::Exp {
            tau_1: params.float("TAU_1"),
        }),
        "max" => Loss::Max,
        "sum" => Loss::Sum(Weighting::Flat),
        "sum_weigh_linear" => Loss::Sum(Weighting::Linear),
        "sum_weigh_exp" => Loss::Sum(Weighting::Exp),
        "sum_weigh_sigmoid" => Loss::Sum(Weighting::Sigmoid),
        "sum_weigh_input" => {
            let tau = params.float("TAU_ACCUMULATOR");
            // `genn_eventprop`'s accumulator gains 0.01 DT/τ with every input spike.
            let gain = 0.01 * params.float("DT_MS") / tau;
            Loss::Sum(Weighting::Input { tau, gain })
        }
        "sum_weigh_late" => Loss::Sum(Weighting::Late {
            tau: params.float("TAU_ACCUMULATOR"),
        }),
        _ => Loss::AvgXentropy,
    }
}

pub fn regularizer(params: &Parameters) -> Regularizer {
    let kind = params.text("REG_TYPE");
    Regularizer {
        spike_count: (kind != "none").then(|| SpikeCount {
            lbd_upper: params.float("LBD_UPPER"),
            lbd_lower: params.float("LBD_LOWER"),
            nu_upper: params.float("NU_UPPER"),
        }),
        layer_count: (kind == "Thomas1").then(|| LayerCount {
            glb_upper: params.float("GLB_UPPER"),
            rho_upper: params.float("RHO_UPPER"),
        }),
        batch_average: params.flag("AVG_SNSUM"),
    }
}

pub fn grazing(text: &str) -> Grazing {
    match text.strip_prefix("limit:") {
        Some(limit) => Grazing::Limit(limit.parse().expect("the table accepts numbers only")),
        None if text == "error" => Grazing::Error,
        None => Grazing::Keep,
    }
}
