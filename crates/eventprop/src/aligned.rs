//! Numbers that begin with a cache line.
//!
//! PERF: allocators align numbers to 16 bytes. Of the vectors of 32 bytes that are read from there, every second one
//! lies in two cache lines and is read twice; rows of weights and of traces are read in such vectors only.
//! `docs/performance.md` says what it gave.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// A vector of numbers, of which the first begins a cache line.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    /// The numbers, and before them what alignment leaves over.
    memory: Vec<T>,
    start: usize,
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self {
            memory: Vec::new(),
            start: 0,
        }
    }
}

impl<T: Clone> Aligned<T> {
    /// Nothing yet, and room for `len` numbers like `filler`.
    fn with_room(len: usize, filler: T) -> Self {
        let spare = LINE / size_of::<T>();
        let mut memory: Vec<T> = Vec::with_capacity(len + spare);
        let start = memory.as_ptr().align_offset(LINE).min(spare);
        memory.resize(start, filler);
        Self { memory, start }
    }
}

impl<T: Copy + Default> Aligned<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut zeros = Self::default();
        zeros.resize(len);
        zeros
    }

    /// Cuts numbers off, or adds zeros.
    pub fn resize(&mut self, len: usize) {
        if self.start + len > self.memory.capacity() {
            let mut moved = Self::with_room(len, T::default());
            moved.memory.extend_from_slice(self);
            *self = moved;
        }
        self.memory.resize(self.start + len, T::default());
    }

    /// Makes this a copy of `numbers`, in the memory that is there if it suffices.
    pub fn copy_of(&mut self, numbers: &[T]) {
        self.resize(numbers.len());
        self.copy_from_slice(numbers);
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.memory[self.start..]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..]
    }
}

impl<T: Clone> From<&[T]> for Aligned<T> {
    fn from(numbers: &[T]) -> Self {
        let Some(first) = numbers.first() else {
            return Self::default();
        };
        let mut copy = Self::with_room(numbers.len(), first.clone());
        copy.memory.extend_from_slice(numbers);
        copy
    }
}

impl<T: Clone> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl<T: PartialEq> PartialEq for Aligned<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Clone> FromIterator<T> for Aligned<T> {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> Self {
        let numbers: Vec<T> = numbers.into_iter().collect();
        Self::from(&numbers[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins_a_line<T>(numbers: &Aligned<T>) -> bool {
        numbers.as_ptr().addr().is_multiple_of(LINE)
    }

    #[test]
    fn numbers_begin_a_line_wherever_they_are() {
        for len in [1, 7, 100, 1000, 100_000] {
            let narrow: Aligned<f32> = (0..len).map(|n| n as f32).collect();
            let wide: Aligned<f64> = (0..len).map(f64::from).collect();
            assert!(begins_a_line(&narrow) && begins_a_line(&wide));
            let copy = narrow.clone();
            assert!(begins_a_line(&copy) && copy == narrow);
        }
    }

    #[test]
    fn numbers_stay_when_there_are_more_or_fewer() {
        let mut numbers: Aligned<f32> = [1.0, 2.0, 3.0].into_iter().collect();
        numbers.resize(5000);
        assert!(begins_a_line(&numbers));
        assert_eq!(numbers[..3], [1.0, 2.0, 3.0]);
        assert!(numbers[3..].iter().all(|&n| n == 0.0));
        numbers.resize(2);
        assert_eq!(numbers[..], [1.0, 2.0]);
        numbers.resize(4);
        assert_eq!(
            numbers[..],
            [1.0, 2.0, 0.0, 0.0],
            "what was cut off is gone"
        );
        numbers.resize(0);
        assert!(numbers.is_empty() && Aligned::<f64>::default().is_empty());
    }
}
