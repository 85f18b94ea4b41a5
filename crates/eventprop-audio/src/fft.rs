//! Discrete Fourier transforms of any length, several side by side.
//!
//! Lengths with factors up to 7 by the self-sorting algorithm of Stockham (Cochran et al. 1967); others by the
//! algorithm of Bluestein (1970) with such a length. `LANES` transforms go together, so that every
//! inner loop runs over neighbours in memory and the compiler vectorises it. No operation depends on the machine, so
//! neither do the bits.

use num_complex::Complex;
use num_traits::Float;

/// `LANES` complex numbers, real and imaginary parts apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pack<T, const LANES: usize> {
    pub(crate) re: [T; LANES],
    pub(crate) im: [T; LANES],
}

/// A transform of one length: X_k = Σ_j x_j exp(∓2πi jk/n), not scaled.
#[derive(Debug)]
pub(crate) struct Plan<T> {
    len: usize,
    direction: Direction,
    way: Way<T>,
}

/// The sign in the exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// exp(−2πi jk/n)
    Forward,
    /// exp(+2πi jk/n)
    Inverse,
}

#[derive(Debug)]
enum Way<T> {
    Stockham(Vec<Stage<T>>),
    Bluestein(Box<Bluestein<T>>),
}

/// One factor of the length.
#[derive(Debug)]
struct Stage<T> {
    radix: usize,
    /// Transforms of this stage that differ in their twiddles.
    groups: usize,
    /// exp(∓2πi jp/(radix · groups)) for group p and j from 1 to radix − 1. `[groups, radix − 1]`
    twiddles: Vec<Complex<T>>,
    /// exp(∓2πi j/radix). `[radix]`
    roots: Vec<Complex<T>>,
}

#[derive(Debug)]
struct Bluestein<T> {
    forward: Plan<T>,
    inverse: Plan<T>,
    /// exp(∓πi k²/n). `[n]`
    chirp: Vec<Complex<T>>,
    /// Transform of the conjugate chirp, divided by its length.
    filter: Vec<Complex<T>>,
}

/// The largest factor that the stages know.
const FACTORS: [usize; 5] = [4, 2, 3, 5, 7];

/// The smallest number from `len` on without a prime factor above 7.
pub(crate) fn smooth_from(len: usize) -> usize {
    let mut number = len;
    while factors(number).is_none() {
        number += 1;
    }
    number
}

/// The factors of a number, if all are known.
fn factors(mut number: usize) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for factor in FACTORS {
        while number.is_multiple_of(factor) && number > 1 {
            number /= factor;
            found.push(factor);
        }
    }
    (number == 1).then_some(found)
}

impl<T: Float, const LANES: usize> Pack<T, LANES> {
    pub(crate) fn zero() -> Self {
        Self {
            re: [T::zero(); LANES],
            im: [T::zero(); LANES],
        }
    }

    #[inline(always)]
    fn map2(self, other: Self, f: impl Fn(T, T) -> T) -> Self {
        let mut out = self;
        for lane in 0..LANES {
            out.re[lane] = f(self.re[lane], other.re[lane]);
            out.im[lane] = f(self.im[lane], other.im[lane]);
        }
        out
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.map2(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.map2(other, |a, b| a - b)
    }

    #[inline(always)]
    fn times(self, z: Complex<T>) -> Self {
        let mut out = self;
        for lane in 0..LANES {
            out.re[lane] = self.re[lane] * z.re - self.im[lane] * z.im;
            out.im[lane] = self.re[lane] * z.im + self.im[lane] * z.re;
        }
        out
    }
}

impl<T: Float> Plan<T> {
    /// A plan for a length of at least 1.
    pub(crate) fn new(len: usize, direction: Direction) -> Self {
        assert!(len > 0, "a transform has a length");
        let way = match factors(len) {
            Some(factors) => Way::Stockham(stages(len, &factors, direction)),
            None => Way::Bluestein(Box::new(Bluestein::new(len, direction))),
        };
        Self {
            len,
            direction,
            way,
        }
    }

    /// Transforms `data` in place; `spare` is room that it makes as long as it needs. `data`: `[len]`
    pub(crate) fn run<const LANES: usize>(
        &self,
        data: &mut Vec<Pack<T, LANES>>,
        spare: &mut Vec<Pack<T, LANES>>,
    ) {
        assert_eq!(data.len(), self.len, "the plan is for this length");
        match &self.way {
            Way::Stockham(stages) => {
                spare.resize(self.len, Pack::zero());
                let mut width = 1;
                for stage in stages {
                    stage.run(width, self.direction, data, spare);
                    std::mem::swap(data, spare);
                    width *= stage.radix;
                }
            }
            Way::Bluestein(bluestein) => bluestein.run(data, spare),
        }
    }
}

/// exp(∓2πi part/whole), from the part within one turn.
fn turn<T: Float>(part: usize, whole: usize, direction: Direction) -> Complex<T> {
    let angle = std::f64::consts::TAU * (part % whole) as f64 / whole as f64;
    let (sin, cos) = angle.sin_cos();
    let sin = match direction {
        Direction::Forward => -sin,
        Direction::Inverse => sin,
    };
    let number = |x: f64| T::from(x).expect("f32 and f64 hold every sine");
    Complex::new(number(cos), number(sin))
}

fn stages<T: Float>(len: usize, factors: &[usize], direction: Direction) -> Vec<Stage<T>> {
    let mut rest = len;
    let stage = |&radix: &usize| {
        let groups = rest / radix;
        let twiddles = (0..groups).flat_map(|p| (1..radix).map(move |j| (p, j)));
        let twiddles = twiddles
            .map(|(p, j)| turn(j * p, rest, direction))
            .collect();
        rest = groups;
        Stage {
            radix,
            groups,
            twiddles,
            roots: (0..radix).map(|j| turn(j, radix, direction)).collect(),
        }
    };
    factors.iter().map(stage).collect()
}

impl<T: Float> Stage<T> {
    /// y[q + width (radix p + j)] = ω^{jp} Σ_r x[q + width (p + groups r)] ω_radix^{jr}, for all q below `width`
    fn run<const LANES: usize>(
        &self,
        width: usize,
        direction: Direction,
        from: &[Pack<T, LANES>],
        to: &mut [Pack<T, LANES>],
    ) {
        match self.radix {
            2 => self.with(width, from, to, |[a, b]| [a.add(b), a.sub(b)]),
            3 => self.with(width, from, to, |x: [_; 3]| self.sums(x)),
            4 => self.with(width, from, to, |x| four(x, direction)),
            5 => self.with(width, from, to, |x: [_; 5]| self.sums(x)),
            _ => self.with(width, from, to, |x: [_; 7]| self.sums(x)),
        }
    }

    #[inline(always)]
    fn with<const RADIX: usize, const LANES: usize>(
        &self,
        width: usize,
        from: &[Pack<T, LANES>],
        to: &mut [Pack<T, LANES>],
        butterfly: impl Fn([Pack<T, LANES>; RADIX]) -> [Pack<T, LANES>; RADIX],
    ) {
        for (p, to) in to.chunks_exact_mut(width * RADIX).enumerate() {
            let twiddles = &self.twiddles[p * (RADIX - 1)..(p + 1) * (RADIX - 1)];
            let rows: [&[Pack<T, LANES>]; RADIX] = std::array::from_fn(|r| {
                let start = width * (p + self.groups * r);
                &from[start..start + width]
            });
            for q in 0..width {
                let out = butterfly(rows.map(|row| row[q]));
                to[q] = out[0];
                for j in 1..RADIX {
                    to[q + width * j] = out[j].times(twiddles[j - 1]);
                }
            }
        }
    }

    /// The sums of an odd radix, with the symmetry of the roots: x_r and x_{radix − r} go together.
    #[inline(always)]
    fn sums<const RADIX: usize, const LANES: usize>(
        &self,
        x: [Pack<T, LANES>; RADIX],
    ) -> [Pack<T, LANES>; RADIX] {
        let half = RADIX / 2;
        let mut out = [x[0]; RADIX];
        let mut even = x;
        let mut odd = x;
        for r in 1..=half {
            even[r] = x[r].add(x[RADIX - r]);
            odd[r] = x[r].sub(x[RADIX - r]);
            out[0] = out[0].add(even[r]);
        }
        for j in 1..=half {
            let (mut plain, mut crossed) = (x[0], Pack::zero());
            for r in 1..=half {
                let root = self.roots[j * r % RADIX];
                for lane in 0..LANES {
                    plain.re[lane] = plain.re[lane] + even[r].re[lane] * root.re;
                    plain.im[lane] = plain.im[lane] + even[r].im[lane] * root.re;
                    crossed.re[lane] = crossed.re[lane] - odd[r].im[lane] * root.im;
                    crossed.im[lane] = crossed.im[lane] + odd[r].re[lane] * root.im;
                }
            }
            out[j] = plain.add(crossed);
            out[RADIX - j] = plain.sub(crossed);
        }
        out
    }
}

#[inline(always)]
fn four<T: Float, const LANES: usize>(
    [a, b, c, d]: [Pack<T, LANES>; 4],
    direction: Direction,
) -> [Pack<T, LANES>; 4] {
    let (ac, bd) = (a.add(c), b.add(d));
    let (minus, cross) = (a.sub(c), b.sub(d));
    let mut turned = cross;
    for lane in 0..LANES {
        // ∓i (b − d)
        (turned.re[lane], turned.im[lane]) = match direction {
            Direction::Forward => (cross.im[lane], -cross.re[lane]),
            Direction::Inverse => (-cross.im[lane], cross.re[lane]),
        };
    }
    [ac.add(bd), minus.add(turned), ac.sub(bd), minus.sub(turned)]
}

impl<T: Float> Bluestein<T> {
    fn new(len: usize, direction: Direction) -> Self {
        let padded = smooth_from(2 * len - 1);
        // jk = (j² + k² − (j − k)²)/2; k² counts modulo 2n only.
        let chirp: Vec<Complex<T>> = (0..len)
            .map(|k| {
                turn(
                    (k as u128 * k as u128 % (2 * len as u128)) as usize,
                    2 * len,
                    direction,
                )
            })
            .collect();
        let forward = Plan::new(padded, Direction::Forward);
        let mut filter = vec![Pack::<T, 1>::zero(); padded];
        let scale = T::one() / T::from(padded).expect("a length is a number");
        for (k, z) in chirp.iter().enumerate() {
            let conjugate = Pack {
                re: [z.re * scale],
                im: [-z.im * scale],
            };
            filter[k] = conjugate;
            filter[(padded - k) % padded] = conjugate;
        }
        forward.run(&mut filter, &mut Vec::new());
        Self {
            inverse: Plan::new(padded, Direction::Inverse),
            forward,
            chirp,
            filter: filter
                .iter()
                .map(|z| Complex::new(z.re[0], z.im[0]))
                .collect(),
        }
    }

    /// X_k = w_k Σ_j (x_j w_j) w*_{k−j} with the chirp w
    fn run<const LANES: usize>(
        &self,
        data: &mut Vec<Pack<T, LANES>>,
        spare: &mut Vec<Pack<T, LANES>>,
    ) {
        let len = data.len();
        for (x, w) in data.iter_mut().zip(&self.chirp) {
            *x = x.times(*w);
        }
        data.resize(self.filter.len(), Pack::zero());
        self.forward.run(data, spare);
        for (x, w) in data.iter_mut().zip(&self.filter) {
            *x = x.times(*w);
        }
        self.inverse.run(data, spare);
        data.truncate(len);
        for (x, w) in data.iter_mut().zip(&self.chirp) {
            *x = x.times(*w);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn lengths_become_smooth() {
        assert_eq!(
            [1, 11, 4801, 24_001].map(smooth_from),
            [1, 12, 4802, 24_010]
        );
        assert!(factors(1).unwrap().is_empty());
        assert_eq!(factors(4 * 2 * 3 * 5 * 49).unwrap(), [4, 2, 3, 5, 7, 7]);
    }

    /// Every kind of length against the sum. Rounding: n terms of at most 1.5, and log n stages: 20 n ε for these.
    #[test]
    fn a_transform_is_its_sum() {
        let lengths = [1, 2, 3, 4, 5, 7, 8, 12, 30, 49, 60, 210, 11, 13, 97, 187];
        for len in lengths {
            for direction in [Direction::Forward, Direction::Inverse] {
                let value = |k: usize, lane: usize| {
                    let k = (k * (3 + lane)) as f64;
                    (k.sin(), (0.7 * k).cos())
                };
                let mut data: Vec<Pack<f64, 2>> = (0..len)
                    .map(|k| {
                        let [a, b] = [value(k, 0), value(k, 1)];
                        Pack {
                            re: [a.0, b.0],
                            im: [a.1, b.1],
                        }
                    })
                    .collect();
                Plan::new(len, direction).run(&mut data, &mut Vec::new());
                let sign = if direction == Direction::Forward {
                    -1.0
                } else {
                    1.0
                };
                for (k, found) in data.iter().enumerate() {
                    for lane in 0..2 {
                        let terms = (0..len).map(|j| {
                            let (re, im) = value(j, lane);
                            let angle = sign * TAU * ((j * k) % len) as f64 / len as f64;
                            Complex::new(re, im) * Complex::from_polar(1.0, angle)
                        });
                        let expected: Complex<f64> = terms.sum();
                        let found = Complex::new(found.re[lane], found.im[lane]);
                        let error = (found - expected).norm();
                        assert!(
                            error < 20.0 * len as f64 * f64::EPSILON,
                            "{len} {k}: {error}"
                        );
                    }
                }
            }
        }
    }

    /// There and back in f32: log₂ n stages of ε each, and a factor for their sum.
    #[test]
    fn there_and_back() {
        let len = 24_010;
        let mut data: Vec<Pack<f32, 4>> = (0..len)
            .map(|k| Pack {
                re: [(k as f32 * 0.37).sin(); 4],
                im: [(k as f32 * 0.11).cos(); 4],
            })
            .collect();
        let start = data.clone();
        let mut spare = Vec::new();
        Plan::new(len, Direction::Forward).run(&mut data, &mut spare);
        Plan::new(len, Direction::Inverse).run(&mut data, &mut spare);
        for (a, b) in data.iter().zip(&start) {
            assert!((a.re[3] / len as f32 - b.re[3]).abs() < 20.0 * f32::EPSILON);
            assert!((a.im[0] / len as f32 - b.im[0]).abs() < 20.0 * f32::EPSILON);
        }
    }
}
