//! Data sets, file formats and spike encoders for `eventprop`.
//!
//! A data set becomes spike trains in three steps: its files are found or fetched, read into plain
//! numbers, and encoded as the spike times that enter a network. Every step can be used alone, and
//! none prints, keeps hidden state or trusts a file: a reader believes a header only when the file is
//! as long as the header says, and every error names the file, what was found, what was expected and
//! the way out.
//!
//! ```
//! use eventprop::spikes::SpikeTrain;
//! use eventprop_data::latency::LatencyCode;
//! use eventprop_data::mnist::MnistSet;
//! use eventprop_data::pixel_spikes::PixelTimes;
//!
//! let digits = MnistSet::sample_train();
//! let spikes = digits.spikes();
//! let times = PixelTimes::new(&LatencyCode::new(20.0, 1.0)?);
//! let mut train = SpikeTrain::default();
//! spikes.encode(0, &times, &mut train);
//! assert_eq!(train.len(), spikes.spikes_len(0));
//! # Ok::<(), eventprop_data::latency::LatencyError>(())
//! ```
//!
//! * Data sets: [`mnist`], [`sequential_mnist`], [`yin_yang`], [`shd`] (with SSC, and a synthetic set of that
//!   shape), [`nmnist`], [`dvs_gesture`], [`synthetic_camera`] in the shape of these two; your own: [`own_data`], [`series_set`].
//! * From values to spikes: [`latency`] is the code, [`pixel_spikes`] applies it to images fast,
//!   [`mod@encode`] has other codes (logarithmic latency, rate, delta, level crossing, population),
//!   [`dropout`] leaves input spikes out in training.
//! * Recordings of event cameras and lists of channels: [`events`]; [`camera`] puts pixels on inputs.
//! * Where files are and whether they are right: [`registry`] (what is known about every data set),
//!   [`by_hand`] (the same for sets that are not fetched), [`locate`], `fetch` (Cargo feature `fetch`, on by default), [`mod@verify`], [`mod@info`].
//! * From sound to spikes, as SHD was made: [`audio`].
//! * Speech and other events on a grid: [`binned`] holds them, [`augment`] varies them for training.
//! * File formats: [`spike_file`] (the HDF5 layout of SHD and SSC), [`idx`], [`npy`], [`npz`]; [`atomic`] writes a file wholly or not at all.
//! * [`mt19937`]: NumPy's legacy random numbers, only to make published sets again.

pub mod atomic;
pub mod audio;
pub mod augment;
pub mod binned;
pub mod by_hand;
pub mod camera;
mod checksum;
pub mod dropout;
pub mod dvs_gesture;
pub mod encode;
pub mod events;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod idx;
pub mod info;
pub mod latency;
pub mod locate;
pub mod mnist;
pub mod mt19937;
pub mod nmnist;
pub mod npy;
pub mod npz;
pub mod own_data;
pub mod pixel_spikes;
pub mod registry;
pub mod sequential_mnist;
pub mod series_set;
pub mod shd;
mod source;
pub mod spike_file;
pub mod synthetic_camera;
pub mod verify;
pub mod yin_yang;
mod zip;
