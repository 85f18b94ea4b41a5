//! λ_I of one sample in a window of steps: what the weight gradient is gathered from.
//!
//! A row is the λ_I of one population at the start of one step. Rows are cut into blocks of up to 64
//! columns, and each block is stored on its own, row after row: gathering walks over one block with all
//! spikes before it turns to the next.
//! PERF: a block of 1024 rows is 256 KiB and stays in a second-level cache, where a whole trace of 256
//! neurons does not; rows of a block that lay 1 KiB apart would share a quarter of the cache's sets.

use std::ops::Range;

use crate::real::Real;

/// Columns of a block, except for the last ones of a population.
pub(crate) const BLOCK: usize = 64;

/// Steps of a window.
pub(crate) const WINDOW: usize = 1024;

/// A few columns of a population that are stored together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// The first column.
    pub column: usize,
    /// 64, 32, 16 or 8.
    pub width: usize,
}

/// The blocks of a population whose rows have this length, a multiple of 8.
#[inline(always)]
pub(crate) fn blocks(stride: usize) -> impl Iterator<Item = Block> {
    let mut column = 0;
    std::iter::from_fn(move || {
        let width = match stride - column {
            0 => return None,
            BLOCK.. => BLOCK,
            32.. => 32,
            16.. => 16,
            _ => 8,
        };
        let block = Block { column, width };
        column += width;
        Some(block)
    })
}

/// Memory layout of a trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Rows of a window.
    pub rows: usize,
    /// Numbers of a trace: all rows of all populations.
    pub len: usize,
}

impl Shape {
    /// A window of `rows` steps of all populations, which have `columns` together.
    pub fn new(columns: usize, rows: usize) -> Self {
        Self {
            rows,
            len: rows * columns,
        }
    }

    /// The first number of a block of the population that has `before` columns of other populations before
    /// it.
    #[inline(always)]
    pub fn start(self, before: usize, block: Block) -> usize {
        (before + block.column) * self.rows
    }

    /// One row of a block.
    #[inline(always)]
    pub fn row(self, before: usize, block: Block, row: usize) -> Range<usize> {
        let start = self.start(before, block) + row * block.width;
        start..start + block.width
    }
}

/// The λ_I of one population in traces that lie one behind the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace<'a, F> {
    /// The traces of all populations, one sample behind the other.
    pub traces: &'a [F],
    /// Memory layout of each.
    pub shape: Shape,
    /// Columns of other populations before this one.
    pub before: usize,
    /// Columns of this one.
    pub stride: usize,
}

/// One neuron in a trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// The place of its first row.
    first: usize,
    /// Numbers from one row to the next.
    width: usize,
}

impl<F: Real> Trace<'_, F> {
    /// λ_I of one neuron in one row of the trace of one sample.
    pub fn at(&self, neuron: usize, sample: usize, row: usize) -> F {
        self.in_column(self.column(neuron), sample, row)
    }

    /// Where a neuron lies in a trace.
    #[inline(always)]
    pub fn column(&self, neuron: usize) -> Column {
        self.piece(neuron).0
    }

    /// The same, and the number of neurons from this one to the end of its block, which are side by side.
    ///
    /// PERF: all blocks but the last three are of one width.
    #[inline(always)]
    pub fn piece(&self, neuron: usize) -> (Column, usize) {
        let whole = neuron.min(self.stride - self.stride % BLOCK) / BLOCK * BLOCK;
        let mut blocks = blocks(self.stride - whole);
        let block = blocks.find(|block| neuron - whole < block.column + block.width);
        let block = block.expect("a neuron lies in a block of its population");
        let block = Block {
            column: whole + block.column,
            width: block.width,
        };
        let within = neuron - block.column;
        let column = Column {
            first: self.shape.start(self.before, block) + within,
            width: block.width,
        };
        (column, block.width - within)
    }

    /// λ_I from one row of a column on: the neighbours of the neuron in its block come next.
    #[inline(always)]
    pub fn behind_column(&self, column: Column, sample: usize, row: usize) -> &[F] {
        &self.traces[sample * self.shape.len + column.first + row * column.width..]
    }

    /// λ_I in one row of a column.
    #[inline(always)]
    pub fn in_column(&self, column: Column, sample: usize, row: usize) -> F {
        self.traces[sample * self.shape.len + column.first + row * column.width]
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Shape, Trace, blocks};

    /// Every number of a trace is found once: block by block, row by row, sample by sample.
    #[test]
    fn a_trace_is_read_where_it_lies() {
        let (before, stride, rows) = (8, 104, 3);
        let shape = Shape::new(before + stride, rows);
        let numbers: Vec<f64> = (0..2 * shape.len).map(|n| n as f64).collect();
        let trace = Trace {
            traces: &numbers,
            shape,
            before,
            stride,
        };
        for sample in 0..2 {
            let mut expected = sample * shape.len + before * rows;
            for block in blocks(stride) {
                for row in 0..rows {
                    for neuron in block.column..block.column + block.width {
                        assert_eq!(trace.at(neuron, sample, row), expected as f64);
                        expected += 1;
                    }
                }
            }
        }
    }

    #[test]
    fn blocks_cover_every_column_once() {
        for stride in (8..=400).step_by(8) {
            let mut column = 0;
            for block in blocks(stride) {
                assert_eq!(block.column, column);
                assert!([8, 16, 32, 64].contains(&block.width));
                column += block.width;
            }
            assert_eq!(column, stride);
        }
        let widths: Vec<usize> = blocks(200).map(|Block { width, .. }| width).collect();
        assert_eq!(widths, [64, 64, 64, 8]);
    }
}
