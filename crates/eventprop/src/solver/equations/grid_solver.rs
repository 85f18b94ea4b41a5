//! The grid solver of networks with equations, over batches.

use std::sync::Arc;

use rayon::prelude::*;

use super::fault::Fault;
use super::grid::{Emits, GridModel, GridScratch, LANES, Walk};
use super::grid_adjoint::{Pass, cells_of};
use super::{check_input_gradient, check_trial};
use crate::connect::{Pattern, Wiring};
use crate::network::{Network, ProjectionId};
use crate::params::{Params, Revision};
use crate::readout::{Observe, Peak, Readout};
use crate::real::Real;
use crate::solver::for_implementors::{check_batch, check_voltages, nodes_of, start_voltages};
use crate::solver::scratch_pool::ScratchPool;
use crate::solver::{Drive, HostTrials, Probe, SolveError, Sum, Trial, Variable, first_spikes};
use crate::spikes::{Batch, SpikeTrain};
use crate::tape::Tape;

/// The solver.
#[derive(Debug, Clone)]
pub(in crate::solver) struct GridEquations<F> {
    model: GridModel<F>,
    idle: ScratchPool<GridScratch<F>>,
    /// Gradients of the samples that are solved side by side.
    gradients: Vec<Vec<F>>,
    taken: Option<Revision>,
    probes: Vec<Probe>,
    /// Per sample, then per probe.
    records: Vec<Vec<Record<F>>>,
}

/// A variable of a population in every step.
#[derive(Debug, Clone)]
pub(super) struct Record<F> {
    probe: Probe,
    /// Place of the state variable.
    variable: usize,
    /// `[steps, size]`
    values: Vec<F>,
}

impl<F: Real> Record<F> {
    /// x at the end of step `k`.
    fn forward(&mut self, k: usize, model: &GridModel<F>, scratch: &GridScratch<F>) {
        if !self.probe.variable.is_adjoint() {
            let x = &scratch.states[self.probe.population].x;
            self.put(k, model, (x, false));
        }
    }

    /// Its adjoint at the start of step `k`.
    pub fn adjoint(&mut self, k: usize, model: &GridModel<F>, p: &[Vec<[F; LANES]>]) {
        if self.probe.variable.is_adjoint() {
            let scaled = matches!(
                self.probe.variable,
                Variable::LambdaV | Variable::LambdaI | Variable::LambdaB
            );
            self.put(k, model, (&p[self.probe.population], scaled));
        }
    }

    fn put(&mut self, k: usize, model: &GridModel<F>, (rows, scaled): (&[[F; LANES]], bool)) {
        let cells = cells_of(model, self.probe.population);
        let (size, n) = (cells.size, cells.states());
        self.values.resize(model.clock.steps() * size, F::ZERO);
        for neuron in 0..size {
            let value = rows[neuron / LANES * n + self.variable][neuron % LANES];
            let value = if scaled {
                cells.as_lambda(self.probe.variable, neuron, value)
            } else {
                value
            };
            self.values[k * size + neuron] = value;
        }
    }
}

impl<F: Real> GridEquations<F> {
    /// A solver for a valid network.
    pub fn new(network: &Network) -> Self {
        Self {
            model: GridModel::new(network),
            idle: ScratchPool::default(),
            gradients: Vec::new(),
            taken: None,
            probes: Vec::new(),
            records: Vec::new(),
        }
    }

    pub fn network(&self) -> &Network {
        &self.model.network
    }

    pub fn rewire(&mut self, id: ProjectionId, pattern: Arc<Pattern>) {
        self.model.network.set_wiring(id, Wiring::Sparse(pattern));
        self.model = GridModel::new(&self.model.network);
        self.taken = None;
    }

    pub fn set_probes(&mut self, probes: &[Probe]) -> Result<(), SolveError> {
        for probe in probes {
            self.record_of(*probe)?;
        }
        self.probes = probes.to_vec();
        Ok(())
    }

    fn record_of(&self, probe: Probe) -> Result<Record<F>, SolveError> {
        let cells = cells_of(&self.model, probe.population);
        let state = cells.model.state();
        let wanted = match probe.variable {
            Variable::Voltage | Variable::LambdaV => cells.model.readout().text(),
            Variable::Current | Variable::LambdaI => cells.model.received().text(),
            Variable::Adaptation | Variable::LambdaB => "b",
            Variable::State(name) | Variable::Adjoint(name) => name.text(),
        };
        let place = state.iter().position(|name| name.text() == wanted);
        let variable = place.ok_or_else(|| SolveError::Variable {
            variable: probe.variable.name(),
            population: self.model.network.populations()[probe.population]
                .name
                .clone(),
            known: state
                .iter()
                .map(|name| name.text())
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        Ok(Record {
            probe,
            variable,
            values: Vec::new(),
        })
    }

    pub fn record(&self, sample: usize, probe: usize) -> &[F] {
        &self.records[sample][probe].values
    }

    fn adopt(&mut self, params: &Params<F>) -> Result<(), SolveError> {
        if self.taken != Some(params.revision()) {
            self.taken = None;
            self.model.adopt(params)?;
            self.taken = Some(params.revision());
        }
        Ok(())
    }

    pub fn forward(
        &mut self,
        params: &Params<F>,
        batch: &Batch,
        trial: Trial<'_>,
        out: &mut HostTrials<u32, F>,
    ) -> Result<(), SolveError> {
        check_batch(&self.model.network, batch)?;
        check_trial("grid", &self.model.network, trial)?;
        check_voltages(&self.model.network, trial.voltages)?;
        self.adopt(params)?;
        let delivered = params.delivered(&self.model.network);
        out.tapes.resize_with(batch.len(), Tape::default);
        out.readouts.resize_with(batch.len(), Readout::default);
        let probes = self.probes.iter().map(|probe| self.record_of(*probe));
        let fresh = probes.collect::<Result<Vec<_>, _>>()?;
        self.records = vec![fresh; batch.len()];
        let (model, idle) = (&self.model, &self.idle);
        let traces = out
            .tapes
            .par_iter_mut()
            .zip(&mut out.readouts)
            .zip(&mut self.records);
        let each = batch
            .trains()
            .par_iter()
            .zip(traces)
            .enumerate()
            .with_max_len(1);
        let outcomes: Vec<_> = each
            .map(|(sample, (train, ((tape, readout), records)))| {
                let walk = Walk {
                    model,
                    again: false,
                    weights: delivered.all_weights(),
                    scratch: &mut idle.lend(),
                };
                let mut forward = Forward {
                    walk,
                    trial,
                    sample,
                    readout,
                    records,
                };
                forward.solve(train, tape)
            })
            .collect();
        outcomes.into_iter().collect()
    }

    pub fn adjoint(
        &mut self,
        params: &Params<F>,
        forward: &HostTrials<u32, F>,
        drive: Drive<'_, F>,
        total: Sum<'_, F>,
    ) -> Result<(), SolveError> {
        let samples = forward.tapes.len();
        assert_eq!(drive.seeds.len(), samples, "one seed per sample");
        check_input_gradient("grid", total.convention())?;
        self.adopt(params)?;
        let delivered = params.delivered(&self.model.network);
        let by_time = total.inputs.is_some();
        self.records.resize_with(samples, Vec::new);
        let (model, idle) = (&self.model, &self.idle);
        let (items, gradients) = (&mut self.records, &mut self.gradients);
        super::sum_up(items, gradients, total, |sample, records, gradient| {
            let mut pass = Pass {
                model,
                params: &delivered,
                tape: &forward.tapes[sample],
                readout: &forward.readouts[sample],
                drive,
                sample,
                scratch: &mut idle.lend(),
                gradient: &mut *gradient,
                by_time,
                records,
            };
            let by_input = pass.solve()?;
            delivered.scale_by_factors(&model.network, gradient);
            Ok(by_input)
        })
    }
}

/// One sample, forward, with what is shown of it.
struct Forward<'a, F> {
    walk: Walk<'a, F>,
    trial: Trial<'a>,
    sample: usize,
    readout: &'a mut Readout<F>,
    records: &'a mut Vec<Record<F>>,
}

impl<F: Real> Forward<'_, F> {
    fn solve(&mut self, train: &SpikeTrain, tape: &mut Tape<u32, F>) -> Result<(), SolveError> {
        let model = self.walk.model;
        let steps = model.clock.steps();
        self.walk.start();
        self.walk.emit(train, tape);
        self.start_readout();
        for k in 0..steps {
            self.walk.deliver(k, tape, false);
            self.show(k);
            let advanced = self.walk.advance(k, &mut Emits::New(tape), false);
            advanced.map_err(|(population, fault)| model.error(fault, population, self.sample))?;
            for record in self.records.iter_mut() {
                record.forward(k, model, self.walk.scratch);
            }
        }
        self.show(steps);
        if self.walk.not_finite().is_some() {
            return Err(self.locate(train));
        }
        self.finish_readout(tape);
        Ok(())
    }

    fn start_readout(&mut self) {
        let nodes = Arc::new(nodes_of(self.walk.model.clock));
        let readout = &mut *self.readout;
        start_voltages(&mut readout.voltages, self.trial.voltages, &nodes);
        readout.nodes = nodes;
        readout.voltage.clear();
        readout.peaks.clear();
        readout.input_ms.clear();
        readout.first_spikes_ms.clear();
    }

    /// What is read at the start of step `k`; at the end of the trial for the number of steps.
    fn show(&mut self, k: usize) {
        let model = self.walk.model;
        let output = model.network.output().0;
        let states = &self.walk.scratch.states;
        let voltages_of = |population: usize| {
            let cells = cells_of(model, population);
            let (n, read) = (cells.states(), cells.programs.readout);
            let x = &states[population].x;
            (0..cells.size).map(move |neuron| x[neuron / LANES * n + read][neuron % LANES])
        };
        let readout = &mut *self.readout;
        for voltages in &mut readout.voltages {
            let population = voltages.population.0;
            voltages.values.extend(voltages_of(population));
        }
        match self.trial.observe {
            Observe::Voltage => readout.voltage.extend(voltages_of(output)),
            Observe::Peaks if k < model.clock.steps() => {
                let time_ms = model.clock.start_ms(k);
                for (neuron, voltage) in voltages_of(output).enumerate() {
                    match readout.peaks.get_mut(neuron) {
                        Some(peak) if voltage > peak.voltage => *peak = Peak { voltage, time_ms },
                        Some(_) => {}
                        None => readout.peaks.push(Peak { voltage, time_ms }),
                    }
                }
            }
            Observe::Peaks | Observe::FirstSpikes | Observe::Nothing => {}
        }
    }

    fn finish_readout(&mut self, tape: &Tape<u32, F>) {
        let model = self.walk.model;
        let clock = model.clock;
        match self.trial.observe {
            Observe::Voltage => {
                let input = &tape.populations[model.network.input().0];
                let times = input.when.iter().map(|&k| clock.start_ms(k as usize));
                self.readout.input_ms.extend(times);
            }
            Observe::FirstSpikes => {
                let spikes = &tape.populations[model.network.output().0];
                let size = model.network.output_size();
                first_spikes::find(spikes, size, clock, &mut self.readout.first_spikes_ms);
            }
            Observe::Nothing | Observe::Peaks => {}
        }
    }

    /// Solves the sample again, looking at every state: which neuron, when, which expression.
    fn locate(&mut self, train: &SpikeTrain) -> SolveError {
        let model = self.walk.model;
        let mut tape = Tape::default();
        self.walk.start();
        self.walk.emit(train, &mut tape);
        for k in 0..model.clock.steps() {
            self.walk.deliver(k, &tape, false);
            let before: Vec<Vec<[F; LANES]>> = self
                .walk
                .scratch
                .states
                .iter()
                .map(|s| s.x.clone())
                .collect();
            if let Err((population, fault)) =
                self.walk.advance(k, &mut Emits::New(&mut tape), false)
            {
                return model.error(fault, population, self.sample);
            }
            if let Some((population, neuron)) = self.walk.not_finite() {
                let cells = cells_of(model, population);
                let n = cells.states();
                let rows = &before[population][neuron / LANES * n..][..n];
                let x: Vec<[F; 1]> = rows.iter().map(|row| [row[neuron % LANES]]).collect();
                let mut masks = vec![[F::ZERO]; cells.programs.switches.len()];
                let stepper = &mut self.walk.scratch.memory.stepper;
                cells.neuron(neuron).masks(&x, &mut masks, stepper);
                let problem = format!(
                    "its state is no longer finite: {}; the weights may have diverged, or more substeps are needed",
                    cells.culprit(neuron, &x, &masks)
                );
                let fault = Fault::new(neuron, model.clock.start_ms(k + 1), problem);
                return model.error(fault, population, self.sample);
            }
        }
        unreachable!("the same sample goes the same way")
    }
}

impl<F: Real> Walk<'_, F> {
    /// Population and neuron of a state that is not finite.
    fn not_finite(&self) -> Option<(usize, usize)> {
        for (population, layer) in self.model.layers.iter().enumerate() {
            let Some(layer) = layer else { continue };
            let (cells, n) = (&layer.cells, layer.cells.states());
            let x = &self.scratch.states[population].x;
            let lost = |neuron: &usize| {
                let rows = &x[neuron / LANES * n..][..n];
                // What is not finite is not zero times itself.
                rows.iter()
                    .any(|row| row[neuron % LANES] * F::ZERO != F::ZERO)
            };
            if let Some(neuron) = (0..cells.size).find(lost) {
                return Some((population, neuron));
            }
        }
        None
    }
}
