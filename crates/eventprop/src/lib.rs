//! Exact, event-based gradients for spiking neural networks.
//!
//! EventProp (Wunderlich & Pehle 2021) computes the gradient of a loss of a spiking network by
//! integrating an adjoint system backwards in time; information is exchanged only at spikes. This
//! crate is the engine: it does no input or output and never reads the clock. A whole training run:
//!
//! ```
//! use eventprop::loss::Loss;
//! use eventprop::network::{Clock, Init, Li, Lif, Network};
//! use eventprop::optim::{Adam, Optimizer};
//! use eventprop::params::Params;
//! use eventprop::solver::grid::Grid;
//! use eventprop::spikes::{Batch, SpikeTrain};
//! use eventprop::train::{Plan, Session};
//!
//! // Two channels, ten hidden neurons, two classes; trials of 20 steps of 1 ms.
//! let mut network = Network::new(Clock::new(1.0, 20.0)?);
//! let input = network.add_input("input", 2);
//! let hidden = network.add_lif("hidden", 10, Lif::new(20.0, 5.0)); // tau_mem, tau_syn in ms
//! let output = network.add_li("output", 2, Li::new(20.0, 5.0));
//! network.connect(input, hidden, Init::Normal { mean: 8.0, std: 1.0 });
//! network.connect(hidden, output, Init::Normal { mean: 0.0, std: 0.5 });
//!
//! // Which channel spikes first?
//! let trains = vec![
//!     SpikeTrain::new(vec![2.0, 8.0], vec![0, 1])?,
//!     SpikeTrain::new(vec![2.0, 8.0], vec![1, 0])?,
//! ];
//! let batch = Batch::new(trains, vec![0, 1])?;
//!
//! let params = Params::<f32>::init(&network, 1)?;
//! let plan = Plan::new(Loss::Max, Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8)));
//! let mut session = Session::new(Grid::<f32>::new(&network)?, params, plan)?;
//! let first = session.train_batch(&batch, None, 0.05)?; // learning rate
//! for _ in 0..100 {
//!     session.train_batch(&batch, None, 0.05)?;
//! }
//! let last = session.test_batch(&batch)?;
//! assert!(last.loss_sum < first.loss_sum && last.correct == 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The map
//!
//! - [`network`]: populations, projections, the clock. [`connect`]: wirings and delays, one wiring a file.
//!   [`params`]: weights in one flat buffer.
//! - [`spikes`]: what goes in. [`tape`]: what the forward pass remembers. [`readout`]: what a solver
//!   shows to a loss and what the loss answers.
//! - [`neuron`]: the equations, forward and adjoint side by side, with the tags of
//!   `docs/equations.md`.
//! - [`solver`]: the trait `Solver` with `forward` and `adjoint`; [`solver::grid`] (fixed steps, fast,
//!   with its judge) and [`solver::event`] (event to event, exact).
//! - [`loss`], [`regularize`], [`optim`]: one thing a file. [`train`]: a training step on one page.
//!   [`activity`]: who spiked. [`reduce`]: several ranks with one batch.
//! - [`gradcheck`]: the adjoint against differences. [`ceiling`]: what the machine could do at best. [`rng`]: random numbers that depend on keys, not
//!   on order.
//!
//! Times are milliseconds, voltages are in units that the threshold defines, and an index counts one
//! thing. Results do not depend on the number of threads of the rayon pool in which a session runs; run
//! a training loop *inside* a pool (`ThreadPool::install`), because entering one costs microseconds.

pub mod activity;
mod aligned;
pub mod calibrate;
pub mod ceiling;
pub mod connect;
mod dispatch;
pub mod gradcheck;
pub mod loss;
pub mod network;
pub mod neuron;
pub mod optim;
pub mod params;
pub mod readout;
pub mod real;
pub mod reduce;
pub mod regularize;
pub mod rewire;
pub mod rng;
mod shares;
pub mod solver;
pub mod spikes;
pub mod tape;
pub mod time_noise;
pub mod train;
