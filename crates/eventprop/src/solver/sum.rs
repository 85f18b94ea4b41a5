//! Sums of gradients, in an order that does not depend on the threads.

use std::ops::Deref;

use rayon::prelude::*;

use crate::dispatch::{Kernel, vectorized};
use crate::real::Real;

/// Numbers of a gradient that one task adds up.
const NUMBERS: usize = 8192;

/// Adds gradients to the first one, every number in their order.
pub(crate) fn add_in_order<F: Real, G: Deref<Target = [F]> + Sync>(sum: &mut [F], gradients: &[G]) {
    sum.par_chunks_mut(NUMBERS)
        .enumerate()
        .for_each(|(chunk, sum)| {
            let first = chunk * NUMBERS;
            vectorized(AddInOrder {
                sum,
                gradients,
                first,
            });
        });
}

struct AddInOrder<'a, F, G> {
    sum: &'a mut [F],
    gradients: &'a [G],
    first: usize,
}

impl<F: Real, G: Deref<Target = [F]>> Kernel for AddInOrder<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let len = self.sum.len();
        for gradient in self.gradients {
            let gradient = &gradient[self.first..self.first + len];
            for (sum, value) in self.sum.iter_mut().zip(gradient) {
                *sum += *value;
            }
        }
    }
}
