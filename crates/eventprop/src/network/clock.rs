//! Time step and length of a trial.

use super::NetworkError;
use crate::time_noise::TimeNoise;

/// A trial of `steps` steps of `dt_ms`; step k starts at k · `dt_ms`.
///
/// The grid solver advances step by step; the event solver uses only the length of the trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    dt_ms: f64,
    steps: usize,
}

impl Clock {
    /// A clock with step `dt_ms` and round(`trial_ms` / `dt_ms`) steps. When the step does not
    /// divide the trial, the trial is that many whole steps long ([`Self::trial_ms`]).
    ///
    /// # Errors
    /// When a length is not positive and finite, or the trial has no step or more than 2³¹ steps.
    pub fn new(dt_ms: f64, trial_ms: f64) -> Result<Self, NetworkError> {
        let valid = |x: f64| x.is_finite() && x > 0.0;
        // A trial that is a step but for rounding is a step; a quotient of two doubles is off by some 1e-16.
        let exact = trial_ms / dt_ms;
        let steps = exact.round();
        if !valid(dt_ms) || !valid(trial_ms) || exact < 1.0 - 1e-9 || steps > f64::from(i32::MAX) {
            return Err(NetworkError::Clock { dt_ms, trial_ms });
        }
        Ok(Self {
            dt_ms,
            steps: steps as usize,
        })
    }

    /// Length of a step in ms.
    pub fn dt_ms(&self) -> f64 {
        self.dt_ms
    }

    /// Number of steps of a trial.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Length of a trial in ms.
    pub fn trial_ms(&self) -> f64 {
        self.dt_ms * self.steps as f64
    }

    /// The step of an input spike: the first one whose start is not before `time_ms`. A time that differs
    /// from a start by no more than its noise counts as that start. May lie beyond the trial.
    #[inline]
    pub fn step_of(&self, time_ms: f64, noise: TimeNoise) -> usize {
        let within = noise.in_steps(time_ms, self.dt_ms);
        (time_ms / self.dt_ms - within).ceil().max(0.0) as usize
    }

    /// Start of a step in ms.
    #[inline]
    pub fn start_ms(&self, step: usize) -> f64 {
        self.dt_ms * step as f64
    }

    /// The number of steps after which a spike acts: 1 + round(delay / dt).
    pub fn delay_steps(&self, delay_ms: f64) -> usize {
        1 + (delay_ms / self.dt_ms).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_has_a_whole_step() {
        assert_eq!(Clock::new(30.0, 30.0).unwrap().steps(), 1);
        assert!(Clock::new(50.0, 30.0).is_err());
    }

    #[test]
    fn decimal_times_fall_on_their_steps() {
        let clock = Clock::new(0.1, 30.0).unwrap();
        assert_eq!(clock.steps(), 300);
        for step in 0..300 {
            assert_eq!(clock.step_of(step as f64 * 0.1, TimeNoise::F64), step);
        }
        assert_eq!(clock.step_of(0.300_001, TimeNoise::F64), 4);
        assert_eq!(clock.step_of(0.300_000_01, TimeNoise::F64), 3);
    }

    /// Times of every type, on steps of any length: k · dt is step k, and what is later by more than the noise of its type
    /// is the next one.
    #[test]
    fn times_on_the_grid_are_its_steps_whatever_type_they_came_in() {
        for dt in [0.025, 0.1, 0.3, 1.0 / 3.0, 1.0, 2.5] {
            let clock = Clock::new(dt, 1000.0 * dt).unwrap();
            for step in 0..1000 {
                let exact = step as f64 * dt;
                let single = f64::from(step as f32 * dt as f32);
                let seconds = 1000.0 * f64::from((exact / 1000.0) as f32);
                assert_eq!(clock.step_of(exact, TimeNoise::F64), step, "{dt}");
                assert_eq!(clock.step_of(single, TimeNoise::F32), step, "{dt}");
                assert_eq!(clock.step_of(seconds, TimeNoise::F32), step, "{dt}");
                let later = exact + 2.0 * TimeNoise::F32.of_ms(exact) + 2e-6 * dt;
                assert_eq!(clock.step_of(later, TimeNoise::F32), step + 1, "{dt}");
                assert_eq!(clock.step_of(exact + 2e-6 * dt, TimeNoise::F64), step + 1);
            }
        }
    }

    #[test]
    fn a_delay_is_rounded_to_steps_and_never_shorter_than_one() {
        let clock = Clock::new(1.0, 20.0).unwrap();
        assert_eq!(clock.delay_steps(0.0), 1);
        assert_eq!(clock.delay_steps(2.4), 3);
    }

    #[test]
    fn impossible_clocks_are_refused() {
        for (dt, trial) in [
            (0.0, 1.0),
            (-1.0, 1.0),
            (f64::NAN, 1.0),
            (1.0, 0.2),
            (1e-9, 1e3),
        ] {
            assert!(Clock::new(dt, trial).is_err(), "{dt} {trial}");
        }
    }
}
