//! Exact, event-based gradients for spiking neural networks.

pub mod loss;
pub mod network;
pub mod neuron;
pub mod params;
pub mod readout;
pub mod real;
pub mod rng;
pub mod solver;
pub mod spikes;
pub mod tape;
