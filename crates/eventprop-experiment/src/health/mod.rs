//! Problems of a network, and remedies: warnings during training, and an examination of one batch.

mod cure;
pub mod doctor;
pub(crate) mod layer_monitor;
mod look;
