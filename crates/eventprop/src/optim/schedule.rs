//! Learning-rate schedules: a course over the whole training, decay per epoch, warm-up per step, halving on a
//! plateau. They multiply.

use std::f64::consts::PI;

/// Reduction of the learning rate when accuracy stops rising.
///
/// Two exponential moving averages E1 (fast) and E2 (slow) of the accuracy are kept,
/// E ← α E + (1 − α) accuracy, both from 0. When at least `min_epochs` epochs have passed since the
/// last change and E1 ≤ E2, the rate is multiplied by `factor`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plateau {
    /// Retention α1 of the fast average (`ETA_FIDDELING` family: `EMA_ALPHA1`).
    pub alpha_fast: f64,
    /// Retention α2 of the slow average (`EMA_ALPHA2`).
    pub alpha_slow: f64,
    /// Epochs that a rate is kept at least (`MIN_EPOCH_ETA_FIXED`).
    pub min_epochs: usize,
    /// Factor of a reduction (`ETA_FAC`).
    pub factor: f64,
}

/// The learning rate over a whole training, as a factor on η.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Course {
    /// 1 throughout.
    #[default]
    Constant,
    /// Half a cosine from 1 to 0.
    Cosine,
    /// Half a cosine from 1/25 to 1 over the first three tenths, then another from 1 to 0 (Smith & Topin 2019).
    OneCycle,
}

impl Course {
    /// The factor when the part `done` of all steps, 0 to 1, has been made.
    pub fn factor(self, done: f64) -> f64 {
        // [O2] from a to b while x goes from 0 to 1
        let between = |a: f64, b: f64, x: f64| b + (a - b) * (1.0 + (PI * x).cos()) / 2.0;
        match self {
            Self::Constant => 1.0,
            Self::Cosine => between(1.0, 0.0, done),
            Self::OneCycle if done < RISE => between(1.0 / 25.0, 1.0, done / RISE),
            Self::OneCycle => between(1.0, 0.0, (done - RISE) / (1.0 - RISE)),
        }
    }
}

/// The part of a training in which the rate of [`Course::OneCycle`] rises.
const RISE: f64 = 0.3;

/// Constants of the course of the learning rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Initial rate η (`ETA`).
    pub eta: f64,
    /// Its course over all epochs (`ETA_COURSE`).
    pub course: Course,
    /// Number of all epochs (`N_EPOCH`).
    pub epochs: usize,
    /// Factor applied before every epoch, the first included (`ETA_DECAY`); 1 for a constant rate.
    pub epoch_decay: f64,
    /// Warm-up: the rate starts at η/1000 and grows by this factor after every step until it reaches
    /// η (`LR_EASE_IN_FACTOR`); 1 or less means no warm-up.
    pub ease_in_factor: f64,
    /// Reduction on a plateau.
    pub plateau: Option<Plateau>,
}

impl Settings {
    /// A constant rate.
    pub fn constant(eta: f64) -> Self {
        Self {
            eta,
            course: Course::Constant,
            epochs: 1,
            epoch_decay: 1.0,
            ease_in_factor: 1.0,
            plateau: None,
        }
    }
}

/// A learning rate that follows its [`Settings`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    settings: Settings,
    state: State,
}

/// State of a [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// The rate η that decay and plateaus have left.
    pub eta: f64,
    /// The rate of the next step without its [`Course`]: η, or less while warming up.
    pub rate: f64,
    /// Steps of the present epoch that were made.
    pub step: u64,
    /// All steps of the present epoch.
    pub steps: u64,
    /// The fast average E1 of the accuracy.
    pub average_fast: f64,
    /// The slow average E2.
    pub average_slow: f64,
    /// Epochs that have ended.
    pub epoch: usize,
    /// The epoch of the last reduction.
    pub changed_at: usize,
}

impl Schedule {
    /// A schedule before its first epoch.
    pub fn new(settings: Settings) -> Self {
        let warming = settings.ease_in_factor > 1.0;
        let state = State {
            eta: settings.eta,
            rate: if warming {
                settings.eta / 1000.0
            } else {
                settings.eta
            },
            step: 0,
            steps: 1,
            average_fast: 0.0,
            average_slow: 0.0,
            epoch: 0,
            changed_at: 0,
        };
        Self { settings, state }
    }

    /// A schedule that goes on from what another remembered.
    pub fn resume(settings: Settings, state: State) -> Self {
        Self { settings, state }
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The rate for the next step.
    pub fn rate(&self) -> f64 {
        self.state.rate * self.settings.course.factor(self.done())
    }

    /// The part of all steps that was made.
    fn done(&self) -> f64 {
        let State {
            epoch, step, steps, ..
        } = self.state;
        let epochs = epoch as f64 + step as f64 / steps as f64;
        (epochs / self.settings.epochs as f64).min(1.0)
    }

    /// To be called before every training epoch, with the number of its steps.
    pub fn begin_epoch(&mut self, steps: usize) {
        self.state.step = 0;
        self.state.steps = steps.max(1) as u64;
        self.state.eta *= self.settings.epoch_decay;
        self.state.rate = if self.warming() {
            self.state.rate.min(self.state.eta)
        } else {
            self.state.eta
        };
    }

    /// To be called after every optimiser step.
    pub fn after_step(&mut self) {
        self.state.step += 1;
        if self.warming() {
            self.state.rate = (self.state.rate * self.settings.ease_in_factor).min(self.state.eta);
        }
    }

    /// To be called after every epoch with the accuracy that is watched, 0 to 1. Returns whether the
    /// rate was reduced.
    pub fn end_epoch(&mut self, accuracy: f64) -> bool {
        let epoch = self.state.epoch;
        self.state.epoch += 1;
        self.state.step = 0;
        let Some(plateau) = self.settings.plateau else {
            return false;
        };
        let follow = |average: f64, alpha: f64| alpha * average + (1.0 - alpha) * accuracy;
        self.state.average_fast = follow(self.state.average_fast, plateau.alpha_fast);
        self.state.average_slow = follow(self.state.average_slow, plateau.alpha_slow);
        let flat = self.state.average_fast <= self.state.average_slow;
        let reduce = epoch - self.state.changed_at > plateau.min_epochs && flat;
        if reduce {
            self.state.eta *= plateau.factor;
            self.state.rate = self.state.eta;
            self.state.changed_at = epoch;
        }
        reduce
    }

    fn warming(&self) -> bool {
        self.settings.ease_in_factor > 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_epoch_is_decayed_already() {
        let mut schedule = Schedule::new(Settings {
            epoch_decay: 0.5,
            ..Settings::constant(1.0)
        });
        schedule.begin_epoch(1);
        assert_eq!(schedule.rate(), 0.5);
        schedule.begin_epoch(1);
        assert_eq!(schedule.rate(), 0.25);
    }

    /// `[O2]` over two epochs of two steps: cos 0, π/4, π/2, 3π/4, and half of one more than each.
    #[test]
    fn half_a_cosine_over_all_steps() {
        let mut schedule = Schedule::new(Settings {
            course: Course::Cosine,
            epochs: 2,
            ..Settings::constant(0.5)
        });
        let mut rates = Vec::new();
        for _ in 0..2 {
            schedule.begin_epoch(2);
            for _ in 0..2 {
                rates.push(schedule.rate());
                schedule.after_step();
            }
            schedule.end_epoch(0.0);
        }
        rates.push(schedule.rate());
        let root = 0.5_f64.sqrt();
        let expected = [0.5, 0.25 * (1.0 + root), 0.25, 0.25 * (1.0 - root), 0.0];
        for (rate, expected) in rates.iter().zip(expected) {
            assert!((rate - expected).abs() < 4.0 * f64::EPSILON, "{rates:?}");
        }
    }

    /// `[O2]` 1/25 at the start, half-way between 1/25 and 1 in the middle of the rise, 1 at its end, 1/2 in the middle
    /// of the fall, 0 at the end.
    #[test]
    fn one_cycle_rises_and_falls() {
        let points = [
            (0.0, 0.04),
            (0.15, 0.52),
            (0.3, 1.0),
            (0.65, 0.5),
            (1.0, 0.0),
        ];
        for (done, expected) in points {
            let found = Course::OneCycle.factor(done);
            assert!(
                (found - expected).abs() < 4.0 * f64::EPSILON,
                "{done} {found}"
            );
        }
    }

    /// 1.05ⁿ ≥ 1000 first holds for n = 142 (1.05¹⁴¹ = 972, 1.05¹⁴² = 1021).
    #[test]
    fn warm_up_reaches_the_rate_after_142_steps() {
        let mut schedule = Schedule::new(Settings {
            ease_in_factor: 1.05,
            ..Settings::constant(1e-3)
        });
        let mut steps = 0;
        while schedule.rate() < 1e-3 {
            schedule.after_step();
            steps += 1;
        }
        assert_eq!(steps, 142);
    }

    /// A schedule that is resumed in the middle of its warm-up and of its averages goes the
    /// same way.
    #[test]
    fn a_resumed_schedule_goes_on_as_before() {
        let settings = Settings {
            eta: 0.1,
            course: Course::OneCycle,
            epochs: 40,
            epoch_decay: 0.9,
            ease_in_factor: 1.5,
            plateau: Some(Plateau {
                alpha_fast: 0.8,
                alpha_slow: 0.85,
                min_epochs: 2,
                factor: 0.5,
            }),
        };
        let mut schedule = Schedule::new(settings);
        for epoch in 0..40 {
            let mut resumed = Schedule::resume(settings, schedule.state());
            for schedule in [&mut schedule, &mut resumed] {
                schedule.begin_epoch(1);
                schedule.after_step();
                schedule.end_epoch(f64::from(40 - epoch) / 40.0);
            }
            assert_eq!(schedule, resumed);
        }
    }

    #[test]
    fn a_plateau_reduces_the_rate_once_per_period() {
        let plateau = Plateau {
            alpha_fast: 0.8,
            alpha_slow: 0.95,
            min_epochs: 10,
            factor: 0.5,
        };
        let mut schedule = Schedule::new(Settings {
            plateau: Some(plateau),
            ..Settings::constant(1.0)
        });
        // A rising accuracy keeps the fast average above the slow one; a falling one does not.
        for epoch in 0..30 {
            assert!(!schedule.end_epoch(f64::from(epoch) / 30.0));
        }
        let reduced: Vec<usize> = (30..80).filter(|_| schedule.end_epoch(0.0)).collect();
        assert!(reduced.len() >= 3);
        assert!(
            reduced
                .windows(2)
                .all(|pair| pair[1] - pair[0] > plateau.min_epochs)
        );
        assert_eq!(schedule.rate(), 0.5_f64.powi(reduced.len() as i32));
    }
}
