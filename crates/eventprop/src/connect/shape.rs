//! Shapes of populations: neurons on a grid of positions, with channels at each.

use std::fmt;

/// Height, width and channels of a population. Neuron (y, x, c) has the number (y · width + x) · channels + c, so that
/// the channels of a position are neighbours; a population without a shape has one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Positions from top to bottom.
    pub height: usize,
    /// Positions from left to right.
    pub width: usize,
    /// Neurons of a position.
    pub channels: usize,
}

impl Shape {
    /// Number of neurons; none where it is beyond all numbers.
    pub fn neurons(self) -> Option<usize> {
        let positions = self.height.checked_mul(self.width)?;
        positions.checked_mul(self.channels)
    }
}

impl From<usize> for Shape {
    fn from(channels: usize) -> Self {
        Self {
            height: 1,
            width: 1,
            channels,
        }
    }
}

impl From<[usize; 3]> for Shape {
    fn from([height, width, channels]: [usize; 3]) -> Self {
        Self {
            height,
            width,
            channels,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} × {}", self.height, self.width, self.channels)
    }
}
