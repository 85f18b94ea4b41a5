//! Loops over rows of numbers whose length is a multiple of [`LANES`].
//!
//! Populations are padded to such lengths inside the solver (the neurons beyond the last one have
//! zero weights, stay at zero and never spike), so every loop is a loop over whole vectors.

use crate::connect::synapse::arrive;
use crate::connect::trace;
use crate::real::Real;

/// Numbers handled together. The sums of a dot product are interleaved by this, whatever the
/// instruction set, so that the result does not depend on it.
pub(crate) const LANES: usize = 8;

/// i += w.
///
/// PERF: a plain loop, here and wherever rows are walked through: of loops over pieces of eight numbers
/// the compiler makes vectors of pieces, and then takes them apart again.
#[inline(always)]
pub(crate) fn add<F: Real>(i: &mut [F], w: &[F]) {
    for (i, w) in i.iter_mut().zip(w) {
        *i = arrive(*i, *w);
    }
}

/// `[F5]` Adds the rows of all `sources` to i, in their order. w: `[source, stride of i]`.
///
/// PERF: a block of i stays in registers while the rows are added, unless they are wide.
#[inline(always)]
pub(crate) fn add_all<F: Real>(i: &mut [F], w: &[F], sources: &[u32]) {
    let stride = i.len();
    if stride >= WIDE_ROW {
        return add_whole(i, w, sources);
    }
    for block in trace::blocks(stride) {
        let i = &mut i[block.column..block.column + block.width];
        let w = &w[block.column..];
        match block.width {
            64 => add_columns::<F, 64>(i, w, (sources, stride)),
            32 => add_columns::<F, 32>(i, w, (sources, stride)),
            16 => add_columns::<F, 16>(i, w, (sources, stride)),
            _ => add_columns::<F, 8>(i, w, (sources, stride)),
        }
    }
}

/// Length of a row from which on many rows do not fit into the caches of a core.
pub(crate) const WIDE_ROW: usize = 512;

/// [`add_all`] for wide rows.
///
/// PERF: four rows from their beginning to their end, as a prefetcher likes it.
#[inline(always)]
fn add_whole<F: Real>(i: &mut [F], w: &[F], sources: &[u32]) {
    let stride = i.len();
    let row = |source: u32| &w[source as usize * stride..][..stride];
    let (fours, rest) = sources.as_chunks::<4>();
    for &[a, b, c, d] in fours {
        let rows = row(a).iter().zip(row(b)).zip(row(c)).zip(row(d));
        for (i, (((a, b), c), d)) in i.iter_mut().zip(rows) {
            *i = (((*i + *a) + *b) + *c) + *d;
        }
    }
    for &source in rest {
        add(i, row(source));
    }
}

#[inline(always)]
fn add_columns<F: Real, const W: usize>(i: &mut [F], w: &[F], (sources, stride): (&[u32], usize)) {
    let i: &mut [F; W] = i.try_into().expect("the block has this width");
    let mut sum = *i;
    // [F5] I⁺ = I⁻ + w, W targets side by side
    for &source in sources {
        let at = source as usize * stride;
        let row: &[F; W] = w[at..at + W].try_into().expect("the slice has this length");
        for n in 0..W {
            sum[n] += row[n];
        }
    }
    *i = sum;
}

/// Σ w_j d_j, in interleaved sums: 32 of them as far as the rows go, then [`LANES`].
///
/// PERF: one sum per lane waits for every addition; four sums do not.
#[inline(always)]
pub(crate) fn dot<F: Real>(w: &[F], d: &[F]) -> F {
    const WIDE: usize = 4 * LANES;
    let (w_wide, w_rest) = w.as_chunks::<WIDE>();
    let (d_wide, d_rest) = d.as_chunks::<WIDE>();
    // [A4] R = Σ w (λ_V − λ_I), lanes side by side
    let mut wide = [F::ZERO; WIDE];
    for (w, d) in w_wide.iter().zip(d_wide) {
        for lane in 0..WIDE {
            wide[lane] += w[lane] * d[lane];
        }
    }
    let mut sums = [F::ZERO; LANES];
    for lane in 0..LANES {
        sums[lane] =
            (wide[lane] + wide[lane + LANES]) + (wide[lane + 2 * LANES] + wide[lane + 3 * LANES]);
    }
    for (w, d) in whole(w_rest).iter().zip(whole(d_rest)) {
        for lane in 0..LANES {
            sums[lane] += w[lane] * d[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// d = v − i.
#[inline(always)]
pub(crate) fn subtract<F: Real>(v: &[F], i: &[F], d: &mut [F]) {
    for ((d, v), i) in d.iter_mut().zip(v).zip(i) {
        *d = *v - *i;
    }
}

/// The row as whole vectors.
#[inline(always)]
fn whole<F>(row: &[F]) -> &[[F; LANES]] {
    row.as_chunks::<LANES>().0
}

/// The padded length of a population.
pub(crate) fn stride(size: usize) -> usize {
    size.next_multiple_of(LANES)
}

#[cfg(test)]
mod tests {
    use super::{LANES, WIDE_ROW, add, add_all, dot, subtract};
    use crate::connect::synapse::backflow;

    /// `[A4]`: sums of n numbers in two orders differ by less than n ε Σ |w (λ_V − λ_I)|.
    #[test]
    fn a_product_of_rows_is_the_backflow_of_their_synapses() {
        let number = |k: usize| ((k * 37 + 11) % 101) as f64 / 50.0 - 1.0;
        for len in (LANES..=13 * LANES).step_by(LANES) {
            let row = |first: usize| -> Vec<f64> { (first..first + len).map(number).collect() };
            let (w, lambda_v, lambda_i) = (row(1), row(400), row(900));
            let mut difference = vec![0.0; len];
            subtract(&lambda_v, &lambda_i, &mut difference);
            let each = (0..len).map(|n| backflow(w[n], lambda_v[n], lambda_i[n]));
            let size: f64 = each.clone().map(f64::abs).sum();
            let (found, expected) = (dot(&w, &difference), each.sum::<f64>());
            assert!(
                (found - expected).abs() < len as f64 * f64::EPSILON * size,
                "{len}"
            );
        }
    }

    /// Whatever the width, rows are added in their order: the bits are those of one row after the other.
    #[test]
    fn rows_are_added_one_after_the_other() {
        for stride in [8, 200, WIDE_ROW - 8, WIDE_ROW, WIDE_ROW + 8] {
            let numbers = |seed: u32, n: usize| -> Vec<f32> {
                let number = |k: u32| (k.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e3;
                (0..n as u32).map(|k| number(k + seed)).collect()
            };
            let (weights, start) = (numbers(1, 9 * stride), numbers(2, stride));
            for count in 0..=9 {
                let sources: Vec<u32> = (0..count).map(|n| (n * 4) % 9).collect();
                let (mut found, mut expected) = (start.clone(), start.clone());
                add_all(&mut found, &weights, &sources);
                for &source in &sources {
                    let first = source as usize * stride;
                    add(&mut expected, &weights[first..first + stride]);
                }
                assert_eq!(found, expected, "{count} rows of {stride}");
            }
        }
    }
}
