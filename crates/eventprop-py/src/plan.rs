//! The plan for a network: loss, regularisers, treatment of grazing spikes, solver.

use std::collections::HashMap;

use eventprop::loss::LossScale;
use eventprop::network::{Network, ProjectionId};
use eventprop::optim::schedule::Course;
use eventprop::optim::{Adam, Optimizer, Sgd};
use eventprop::params::{Params, Role};
use eventprop::readout::Observe;
use eventprop::real::Real;
use eventprop::regularize::{LayerCount, Regularizer, SpikeCount};
use eventprop::rewire::Rewiring;
use eventprop::solver::{Grazing, SolverKind};
use eventprop::train::Plan;
use pyo3::prelude::*;

use crate::errors;
use crate::loss::{self, Named};

/// The factor of a course of the learning rate.
#[pyfunction]
pub fn course_factor(name: &str, done: f64) -> PyResult<f64> {
    let course = match name {
        "cosine" => Course::Cosine,
        "one_cycle" => Course::OneCycle,
        _ => return Err(errors::value(format!("there is no course {name:?}"))),
    };
    Ok(course.factor(done))
}

/// The solver of a name.
pub fn solver(name: &str) -> PyResult<SolverKind> {
    SolverKind::named(name).ok_or_else(|| {
        errors::value(format!(
            "there is no solver {name:?}; there are \"grid\" (fixed steps, float32), \"grid64\" (fixed steps, float64) and \"event\" (event to event, float64)"
        ))
    })
}

/// The arrangement of a session, as Python gives it.
#[derive(FromPyObject)]
pub struct Request {
    #[pyo3(item)]
    loss: Named,
    #[pyo3(item)]
    loss_scale: String,
    #[pyo3(item)]
    grazing: String,
    /// Numbers of regularisers by population.
    #[pyo3(item)]
    regularizers: HashMap<String, HashMap<String, f64>>,
    /// Names of parameters that stay as they are.
    #[pyo3(item)]
    frozen: Vec<String>,
    #[pyo3(item)]
    label_smoothing: f64,
    /// Numbers of Adam by their names in Python; none for SGD.
    #[pyo3(item)]
    pub adam: Option<AdamNumbers>,
    /// Steps over which the parameters that are tested are averaged.
    #[pyo3(item)]
    pub average: Option<f64>,
    /// Deep rewiring: pull, seed, and the names of the projections; none for all sparse ones.
    #[pyo3(item)]
    rewire: Option<(f64, u64, Option<Vec<String>>)>,
}

/// The numbers of Adam.
#[derive(FromPyObject, IntoPyObject, Clone, Copy, PartialEq)]
pub struct AdamNumbers {
    #[pyo3(item)]
    beta1: f64,
    #[pyo3(item)]
    beta2: f64,
    #[pyo3(item)]
    eps: f64,
    #[pyo3(item)]
    clip: Option<f64>,
    #[pyo3(item)]
    weight_decay: f64,
    #[pyo3(item)]
    relative: bool,
}

impl Request {
    /// What the loss sees of a network's outputs.
    pub fn observes(&self, network: &Network) -> PyResult<Observe> {
        Ok(loss::named(&self.loss, network.clock().dt_ms())?.observes())
    }

    /// Copies of the parameters that a training holds.
    pub fn copies(&self) -> usize {
        2 + 2 * usize::from(self.adam.is_some()) + usize::from(self.average.is_some())
    }

    /// The rewiring, where it is wanted.
    pub fn rewiring(&self, network: &Network) -> PyResult<Option<Rewiring>> {
        let Some((pull, seed, names)) = &self.rewire else {
            return Ok(None);
        };
        let ids = (0..network.projections().len()).map(ProjectionId);
        let find = |name: &String| {
            let found = ids.clone().find(|id| network.projection_name(*id) == *name);
            found.ok_or_else(|| {
                let known: Vec<String> =
                    ids.clone().map(|id| network.projection_name(id)).collect();
                let known = known.join(", ");
                errors::value(format!(
                    "there is no projection {name:?} to rewire; there are {known}"
                ))
            })
        };
        let projections = match names {
            Some(names) => names.iter().map(find).collect::<PyResult<_>>()?,
            None => Rewiring::sparse(network),
        };
        if projections.is_empty() {
            return Err(errors::value(
                "there is no sparse projection to rewire; connect one with wiring=Sparse(…)",
            ));
        }
        let rewiring = Rewiring::new(network, projections, *pull, *seed);
        rewiring.map(Some).map_err(errors::value)
    }

    /// The engine's plan.
    pub fn plan<F: Real>(&self, network: &Network, params: &Params<F>) -> PyResult<Plan<F>> {
        Ok(Plan {
            loss: loss::named(&self.loss, network.clock().dt_ms())?,
            loss_scale: match self.loss_scale.as_str() {
                "exact" => LossScale::Exact,
                "reference" => LossScale::Reference,
                other => {
                    return Err(errors::value(format!(
                        "loss_scale is {other:?}; it must be \"exact\" or \"reference\""
                    )));
                }
            },
            regularizers: self.regularizers(network)?,
            grazing: grazing(&self.grazing)?,
            optimizer: optimizer(self.adam, params),
            frozen: self.frozen(params)?,
            label_smoothing: self.label_smoothing,
        })
    }

    fn regularizers(&self, network: &Network) -> PyResult<Vec<Regularizer>> {
        let mut all = vec![Regularizer::default(); network.populations().len()];
        for (name, numbers) in &self.regularizers {
            let Some(population) = network.find(name) else {
                return Err(errors::key(format!(
                    "there is no population \"{name}\" to regularise"
                )));
            };
            let number = |key: &str| numbers.get(key).copied().unwrap_or(0.0);
            all[population.0] = Regularizer {
                spike_count: numbers.contains_key("nu_upper").then(|| SpikeCount {
                    lbd_upper: number("lbd_upper"),
                    lbd_lower: number("lbd_lower"),
                    nu_upper: number("nu_upper"),
                }),
                layer_count: numbers.contains_key("rho_upper").then(|| LayerCount {
                    glb_upper: number("glb_upper"),
                    rho_upper: number("rho_upper"),
                }),
                batch_average: number("batch_average") != 0.0,
            };
        }
        Ok(all)
    }

    fn frozen<F: Real>(&self, params: &Params<F>) -> PyResult<Vec<Role>> {
        let role = |name: &String| {
            let entry = params.layout().iter().find(|entry| entry.name == *name);
            entry.map(|entry| entry.role).ok_or_else(|| {
                let known: Vec<&str> = params.layout().iter().map(|e| &e.name[..]).collect();
                errors::key(format!(
                    "there is no parameter {name:?} to freeze; there are {}",
                    known.join(", ")
                ))
            })
        };
        self.frozen.iter().map(role).collect()
    }
}

/// The optimiser of these numbers.
pub fn optimizer<F: Real>(adam: Option<AdamNumbers>, params: &Params<F>) -> Optimizer<F> {
    let Some(numbers) = adam else {
        return Optimizer::Sgd(Sgd);
    };
    let mut adam = Adam {
        clip: numbers.clip,
        weight_decay: numbers.weight_decay,
        ..Adam::new(params, numbers.beta1, numbers.beta2, numbers.eps)
    };
    if numbers.relative {
        adam.relative_to(params);
    }
    Optimizer::Adam(adam)
}

/// `keep`, `error` or `limit:x`.
pub fn grazing(text: &str) -> PyResult<Grazing> {
    let limit = |text: &str| text.strip_prefix("limit:")?.trim().parse().ok();
    match (text, limit(text)) {
        ("keep", _) => Ok(Grazing::Keep),
        ("error", _) => Ok(Grazing::Error),
        (_, Some(limit)) if limit > 0.0 && f64::is_finite(limit) => Ok(Grazing::Limit(limit)),
        _ => Err(errors::value(format!(
            "grazing is {text:?}; it must be \"keep\", \"error\" or \"limit:x\" with x > 0"
        ))),
    }
}
