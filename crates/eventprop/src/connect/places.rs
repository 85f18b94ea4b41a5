//! Arrivals of spikes in traces of λ_I, from which weight gradients are gathered: spikes are grouped by
//! source ([`ByNeuron`]), and each arrives in a row of the trace ([`Places`]).

use super::trace::Trace;

/// Bits of the step in a number that names a spike of a batch; the others are the sample.
pub(crate) const STEP_BITS: u32 = 16;

/// Spikes grouped by neuron.
#[derive(Debug, Clone, Default)]
pub(crate) struct ByNeuron {
    /// The first spike of each neuron, `[size + 1]`.
    starts: Vec<u32>,
    /// The step of every spike; in a batch, the sample stands before it.
    spikes: Vec<u32>,
}

/// Spikes of one sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub neurons: &'a [u32],
    pub steps: &'a [u32],
    /// The sample in its batch; 0 where there is only one.
    pub sample: u32,
}

impl ByNeuron {
    /// Groups spikes of a population of `size` neurons by a counting sort that keeps their order.
    #[inline(always)]
    pub fn fill<'a>(&mut self, size: usize, parts: impl Iterator<Item = Part<'a>> + Clone) {
        self.fill_with(size, parts, |neuron, step| Some((neuron, step)));
    }

    /// The same of the spikes to which `of` (neuron, step) gives a neuron and a number, with these in their place.
    #[inline(always)]
    pub fn fill_with<'a>(
        &mut self,
        size: usize,
        parts: impl Iterator<Item = Part<'a>> + Clone,
        of: impl Fn(u32, u32) -> Option<(u32, u32)>,
    ) {
        self.starts.clear();
        self.starts.resize(size + 1, 0);
        for part in parts.clone() {
            for (&neuron, &step) in part.neurons.iter().zip(part.steps) {
                if let Some((neuron, _)) = of(neuron, step) {
                    self.starts[neuron as usize + 1] += 1;
                }
            }
        }
        for neuron in 0..size {
            self.starts[neuron + 1] += self.starts[neuron];
        }
        self.spikes.resize(self.starts[size] as usize, 0);
        for part in parts {
            let base = part.sample << STEP_BITS;
            for (&neuron, &step) in part.neurons.iter().zip(part.steps) {
                let Some((neuron, number)) = of(neuron, step) else {
                    continue;
                };
                let place = &mut self.starts[neuron as usize];
                self.spikes[*place as usize] = base + number;
                *place += 1;
            }
        }
        // Every start has moved to the start of the next neuron.
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    #[inline(always)]
    pub fn of(&self, neuron: usize) -> &[u32] {
        &self.spikes[self.starts[neuron] as usize..self.starts[neuron + 1] as usize]
    }
}

/// The fate of a gradient that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onto {
    /// It is replaced.
    Zero,
    /// It is added to.
    Gradient,
}

/// Rows of a trace in which spikes arrive.
pub(crate) trait Places: Copy {
    /// The place of a spike.
    fn of(self, spike: u32) -> Place;
}

/// A row of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub sample: usize,
    pub row: usize,
}

/// Traces of a batch that cover the whole trial.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InBatch {
    pub delay: usize,
}

impl Places for InBatch {
    #[inline(always)]
    fn of(self, spike: u32) -> Place {
        let step = spike & ((1 << STEP_BITS) - 1);
        Place {
            sample: (spike >> STEP_BITS) as usize,
            row: step as usize + self.delay,
        }
    }
}

/// The trace of one sample in a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InWindow {
    pub delay: usize,
    pub start: usize,
}

impl Places for InWindow {
    #[inline(always)]
    fn of(self, spike: u32) -> Place {
        Place {
            sample: 0,
            row: spike as usize + self.delay - self.start,
        }
    }
}

/// The data from which the gradient of a projection is gathered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a, F, P> {
    /// λ_I of the targets.
    pub trace: Trace<'a, F>,
    /// τ_syn of the targets.
    pub tau_syn: &'a [F],
    /// Spikes of the sources.
    pub group: &'a ByNeuron,
    /// The rows in which they arrive.
    pub places: P,
}
