//! The event solver of networks with equations, over batches.

use std::sync::Arc;

use rayon::prelude::*;

use super::event::{EventModel, EventScratch, Found, Walk};
use super::event_adjoint::Pass;
use super::{check_input_gradient, check_trial};
use crate::connect::{Pattern, Wiring};
use crate::network::{Network, ProjectionId};
use crate::params::{Params, Revision};
use crate::readout::Readout;
use crate::solver::for_implementors::{check_batch, check_voltages};
use crate::solver::scratch_pool::ScratchPool;
use crate::solver::{Drive, HostTrials, SolveError, Sum, Trial};
use crate::spikes::{Batch, SpikeTrain};
use crate::tape::Tape;

/// The solver.
#[derive(Debug)]
pub(in crate::solver) struct EventEquations {
    model: EventModel,
    idle: ScratchPool<EventScratch>,
    taken: Option<Revision>,
}

impl EventEquations {
    /// A solver for a valid network.
    pub fn new(network: &Network) -> Self {
        Self {
            model: EventModel::new(network),
            idle: ScratchPool::default(),
            taken: None,
        }
    }

    pub fn network(&self) -> &Network {
        &self.model.network
    }

    pub fn rewire(&mut self, id: ProjectionId, pattern: Arc<Pattern>) {
        self.model.network.set_wiring(id, Wiring::Sparse(pattern));
        self.model = EventModel::new(&self.model.network);
        self.taken = None;
    }

    fn adopt(&mut self, params: &Params<f64>) -> Result<(), SolveError> {
        if self.taken != Some(params.revision()) {
            self.taken = None;
            self.model.adopt(params)?;
            self.taken = Some(params.revision());
        }
        Ok(())
    }

    pub fn forward(
        &mut self,
        params: &Params<f64>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<f64, f64>,
    ) -> Result<(), SolveError> {
        check_batch(&self.model.network, batch)?;
        check_trial("event", &self.model.network, trial)?;
        check_voltages(&self.model.network, trial.voltages)?;
        if !trial.voltages.is_empty() {
            return Err(SolveError::Unsupported {
                solver: "event",
                what: "voltages of chosen populations in a network with equations",
                why: "use the grid solver, or a loss that reads the output",
            });
        }
        self.adopt(params)?;
        let delivered = params.delivered(&self.model.network);
        out.tapes.resize_with(batch.len(), Tape::default);
        out.readouts.resize_with(batch.len(), Readout::default);
        let (model, idle) = (&self.model, &self.idle);
        let traces = out.tapes.par_iter_mut().zip(&mut out.readouts);
        let each = batch
            .trains()
            .par_iter()
            .zip(traces)
            .enumerate()
            .with_max_len(1);
        let outcomes: Vec<_> = each
            .map(|(sample, (train, (tape, readout)))| {
                let mut walk = Walk {
                    model,
                    weights: delivered.all_weights(),
                    sample,
                    observe: trial.observe,
                    scratch: &mut idle.lend(),
                    logs: false,
                };
                walk.solve(train, &mut Found { tape, readout })
            })
            .collect();
        outcomes.into_iter().collect()
    }

    pub fn adjoint(
        &mut self,
        params: &Params<f64>,
        forward: &HostTrials<f64, f64>,
        drive: Drive<'_, f64>,
        total: Sum<'_, f64>,
    ) -> Result<(), SolveError> {
        let samples = forward.tapes.len();
        assert_eq!(drive.seeds.len(), samples, "one seed per sample");
        check_input_gradient("event", total.convention())?;
        self.adopt(params)?;
        let delivered = params.delivered(&self.model.network);
        let (items, gradients) = (&mut vec![(); samples], &mut Vec::new());
        super::sum_up(items, gradients, total, |sample, (), gradient| {
            self.adjoint_sample(&delivered, (forward, sample), drive, gradient)
        })
    }

    /// Adds to the gradient of a sample; ∂L/∂t of its input spikes.
    fn adjoint_sample(
        &self,
        params: &Params<f64>,
        (forward, sample): (&HostTrials<f64, f64>, usize),
        drive: Drive<'_, f64>,
        gradient: &mut [f64],
    ) -> Result<Vec<f64>, SolveError> {
        let (tape, model) = (&forward.tapes[sample], &self.model);
        let mut lent = self.idle.lend();
        let input = &tape.populations[model.network.input().0];
        let mut train = SpikeTrain::default();
        train.refill(input.when.iter().copied().zip(input.neuron.iter().copied()));
        train.set_amplitudes(&input.amplitude);
        let (mut again, mut readout) = (Tape::default(), Readout::default());
        let mut walk = Walk {
            model,
            weights: params.all_weights(),
            sample,
            observe: super::observed(&drive.seeds[sample]),
            scratch: &mut lent,
            logs: true,
        };
        let found = &mut Found {
            tape: &mut again,
            readout: &mut readout,
        };
        walk.solve(&train, found)?;
        let scratch = &mut *lent;
        let by_input = Pass {
            model,
            params,
            tape: &again,
            readout: &readout,
            log: &scratch.log,
            drive,
            sample,
            scratch: &mut scratch.adjoint,
            gradient: &mut *gradient,
        }
        .solve()?;
        params.scale_by_factors(&model.network, gradient);
        Ok(by_input)
    }
}
