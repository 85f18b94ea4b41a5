//! The time grid of a trial and the part of it that inputs are spread over.

use eventprop::network::Clock;
use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

pub fn clock(params: &Parameters) -> Result<Clock, ParamError> {
    let (dt_ms, trial_ms) = (params.float("DT_MS"), params.float("TRIAL_MS"));
    Clock::new(dt_ms, trial_ms).map_err(|_| {
        let problem = format!("TRIAL_MS={trial_ms} would have {} steps", trial_ms / dt_ms);
        let way_out = "choose DT_MS so that a trial has 1 to 2147483647 steps";
        params.refuse("DT_MS", problem, way_out)
    })
}

pub fn input_ms(params: &Parameters, clock: Clock) -> Result<f64, ParamError> {
    if !params.has("INPUT_MS") {
        return Ok(clock.trial_ms());
    }
    match params.get("INPUT_MS") {
        Value::Float(input_ms) if input_ms > clock.trial_ms() => {
            let problem = format!("the trial has only {} ms", clock.trial_ms());
            let way_out = "lengthen TRIAL_MS, or leave INPUT_MS out";
            Err(params.refuse("INPUT_MS", problem, way_out))
        }
        Value::Float(input_ms) => Ok(input_ms),
        _ => Ok(clock.trial_ms()),
    }
}

pub fn spike_cap(params: &Parameters) -> Option<u32> {
    match params.get("N_MAX_SPIKE") {
        Value::Int(cap) => Some(u32::try_from(cap).unwrap_or(u32::MAX)),
        _ => None,
    }
}
