//! The optimiser and its learning rate.

use eventprop::optim::schedule;
use eventprop_params::Parameters;

/// The optimisers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptimizerKind {
    /// Adam.
    Adam {
        /// β1.
        beta1: f64,
        /// β2.
        beta2: f64,
        /// ε.
        eps: f64,
        /// Largest norm of a gradient, in usual ones.
        clip: Option<f64>,
        /// Decay of the weights apart from their gradient.
        weight_decay: f64,
        /// Whether the rate is relative to the initial weights.
        relative: bool,
    },
    /// Stochastic gradient descent.
    Sgd,
}

impl OptimizerKind {
    /// Copies of the parameters that a training holds: themselves, the gradient, the best, the moments.
    pub fn copies(self) -> f64 {
        match self {
            Self::Adam { .. } => 5.0,
            Self::Sgd => 3.0,
        }
    }
}

/// The accuracy that the learning rate follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// On the validation set; on the training set when there is none.
    Validation,
    /// On the training set.
    Training,
}

pub fn optimizer(params: &Parameters) -> OptimizerKind {
    match params.text("OPTIMIZER").as_str() {
        "sgd" => OptimizerKind::Sgd,
        _ => OptimizerKind::Adam {
            beta1: params.float("ADAM_BETA1"),
            beta2: params.float("ADAM_BETA2"),
            eps: params.float("ADAM_EPS"),
            clip: Some(params.float("ADAM_CLIP")).filter(|&clip| clip > 0.0),
            weight_decay: params.float("WEIGHT_DECAY"),
            relative: params.flag("ETA_RELATIVE"),
        },
    }
}

/// The learning rate of delays, in units of that of weights.
pub fn delays_rate(params: &Parameters) -> f64 {
    params.float("ETA_DELAY") / params.float("ETA")
}

pub fn rate(params: &Parameters) -> schedule::Settings {
    let factor = params.float("ETA_FAC");
    let plateau = schedule::Plateau {
        alpha_fast: params.float("EMA_ALPHA1"),
        alpha_slow: params.float("EMA_ALPHA2"),
        min_epochs: params.count("MIN_EPOCH_ETA_FIXED"),
        factor,
    };
    schedule::Settings {
        eta: params.float("ETA"),
        course: match params.text("ETA_COURSE").as_str() {
            "cosine" => schedule::Course::Cosine,
            "one_cycle" => schedule::Course::OneCycle,
            _ => schedule::Course::Constant,
        },
        epochs: params.count("N_EPOCH"),
        epoch_decay: if params.has("ETA_DECAY") {
            params.float("ETA_DECAY")
        } else {
            1.0
        },
        ease_in_factor: params.float("LR_EASE_IN_FACTOR"),
        plateau: (factor != 1.0).then_some(plateau),
    }
}
