//! The two number types of the solvers, f32 and f64, behind one small trait.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A floating-point number: f32 (the fast grid solver) or f64 (the judges).
pub trait Real:
    Copy
    + Send
    + Sync
    + Debug
    + Display
    + Default
    + PartialEq
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
    + 'static
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// The value as f64, exactly.
    fn to_f64(self) -> f64;
    /// The number of this type that `x` becomes, as f64.
    fn rounded(x: f64) -> f64 {
        Self::from_f64(x).to_f64()
    }
    /// The square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// e to this power.
    #[must_use]
    fn exp(self) -> Self;
    /// The natural logarithm.
    #[must_use]
    fn ln(self) -> Self;
    /// The hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;
    /// The power with this exponent.
    #[must_use]
    fn power(self, exponent: Self) -> Self;
    /// A list of such numbers, with its type told.
    fn numbers(list: &[Self]) -> Numbers<'_>;
    /// As [`Self::numbers`], to be changed.
    fn numbers_mut(list: &mut [Self]) -> NumbersMut<'_>;
}

/// A list of numbers of either type: for code that cannot be generic, or whose other half is not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Numbers<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

/// As [`Numbers`], to be changed.
#[derive(Debug, PartialEq)]
pub enum NumbersMut<'a> {
    /// Single precision.
    F32(&'a mut [f32]),
    /// Double precision.
    F64(&'a mut [f64]),
}

impl Numbers<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(list) => list.len(),
            Self::F64(list) => list.len(),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl NumbersMut<'_> {
    /// The numbers as they are now.
    pub fn as_numbers(&self) -> Numbers<'_> {
        match self {
            Self::F32(list) => Numbers::F32(list),
            Self::F64(list) => Numbers::F64(list),
        }
    }

    /// The same list, lent on.
    pub fn reborrow(&mut self) -> NumbersMut<'_> {
        match self {
            Self::F32(list) => NumbersMut::F32(list),
            Self::F64(list) => NumbersMut::F64(list),
        }
    }
}

macro_rules! real {
    ($float:ty, $numbers:ident) => {
        impl Real for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $float
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn exp(self) -> Self {
                self.exp()
            }
            #[inline(always)]
            fn ln(self) -> Self {
                self.ln()
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                self.tanh()
            }
            #[inline(always)]
            fn power(self, exponent: Self) -> Self {
                self.powf(exponent)
            }
            #[inline(always)]
            fn numbers(list: &[Self]) -> Numbers<'_> {
                Numbers::$numbers(list)
            }
            #[inline(always)]
            fn numbers_mut(list: &mut [Self]) -> NumbersMut<'_> {
                NumbersMut::$numbers(list)
            }
        }
    };
}

real!(f32, F32);
real!(f64, F64);
