//! The latency code for images: a pixel brighter than 1 spikes once, the brighter the earlier.
//!
//! A pixel x in 2..=255 of input neuron p spikes at v = (255 − x)/255 of the latency code
//! ([`crate::encode::latency`]); pixels 0 and 1 are silent. The order of the spikes in time is the same for
//! every trial length, so it is found once for a whole set and kept in three bytes a spike; filling a
//! spike train is then one pass over the spikes of the sample.

use eventprop::spikes::SpikeTrain;
use thiserror::Error;

use crate::augment::dropout::SpikeDraws;
use crate::encode::latency::LatencyCode;

const PIXELS_MAX: usize = 1 << 16;
const VALUE_MIN: u8 = 2;

/// Why bytes are not images of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImageSizeError {
    /// An image has no pixel, or more than a 16-bit index counts.
    #[error("{pixels} pixels in an image; from 1 to {PIXELS_MAX} can be encoded")]
    Pixels {
        /// Pixels in one image.
        pixels: usize,
    },
    /// The last image is incomplete.
    #[error("{bytes} bytes are not a whole number of images of {pixels} pixels")]
    Incomplete {
        /// Bytes given.
        bytes: usize,
        /// Pixels in one image.
        pixels: usize,
    },
}

/// The spike time of every pixel value.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelTimes {
    times_ms: [f64; 256],
}

impl PixelTimes {
    /// The times under a latency code.
    pub fn new(code: &LatencyCode) -> Self {
        Self {
            times_ms: std::array::from_fn(|x| code.time_ms((255.0 - x as f64) / 255.0)),
        }
    }

    /// The spike time of a pixel value, in ms from the start of the trial; values below 2 are silent
    /// and do not ask.
    #[inline]
    pub fn time_ms(&self, value: u8) -> f64 {
        self.times_ms[usize::from(value)]
    }
}

/// The spikes of a set of images, each image's in the order of time and then of pixel.
///
/// Memory: 3 bytes a spike and 8 bytes an image (about 27 MB for the 60,000 images of MNIST).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PixelSpikes {
    /// First spike of each image, and one end; `[images + 1]`.
    offsets: Vec<usize>,
    /// The pixel of each spike; `[spikes]`.
    pixels: Vec<u16>,
    /// The value of that pixel; `[spikes]`.
    values: Vec<u8>,
}

impl PixelSpikes {
    /// The spikes of images of `pixels` bytes each. `images`: [image, pixel], row-major.
    ///
    /// # Errors
    /// [`ImageSizeError`].
    pub fn new(images: &[u8], pixels: usize) -> Result<Self, ImageSizeError> {
        if pixels == 0 || pixels > PIXELS_MAX {
            return Err(ImageSizeError::Pixels { pixels });
        }
        if !images.len().is_multiple_of(pixels) {
            return Err(ImageSizeError::Incomplete {
                bytes: images.len(),
                pixels,
            });
        }
        let spikes = images.iter().filter(|x| **x >= VALUE_MIN).count();
        let mut set = Self {
            offsets: Vec::with_capacity(images.len() / pixels + 1),
            pixels: vec![0; spikes],
            values: vec![0; spikes],
        };
        set.offsets.push(0);
        for image in images.chunks_exact(pixels) {
            set.push(image);
        }
        Ok(set)
    }

    /// Counting sort by falling value; equal values stay in the order of their pixels.
    fn push(&mut self, image: &[u8]) {
        let mut next = [0; 256];
        for &x in image {
            next[usize::from(x)] += 1;
        }
        let mut place = self.offsets[self.offsets.len() - 1];
        for slot in next[usize::from(VALUE_MIN)..].iter_mut().rev() {
            (*slot, place) = (place, place + *slot);
        }
        for (pixel, &x) in image.iter().enumerate() {
            if x >= VALUE_MIN {
                let slot = &mut next[usize::from(x)];
                self.pixels[*slot] = pixel as u16;
                self.values[*slot] = x;
                *slot += 1;
            }
        }
        self.offsets.push(place);
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// True without images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of spikes of an image.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn spikes_len(&self, image: usize) -> usize {
        self.offsets[image + 1] - self.offsets[image]
    }

    /// Fills `train` with the spikes of an image, keeping its memory.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn encode(&self, image: usize, times: &PixelTimes, train: &mut SpikeTrain) {
        train.refill(self.events(image, times));
    }

    /// As [`Self::encode`], keeping the spikes that `draws` keeps (one draw per spike).
    ///
    /// # Panics
    /// When there is no such image.
    pub fn encode_dropping(
        &self,
        image: usize,
        times: &PixelTimes,
        mut draws: SpikeDraws,
        train: &mut SpikeTrain,
    ) {
        train.refill(self.events(image, times).filter(|_| draws.keep()));
    }

    fn events(&self, image: usize, times: &PixelTimes) -> impl Iterator<Item = (f64, u32)> {
        let range = self.offsets[image]..self.offsets[image + 1];
        let values = &self.values[range.clone()];
        let pixels = &self.pixels[range];
        values
            .iter()
            .zip(pixels)
            .map(|(&x, &pixel)| (times.time_ms(x), u32::from(pixel)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::dropout::InputDropout;
    use eventprop::rng::{Key, Purpose};
    use proptest::prelude::*;

    fn times() -> PixelTimes {
        PixelTimes::new(&LatencyCode::new(20.0, 1.0).unwrap())
    }

    /// The definition, without any cleverness.
    fn by_definition(image: &[u8], trial_ms: f64, dt_ms: f64) -> SpikeTrain {
        let (neurons, times): (Vec<u32>, Vec<f64>) = (0u32..)
            .zip(image)
            .filter(|(_, x)| **x > 1)
            .map(|(pixel, x)| {
                let darkness = (255.0 - f64::from(*x)) / 255.0;
                (pixel, darkness * (trial_ms - 4.0 * dt_ms) + 2.0 * dt_ms)
            })
            .unzip();
        SpikeTrain::new(times, neurons).unwrap()
    }

    /// Spec 4.3: with T = 20 and DT = 1 from 2 ms (255) to 253/255·16 + 2 ms (2).
    #[test]
    fn bright_pixels_come_first_and_0_and_1_are_silent() {
        let set = PixelSpikes::new(&[1, 2, 255, 0, 255, 128], 6).unwrap();
        let mut train = SpikeTrain::default();
        set.encode(0, &times(), &mut train);
        assert_eq!(train.neurons(), [2, 4, 5, 1]);
        assert_eq!(train.times_ms()[..2], [2.0, 2.0]);
        assert_eq!(train.times_ms()[3], 253.0 / 255.0 * 16.0 + 2.0);
        assert_eq!(set.spikes_len(0), 4);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert!(PixelSpikes::new(&[0; 5], 2).is_err());
        assert!(PixelSpikes::new(&[0; 5], 0).is_err());
        assert!(PixelSpikes::new(&vec![0; PIXELS_MAX + 1], PIXELS_MAX + 1).is_err());
        assert!(PixelSpikes::new(&[], 4).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            images in prop::collection::vec(prop::array::uniform16(any::<u8>()), 0..4),
            trial_ms in 5.0..1000.0,
            dt_ms in 0.01..1.0,
        ) {
            let set = PixelSpikes::new(images.as_flattened(), 16).unwrap();
            let times = PixelTimes::new(&LatencyCode::new(trial_ms, dt_ms).unwrap());
            let mut train = SpikeTrain::default();
            prop_assert_eq!(set.len(), images.len());
            for (index, image) in images.iter().enumerate() {
                set.encode(index, &times, &mut train);
                prop_assert_eq!(&train, &by_definition(image, trial_ms, dt_ms));
            }
        }
    }

    #[test]
    fn dropping_keeps_what_the_draws_keep() {
        let image: Vec<u8> = (0..=255).collect();
        let set = PixelSpikes::new(&image, 256).unwrap();
        let draws = InputDropout::new(0.3)
            .unwrap()
            .draws(Key::new(9, Purpose::InputDropout));
        let (mut whole, mut dropped) = (SpikeTrain::default(), SpikeTrain::default());
        set.encode(0, &times(), &mut whole);
        set.encode_dropping(0, &times(), draws.clone(), &mut dropped);
        let mut again = draws;
        let expected: Vec<_> = whole.iter().filter(|_| again.keep()).collect();
        assert!(dropped.len() < whole.len());
        assert_eq!(dropped.iter().collect::<Vec<_>>(), expected);
    }
}
