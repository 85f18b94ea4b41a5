//! A variable of the neurons of a population over a stretch of steps, neuron by neuron.
//!
//! Where the synapses of a spike have delays of their own, the spike meets every target at another step.
//! PERF: what one target has to do with all spikes of a source lies within one column of a few kilobytes.

use crate::real::Real;

/// `[neuron, row]`; a row is a step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns<F> {
    values: Vec<F>,
    rows: usize,
}

impl<F: Real> Columns<F> {
    /// Zeros.
    pub fn start(&mut self, neurons: usize, rows: usize) {
        self.rows = rows;
        self.values.clear();
        self.values.resize(neurons * rows, F::ZERO);
    }

    /// All steps of one neuron.
    #[inline(always)]
    pub fn of(&self, neuron: usize) -> &[F] {
        &self.values[neuron * self.rows..][..self.rows]
    }

    /// The same, to be changed.
    #[inline(always)]
    pub fn of_mut(&mut self, neuron: usize) -> &mut [F] {
        &mut self.values[neuron * self.rows..][..self.rows]
    }

    /// One step of all neurons, `[neuron]`.
    #[inline(always)]
    pub fn row(&self, row: usize) -> impl Iterator<Item = F> + '_ {
        self.values[row.min(self.values.len())..]
            .iter()
            .step_by(self.rows)
            .copied()
    }

    /// Sets one step of all neurons. values: `[neuron]` or longer.
    #[inline(always)]
    pub fn set_row(&mut self, row: usize, values: &[F]) {
        let columns = self.values[row..].iter_mut().step_by(self.rows);
        for (value, new) in columns.zip(values) {
            *value = *new;
        }
    }

    /// Forgets the first `rows` steps; as many that are zero follow the last one.
    pub fn forward(&mut self, rows: usize) {
        for column in self.values.chunks_exact_mut(self.rows.max(1)) {
            column.copy_within(rows.., 0);
            let kept = column.len() - rows;
            column[kept..].fill(F::ZERO);
        }
    }

    /// Forgets the last `rows` steps; as many come before the first one, to be set.
    pub fn backward(&mut self, rows: usize) {
        for column in self.values.chunks_exact_mut(self.rows.max(1)) {
            let kept = column.len() - rows;
            column.copy_within(..kept, rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Columns;

    #[test]
    fn steps_move_and_neurons_stay() {
        let mut columns = Columns::<f64>::default();
        columns.start(2, 3);
        for row in 0..3 {
            let value = row as f64;
            columns.set_row(row, &[value, 10.0 + value, 99.0]);
        }
        assert_eq!(columns.of(1), [10.0, 11.0, 12.0]);
        assert_eq!(columns.row(2).collect::<Vec<_>>(), [2.0, 12.0]);
        let mut later = columns.clone();
        later.forward(2);
        assert_eq!(later.of(0), [2.0, 0.0, 0.0]);
        columns.backward(1);
        assert_eq!(columns.of(1)[1..], [10.0, 11.0]);
        columns.of_mut(1)[0] = 9.0;
        assert_eq!(columns.row(0).nth(1), Some(9.0));
        columns.start(2, 3);
        assert!(columns.row(0).eq([0.0; 2]));
    }
}
