//! A kernel that is moved over the positions of a population with a shape: weights `[kernel y, kernel x, channel in,
//! channel out]`, shared by all positions.
//!
//! What a spike reaches are rows: at every position that a place of the kernel connects with its own, the channels of that
//! position that belong to its group, which are neighbours, as are their weights. Cost of a spike: kernel² additions of a
//! row.

use super::shape::Shape;
use super::synapse::{Synapse, arrive, backflow, by_weight};
use super::wiring_error::WiringError;
use crate::real::Real;

/// A convolution in two dimensions; one in one dimension has height 1. Target (y, x) has its kernel's place (0, 0) over
/// source (y · stride − padding, x · stride − padding).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps of the kernel down and across.
    pub stride: [usize; 2],
    /// Positions without neurons above and below, left and right of the image.
    pub padding: [usize; 2],
    /// Groups of neighbouring channels; those of a group receive from the channels of the same group only.
    pub groups: usize,
}

impl Convolution {
    /// A quadratic kernel that moves by one position, without padding.
    pub fn of(kernel: usize) -> Self {
        Self {
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [0; 2],
            groups: 1,
        }
    }

    /// Height and width of what the kernel makes of an image.
    ///
    /// # Errors
    /// When the kernel, a step or the groups are 0, or the kernel is larger than the image with its padding.
    pub fn positions(&self, image: Shape) -> Result<[usize; 2], WiringError> {
        let Self {
            kernel,
            stride,
            padding,
            groups,
        } = *self;
        for (what, numbers) in [
            ("the kernel", kernel),
            ("the stride", stride),
            ("the number of groups", [groups; 2]),
        ] {
            if numbers.contains(&0) {
                return Err(WiringError::Zero { what });
            }
        }
        let sizes = [image.height, image.width];
        let padded = [0, 1].map(|n| sizes[n].saturating_add(padding[n].saturating_mul(2)));
        if kernel[0] > padded[0] || kernel[1] > padded[1] {
            return Err(WiringError::Kernel {
                kernel,
                image,
                padded,
            });
        }
        Ok([0, 1].map(|n| (padded[n] - kernel[n]) / stride[n] + 1))
    }
}

/// A convolution between two shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Convolved {
    image: Shape,
    /// The shape of the targets.
    onto: Shape,
    kernel: [usize; 2],
    groups: usize,
    down: Axis,
    across: Axis,
}

/// Per source position in one direction, the places of the kernel that connect it with a target position.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Axis {
    /// The first stop of each position, `[positions + 1]`.
    starts: Vec<usize>,
    stops: Vec<Stop>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stop {
    /// Place in the kernel.
    kernel: usize,
    /// Position of the target.
    target: usize,
}

/// A convolution in one direction.
#[derive(Debug, Clone, Copy)]
struct Along {
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Axis {
    /// `[F5]` k = x + padding − stride · x_target, for targets within their shape.
    fn new(positions: usize, along: Along, targets: usize) -> Self {
        let Along {
            kernel,
            stride,
            padding,
        } = along;
        let (mut starts, mut stops) = (vec![0], Vec::new());
        for position in 0..positions {
            let padded = position + padding;
            let first = padded.saturating_sub(kernel - 1).div_ceil(stride);
            let reached = (first..targets.min(padded / stride + 1)).rev();
            // By place in the kernel, ascending.
            stops.extend(reached.map(|target| Stop {
                kernel: padded - stride * target,
                target,
            }));
            starts.push(stops.len());
        }
        Self { starts, stops }
    }

    #[inline(always)]
    fn of(&self, position: usize) -> &[Stop] {
        &self.stops[self.starts[position]..self.starts[position + 1]]
    }

    /// Per place of the kernel, the most places of it that lie over the image with it at one target.
    fn places(&self, kernel: usize, targets: usize) -> Vec<usize> {
        let mut of_target = vec![0; targets];
        self.stops
            .iter()
            .for_each(|stop| of_target[stop.target] += 1);
        let mut most = vec![0; kernel];
        for stop in &self.stops {
            most[stop.kernel] = of_target[stop.target].max(most[stop.kernel]);
        }
        most
    }

    /// The stop with which a position reaches a target.
    fn find(&self, position: usize, target: usize) -> Option<Stop> {
        let mut stops = self.of(position).iter().copied();
        stops.find(|stop| stop.target == target)
    }
}

/// Neighbouring synapses: the first weight and the first target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub weight: usize,
    pub target: usize,
}

impl Convolved {
    pub fn new(how: Convolution, image: Shape, onto: Shape) -> Result<Self, WiringError> {
        let [height, width] = how.positions(image)?;
        let expected = [height, width, onto.channels];
        if [onto.height, onto.width] != [height, width] {
            return Err(WiringError::Positions {
                image,
                found: onto,
                expected: expected.into(),
            });
        }
        for channels in [image.channels, onto.channels] {
            let groups = how.groups;
            if !channels.is_multiple_of(groups) {
                return Err(WiringError::Groups { groups, channels });
            }
        }
        let axis = |n: usize, positions, targets| {
            let along = Along {
                kernel: how.kernel[n],
                stride: how.stride[n],
                padding: how.padding[n],
            };
            Axis::new(positions, along, targets)
        };
        Ok(Self {
            down: axis(0, image.height, onto.height),
            across: axis(1, image.width, onto.width),
            kernel: how.kernel,
            groups: how.groups,
            image,
            onto,
        })
    }

    pub fn shape(&self) -> Vec<usize> {
        let [height, width] = self.kernel;
        vec![height, width, self.depth(), self.onto.channels]
    }

    pub fn sources(&self) -> usize {
        self.image.height * self.image.width * self.image.channels
    }

    pub fn targets(&self) -> usize {
        self.onto.height * self.onto.width * self.onto.channels
    }

    /// Channels of a source from which a target receives.
    pub fn depth(&self) -> usize {
        self.image.channels / self.groups
    }

    /// Synapses of a row.
    #[inline(always)]
    pub fn width(&self) -> usize {
        self.onto.channels / self.groups
    }

    /// Weights of one place of the kernel.
    pub fn place_len(&self) -> usize {
        self.depth() * self.onto.channels
    }

    /// Per weight, the largest number of sources of a target of its synapses: all places of the kernel that lie over the
    /// image somewhere together.
    pub fn places(&self) -> Vec<usize> {
        let down = self.down.places(self.kernel[0], self.onto.height);
        let across = self.across.places(self.kernel[1], self.onto.width);
        let place = |(y, x): (&usize, &usize)| y * x * self.depth();
        let places = down
            .iter()
            .flat_map(|y| across.iter().map(move |x| place((y, x))));
        let each = places.map(|places| std::iter::repeat_n(places, self.place_len()));
        each.flatten().collect()
    }

    /// The row and the column of the image and the channel of a source.
    #[inline(always)]
    fn position(&self, source: usize) -> [usize; 3] {
        let Shape {
            width, channels, ..
        } = self.image;
        let position = source / channels;
        [position / width, position % width, source % channels]
    }

    /// The rows of a source, by place of the kernel.
    #[inline(always)]
    pub fn rows(&self, source: usize) -> impl Iterator<Item = Row> + Clone + '_ {
        let [y, x, channel] = self.position(source);
        let (depth, width) = (self.depth(), self.width());
        let (group, channel) = (channel / depth, channel % depth);
        self.down.of(y).iter().flat_map(move |down| {
            self.across.of(x).iter().map(move |across| {
                let place = down.kernel * self.kernel[1] + across.kernel;
                let position = down.target * self.onto.width + across.target;
                Row {
                    weight: (place * depth + channel) * self.onto.channels + group * width,
                    target: position * self.onto.channels + group * width,
                }
            })
        })
    }

    pub fn of(&self, source: usize) -> impl Iterator<Item = Synapse> + '_ {
        self.rows(source).flat_map(move |row| {
            (0..self.width()).map(move |n| Synapse {
                source,
                target: row.target + n,
                weight: row.weight + n,
            })
        })
    }

    pub fn at(&self, source: usize, place: usize) -> Synapse {
        let mut rows = self.rows(source);
        let row = rows.nth(place / self.width());
        let row = row.expect("the place is one of the source's synapses");
        let n = place % self.width();
        Synapse {
            source,
            target: row.target + n,
            weight: row.weight + n,
        }
    }

    pub fn find(&self, source: usize, target: usize) -> Option<Synapse> {
        let [y, x, channel] = self.position(source);
        let (position, channel_out) = (target / self.onto.channels, target % self.onto.channels);
        let (group, depth) = (channel / self.depth(), self.depth());
        if channel_out / self.width() != group {
            return None;
        }
        let down = self.down.find(y, position / self.onto.width)?;
        let across = self.across.find(x, position % self.onto.width)?;
        let place = down.kernel * self.kernel[1] + across.kernel;
        let weight = (place * depth + channel % depth) * self.onto.channels + channel_out;
        Some(Synapse {
            source,
            target,
            weight,
        })
    }

    /// `[F5]`
    ///
    /// PERF: rows of the usual numbers of channels are added without a loop.
    #[inline(always)]
    pub fn deliver<F: Real>(&self, w: &[F], source: usize, i: &mut [F]) {
        match self.width() {
            8 => self.deliver_rows::<F, 8>(w, source, i),
            16 => self.deliver_rows::<F, 16>(w, source, i),
            32 => self.deliver_rows::<F, 32>(w, source, i),
            64 => self.deliver_rows::<F, 64>(w, source, i),
            width => {
                for row in self.rows(source) {
                    let w = &w[row.weight..row.weight + width];
                    let i = &mut i[row.target..row.target + width];
                    i.iter_mut().zip(w).for_each(|(i, w)| *i = arrive(*i, *w));
                }
            }
        }
    }

    #[inline(always)]
    fn deliver_rows<F: Real, const W: usize>(&self, w: &[F], source: usize, i: &mut [F]) {
        for row in self.rows(source) {
            let w = w[row.weight..].first_chunk::<W>();
            let i = i[row.target..].first_chunk_mut::<W>();
            let (w, i) = w.zip(i).expect("rows lie within weights and targets");
            for n in 0..W {
                i[n] = arrive(i[n], w[n]);
            }
        }
    }

    /// `[A4]` in a fixed order.
    #[inline(always)]
    pub fn backflow<F: Real>(&self, w: &[F], source: usize, lambda_v: &[F], lambda_i: &[F]) -> F {
        const LANES: usize = 8;
        let width = self.width();
        let mut sums = [F::ZERO; LANES];
        for row in self.rows(source) {
            let targets = row.target..row.target + width;
            let lambdas = lambda_v[targets.clone()].chunks(LANES);
            let lambdas = lambdas.zip(lambda_i[targets].chunks(LANES));
            let w = w[row.weight..row.weight + width].chunks(LANES);
            for (w, (lambda_v, lambda_i)) in w.zip(lambdas) {
                let each = sums.iter_mut().zip(w).zip(lambda_v).zip(lambda_i);
                for (((sum, w), lambda_v), lambda_i) in each {
                    *sum += backflow(*w, *lambda_v, *lambda_i);
                }
            }
        }
        sums.into_iter().fold(F::ZERO, |all, sum| all + sum)
    }

    /// `[G1]`
    #[inline(always)]
    pub fn gather<F: Real>(
        &self,
        gradient: &mut [F],
        source: usize,
        tau_syn: impl Fn(usize) -> F,
        lambda_i: impl Fn(usize) -> F,
    ) {
        for row in self.rows(source) {
            let gradient = &mut gradient[row.weight..row.weight + self.width()];
            for (dl_dw, target) in gradient.iter_mut().zip(row.target..) {
                *dl_dw += by_weight(tau_syn(target), lambda_i(target));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Wiring;

    /// The synapses by the definition: target (y, x) has kernel place (k, l) over source (y s − p + k, x s − p + l).
    fn by_definition(how: Convolution, image: Shape, onto: Shape) -> Vec<Synapse> {
        let (depth, width) = (image.channels / how.groups, onto.channels / how.groups);
        let mut all = Vec::new();
        for y in 0..onto.height {
            for x in 0..onto.width {
                for k in 0..how.kernel[0] {
                    for l in 0..how.kernel[1] {
                        let from = |n: usize, at: usize, place: usize, size: usize| {
                            let found = (at * how.stride[n] + place).checked_sub(how.padding[n]);
                            found.filter(|found| *found < size)
                        };
                        let row = from(0, y, k, image.height);
                        let Some((row, column)) = row.zip(from(1, x, l, image.width)) else {
                            continue;
                        };
                        for out in 0..onto.channels {
                            for channel in 0..depth {
                                let of_group = out / width * depth + channel;
                                let place = k * how.kernel[1] + l;
                                all.push(Synapse {
                                    source: (row * image.width + column) * image.channels
                                        + of_group,
                                    target: (y * onto.width + x) * onto.channels + out,
                                    weight: (place * depth + channel) * onto.channels + out,
                                });
                            }
                        }
                    }
                }
            }
        }
        all.sort_by_key(|s| (s.source, s.weight));
        all
    }

    #[test]
    fn synapses_are_those_of_the_definition() {
        for (kernel, stride, padding, groups) in [
            ([1, 1], [1, 1], [0, 0], 1),
            ([3, 2], [1, 1], [1, 0], 1),
            ([2, 3], [2, 3], [1, 2], 2),
            ([5, 1], [3, 1], [2, 1], 2),
            ([1, 2], [3, 4], [0, 1], 1),
        ] {
            let how = Convolution {
                kernel,
                stride,
                padding,
                groups,
            };
            let image = Shape::from([4, 7, 2]);
            let [height, width] = how.positions(image).unwrap();
            let onto = Shape::from([height, width, 6]);
            let synapses = Wiring::Convolution(how).between(image, onto).unwrap();
            let mut found: Vec<Synapse> = synapses.iter().collect();
            for (source, synapse) in found.iter().map(|s| (s.source, s)) {
                assert_eq!(synapses.find(source, synapse.target), Some(*synapse));
            }
            for source in 0..synapses.sources() {
                for (place, synapse) in synapses.of(source).enumerate() {
                    assert_eq!(synapses.at(source, place), synapse);
                }
            }
            found.sort_by_key(|s| (s.source, s.weight));
            assert_eq!(found, by_definition(how, image, onto), "{how:?}");
            let pairs = synapses.sources() * synapses.targets();
            let all =
                (0..pairs).map(|n| synapses.find(n / synapses.targets(), n % synapses.targets()));
            assert_eq!(all.flatten().count(), found.len());
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_numbers() {
        let image = Shape::from([3, 4, 2]);
        let with = |change: fn(&mut Convolution), onto: [usize; 3]| {
            let mut how = Convolution::of(3);
            change(&mut how);
            let found = Wiring::Convolution(how).between(image, Shape::from(onto));
            found.unwrap_err().to_string()
        };
        for (error, expected) in [
            (
                with(|c| c.kernel = [5, 3], [1, 1, 1]),
                "a kernel of 5 × 3 is larger than the image of 3 × 4 positions, with padding 3 × 4",
            ),
            (
                with(|c| c.stride = [0, 1], [1, 1, 1]),
                "the stride is 0; it must be at least 1",
            ),
            (
                with(|c| c.groups = 3, [1, 2, 3]),
                "3 groups do not divide 2 channels",
            ),
            (
                with(|_| {}, [2, 2, 1]),
                "gives the target the shape 1 × 2 × 1, and it has 2 × 2 × 1",
            ),
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }
}
