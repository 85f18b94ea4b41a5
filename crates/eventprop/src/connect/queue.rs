//! Spikes on their way, by the step in which they arrive.

/// No spike.
const NONE: u32 = u32::MAX;

/// A list of spikes for every step of a trial. Those of one step are in the order in which they were put in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    /// The first and the last spike of every step.
    ends: Vec<(u32, u32)>,
    /// The spike behind each.
    behind: Vec<u32>,
}

impl Queue {
    /// Forgets everything; a trial of `steps` steps begins.
    pub fn start(&mut self, steps: usize) {
        self.ends.clear();
        self.ends.resize(steps, (NONE, NONE));
        self.behind.clear();
    }

    /// Puts in the next spike of a tape, which arrives in `step`; at the end of the trial or later it never does.
    #[inline(always)]
    pub fn push(&mut self, step: usize) {
        let spike = self.behind.len() as u32;
        self.behind.push(NONE);
        let Some((first, last)) = self.ends.get_mut(step) else {
            return;
        };
        if *first == NONE {
            *first = spike;
        } else {
            self.behind[*last as usize] = spike;
        }
        *last = spike;
    }

    /// Number of spikes that were put in.
    pub fn len(&self) -> usize {
        self.behind.len()
    }

    /// The spikes that arrive in a step, as places on the tape.
    #[inline(always)]
    pub fn at(&self, step: usize) -> impl Iterator<Item = usize> + '_ {
        let mut next = self.ends.get(step).map_or(NONE, |(first, _)| *first);
        std::iter::from_fn(move || {
            (next != NONE).then(|| {
                let spike = next as usize;
                next = self.behind[spike];
                spike
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;

    /// Spikes overtake each other; those of one step keep their order, what would arrive at the end never does, and
    /// nothing is left for the next trial.
    #[test]
    fn spikes_are_found_where_they_arrive() {
        let mut queue = Queue::default();
        queue.start(6);
        for step in [5, 2, 5, 6, 2, 9, 0] {
            queue.push(step);
        }
        let at = |queue: &Queue, step| queue.at(step).collect::<Vec<_>>();
        let found: Vec<Vec<usize>> = (0..8).map(|step| at(&queue, step)).collect();
        let expected = [&[6][..], &[], &[1, 4], &[], &[], &[0, 2], &[], &[]];
        assert_eq!(found, expected);
        assert_eq!(queue.len(), 7);
        queue.start(6);
        assert!((0..8).all(|step| at(&queue, step).is_empty()));
    }
}
