//! A part of a trial.

/// The time from one moment to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    /// Its start in ms.
    pub from: f64,
    /// Its end in ms.
    pub to: f64,
}

impl Stretch {
    /// Its length in ms.
    #[inline(always)]
    pub fn ms(self) -> f64 {
        self.to - self.from
    }
}
