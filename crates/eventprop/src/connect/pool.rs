//! Pooling in front of a wiring: positions of the source are put together, so that a spike of any neuron of a window is one of
//! the window, with weight 1 (sum) or one over the number of its positions (average).
//!
//! There are no neurons and no weights in it: it is an index map on the sources, and a factor that all weights have.

use std::sync::Arc;

use super::shape::Shape;
use super::wiring_error::WiringError;

/// Windows that lie side by side, beginning at the upper left; positions of the source beyond the last whole window have no
/// synapses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Height and width of a window.
    pub window: [usize; 2],
    /// True if spikes count one over the number of positions of a window.
    pub average: bool,
}

impl Pool {
    /// Spikes of quadratic windows, which count fully.
    pub fn sum(window: usize) -> Self {
        Self {
            window: [window; 2],
            average: false,
        }
    }

    /// Spikes of quadratic windows, which count one over the number of their positions.
    pub fn average(window: usize) -> Self {
        Self {
            average: true,
            ..Self::sum(window)
        }
    }

    /// What a spike counts.
    pub(super) fn factor(&self) -> f64 {
        let positions = self.window[0] * self.window[1];
        if self.average {
            1.0 / positions as f64
        } else {
            1.0
        }
    }

    /// The shape of what is behind it.
    ///
    /// # Errors
    /// When a window is 0 or larger than the image.
    pub fn shape(&self, image: Shape) -> Result<Shape, WiringError> {
        let [height, width] = self.window;
        if self.window.contains(&0) {
            return Err(WiringError::Zero { what: "the window" });
        }
        if height > image.height || width > image.width {
            let window = self.window;
            return Err(WiringError::Window { window, image });
        }
        Ok(Shape {
            height: image.height / height,
            width: image.width / width,
            channels: image.channels,
        })
    }
}

/// The pooling of a population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pooling {
    /// Per source neuron, the one that stands for it.
    places: Arc<[u32]>,
    /// The pools, the first one first.
    pools: Vec<Pool>,
}

/// No place: the neuron has no synapses.
const NOWHERE: u32 = u32::MAX;

impl Pooling {
    /// What a pool makes of a shape, and of the pooling behind it, if there is any.
    pub(super) fn new(pool: Pool, image: Shape, behind: Option<Self>) -> Result<Self, WiringError> {
        let pooled = pool.shape(image)?;
        let most = u32::MAX as usize;
        let Some(sources) = image.neurons().filter(|sources| *sources < most) else {
            return Err(WiringError::Large { shape: image });
        };
        let [height, width] = pool.window;
        let place = |source: usize| {
            let (position, channel) = (source / image.channels, source % image.channels);
            let (y, x) = (
                position / image.width / height,
                position % image.width / width,
            );
            if y >= pooled.height || x >= pooled.width {
                return NOWHERE;
            }
            ((y * pooled.width + x) * image.channels + channel) as u32
        };
        let this = Self {
            places: (0..sources).map(place).collect(),
            pools: vec![pool],
        };
        Ok(match behind {
            None => this,
            Some(behind) => Self {
                places: this
                    .places
                    .iter()
                    .map(|place| behind.place(*place))
                    .collect(),
                pools: [this.pools, behind.pools].concat(),
            },
        })
    }

    /// Neurons whose spikes are put together.
    pub fn sources(&self) -> usize {
        self.places.len()
    }

    /// What a weight is multiplied by.
    pub fn factor(&self) -> f64 {
        let factors = self.pools.iter().map(Pool::factor);
        factors.rev().fold(1.0, |behind, factor| factor * behind)
    }

    /// Neurons for which one stands.
    pub fn together(&self) -> usize {
        let windows = self
            .pools
            .iter()
            .map(|pool| pool.window[0] * pool.window[1]);
        windows.product()
    }

    /// The neuron that stands for a source; none where it has no synapses.
    #[inline(always)]
    pub fn of(&self, source: usize) -> Option<usize> {
        let place = self.places[source];
        (place != NOWHERE).then_some(place as usize)
    }

    fn place(&self, source: u32) -> u32 {
        let place = self.places.get(source as usize);
        place.copied().unwrap_or(NOWHERE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_side_by_side() {
        let image = Shape::from([5, 4, 2]);
        let pool = Pool {
            window: [2, 2],
            average: true,
        };
        let pooling = Pooling::new(pool, image, None).unwrap();
        assert_eq!(pooling.sources(), 40);
        assert_eq!(pooling.factor(), 0.25);
        for source in 0..40 {
            let (y, x, channel) = (source / 8, source / 2 % 4, source % 2);
            let expected = (y < 4).then_some((y / 2 * 2 + x / 2) * 2 + channel);
            assert_eq!(pooling.of(source), expected, "{source}");
        }
        let twice = Pooling::new(
            pool,
            image,
            Some(Pooling::new(pool, Shape::from([2, 2, 2]), None).unwrap()),
        );
        let twice = twice.unwrap();
        assert_eq!((twice.factor(), twice.together()), (1.0 / 16.0, 16));
        assert!((0..32).all(|source| twice.of(source) == Some(source % 2)));
        assert_eq!(twice.of(32), None);
        let error = Pooling::new(Pool::sum(5), image, None)
            .unwrap_err()
            .to_string();
        let expected = "a window of 5 × 5 is larger than the image of 5 × 4 positions";
        assert!(error.contains(expected), "{error}");
    }
}
