//! The times of a set as a whole, from which a wrong unit shows.

use thiserror::Error;

use crate::binned::{Binning, Lost};

/// Trials that fit into the longest sample, and the share of spikes that are cut off, from which times are taken for too
/// long.
const TRIALS: f64 = 100.0;
const CUT_OFF: f64 = 0.9;

/// No spike is within the trial.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error(
    "no spike comes before the end of the trial, {trial_ms} ms; the first comes at {earliest_ms} ms and the longest sample lasts \
     {longest_ms} ms: {units}; where times count from another moment than the start of the sample (a clock, a date), \
     subtract that, or let event files count from their first event (TIME_ORIGIN=first_event, origin=\"first_event\"); \
     where trials are longer, raise TRIAL_MS"
)]
pub struct AllLate {
    /// Length of a trial.
    pub trial_ms: f64,
    /// The first spike of all samples.
    pub earliest_ms: f64,
    /// From the first to the last spike of a sample, at most.
    pub longest_ms: f64,
    /// Units in which times are read, and how to say another.
    pub units: &'static str,
}

/// First and last times of the samples of a set.
#[derive(Debug, Clone, Copy)]
pub struct TimeSpan {
    samples: usize,
    earliest_ms: f64,
    longest_ms: f64,
    /// Spikes of the fullest sample.
    most: usize,
    /// Units in which times are read, and how to say another.
    units: &'static str,
}

impl TimeSpan {
    /// No sample, of times in `units`.
    pub fn new(units: &'static str) -> Self {
        Self {
            samples: 0,
            earliest_ms: f64::INFINITY,
            longest_ms: 0.0,
            most: 0,
            units,
        }
    }

    /// Adds a sample by its times, in any order.
    pub fn add(&mut self, times_ms: impl Iterator<Item = f64>) {
        let (mut first, mut last, mut spikes) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        for time_ms in times_ms {
            (first, last) = (time_ms.min(first), time_ms.max(last));
            spikes += 1;
        }
        self.samples += 1;
        if spikes > 0 {
            self.earliest_ms = self.earliest_ms.min(first);
            self.longest_ms = self.longest_ms.max(last - first);
            self.most = self.most.max(spikes);
        }
    }

    /// A sentence for the user where no sample is as long as a step, although samples have several spikes.
    pub fn short(&self, dt_ms: f64) -> Option<String> {
        let Self {
            samples,
            longest_ms,
            units,
            ..
        } = self;
        (self.most > 1 && *longest_ms < dt_ms).then(|| {
            format!(
                "the longest of {samples} samples lasts {longest_ms} ms, less than a step of {dt_ms} ms (DT_MS): the unit of the \
                 times may be another; {units}"
            )
        })
    }

    /// A sentence for the user where the unit of the times cannot be right; `lost` of them were cut off.
    ///
    /// # Errors
    /// [`AllLate`].
    pub fn check(&self, binning: &Binning, lost: Lost) -> Result<Option<String>, AllLate> {
        let Binning {
            dt_ms,
            steps,
            rescale_t,
            ..
        } = *binning;
        let trial_ms = dt_ms * f64::from(steps);
        let [earliest_ms, longest_ms] = [self.earliest_ms, self.longest_ms].map(|t| t * rescale_t);
        let units = self.units;
        if self.most > 0 && earliest_ms >= trial_ms {
            return Err(AllLate {
                trial_ms,
                earliest_ms,
                longest_ms,
                units,
            });
        }
        if let Some(short) = self.short(dt_ms / rescale_t) {
            return Ok(Some(short));
        }
        if longest_ms > TRIALS * trial_ms && lost.shares()[0] > CUT_OFF {
            return Ok(Some(format!(
                "a sample lasts {longest_ms} ms, more than {TRIALS} trials of {trial_ms} ms (TRIAL_MS): the unit of the times may \
                 be another; {units}"
            )));
        }
        Ok(None)
    }
}
