//! x
pub mod atomic;
mod checksum;
pub mod dropout;
pub mod idx;
pub mod latency;
pub mod locate;
pub mod mnist;
pub mod mt19937;
pub mod npy;
pub mod pixel_spikes;
pub mod registry;
mod source;
pub mod yin_yang;
