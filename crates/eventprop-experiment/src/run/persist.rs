//! A network that learns, into a checkpoint and out of it.

use eventprop::optim::{Average, Optimizer, schedule::Schedule};
use eventprop::params::Params;
use eventprop::real::{Numbers, NumbersMut, Real};
use eventprop::solver::Solver;

use super::learner::Learner;
use super::training_state::{AverageState, LearnerState, RewiringState};
use crate::checkpoint::{Container, Defect};

/// Adds parameters, an array for each of their ranges.
pub fn put_params<F: Real>(container: &mut Container, at: &str, params: &Params<F>) {
    for entry in params.layout() {
        let name = format!("{at}/{}", entry.name);
        match F::numbers(&params.values()[entry.range.clone()]) {
            Numbers::F32(values) => container.put(&name, values),
            Numbers::F64(values) => container.put(&name, values),
        }
    }
}

/// Reads what [`put_params`] wrote.
///
/// # Errors
/// [`Defect::Array`] when the checkpoint is that of another network.
pub fn get_params<F: Real>(
    container: &Container,
    at: &str,
    params: &mut Params<F>,
) -> Result<(), Defect> {
    for entry in params.layout().to_vec() {
        let name = format!("{at}/{}", entry.name);
        let len = entry.range.len();
        match F::numbers_mut(&mut params.values_mut()[entry.range]) {
            NumbersMut::F32(values) => values.copy_from_slice(&container.get_exactly(&name, len)?),
            NumbersMut::F64(values) => values.copy_from_slice(&container.get_exactly(&name, len)?),
        }
    }
    Ok(())
}

impl<S: Solver> Learner<'_, S> {
    /// Adds the arrays and returns the rest of what must be remembered.
    pub fn store(&self, container: &mut Container) -> LearnerState {
        put_params(container, "parameters", &self.session.params);
        let mut steps = 0;
        if let Optimizer::Adam(adam) = &self.session.optimizer {
            put_params(container, "adam/first", &adam.first);
            put_params(container, "adam/second", &adam.second);
            container.put("adam/scales", &adam.scales);
            steps = adam.steps;
        }
        let average = self.session.average.as_ref();
        if let Some(average) = average {
            put_params(container, "average", &average.params);
        }
        self.topology.store(container);
        let activity = &self.session.activity;
        put_lists(container, "activity/spikes", &activity.spikes);
        put_lists(container, "activity/trained", &self.trained_spikes);
        let mut state = LearnerState::new(self.schedule.state(), steps, activity, &self.hidden);
        state.average = average.map(|average| AverageState {
            horizon: average.horizon,
            steps: average.steps,
        });
        state.rewiring = self.session.rewiring.as_ref().map(RewiringState::of);
        state.totals = self.totals;
        state.metrics = self.metrics.clone();
        state.elapsed = self.elapsed();
        state
    }

    /// Takes up what [`Self::store`] remembered; the network has the constants and pairs of the checkpoint already.
    ///
    /// # Errors
    /// [`Defect::Array`] when the checkpoint is that of another network.
    pub fn restore(&mut self, container: &Container, state: &LearnerState) -> Result<(), Defect> {
        get_params(container, "parameters", &mut self.session.params)?;
        if let Optimizer::Adam(adam) = &mut self.session.optimizer {
            get_params(container, "adam/first", &mut adam.first)?;
            get_params(container, "adam/second", &mut adam.second)?;
            adam.steps = state.adam_steps;
            // None in checkpoints of earlier versions.
            adam.scales = container.get("adam/scales").unwrap_or_default();
        }
        self.session.average = None;
        if let Some(AverageState { horizon, steps }) = state.average {
            let mut average = Average::new(&self.session.params, horizon);
            get_params(container, "average", &mut average.params)?;
            average.steps = steps;
            self.session.average = Some(average);
        }
        if let Some((rewiring, before)) = self.session.rewiring.as_mut().zip(state.rewiring) {
            before.restore(rewiring);
        }
        let populations = self.topology.network.populations();
        let sizes: Vec<usize> = populations.iter().map(|p| p.size).collect();
        let spikes = get_lists(container, "activity/spikes", &sizes)?;
        self.session.activity = state.activity(spikes);
        let none = container.get::<u64>("activity/trained/0").is_err();
        self.trained_spikes = if none {
            Vec::new()
        } else {
            get_lists(container, "activity/trained", &sizes)?
        };
        self.schedule = Schedule::resume(self.settings.schedule, state.schedule());
        self.hidden.clone_from(&state.hidden);
        self.metrics = state.metrics.clone();
        self.totals = state.totals;
        self.elapsed_before = state.elapsed;
        Ok(())
    }
}

fn put_lists(container: &mut Container, at: &str, lists: &[Vec<u64>]) {
    for (index, list) in lists.iter().enumerate() {
        container.put(&format!("{at}/{index}"), list);
    }
}

fn get_lists(container: &Container, at: &str, sizes: &[usize]) -> Result<Vec<Vec<u64>>, Defect> {
    let list =
        |(index, &size): (usize, &usize)| container.get_exactly(&format!("{at}/{index}"), size);
    sizes.iter().enumerate().map(list).collect()
}
