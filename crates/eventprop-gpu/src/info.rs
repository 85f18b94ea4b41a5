//! Devices as users meet them: names, lists, refusals.

use thiserror::Error;

/// The card that a user has named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// The first one that is no software driver.
    First,
    /// The one of this number in [`devices`](crate::devices).
    Number(usize),
}

/// A device that can solve networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Its kind, in words.
    pub kind: &'static str,
    /// True of a driver that computes on the processor.
    pub is_software: bool,
    /// Bytes of the largest buffer.
    pub buffer_most: u64,
    /// Bytes that the neurons of a sample share.
    pub shared_most: u64,
}

/// The reason why there is no such device.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem}; {way_out}")]
pub struct DeviceError {
    /// The fact.
    pub problem: String,
    /// The way out.
    pub way_out: &'static str,
}
