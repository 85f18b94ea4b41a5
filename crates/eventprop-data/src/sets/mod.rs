//! Data sets: what their files hold, as images, points or spikes on a grid. One set a file.
//!
//! | set | samples |
//! |---|---|
//! | [`mnist`], [`smnist`] | images; the same as sequences of pixels |
//! | [`yin_yang`] | points of a plane |
//! | [`shd`] | SHD and SSC, and a synthetic set of that shape |
//! | [`nmnist`], [`dvs_gesture`], [`synthetic_camera`] | recordings of event cameras, and synthetic ones of their shape |
//! | [`own`], [`series`], [`from_sound`] | the user's recordings, series of values, and sound files |

mod class_order;
pub mod dvs_gesture;
pub mod from_sound;
pub mod info;
pub mod mnist;
pub mod nmnist;
pub mod own;
pub mod series;
pub mod shd;
pub mod smnist;
pub mod synthetic_camera;
pub mod yin_yang;
