//! Why a wiring does not fit two populations.

use thiserror::Error;

use super::shape::Shape;

/// A wiring that does not fit the populations that it is to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WiringError {
    /// One to one between populations of different sizes.
    #[error(
        "one to one needs two populations of one size, not of {sources} and {targets} neurons; connect them densely"
    )]
    Sizes {
        /// Neurons of the source.
        sources: usize,
        /// Neurons of the target.
        targets: usize,
    },
    /// A pattern of other populations.
    #[error(
        "the pattern connects {of_sources} with {of_targets} neurons, and the populations have {sources} and {targets}; make it for these"
    )]
    Pattern {
        /// Sources of the pattern.
        of_sources: usize,
        /// Targets of the pattern.
        of_targets: usize,
        /// Neurons of the source.
        sources: usize,
        /// Neurons of the target.
        targets: usize,
    },
    /// A number that must be at least 1.
    #[error("{what} is 0; it must be at least 1")]
    Zero {
        /// Its name.
        what: &'static str,
    },
    /// A kernel that does not fit into the image.
    #[error(
        "a kernel of {} is larger than the image of {} × {} positions, with padding {}; make the kernel smaller or the padding larger, and give the source population its shape",
        two(kernel), image.height, image.width, two(padded)
    )]
    Kernel {
        /// Height and width of the kernel.
        kernel: [usize; 2],
        /// The shape of the source.
        image: Shape,
        /// Its height and width with padding.
        padded: [usize; 2],
    },
    /// A target of another shape than that of the result.
    #[error(
        "on a source of the shape {image} the kernel gives the target the shape {expected}, and it has {found}; give the target population that shape (height, width, channels)"
    )]
    Positions {
        /// The shape of the source.
        image: Shape,
        /// The shape of the target.
        found: Shape,
        /// The shape that it should have.
        expected: Shape,
    },
    /// Groups of unequal sizes.
    #[error(
        "{groups} groups do not divide {channels} channels; the channels of the source and of the target must both be a multiple of the groups"
    )]
    Groups {
        /// Number of groups.
        groups: usize,
        /// Channels.
        channels: usize,
    },
    /// A window of a pooling that does not fit into the image.
    #[error(
        "a window of {} is larger than the image of {} × {} positions; make it smaller, and give the source population its shape",
        two(window), image.height, image.width
    )]
    Window {
        /// Height and width of the window.
        window: [usize; 2],
        /// The shape of the source.
        image: Shape,
    },
    /// A shape with more neurons than numbers of neurons.
    #[error("a population of {shape} neurons is too large to be pooled or connected")]
    Large {
        /// The shape.
        shape: Shape,
    },
}

/// Two sizes, in words.
fn two([height, width]: &[usize; 2]) -> String {
    format!("{height} × {width}")
}
