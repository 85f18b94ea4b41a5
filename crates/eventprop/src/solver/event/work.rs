//! Work of a batch.

/// Counters of the last forward pass, summed over the batch. They depend on the network, the
/// parameters and the batch only, so a test can pin them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Intervals between events over which a population (or a loop of them) was moved.
    pub intervals: u64,
    /// Rows of weights delivered.
    pub arrivals: u64,
    /// Spikes of LIF neurons.
    pub spikes: u64,
    /// Iterations in the search for threshold crossings without a closed form.
    pub root_iterations: u64,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.intervals += other.intervals;
        self.arrivals += other.arrivals;
        self.spikes += other.spikes;
        self.root_iterations += other.root_iterations;
    }
}
