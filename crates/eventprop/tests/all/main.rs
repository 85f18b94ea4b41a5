//! All tests of the crate from outside, in one binary: what they have in common is compiled once.

mod calibrate;
mod central_differences;
mod convergence;
mod disturbances;
mod equations;
mod event_gradient;
mod event_solver;
mod gradient_check;
mod long_trials;
mod losses;
mod neurons;
mod open_door;
mod properties;
mod ranks;
mod regularizers;
mod trained_constants;
