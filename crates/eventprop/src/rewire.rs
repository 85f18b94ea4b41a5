//! Deep rewiring (Bellec, Kappel, Maass & Legenstein 2018): sparse projections look for better pairs while they are trained.
//!
//! Their number of synapses stays. After each step of the optimiser weights are pulled towards zero (`[O6]`), and a synapse
//! whose weight has crossed zero is removed; another pair of neurons that is not connected gets one of weight 0 (`[O7]`),
//! whose sign its gradient chooses. All draws are functions of a seed, the number of the batch and the projection.

use std::sync::Arc;

use crate::connect::{By, Origin, Pattern, Wiring};
use crate::network::{Network, ProjectionId};
use crate::optim::{Average, Optimizer};
use crate::params::Params;
use crate::real::Real;
use crate::rng::{Key, Purpose};

/// The rewiring of a training, and what it has done so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewiring {
    /// Seed of the pairs that are drawn.
    pub seed: u64,
    /// `[O6]` Strength α of the pull towards zero.
    pub pull: f64,
    /// The projections that are rewired, which are sparse.
    pub projections: Vec<ProjectionId>,
    /// Batches so far: the number of the next one in the keys of its draws.
    pub batches: u64,
    /// Synapses that were removed and drawn anew so far.
    pub done: u64,
    /// Synapses that crossed zero and stayed, because no pair was free.
    pub failed: u64,
}

/// A projection that cannot be rewired.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RewiringError {
    /// Its wiring has no pairs to choose.
    #[error(
        "projection {name} is not sparse, and only sparse ones are rewired; connect it with Sparse, or leave it out"
    )]
    NotSparse {
        /// The projection.
        name: String,
    },
    /// The pull is no strength.
    #[error("the pull of rewiring is {pull}; it must be finite and not negative")]
    Pull {
        /// The pull.
        pull: f64,
    },
}

/// The sparse wiring of a projection; none where it has another one, or neurons are pooled before it.
fn pattern(network: &Network, id: ProjectionId) -> Option<&Arc<Pattern>> {
    match &network.projection(id).wiring {
        Wiring::Sparse(pattern) => Some(pattern),
        Wiring::Dense | Wiring::OneToOne | Wiring::Convolution(_) | Wiring::Pooled(..) => None,
    }
}

impl Rewiring {
    /// Rewiring of some projections, before the first batch.
    ///
    /// # Errors
    /// When one of them is not sparse, or the pull is not possible.
    pub fn new(
        network: &Network,
        projections: Vec<ProjectionId>,
        pull: f64,
        seed: u64,
    ) -> Result<Self, RewiringError> {
        if !(pull.is_finite() && pull >= 0.0) {
            return Err(RewiringError::Pull { pull });
        }
        let dense = projections
            .iter()
            .find(|id| pattern(network, **id).is_none());
        if let Some(id) = dense {
            let name = network.projection_name(*id);
            return Err(RewiringError::NotSparse { name });
        }
        Ok(Self {
            seed,
            pull,
            projections,
            batches: 0,
            done: 0,
            failed: 0,
        })
    }

    /// All sparse projections of a network.
    pub fn sparse(network: &Network) -> Vec<ProjectionId> {
        let ids = (0..network.projections().len()).map(ProjectionId);
        ids.filter(|id| pattern(network, *id).is_some()).collect()
    }

    /// The weights of the projections before a step.
    pub(crate) fn before<F: Real>(&self, params: &Params<F>) -> Vec<Vec<F>> {
        let weights = |id: &ProjectionId| params.weights(*id).to_vec();
        self.projections.iter().map(weights).collect()
    }

    /// `[O6]` `[O7]` after a step with the rate `eta`; `before` are the weights before it. Returns the patterns that have
    /// changed.
    pub(crate) fn step<F: Real>(
        &mut self,
        network: &Network,
        (before, eta): (&[Vec<F>], f64),
        mut state: State<'_, F>,
    ) -> Vec<(ProjectionId, Arc<Pattern>)> {
        let batch = Key::new(self.seed, Purpose::Rewiring).with(self.batches);
        self.batches += 1;
        let mut changed = Vec::new();
        for (&id, before) in self.projections.iter().zip(before) {
            let weights = state.params.weights_mut(id);
            pull(weights, before, F::from_f64(eta * self.pull));
            let each = weights.iter().zip(before).enumerate();
            let removed: Vec<usize> = each
                .filter(|(_, (w, before))| crossed(**w, **before))
                .map(|(place, _)| place)
                .collect();
            if removed.is_empty() {
                continue;
            }
            let pattern = pattern(network, id).expect("the projections are sparse");
            let rewired = pattern.rewired(&removed, batch.with(id.0 as u64));
            self.done += rewired.drawn as u64;
            self.failed += (removed.len() - rewired.drawn) as u64;
            state.reorder(network, id, &rewired.origins);
            changed.push((id, Arc::new(rewired.pattern)));
        }
        changed
    }
}

/// `[O7]` True if a weight has another sign than before, or has come to zero. Products of small weights are zero, so that
/// signs are compared.
fn crossed<F: Real>(w: F, before: F) -> bool {
    // [O7] sign(w) ≠ sign(w₀) or w = 0, where w₀ ≠ 0
    before > F::ZERO && w <= F::ZERO || before < F::ZERO && w >= F::ZERO
}

/// `[O6]` w ← w − η α sign(w before the step); a weight of zero is not pulled.
fn pull<F: Real>(weights: &mut [F], before: &[F], by: F) {
    // [O6] w ← w − η α sign(w₀)
    for (w, before) in weights.iter_mut().zip(before) {
        if *before > F::ZERO {
            *w -= by;
        } else if *before < F::ZERO {
            *w += by;
        }
    }
}

/// All that has a number for every synapse.
pub(crate) struct State<'a, F> {
    pub params: &'a mut Params<F>,
    pub optimizer: &'a mut Optimizer<F>,
    pub average: Option<&'a mut Average<F>>,
}

impl<F: Real> State<'_, F> {
    /// Puts the numbers of synapses into a new order. New ones have weight and moments 0; a delay of their own is that of the
    /// synapse in whose place they came.
    fn reorder(&mut self, network: &Network, id: ProjectionId, origins: &[Origin]) {
        let has_moments = matches!(self.optimizer, Optimizer::Adam(_));
        let mut all = vec![&mut *self.params];
        if let Optimizer::Adam(adam) = &mut *self.optimizer {
            all.extend([&mut adam.first, &mut adam.second]);
        }
        all.extend(
            self.average
                .as_deref_mut()
                .map(|average| &mut average.params),
        );
        let delays = network.projection(id).delay.each();
        let by_synapse = delays.is_some_and(|delays| delays.by == By::Synapse);
        for (number, params) in all.into_iter().enumerate() {
            let weights = params.weights(id);
            let weight = |origin: &Origin| origin.kept().map_or(F::ZERO, |place| weights[place]);
            let new: Vec<F> = origins.iter().map(weight).collect();
            params.weights_mut(id).copy_from_slice(&new);
            let Some(delays) = params.delays(id).filter(|_| by_synapse) else {
                continue;
            };
            let is_moment = has_moments && (1..3).contains(&number);
            let delay = |origin: &Origin| match origin {
                Origin::InPlaceOf(_) if is_moment => F::ZERO,
                Origin::InPlaceOf(place) | Origin::Kept(place) => delays[*place],
            };
            let new: Vec<F> = origins.iter().map(delay).collect();
            let delays = params.delays_mut(id).expect("they are there");
            delays.copy_from_slice(&new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::{Delay, Delays};
    use crate::loss::{Loss, Weighting};
    use crate::network::{Clock, Init, Li, Lif, Projection};
    use crate::optim::{Adam, Rates};
    use crate::readout::Observe;
    use crate::solver::event::Event;
    use crate::solver::grid::Grid;
    use crate::solver::{Solver, Trial};
    use crate::spikes::{Batch, SpikeTrain};
    use crate::train::{Plan, Session};

    const INPUTS: usize = 6;
    const HIDDEN: usize = 8;

    fn network() -> Network {
        let mut network = Network::new(Clock::new(1.0, 20.0).unwrap());
        let input = network.add_input("input", INPUTS);
        let hidden = network.add_lif("hidden", HIDDEN, Lif::new(20.0, 5.0));
        let output = network.add_li("output", 2, Li::new(20.0, 5.0));
        let key = Key::new(3, Purpose::Test);
        let pattern = Pattern::with_fan_in(INPUTS, HIDDEN, 2, key).unwrap();
        network.add_projection(Projection {
            source: input,
            target: hidden,
            wiring: Wiring::Sparse(Arc::new(pattern)),
            delay: Delay::Each(Delays {
                by: By::Synapse,
                init: Init::Uniform {
                    low: 0.0,
                    high: 4.0,
                },
                most_ms: 6.0,
                trained: true,
            }),
            init: Init::Normal {
                mean: 2.0,
                std: 2.0,
            },
        });
        network.connect(
            hidden,
            output,
            Init::Normal {
                mean: 0.0,
                std: 0.5,
            },
        );
        network
    }

    fn batch(n: u64) -> Batch {
        let key = Key::new(n, Purpose::Test);
        let train = |sample: u64| {
            let key = key.with(sample);
            let times = (0..12).map(|k| 0.1 + f64::from(k)).collect();
            let neurons = (0..12).map(|k| key.below(k, INPUTS as u64) as u32);
            SpikeTrain::new(times, neurons.collect()).unwrap()
        };
        let labels = (0..4).map(|s| s % 2).collect();
        Batch::new((0..4).map(train).collect(), labels).unwrap()
    }

    fn session<S: Solver>() -> Session<S> {
        let network = network();
        let params = Params::init(&network, 1).unwrap();
        let optimizer = Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8));
        let plan = Plan::new(Loss::Sum(Weighting::Flat), optimizer);
        let solver = S::for_network(&network).unwrap();
        let mut session = Session::new(solver, params, plan).unwrap();
        let all = Rewiring::sparse(&network);
        session.rewiring = Some(Rewiring::new(&network, all, 0.05, 7).unwrap());
        session
    }

    const RATES: Rates = Rates {
        eta: 0.3,
        delays: 0.1,
    };

    fn pairs(network: &Network) -> Vec<(usize, usize)> {
        let synapses = network.synapses(ProjectionId(0));
        synapses.iter().map(|s| (s.source, s.target)).collect()
    }

    /// `[O6]`, `[O7]`: the number of synapses stays, no pair has two, synapses that stay keep their moments and new ones begin
    /// with none; what is solved is the new pattern.
    fn check<S: Solver>() {
        let mut session = session::<S>();
        let id = ProjectionId(0);
        let count = pairs(session.solver.network()).len();
        for n in 0..40 {
            let before = pairs(session.solver.network());
            session.train_batch(&batch(n), None, RATES).unwrap();
            let after = pairs(session.solver.network());
            assert_eq!(after.len(), count);
            assert!(after.windows(2).all(|two| two[0] < two[1]), "{after:?}");
            let Optimizer::Adam(adam) = &session.optimizer else {
                unreachable!("it is Adam");
            };
            let (weights, first) = (session.params.weights(id), adam.first.weights(id));
            for (place, pair) in after.iter().enumerate() {
                if !before.contains(pair) {
                    assert_eq!(
                        (weights[place], first[place]),
                        (S::Real::ZERO, S::Real::ZERO)
                    );
                }
            }
        }
        let rewiring = session.rewiring.as_ref().unwrap();
        assert!(rewiring.done > 0, "{rewiring:?}");
        assert_eq!((rewiring.batches, rewiring.failed), (40, 0));
        // A solver made for the new network finds the same.
        let mut anew = S::for_network(session.solver.network()).unwrap();
        let mut trials = S::Trials::default();
        let trial = Trial::observing(Observe::Nothing);
        anew.forward(&session.params, &batch(50), trial, &mut trials)
            .unwrap();
        let fresh = format!("{trials:?}");
        let mut trials = S::Trials::default();
        session
            .solver
            .forward(&session.params, &batch(50), trial, &mut trials)
            .unwrap();
        assert_eq!(format!("{trials:?}"), fresh);
    }

    #[test]
    fn the_grid_is_rewired() {
        check::<Grid<f32>>();
    }

    #[test]
    fn the_event_solver_is_rewired() {
        check::<Event>();
    }

    /// A session that goes on from what was kept of another does what that one does.
    #[test]
    fn a_rewired_training_goes_on_to_the_same_bits() {
        let mut whole = session::<Grid<f32>>();
        for n in 0..12 {
            whole.train_batch(&batch(n), None, RATES).unwrap();
        }
        let plan = Plan::new(Loss::Sum(Weighting::Flat), whole.optimizer.clone());
        let solver = Grid::<f32>::for_network(whole.solver.network()).unwrap();
        let mut part = Session::new(solver, whole.params.clone(), plan).unwrap();
        part.rewiring.clone_from(&whole.rewiring);
        for n in 12..24 {
            whole.train_batch(&batch(n), None, RATES).unwrap();
            part.train_batch(&batch(n), None, RATES).unwrap();
        }
        assert_eq!(part.params, whole.params);
        assert_eq!(part.rewiring, whole.rewiring);
        assert_eq!(part.solver.network(), whole.solver.network());
    }

    /// Also where the product of two weights is zero in their precision.
    #[test]
    fn a_weight_crosses_zero_however_small_it_is() {
        for size in [1.0, 1e-30_f32] {
            for (w, crosses) in [(size, false), (0.0, true), (-0.0, true), (-size, true)] {
                assert_eq!(crossed(w, size), crosses, "{w} from {size}");
                assert_eq!(crossed(-w, -size), crosses, "{w} from {size}");
            }
            assert!(!crossed(size, 0.0) && !crossed(0.0, 0.0) && !crossed(-size, 0.0));
        }
    }

    #[test]
    fn what_cannot_be_rewired_is_refused() {
        let network = network();
        let error = Rewiring::new(&network, vec![ProjectionId(1)], 0.0, 0).unwrap_err();
        assert!(
            error.to_string().contains("hidden->output is not sparse"),
            "{error}"
        );
        let error = Rewiring::new(&network, Vec::new(), -1.0, 0).unwrap_err();
        assert!(error.to_string().contains("is -1; it must be"), "{error}");
    }
}
