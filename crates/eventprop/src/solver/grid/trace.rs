//! λ_I of one sample in a window of steps: what the weight gradient is gathered from.
//!
//! A row is the λ_I of one population at the start of one step. Rows are cut into blocks of up to 64
//! columns, and each block is stored on its own, row after row: gathering walks over one block with all
//! spikes before it turns to the next.
//! PERF: a block of 1024 rows is 256 KiB and stays in a second-level cache, where a whole trace of 256
//! neurons does not; rows of a block that lay 1 KiB apart would share a quarter of the cache's sets.

use std::ops::Range;

use super::plan::Plan;

/// Columns of a block, except for the last ones of a population.
pub(super) const BLOCK: usize = 64;

/// Steps of a window.
pub(super) const WINDOW: usize = 1024;

/// A few columns of a population that are stored together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// The first column.
    pub column: usize,
    /// 64, 32, 16 or 8.
    pub width: usize,
}

/// The blocks of a population whose rows have this length, a multiple of 8.
#[inline(always)]
pub(super) fn blocks(stride: usize) -> impl Iterator<Item = Block> {
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

/// How a trace lies in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Rows of a window.
    pub rows: usize,
    /// Numbers of a trace: all rows of all populations.
    pub len: usize,
}

impl Shape {
    /// A window of `rows` steps.
    pub fn new<F>(plan: &Plan<F>, rows: usize) -> Self {
        Self {
            rows,
            len: rows * plan.columns,
        }
    }

    /// Where a block of the population begins that has `before` columns of other populations before
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

#[cfg(test)]
mod tests {
    use super::{Block, blocks};

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
