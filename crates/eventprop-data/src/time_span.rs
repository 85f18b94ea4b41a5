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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binned::Repeats;

    const BINNING: Binning = Binning {
        dt_ms: 2.0,
        steps: 50,
        inputs: 1,
        rescale_t: 1.0,
        rescale_x: 1.0,
        repeats: Repeats::Count,
    };

    /// A span of samples with these times, and what it says when `cut_off` of ten spikes were.
    fn said(samples: &[&[f64]], cut_off: u64) -> Result<Option<String>, AllLate> {
        let mut span = TimeSpan::new("UNITS");
        for times in samples {
            span.add(times.iter().copied());
        }
        let (of, merged) = (10, 0);
        let lost = Lost {
            of,
            cut_off,
            merged,
        };
        span.check(&BINNING, lost)
    }

    #[test]
    fn units_that_cannot_be_right_are_told_and_others_are_not() {
        let fine: [&[&[f64]]; 4] = [&[], &[&[]], &[&[0.0], &[1.0]], &[&[90.0, 0.0], &[0.1, 0.2]]];
        for samples in fine {
            assert_eq!(said(samples, 0), Ok(None), "{samples:?}");
        }
        let short = said(&[&[0.0, 1.9], &[5.0]], 0).unwrap().unwrap();
        assert!(
            short.contains("2 samples lasts 1.9 ms") && short.contains("UNITS"),
            "{short}"
        );
        let long = said(&[&[0.0, 2e4]], 10).unwrap().unwrap();
        assert!(long.contains("20000 ms, more than 100 trials"), "{long}");
        assert_eq!(said(&[&[0.0, 2e4]], 5), Ok(None));
        let late = said(&[&[1.6e12, 1.6e12 + 9.0], &[100.0]], 10).unwrap_err();
        assert_eq!((late.earliest_ms, late.trial_ms), (100.0, 100.0));
        assert!(late.to_string().contains("TIME_ORIGIN=first_event"));
    }
}
