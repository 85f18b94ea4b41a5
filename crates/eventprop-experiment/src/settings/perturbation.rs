//! Changes in training beyond the weights: withheld spikes, noise, rewired neurons.

use eventprop::solver::SolverKind;
use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

use super::network::NetworkSettings;

/// The treatment of the incoming weights of silent hidden neurons.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rewire {
    /// They are drawn again.
    Redraw,
    /// This much is added.
    Lift(f64),
    /// This much is added to the incoming weights of all neurons, silent or not.
    LiftAll(f64),
}

pub fn withhold(params: &Parameters, solver: SolverKind) -> Result<f64, ParamError> {
    let key = if params.has("PDROP") {
        "PDROP"
    } else {
        "PDROP_HIDDEN"
    };
    let probability = params.float(key);
    if probability > 0.0 && !solver.has_steps() {
        let problem = "withholding is defined per time step, and SOLVER=event has none";
        let way_out = "use SOLVER=grid, or set it to 0";
        return Err(params.refuse(key, problem, way_out));
    }
    Ok(probability)
}

pub fn noise(params: &Parameters, solver: SolverKind) -> Result<f64, ParamError> {
    const KEY: &str = "HIDDEN_NOISE";
    if !params.has(KEY) {
        return Ok(0.0);
    }
    let amplitude = params.float(KEY);
    if amplitude > 0.0 && !solver.has_steps() {
        let problem = "noise is defined per time step, and SOLVER=event has none";
        let way_out = "use SOLVER=grid, or set it to 0";
        return Err(params.refuse(KEY, problem, way_out));
    }
    Ok(amplitude)
}

/// The pull of deep rewiring, which needs sparse projections whose weights are trained.
pub fn deep_rewiring(
    params: &Parameters,
    network: &NetworkSettings,
) -> Result<Option<f64>, ParamError> {
    const KEY: &str = "DEEP_R";
    let Value::Float(pull) = params.get(KEY) else {
        return Ok(None);
    };
    if !network.can_be_rewired() {
        let problem = "no projection with weights that are trained is sparse";
        let way_out = "give INPUT_HIDDEN_WIRING or one of its siblings, such as fan_in:32";
        return Err(params.refuse(KEY, problem, way_out));
    }
    Ok(Some(pull))
}

pub fn rewire(params: &Parameters) -> Result<Option<Rewire>, ParamError> {
    let lift = params.float("REWIRE_LIFT");
    let all = params.is_set("REWIRE_LIFT_ALL");
    if all && lift == 0.0 {
        let problem = "REWIRE_LIFT=0.0 is nothing to add";
        let way_out = "give REWIRE_LIFT, or leave REWIRE_LIFT_ALL out";
        return Err(params.refuse("REWIRE_LIFT_ALL", problem, way_out));
    }
    let how = match lift {
        0.0 => Rewire::Redraw,
        lift if all => Rewire::LiftAll(lift),
        lift => Rewire::Lift(lift),
    };
    Ok(params.flag("REWIRE_SILENT").then_some(how))
}
