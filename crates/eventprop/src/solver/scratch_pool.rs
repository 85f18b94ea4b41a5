//! Working memory that is lent to whichever thread needs it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Working memory that is not in use. There is never more of it than threads have asked for at once.
#[derive(Debug, Default)]
pub(crate) struct ScratchPool<T>(Mutex<Vec<T>>);

impl<T: Default> ScratchPool<T> {
    /// Lends what was given back last, or something new.
    pub fn lend(&self) -> Lent<'_, T> {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent {
            pool: self,
            thing: idle.unwrap_or_default(),
        }
    }
}

/// Working memory is no state: a copy starts without any.
impl<T> Clone for ScratchPool<T> {
    fn clone(&self) -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

/// Working memory on loan; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct Lent<'a, T: Default> {
    pool: &'a ScratchPool<T>,
    thing: T,
}

impl<T: Default> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.thing
    }
}

impl<T: Default> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.thing
    }
}

impl<T: Default> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let thing = std::mem::take(&mut self.thing);
        let mut idle = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(thing);
    }
}

#[cfg(test)]
mod tests {
    use super::ScratchPool;

    #[test]
    fn what_comes_back_is_lent_again() {
        let pool = ScratchPool::<Vec<u8>>::default();
        pool.lend().push(1);
        let (first, second) = (pool.lend(), pool.lend());
        assert_eq!((&first[..], &second[..]), (&[1][..], &[][..]));
    }
}
