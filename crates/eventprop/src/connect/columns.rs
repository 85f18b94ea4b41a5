//! A variable of the neurons of a population over a stretch of steps.
//!
//! Where the synapses of a spike have delays of their own, the spike meets every target at another step.
//! PERF: eight neurons are stored together, step by step: what they have to do with all spikes of a source lies within a
//! few kilobytes, and a step of all neurons is read and written in whole vectors.

use std::ops::Range;

use crate::real::Real;

/// Neurons that are stored together.
pub(crate) const LANES: usize = 8;

/// `[neuron / 8, row, neuron % 8]`; a row is a step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns<T> {
    values: Vec<T>,
    rows: usize,
}

impl<T: Copy + Default> Columns<T> {
    /// Zeros.
    pub fn start(&mut self, neurons: usize, rows: usize) {
        self.rows = rows;
        self.values.clear();
        let blocks = neurons.div_ceil(LANES);
        self.values.resize(blocks * rows * LANES, T::default());
    }

    fn block_range(&self, block: usize) -> Range<usize> {
        let len = self.rows * LANES;
        block * len..(block + 1) * len
    }

    /// All steps of a block of neurons, `[row, neuron % 8]`.
    #[inline(always)]
    pub fn block(&self, block: usize) -> &[T] {
        &self.values[self.block_range(block)]
    }

    /// The same, to be changed.
    #[inline(always)]
    pub fn block_mut(&mut self, block: usize) -> &mut [T] {
        let range = self.block_range(block);
        &mut self.values[range]
    }

    #[inline(always)]
    fn place(&self, neuron: usize, row: usize) -> usize {
        (neuron / LANES * self.rows + row) * LANES + neuron % LANES
    }

    /// One step of one neuron.
    #[inline(always)]
    pub fn at(&self, neuron: usize, row: usize) -> T {
        self.values[self.place(neuron, row)]
    }

    /// The same, to be changed.
    #[inline(always)]
    pub fn at_mut(&mut self, neuron: usize, row: usize) -> &mut T {
        let place = self.place(neuron, row);
        &mut self.values[place]
    }

    /// Forgets the first `rows` steps; as many that are zero follow the last one.
    pub fn forward(&mut self, rows: usize) {
        for block in self.values.chunks_exact_mut(self.rows.max(1) * LANES) {
            block.copy_within(rows * LANES.., 0);
            let kept = block.len() - rows * LANES;
            block[kept..].fill(T::default());
        }
    }

    /// Forgets the last `rows` steps; as many come before the first one, to be set.
    pub fn backward(&mut self, rows: usize) {
        for block in self.values.chunks_exact_mut(self.rows.max(1) * LANES) {
            let kept = block.len() - rows * LANES;
            block.copy_within(..kept, rows * LANES);
        }
    }
}

impl<F: Real> Columns<F> {
    /// Adds one step of all neurons. values: `[neuron]`, with whole blocks.
    #[inline(always)]
    pub fn add_row(&self, row: usize, values: &mut [F]) {
        let blocks = self.values.chunks_exact(self.rows.max(1) * LANES);
        for (values, block) in values.as_chunks_mut::<LANES>().0.iter_mut().zip(blocks) {
            let row = &block[row * LANES..][..LANES];
            for (value, come) in values.iter_mut().zip(row) {
                *value += *come;
            }
        }
    }
}

impl<F: Real> Columns<[F; 2]> {
    /// Sets one step of two variables of all neurons. first, second: `[neuron]`, with whole blocks.
    #[inline(always)]
    pub fn set_row(&mut self, row: usize, first: &[F], second: &[F]) {
        let blocks = self.values.chunks_exact_mut(self.rows.max(1) * LANES);
        let values = first.as_chunks::<LANES>().0.iter();
        let values = values.zip(second.as_chunks::<LANES>().0);
        for ((first, second), block) in values.zip(blocks) {
            let row = &mut block[row * LANES..][..LANES];
            for ((pair, first), second) in row.iter_mut().zip(first).zip(second) {
                *pair = [*first, *second];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, LANES};

    #[test]
    fn steps_move_and_neurons_stay() {
        let mut pairs = Columns::<[f64; 2]>::default();
        pairs.start(10, 3);
        for row in 0..3 {
            let values = (0..2 * LANES).map(|n| (10 * n + row) as f64);
            let values: Vec<f64> = values.collect();
            let negative: Vec<f64> = values.iter().map(|x| -x).collect();
            pairs.set_row(row, &values, &negative);
        }
        let of = |pairs: &Columns<[f64; 2]>, neuron| [0, 1, 2].map(|row| pairs.at(neuron, row)[0]);
        assert_eq!(of(&pairs, 1), [10.0, 11.0, 12.0]);
        assert_eq!(of(&pairs, 9), [90.0, 91.0, 92.0]);
        assert_eq!(pairs.block(1)[2 * LANES..][1], [92.0, -92.0]);
        pairs.backward(1);
        assert_eq!(of(&pairs, 9)[1..], [90.0, 91.0]);

        let mut columns = Columns::<f64>::default();
        columns.start(10, 3);
        *columns.at_mut(9, 2) = 92.0;
        columns.block_mut(0)[2 * LANES] = 2.0;
        let mut sums = vec![1.0; 2 * LANES];
        columns.add_row(2, &mut sums);
        assert_eq!([sums[0], sums[9]], [3.0, 93.0]);
        columns.forward(2);
        assert_eq!([0, 1, 2].map(|row| columns.at(9, row)), [92.0, 0.0, 0.0]);
        columns.start(10, 3);
        assert_eq!(columns.at(9, 0), 0.0);
    }
}
