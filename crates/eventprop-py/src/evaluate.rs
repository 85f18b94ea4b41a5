//! One look at a network: losses, spikes, gradients and records of a batch.

use eventprop::network::{Network as Description, PopulationId};
use eventprop::params::Params;
use eventprop::real::Real;
use eventprop::solver::{Probe, Solver, SolverKind, Trials, Variable};
use eventprop::spikes::Batch;
use eventprop::train::{BatchReport, Session, TrainError};
use eventprop::with_solver;
use numpy::{Element, IntoPyArray};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::events::{Events, Flat};
use crate::memory::{self, Count};
use crate::network::{Network, parameter, shaped};
use crate::plan::{self, Request};
use crate::session::layers;
use crate::{errors, pool};

/// The recordings to make: names like `hid.V`, and the probes behind them.
struct Recorded {
    names: Vec<String>,
    probes: Vec<Probe>,
}

/// The passes: with the gradient or without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passes {
    Forward,
    Both,
}

/// Solves a batch and returns everything there is to see.
#[pyfunction]
pub fn evaluate<'py>(
    py: Python<'py>,
    network: &Network,
    events: Events<'py>,
    solver: &str,
    request: Request,
    gradient: bool,
    record: Vec<String>,
) -> PyResult<Bound<'py, PyDict>> {
    let (description, params) = network.snapshot()?;
    let solver = plan::solver(solver)?;
    let passes = if gradient {
        Passes::Both
    } else {
        Passes::Forward
    };
    let recorded = Recorded::parse(record, &description, solver, passes)?;
    let look = Look {
        network: &description,
        params: &params,
        events,
        request,
        recorded,
        passes,
    };
    with_solver!(solver, S => look.through::<S>(py))
}

/// The network, batch and probes of an evaluation.
struct Look<'a, 'py> {
    network: &'a Description,
    params: &'a Params<f64>,
    events: Events<'py>,
    request: Request,
    recorded: Recorded,
    passes: Passes,
}

impl<'py> Look<'_, 'py> {
    fn through<S>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>
    where
        S: Solver<Trials: Send> + Send + 'static,
        S::Real: Element,
    {
        memory::check_parameters(self.params, self.request.copies())?;
        let params = self.params.cast::<S::Real>();
        let slices = self.events.slices()?;
        self.check::<S>(slices.len())?;
        let plan = self.request.plan(self.network, &params)?;
        let mut solver = S::for_network(self.network).map_err(|error| errors::solve(&error))?;
        solver
            .set_probes(&self.recorded.probes)
            .map_err(|error| errors::solve(&error))?;
        let mut session = Session::new(solver, params, plan).map_err(|e| errors::train(&e))?;
        let mut batch = Batch::default();
        let passes = self.passes;
        pool::compute_borrowed(py, || slices.fill(None, &mut batch))?;
        let (session, report) = pool::compute(py, move || {
            let report = solve(&mut session, &batch, passes);
            (session, report)
        })?;
        let report = report.map_err(|error| errors::train(&error))?;
        self.seen(py, &session, &report)
    }

    /// Refuses a batch, or recordings of it, that do not fit into memory.
    fn check<S: Solver>(&self, samples: usize) -> PyResult<()> {
        let count = Count {
            name: "the number of samples in the batch",
            value: samples,
        };
        let observe = self.request.observes(self.network)?;
        memory::check_samples::<S>(self.network, observe, count)?;
        let population = |probe: &Probe| self.network.population(PopulationId(probe.population));
        let neurons: usize = self
            .recorded
            .probes
            .iter()
            .map(|p| population(p).size)
            .sum();
        // What the solver records, and the arrays that are made of it.
        let each = 2 * size_of::<S::Real>() * neurons * self.network.clock().steps();
        memory::check(count, "what is recorded", |samples| {
            samples as f64 * each as f64
        })
    }

    fn seen<S>(
        &self,
        py: Python<'py>,
        session: &Session<S>,
        report: &BatchReport,
    ) -> PyResult<Bound<'py, PyDict>>
    where
        S: Solver,
        S::Real: Element,
    {
        let seen = PyDict::new(py);
        let losses: Vec<f64> = report.outcomes.iter().map(|o| o.loss).collect();
        seen.set_item("losses", losses.into_pyarray(py))?;
        seen.set_item("predictions", predictions(report).into_pyarray(py))?;
        seen.set_item("spikes", self.spikes(py, session)?)?;
        seen.set_item("readout", readout(py, session)?)?;
        let grazing = PyDict::new(py);
        for (population, count) in self
            .network
            .populations()
            .iter()
            .zip(&session.activity.grazing)
        {
            grazing.set_item(&population.name, count)?;
        }
        seen.set_item("grazing", grazing)?;
        let activity = layers(&session.activity, self.network);
        seen.set_item("activity", activity)?;
        let gradients = PyDict::new(py);
        if self.passes == Passes::Both {
            for entry in session.gradient.layout() {
                let values = parameter(py, self.network, &session.gradient, entry)?;
                gradients.set_item(&entry.name, values)?;
            }
        }
        seen.set_item("gradients", gradients)?;
        let records = PyDict::new(py);
        let steps = self.network.clock().steps();
        for (index, name) in self.recorded.names.iter().enumerate() {
            let population = self.recorded.probes[index].population;
            let size = self.network.population(PopulationId(population)).size;
            let samples = report.outcomes.len();
            let mut values = Vec::with_capacity(samples * steps * size);
            for sample in 0..samples {
                values.extend_from_slice(&session.solver.record(sample, index));
            }
            records.set_item(name, shaped(py, values, &[samples, steps, size])?)?;
        }
        seen.set_item("records", records)?;
        Ok(seen)
    }

    /// Per population: times, neurons, offsets and drives.
    fn spikes<S>(&self, py: Python<'py>, session: &Session<S>) -> PyResult<Bound<'py, PyDict>>
    where
        S: Solver,
        S::Real: Element,
    {
        let clock = self.network.clock();
        let all = PyDict::new(py);
        for (index, population) in self.network.populations().iter().enumerate() {
            let flat = Flat::of(&session.trials, index, clock);
            let mut drives = Vec::with_capacity(flat.times.len());
            for sample in 0..session.trials.samples() {
                drives.extend_from_slice(&session.trials.tape(sample).populations[index].drive);
            }
            let arrays = (
                flat.times.into_pyarray(py),
                flat.neurons.into_pyarray(py),
                flat.offsets.into_pyarray(py),
                drives.into_pyarray(py),
            );
            all.set_item(&population.name, arrays)?;
        }
        Ok(all)
    }
}

fn solve<S: Solver>(
    session: &mut Session<S>,
    batch: &Batch,
    passes: Passes,
) -> Result<BatchReport, TrainError> {
    match passes {
        Passes::Both => session.gradient_of(batch, None),
        Passes::Forward => session.test_batch(batch),
    }
}

/// Predicted classes; −1 where no output spiked.
pub fn predictions(report: &BatchReport) -> Vec<i64> {
    let class = |prediction: Option<u32>| prediction.map_or(-1, i64::from);
    report
        .outcomes
        .iter()
        .map(|o| class(o.prediction))
        .collect()
}

/// The readout of every sample, as the loss saw it.
fn readout<'py, S>(py: Python<'py>, session: &Session<S>) -> PyResult<Bound<'py, PyList>>
where
    S: Solver,
    S::Real: Element,
{
    let outputs = session.solver.network().output_size();
    let all = PyList::empty(py);
    for sample in 0..session.trials.samples() {
        let readout = session.trials.readout(sample);
        let seen = PyDict::new(py);
        if !readout.voltage.is_empty() {
            let rows = readout.voltage.len() / outputs;
            seen.set_item("V", shaped(py, readout.voltage.clone(), &[rows, outputs])?)?;
            seen.set_item("times_ms", readout.nodes.times_ms.clone().into_pyarray(py))?;
            seen.set_item(
                "widths_ms",
                readout.nodes.widths_ms.clone().into_pyarray(py),
            )?;
        }
        if !readout.peaks.is_empty() {
            let peaks: Vec<f64> = readout.peaks.iter().map(|p| p.voltage.to_f64()).collect();
            let times: Vec<f64> = readout.peaks.iter().map(|p| p.time_ms).collect();
            seen.set_item("V_max", peaks.into_pyarray(py))?;
            seen.set_item("V_max_ms", times.into_pyarray(py))?;
        }
        if !readout.first_spikes_ms.is_empty() {
            let times = readout.first_spikes_ms.clone();
            seen.set_item("first_spikes_ms", times.into_pyarray(py))?;
        }
        all.append(seen)?;
    }
    Ok(all)
}

impl Recorded {
    fn parse(
        names: Vec<String>,
        network: &Description,
        solver: SolverKind,
        passes: Passes,
    ) -> PyResult<Self> {
        if !solver.has_steps() && !names.is_empty() {
            return Err(errors::value(
                "record is not possible with solver=\"event\", which has no steps; use \"grid\" or \"grid64\"",
            ));
        }
        let probe = |name: &String| {
            let (population, variable) = name.rsplit_once('.').unwrap_or((name, ""));
            let known: Vec<&str> = network.populations().iter().map(|p| &p.name[..]).collect();
            let id = network.find(population).ok_or_else(|| {
                errors::value(format!(
                    "record names {name:?}, but there is no population {population:?}; there are {}",
                    known.join(", ")
                ))
            })?;
            if id == network.input() {
                return Err(errors::value(format!(
                    "record names {name:?}, but the input has no state to record; its spikes are in .spikes"
                )));
            }
            let all = Variable::ALL.map(Variable::name).join(", ");
            let variable = Variable::of(network.population(id), variable).ok_or_else(|| {
                errors::value(format!(
                    "record names {name:?}; write POPULATION.VARIABLE with one of the variables {all}, or a state variable x of equations, or p_x"
                ))
            })?;
            if variable.is_adjoint() && passes == Passes::Forward {
                return Err(errors::value(format!(
                    "record names {name:?}, which only the adjoint pass knows; ask for gradient=True"
                )));
            }
            Ok(Probe {
                population: id.0,
                variable,
            })
        };
        let probes = names.iter().map(probe).collect::<PyResult<_>>()?;
        Ok(Self { names, probes })
    }
}
