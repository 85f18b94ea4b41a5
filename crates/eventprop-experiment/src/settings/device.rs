//! Where networks are solved.

use eventprop::solver::SolverKind;
use eventprop_gpu::DeviceName;
use eventprop_params::{ParamError, Parameters};

const KEY: &str = "DEVICE";

/// The device that the parameters name; a card solves on the grid only.
pub(super) fn device(params: &Parameters, solver: SolverKind) -> Result<DeviceName, ParamError> {
    let refuse =
        |problem: String, way_out: &str| Err(params.refuse(KEY, problem, way_out.to_owned()));
    match DeviceName::named(&params.text(KEY)) {
        Err(error) => refuse(error.problem, error.way_out),
        Ok(DeviceName::Gpu(_)) if solver != SolverKind::Grid => {
            let problem = "cards solve in steps, and SOLVER=event has none";
            refuse(problem.to_owned(), "use SOLVER=grid, or DEVICE=cpu")
        }
        Ok(device) => Ok(device),
    }
}
