//! The event solver's gradient against finite differences of its own loss, on random networks: one to
//! three hidden populations, recurrent, with skips, delays, resets and per-neuron constants, equal
//! time constants among them, under every loss.
//!
//! A loss is smooth in a weight as long as the order of all events stays the same; where it changes
//! between the points of a stencil (a spike appears, an arrival overtakes a spike, a peak moves to
//! another arrival) the difference says nothing, and the weight is counted as skipped.

use eventprop::connect::Delay;
use eventprop::loss::Loss;
use eventprop::network::Network;
use eventprop::params::Params;
use eventprop::readout::Observe;
use eventprop::rng::{Key, Purpose};
use eventprop::solver::event::Event;
use eventprop::solver::{HostTrials, Solver};
use eventprop::spikes::Batch;
use eventprop_cases::random::{Drawn, Output, Shape, draw, losses};
use eventprop_cases::solve::{evaluate, mean_loss, solve};

/// Coefficients of the sixth-order central difference for the points ±1, ±2, ±3.
const STENCIL: [f64; 3] = [3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0];

/// Weights checked per network and loss.
const CHECKED: u64 = 8;

/// Names of all events of a batch in order of time, as far as they can change a derivative.
fn order_of_events(
    network: &Network,
    forward: &HostTrials<f64, f64>,
    observe: Observe,
) -> Vec<u64> {
    let end = network.clock().trial_ms();
    let mut names = Vec::new();
    for (tape, readout) in forward.tapes.iter().zip(&forward.readouts) {
        let mut events = Vec::new();
        for (p, spikes) in tape.populations.iter().enumerate() {
            for (&time, &neuron) in spikes.when.iter().zip(&spikes.neuron) {
                let own = u64::from(neuron) << 8 | p as u64;
                events.push((time, own));
                for (line, projection) in network.projections().iter().enumerate() {
                    let Delay::Constant(delay_ms) = projection.delay else {
                        unreachable!("the drawn delays are no parameters");
                    };
                    let arrival = time + delay_ms;
                    if projection.source.0 == p && arrival < end {
                        events.push((arrival, own << 8 | line as u64 | 1 << 60));
                    }
                }
            }
        }
        if observe == Observe::Peaks {
            let peaks = readout.peaks.iter().zip(0..);
            events.extend(peaks.map(|(peak, j): (_, u64)| (peak.time_ms, j | 1 << 61)));
        }
        events.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        names.extend(events.into_iter().map(|(_, name)| name));
    }
    names
}

struct Differences<'a> {
    solver: &'a mut Event,
    params: Params<f64>,
    batch: &'a Batch,
    loss: &'a Loss,
    order: Vec<u64>,
}

impl Differences<'_> {
    /// ∂L/∂w by the stencil with step `h`; none when the order of events changes.
    fn at(&mut self, weight: usize, h: f64) -> Option<f64> {
        let centre = self.params.values()[weight];
        let mut sum = 0.0;
        let mut same = true;
        for (point, coefficient) in STENCIL.iter().enumerate() {
            for sign in [1.0, -1.0] {
                self.params.values_mut()[weight] = centre + sign * (point + 1) as f64 * h;
                let (forward, outcomes, _) =
                    evaluate(self.solver, &self.params, self.batch, self.loss);
                same &= order_of_events(self.solver.network(), &forward, self.loss.observes())
                    == self.order;
                sum += sign * coefficient * mean_loss(&outcomes);
            }
        }
        self.params.values_mut()[weight] = centre;
        same.then_some(sum / h)
    }
}

#[derive(Debug, Default)]
struct Tally {
    checked: usize,
    skipped: usize,
    largest: f64,
}

/// Checks some weights of one network under one loss.
///
/// The stencil errs by h⁶ f⁽⁷⁾/140 + a few ε f/h. Between h and h/2 the first part falls by 64, so the
/// difference of the two estimates bounds it; the second is 1e-15/1e-4 for losses of order one. So
/// the gradient has to agree to 1e-7 of its largest component or to that bound.
fn check(drawn: &Drawn, loss: &Loss, seed: u64, tally: &mut Tally) {
    let mut solver = Event::new(&drawn.network).unwrap();
    let solved = solve(&mut solver, &drawn.params, &drawn.batch, loss);
    let gradient = solved.gradient.values();
    let largest = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
    let order = order_of_events(&drawn.network, &solved.trials, loss.observes());
    let mut differences = Differences {
        solver: &mut solver,
        params: drawn.params.clone(),
        batch: &drawn.batch,
        loss,
        order,
    };
    let key = Key::new(seed, Purpose::Test);
    for draw in 0..CHECKED {
        let weight = key.below(draw, gradient.len() as u64) as usize;
        let mut best: Option<(f64, f64)> = None;
        for h in [8e-3, 1e-3, 1e-4] {
            let Some((coarse, fine)) = differences
                .at(weight, h)
                .and_then(|coarse| Some((coarse, differences.at(weight, 0.5 * h)?)))
            else {
                continue;
            };
            let uncertain = (coarse - fine).abs();
            if best.is_none_or(|(_, least)| uncertain < least) {
                best = Some((fine, uncertain));
            }
        }
        let Some((difference, uncertain)) = best else {
            tally.skipped += 1;
            continue;
        };
        let error = (gradient[weight] - difference).abs();
        let rounding = 2e-11;
        tally.checked += 1;
        tally.largest = tally.largest.max(error / (largest + 1e-3));
        assert!(
            error <= 1e-7 * largest + uncertain + rounding,
            "network {seed}, {}: weight {weight} has gradient {:e}, difference {difference:e} ± {uncertain:e}, largest component {largest:e}",
            loss.name(),
            gradient[weight],
        );
    }
}

/// `[A1]` to `[A6]`, `[G1]` and every loss.
#[test]
fn gradients_agree_with_finite_differences() {
    // One thread: the batches are too small to share.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(check_all_losses);
}

fn check_all_losses() {
    for loss in losses() {
        let mut tally = Tally::default();
        for seed in 0..36 {
            let drawn = draw(Shape::of_seed(seed, Output::of(&loss)), seed, 1.0);
            check(&drawn, &loss, seed, &mut tally);
        }
        assert!(tally.skipped * 5 < tally.checked, "{tally:?}");
    }
}
