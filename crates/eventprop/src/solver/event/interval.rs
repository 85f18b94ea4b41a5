//! All spikes of a population in an interval in which nothing arrives at it.
//!
//! Neurons whose flow is a polynomial (`integer_ratio`) go through the interval side by side, spike after
//! spike; all others go through it one after the other.

use super::neurons::{Flows, Neurons, States, ThresholdState};
use super::stretch::Stretch;
use super::work::Work;
use crate::neuron::exact::decay::Decay;
use crate::neuron::exact::integer_ratio::{IntegerRatio, LOST_MAX, Lanes};
use crate::neuron::flow::State;

/// Neurons that go through an interval side by side. PERF: searches wait for roots and quotients; two
/// vectors of AVX-512, or four of AVX2, wait together.
const LANES: usize = 16;

/// A spike before it is put on the tape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fired {
    /// Its time.
    pub time_ms: f64,
    /// Its neuron.
    pub neuron: u32,
    /// J.
    pub drive: f64,
    /// B just before; 0 where the threshold does not adapt.
    pub b_minus: f64,
}

/// Working memory, reused from interval to interval.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    candidates: Vec<u32>,
    /// Spikes of one interval; at its end by (time, neuron).
    pub fired: Vec<Fired>,
    /// Neurons that fired in an interval, and their states at its end.
    landed: Vec<(u32, State<f64>, Option<ThresholdState>)>,
    runners: Vec<Runner>,
    again: Vec<Runner>,
    order: Vec<u128>,
    unsorted: Vec<Fired>,
}

impl Scratch {
    /// Sorts the spikes by (time, neuron).
    ///
    /// PERF: by one number each, made of the bits of the time, which are in its order as it is not
    /// negative, the neuron, and the place; comparing spikes takes twice as long.
    #[inline(always)]
    fn sort(&mut self) {
        if self.fired.len() < 2 {
            return;
        }
        let number = |(place, fired): (usize, &Fired)| {
            let time = u128::from(fired.time_ms.to_bits());
            time << 64 | u128::from(fired.neuron) << 32 | place as u128
        };
        self.order.clear();
        self.order.extend(self.fired.iter().enumerate().map(number));
        self.order.sort_unstable();
        std::mem::swap(&mut self.fired, &mut self.unsorted);
        let unsorted = &self.unsorted;
        let places = self.order.iter().map(|&number| number as u32 as usize);
        self.fired.clear();
        self.fired.extend(places.map(|place| unsorted[place]));
    }
}

/// A neuron on its way through an interval, which reaches its threshold before the end.
#[derive(Debug, Clone, Copy)]
struct Runner {
    neuron: u32,
    now: f64,
    state: State<f64>,
    /// The decay of V from now to the end of the interval.
    rest: Decay,
}

/// Up to L neurons side by side, from where they are to their next spikes and on to the end of the
/// interval. Lanes without a neuron stay at zero.
struct LaneGroup<const L: usize> {
    start: Lanes<L>,
    /// 1 where the threshold is still ahead.
    high: [f64; L],
    v_reset: [f64; L],
    /// Time to the spike in ms.
    s: [f64; L],
    /// Fraction of V that is left at the spike.
    at_spike: [f64; L],
    /// Fraction of V that is left at the end of the interval, first of that at the start, then of that at the
    /// spike.
    left: [f64; L],
    /// Fraction that is lost of it.
    lost: [f64; L],
    /// I at the spike.
    i: [f64; L],
    v_end: [f64; L],
    i_end: [f64; L],
    /// 1 where there is one more spike, else 0.
    again: [u64; L],
}

impl<const L: usize> Default for LaneGroup<L> {
    #[inline(always)]
    fn default() -> Self {
        let zeros = [0.0; L];
        Self {
            start: Lanes {
                v: zeros,
                i: zeros,
                theta: [1.0; L],
            },
            high: zeros,
            v_reset: zeros,
            s: zeros,
            at_spike: [1.0; L],
            left: [1.0; L],
            lost: zeros,
            i: zeros,
            v_end: zeros,
            i_end: zeros,
            again: [0; L],
        }
    }
}

impl<const L: usize> LaneGroup<L> {
    #[inline(always)]
    fn enter(&mut self, lane: usize, runner: &Runner, neurons: &Neurons) {
        let n = runner.neuron as usize;
        let theta = neurons.theta[n];
        self.start.v[lane] = runner.state.v;
        self.start.i[lane] = runner.state.i;
        self.start.theta[lane] = theta;
        // A neuron that is there by rounding stays where it is.
        self.high[lane] = f64::from(u8::from(runner.state.v < theta));
        self.v_reset[lane] = neurons.v_start[n];
        self.left[lane] = runner.rest.left;
        self.lost[lane] = runner.rest.lost;
    }

    /// `[F4]`, and on to the end.
    #[inline(always)]
    fn reset(&mut self, ratio: IntegerRatio) {
        for lane in 0..L {
            let x = self.at_spike[lane];
            self.i[lane] = self.start.i[lane] * ratio.to_the_ratio(x);
            self.left[lane] /= x;
            self.lost[lane] /= x;
            let flow = ratio.flow(Decay {
                left: self.left[lane],
                lost: self.lost[lane],
            });
            let start = State {
                v: self.v_reset[lane],
                i: self.i[lane],
            };
            let theta = self.start.theta[lane];
            self.again[lane] = u64::from(ratio.reaches(start, theta, &flow));
            let end = start.after(&flow);
            self.v_end[lane] = end.v;
            self.i_end[lane] = end.i;
        }
    }
}

/// A neuron whose state is no longer finite.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotFinite {
    pub neuron: usize,
}

/// One population over one interval, in ms.
#[derive(Debug, Clone, Copy)]
pub(super) struct IntervalSpikes<'a> {
    pub neurons: &'a Neurons,
    pub from: f64,
    pub to: f64,
    pub flows: Flows<'a>,
}

impl IntervalSpikes<'_> {
    /// Moves the population over the interval and lists its spikes in `scratch.fired`, by
    /// (time, neuron).
    #[inline(always)]
    pub fn run(
        &self,
        states: &mut States,
        scratch: &mut Scratch,
        work: &mut Work,
    ) -> Result<(), NotFinite> {
        let flows = &self.flows;
        self.neurons
            .list_candidates(states, flows, &mut scratch.candidates);
        scratch.fired.clear();
        work.intervals += 1;
        if scratch.candidates.is_empty() {
            flows.advance(states);
            return Ok(());
        }
        for &neuron in &scratch.candidates {
            let State { v, i } = states.of(neuron as usize);
            if !(v.is_finite() && i.is_finite()) {
                let neuron = neuron as usize;
                return Err(NotFinite { neuron });
            }
        }
        scratch.landed.clear();
        let iterations = &mut work.root_iterations;
        match self
            .neurons
            .integer_ratio()
            .map(|ratio| (ratio, ratio.ratio_four()))
        {
            Some((_, Some(four))) => self.side_by_side(four, states, scratch, iterations),
            Some((ratio, None)) => self.side_by_side(ratio, states, scratch, iterations),
            None => self.one_by_one(states, scratch, iterations),
        }
        flows.advance(states);
        for &(neuron, end, threshold) in &scratch.landed {
            states.set(neuron as usize, end);
            states.set_threshold(neuron as usize, threshold);
        }
        scratch.sort();
        work.spikes += scratch.fired.len() as u64;
        Ok(())
    }

    #[inline(always)]
    fn side_by_side(
        &self,
        ratio: IntegerRatio,
        states: &States,
        scratch: &mut Scratch,
        iterations: &mut u64,
    ) {
        let rest = self.neurons.membrane(0).decay(self.to - self.from);
        let runner = |&neuron: &u32| Runner {
            neuron,
            now: self.from,
            state: states.of(neuron as usize),
            rest,
        };
        scratch.runners.clear();
        scratch
            .runners
            .extend(scratch.candidates.iter().map(runner));
        // Every neuron's spike is later than the one before, by one unit in the last place at least,
        // so that this ends, however strong the current.
        while !scratch.runners.is_empty() && scratch.fired.len() <= self.neurons.spikes_max() {
            let runners = std::mem::take(&mut scratch.runners);
            scratch.again.clear();
            for group in runners.chunks(LANES) {
                if group.len() < LANES / 4 {
                    for alone in group.chunks(1) {
                        self.fire::<1>(ratio, alone, scratch, iterations);
                    }
                } else {
                    self.fire::<LANES>(ratio, group, scratch, iterations);
                }
            }
            scratch.runners = std::mem::replace(&mut scratch.again, runners);
        }
    }

    /// The next spike of up to L neurons; those that will spike once more are listed in
    /// `scratch.again`.
    #[inline(always)]
    fn fire<const L: usize>(
        &self,
        ratio: IntegerRatio,
        group: &[Runner],
        scratch: &mut Scratch,
        iterations: &mut u64,
    ) {
        let mut lanes = LaneGroup::<L>::default();
        for (lane, runner) in group.iter().enumerate() {
            lanes.enter(lane, runner, self.neurons);
        }
        self.find_crossings(ratio, group, &mut lanes, iterations);
        lanes.reset(ratio);
        for (lane, runner) in group.iter().enumerate() {
            let n = runner.neuron as usize;
            let time_ms = (runner.now + lanes.s[lane]).clamp(runner.now.next_up(), self.to);
            scratch.fired.push(Fired {
                time_ms,
                neuron: runner.neuron,
                drive: self.neurons.spike(n, lanes.i[lane], None, time_ms).drive,
                b_minus: 0.0,
            });
            let state = State {
                v: lanes.v_reset[lane],
                i: lanes.i[lane],
            };
            let end = State {
                v: lanes.v_end[lane],
                i: lanes.i_end[lane],
            };
            if time_ms >= self.to {
                scratch.landed.push((runner.neuron, state, None));
            } else if lanes.again[lane] == 0 {
                scratch.landed.push((runner.neuron, end, None));
            } else {
                scratch.again.push(Runner {
                    neuron: runner.neuron,
                    now: time_ms,
                    state,
                    rest: Decay {
                        left: lanes.left[lane],
                        lost: lanes.lost[lane],
                    },
                });
            }
        }
    }

    /// Finds the times at which the neurons of a group reach their thresholds, and the fraction of V left then.
    #[inline(always)]
    fn find_crossings<const L: usize>(
        &self,
        ratio: IntegerRatio,
        group: &[Runner],
        lanes: &mut LaneGroup<L>,
        iterations: &mut u64,
    ) {
        let membrane = self.neurons.membrane(0);
        let found = ratio.crossings(&lanes.start, lanes.high, iterations);
        for lane in 0..L {
            let all = lanes.lost[lane];
            let lost = if found[lane] < all { found[lane] } else { all };
            lanes.s[lane] = membrane.tau_mem * Decay::exponent(lost);
            lanes.at_spike[lane] = 1.0 - lost;
            lanes.lost[lane] -= lost;
        }
        for (lane, runner) in group.iter().enumerate() {
            if found[lane] >= LOST_MAX {
                let (h, theta) = (self.to - runner.now, lanes.start.theta[lane]);
                lanes.s[lane] = membrane.root_general(runner.state, theta, h, iterations);
                let until = membrane.decay(lanes.s[lane]);
                lanes.at_spike[lane] = until.left;
                lanes.lost[lane] = (runner.rest.lost - until.lost).max(0.0);
            }
        }
    }

    #[inline(never)]
    fn one_by_one(&self, states: &States, scratch: &mut Scratch, iterations: &mut u64) {
        for &neuron in &scratch.candidates {
            let fired_before = scratch.fired.len();
            let n = neuron as usize;
            let start = (states.of(n), states.threshold_of(n));
            let (end, threshold) = self.walk(neuron, start, (&mut scratch.fired, iterations));
            if scratch.fired.len() > fired_before {
                scratch.landed.push((neuron, end, threshold));
            }
        }
    }

    /// Follows one neuron to the end, through all its spikes.
    ///
    /// Every spike is later than the one before, by one unit in the last place at least, so that this
    /// ends, however strong the current.
    fn walk(
        &self,
        neuron: u32,
        (mut state, mut threshold): (State<f64>, Option<ThresholdState>),
        (fired, iterations): (&mut Vec<Fired>, &mut u64),
    ) -> (State<f64>, Option<ThresholdState>) {
        let n = neuron as usize;
        let neurons = self.neurons;
        let membrane = neurons.membrane(n);
        let mut flow = self.flows.of(n);
        let mut now = self.from;
        let stretch = |from: f64| Stretch { from, to: self.to };
        while let Some(s) = neurons.crossing((n, state, threshold), stretch(now), &flow, iterations)
        {
            let time_ms = (now + s).clamp(now.next_up(), self.to);
            let i = membrane.current_after(state.i, time_ms - now);
            let spike = neurons.spike(n, i, threshold, time_ms);
            fired.push(Fired {
                time_ms,
                neuron,
                drive: spike.drive,
                b_minus: spike.b_minus,
            });
            threshold = spike.threshold;
            state = State {
                v: neurons.v_start[n],
                i,
            };
            if time_ms >= self.to || fired.len() > neurons.spikes_max() {
                return (state, threshold);
            }
            now = time_ms;
            flow = membrane.flow(self.to - now);
        }
        (state.after(&flow), threshold)
    }
}
