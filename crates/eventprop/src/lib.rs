//! Exact, event-based gradients for spiking neural networks.

mod dispatch;
pub mod gradcheck;
pub mod loss;
pub mod network;
pub mod neuron;
pub mod optim;
pub mod params;
pub mod readout;
pub mod real;
pub mod regularize;
pub mod rng;
pub mod solver;
pub mod spikes;
pub mod tape;
pub mod train;
