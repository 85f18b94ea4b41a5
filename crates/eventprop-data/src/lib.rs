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
//! use eventprop_data::encode::latency::LatencyCode;
//! use eventprop_data::sets::mnist::MnistSet;
//! use eventprop_data::encode::pixel_spikes::PixelTimes;
//!
//! let digits = MnistSet::sample_train();
//! let spikes = digits.spikes();
//! let times = PixelTimes::new(&LatencyCode::new(20.0, 1.0)?);
//! let mut train = SpikeTrain::default();
//! spikes.encode(0, &times, &mut train);
//! assert_eq!(train.len(), spikes.spikes_len(0));
//! # Ok::<(), eventprop_data::encode::latency::LatencyError>(())
//! ```
//!
//! * [`sets`]: data sets, published ones and the user's; [`binned`] holds samples as spikes on a grid.
//! * [`formats`]: event recordings, spike files (the HDF5 layout of SHD and SSC), IDX, npy, npz.
//! * [`mod@encode`]: from values to spikes (latency, rate, delta, level crossing, population), from pixels to inputs.
//! * [`augment`]: variation of samples for training, and input dropout.
//! * [`obtain`]: what is known about every data set; finding, fetching and verifying its files.
//! * [`atomic`] writes a file wholly or not at all; [`bound`] limits what files unpack to and claim.

pub mod atomic;
pub mod augment;
pub mod binned;
pub mod bound;
pub mod encode;
pub mod formats;
pub mod obtain;
pub mod sets;
pub mod time_span;
