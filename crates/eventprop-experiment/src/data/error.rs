//! Why data could not be loaded.

use eventprop_data::encode::latency::LatencyError;
use eventprop_data::sets::dvs_gesture::GestureError;
use eventprop_data::sets::mnist::MnistError;
use eventprop_data::sets::nmnist::NmnistError;
use eventprop_data::sets::own::OwnDataError;
use eventprop_data::sets::shd::ShdError;
use eventprop_data::sets::shd::synthetic::SyntheticError;
use eventprop_params::ParamError;
use thiserror::Error;

/// Data could not be had.
#[derive(Debug, Error)]
pub enum DataError {
    /// MNIST could not be read.
    #[error(transparent)]
    Mnist(#[from] MnistError),
    /// The trial cannot hold the latency code.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// SHD or SSC could not be read.
    #[error(transparent)]
    Shd(#[from] ShdError),
    /// N-MNIST could not be read.
    #[error(transparent)]
    Nmnist(#[from] NmnistError),
    /// DVS128 Gesture could not be read.
    #[error(transparent)]
    Gesture(#[from] GestureError),
    /// The user's own data could not be read.
    #[error(transparent)]
    Own(#[from] OwnDataError),
    /// Synthetic speech could not be made.
    #[error(transparent)]
    Synthetic(#[from] SyntheticError),
    /// The parameters ask for what the data cannot give.
    #[error(transparent)]
    Param(#[from] ParamError),
}

impl DataError {
    /// True if the parameters are to blame rather than the data.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Latency(_) | Self::Param(_) => true,
            Self::Own(error) => error.is_usage(),
            _ => false,
        }
    }
}
