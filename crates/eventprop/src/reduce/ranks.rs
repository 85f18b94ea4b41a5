//! Ranks that talk over a link: who sends what to whom, and in which order.
//!
//! Counts go up a binomial tree to the first rank and down again. A sum goes along the chain of ranks, because
//! each adds its numbers to what the rank before it has summed, and from the last one down a tree. Ranks without a
//! share have nothing to add and only hear the sum.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Reduce, ReduceError};
use crate::real::{Numbers, NumbersMut};

/// Messages between ranks. Those from one rank to another arrive in the order in which they were sent.
///
/// # Errors
/// Every call with a result: [`ReduceError::Failed`] when any rank has called [`Self::fail`],
/// [`ReduceError::Lost`] when the message cannot arrive.
pub trait Link: Debug + Send {
    /// This rank, from 0.
    fn rank(&self) -> usize;

    /// The number of ranks.
    fn ranks(&self) -> usize;

    /// Sends counts to a rank; may wait until it receives them.
    ///
    /// # Errors
    /// See the trait; likewise below.
    fn send_counts(&mut self, to: usize, counts: &[u64]) -> Result<(), ReduceError>;

    /// Waits for so many counts from a rank.
    ///
    /// # Errors
    /// See the trait.
    fn receive_counts(&mut self, from: usize, counts: &mut [u64]) -> Result<(), ReduceError>;

    /// Sends numbers to a rank, bit by bit; may wait until it receives them.
    ///
    /// # Errors
    /// See the trait.
    fn send(&mut self, to: usize, numbers: Numbers<'_>) -> Result<(), ReduceError>;

    /// Waits for so many numbers from a rank.
    ///
    /// # Errors
    /// See the trait.
    fn receive(&mut self, from: usize, numbers: NumbersMut<'_>) -> Result<(), ReduceError>;

    /// Tells all other ranks that this one has failed and will not take part any more.
    fn fail(&mut self);
}

/// This rank and its link to the others. Clones share the link.
#[derive(Debug, Clone)]
pub struct Ranks {
    rank: usize,
    /// How many there are.
    count: usize,
    /// The first ranks, which have a share of the present batch.
    busy: usize,
    shared: Arc<Mutex<Shared>>,
}

/// The link, and room for what it brings.
#[derive(Debug)]
struct Shared {
    link: Box<dyn Link>,
    counts: Vec<u64>,
    f32: Vec<f32>,
    f64: Vec<f64>,
}

impl Ranks {
    /// The ranks that a link connects.
    pub fn over(link: impl Link + 'static) -> Self {
        Self {
            rank: link.rank(),
            count: link.ranks(),
            busy: link.ranks(),
            shared: Arc::new(Mutex::new(Shared {
                link: Box::new(link),
                counts: Vec::new(),
                f32: Vec::new(),
                f64: Vec::new(),
            })),
        }
    }

    /// This rank, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of ranks.
    pub fn ranks(&self) -> usize {
        self.count
    }

    /// The texts of all ranks, in their order; every rank gives its own.
    ///
    /// # Errors
    /// See [`Reduce`].
    pub fn texts(&mut self, own: &str) -> Result<Vec<String>, ReduceError> {
        let mut lens = vec![0; self.count];
        lens[self.rank] = own.len() as u64;
        self.total(&mut lens)?;
        let before = |rank: usize| lens[..rank].iter().sum::<u64>() as usize;
        let mut all = vec![0; before(self.count)];
        let own = own.bytes().map(u64::from);
        all[before(self.rank)..]
            .iter_mut()
            .zip(own)
            .for_each(|(place, byte)| *place = byte);
        self.total(&mut all)?;
        let text = |rank: usize| {
            let bytes = all[before(rank)..before(rank + 1)].iter();
            let bytes: Vec<u8> = bytes.map(|&byte| byte as u8).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ok((0..self.count).map(text).collect())
    }

    fn shared<T>(&self, work: impl FnOnce(&mut Shared) -> T) -> T {
        // A panic while the lock was held ends the program; until then the link is as good as before.
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut shared)
    }

    /// The rank above this one in a tree with `root` at its top, and those below it, the nearest last.
    fn tree(&self, root: usize) -> (Option<usize>, Vec<usize>) {
        let ranks = self.count;
        let place = (self.rank + ranks - root) % ranks;
        let of = |place: usize| (place + root) % ranks;
        let lowest = if place == 0 {
            ranks.next_power_of_two()
        } else {
            1 << place.trailing_zeros()
        };
        let above = (place > 0).then(|| of(place - lowest));
        let steps = std::iter::successors(Some(lowest / 2), |step| Some(step / 2));
        let below = steps.take_while(|&step| step > 0).map(|step| place + step);
        (above, below.filter(|&p| p < ranks).map(of).collect())
    }
}

impl Reduce for Ranks {
    fn share(&mut self, samples: usize, group: usize) -> Range<usize> {
        let groups = samples.div_ceil(group.max(1));
        self.busy = groups.clamp(1, self.count);
        let begin = |rank: usize| {
            let first = (groups * rank.min(self.busy)).div_ceil(self.busy);
            (first * group).min(samples)
        };
        begin(self.rank)..begin(self.rank + 1)
    }

    fn total(&mut self, counts: &mut [u64]) -> Result<(), ReduceError> {
        let (above, below) = self.tree(0);
        self.shared(|shared| {
            let Shared {
                link, counts: room, ..
            } = shared;
            room.resize(counts.len(), 0);
            for &rank in below.iter().rev() {
                link.receive_counts(rank, room)?;
                counts.iter_mut().zip(&*room).for_each(|(n, m)| *n += m);
            }
            if let Some(above) = above {
                link.send_counts(above, counts)?;
                link.receive_counts(above, counts)?;
            }
            below
                .iter()
                .try_for_each(|&rank| link.send_counts(rank, counts))
        })
    }

    fn join(&mut self, sum: NumbersMut<'_>) -> Result<(), ReduceError> {
        let busy = self.rank < self.busy;
        let Some(before) = self.rank.checked_sub(1).filter(|_| busy) else {
            return Ok(());
        };
        self.shared(|shared| match sum {
            NumbersMut::F32(sum) => {
                shared.f32.resize(sum.len(), 0.0);
                let room = &mut shared.f32[..];
                shared.link.receive(before, NumbersMut::F32(room))?;
                sum.iter_mut().zip(room).for_each(|(x, y)| *x += *y);
                Ok(())
            }
            NumbersMut::F64(sum) => {
                shared.f64.resize(sum.len(), 0.0);
                let room = &mut shared.f64[..];
                shared.link.receive(before, NumbersMut::F64(room))?;
                sum.iter_mut().zip(room).for_each(|(x, y)| *x += *y);
                Ok(())
            }
        })
    }

    fn hand_on(&mut self, mut sum: NumbersMut<'_>) -> Result<(), ReduceError> {
        let last = self.busy - 1;
        let (above, below) = self.tree(last);
        self.shared(|shared| {
            if self.rank < last {
                shared.link.send(self.rank + 1, sum.as_numbers())?;
            }
            if let Some(above) = above {
                shared.link.receive(above, sum.reborrow())?;
            }
            let mut below = below.iter();
            below.try_for_each(|&rank| shared.link.send(rank, sum.as_numbers()))
        })
    }

    fn fail(&mut self) {
        self.shared(|shared| shared.link.fail());
    }
}
