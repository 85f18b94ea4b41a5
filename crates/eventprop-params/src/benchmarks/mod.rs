//! The tables of parameters, one file for each benchmark or family of them.

pub mod camera;
pub mod mnist;
pub mod never_read;
mod rows;
mod rows_binned;
pub mod shd;
pub mod smnist;
pub mod yinyang;
