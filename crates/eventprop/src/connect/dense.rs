//! Every source reaches every target: weights `[source, target]`, row-major; a spike reads one row.
//!
//! On the grid rows are padded to whole vectors (`rows`), the spikes of the input are delivered for a
//! window of steps at once (`blocked`), and the gradient is gathered row by row (`gather`).

pub(super) mod blocked;
pub(super) mod gather;
pub(super) mod rows;

use super::synapse::{Synapse, backflow, by_weight};
use crate::aligned::Aligned;
use crate::real::Real;

/// Two populations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dense {
    pub sources: usize,
    pub targets: usize,
}

impl Dense {
    pub fn shape(&self) -> Vec<usize> {
        vec![self.sources, self.targets]
    }

    pub fn of(&self, source: usize) -> impl Iterator<Item = Synapse> + use<> {
        let Self { sources, targets } = *self;
        (0..targets).map(move |target| Self { sources, targets }.at(source, target))
    }

    #[inline(always)]
    pub fn at(&self, source: usize, target: usize) -> Synapse {
        Synapse {
            source,
            target,
            weight: source * self.targets + target,
        }
    }

    /// w: `[source, target]`, padded or not.
    #[inline(always)]
    pub fn weight<F: Real>(&self, w: &[F], source: usize, target: usize) -> F {
        w[w.len() / self.sources * source + target]
    }

    /// `[F5]` i: `[target]` or longer.
    #[inline(always)]
    pub fn deliver<F: Real>(&self, w: &[F], source: usize, i: &mut [F]) {
        rows::add(i, self.row(w, source));
    }

    /// `[A4]` in a fixed order. λ: `[target]` or longer.
    #[inline(always)]
    pub fn backflow<F: Real>(&self, w: &[F], source: usize, lambda_v: &[F], lambda_i: &[F]) -> F {
        const LANES: usize = 4;
        let w = self.row(w, source);
        let (w, w_rest) = w.as_chunks::<LANES>();
        let (lambda_v, v_rest) = lambda_v[..self.targets].as_chunks::<LANES>();
        let (lambda_i, i_rest) = lambda_i[..self.targets].as_chunks::<LANES>();
        let mut sums = [F::ZERO; LANES];
        for ((w, lambda_v), lambda_i) in w.iter().zip(lambda_v).zip(lambda_i) {
            for lane in 0..LANES {
                sums[lane] += backflow(w[lane], lambda_v[lane], lambda_i[lane]);
            }
        }
        let rest = w_rest.iter().zip(v_rest).zip(i_rest);
        for (sum, ((w, lambda_v), lambda_i)) in sums.iter_mut().zip(rest) {
            *sum += backflow(*w, *lambda_v, *lambda_i);
        }
        (sums[0] + sums[1]) + (sums[2] + sums[3])
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
        let row = &mut gradient[source * self.targets..][..self.targets];
        for (target, dl_dw) in row.iter_mut().enumerate() {
            *dl_dw += by_weight(tau_syn(target), lambda_i(target));
        }
    }

    /// The same from the derivatives by a weight of each target. by_target: `[target]` or longer.
    #[inline(always)]
    pub fn gather_row<F: Real>(&self, gradient: &mut [F], source: usize, by_target: &[F]) {
        rows::add(
            &mut gradient[source * self.targets..][..self.targets],
            by_target,
        );
    }

    #[inline(always)]
    fn row<'a, F>(&self, w: &'a [F], source: usize) -> &'a [F] {
        &w[source * self.targets..][..self.targets]
    }

    /// True if rows must be padded to be whole vectors.
    pub fn is_padded(&self) -> bool {
        rows::stride(self.targets) != self.targets
    }

    /// Numbers of the weights with their padding.
    pub fn padded_len(&self) -> usize {
        self.sources * rows::stride(self.targets)
    }

    /// Copies the weights into padded rows, if they must be padded.
    pub fn pack<F: Real>(&self, weights: &[F], copy: &mut Aligned<F>) {
        if self.is_padded() {
            copy.resize(self.padded_len());
            let rows = copy.chunks_mut(rows::stride(self.targets));
            for (row, weights) in rows.zip(weights.chunks(self.targets)) {
                row[..self.targets].copy_from_slice(weights);
            }
        }
    }
}
