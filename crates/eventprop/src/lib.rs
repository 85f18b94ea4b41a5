//! Exact, event-based gradients for spiking neural networks.

pub mod spikes;
