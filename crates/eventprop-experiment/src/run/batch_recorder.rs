//! Records every trial of a run: variables and spikes, first spike times, weights at chosen trials.

use eventprop::network::Network;
use eventprop::solver::Solver;
use eventprop::train::Session;

use super::error::RunError;
use super::learner::{BatchObserver, BatchView};
use super::prepared::Prepared;
use crate::checkpoint::{Container, Defect};
use crate::data::Data;
use crate::outputs::Outputs;
use crate::records::{FirstSpikes, Place, PredictionFiles, Recorder};
use crate::room;
use crate::settings::{Phase, Settings};
use crate::weights;

/// Records what the settings ask for.
pub struct BatchRecorder<'a> {
    settings: &'a Settings,
    outputs: &'a Outputs,
    pub recorder: Recorder,
    pub outcomes: PredictionFiles,
    pub first_spikes: Option<FirstSpikes>,
}

impl<'a> BatchRecorder<'a> {
    /// # Errors
    /// When what is to be kept of so many trials in an epoch of `network` does not fit into memory.
    pub fn new(
        prepared: &Prepared<'a>,
        network: &Network,
        trials: usize,
    ) -> Result<Self, RunError> {
        let &Prepared {
            settings,
            data,
            outputs,
            ..
        } = prepared;
        let recorded = settings.records.numbers(network, settings.epochs, trials);
        room::for_recordings(recorded, &prepared.parameters)?;
        let kept = settings.records.first_spikes && !data.train.is_empty();
        Ok(Self {
            settings,
            outputs,
            recorder: Recorder::new(settings.records.clone()),
            outcomes: PredictionFiles::new(settings.records.outcomes, data.classes),
            first_spikes: kept.then(|| {
                let trial_ms = settings.clock.trial_ms();
                FirstSpikes::new(data.train.len(), settings.batch, data.classes, trial_ms)
            }),
        })
    }

    /// To be called before every epoch.
    pub fn begin_epoch(&mut self) {
        if let Some(first_spikes) = &mut self.first_spikes {
            first_spikes.begin_epoch();
        }
    }

    /// Adds what was kept so far to a checkpoint.
    pub fn store(&self, container: &mut Container) {
        self.recorder.store(container);
        self.outcomes.store(container);
        if let Some(first_spikes) = &self.first_spikes {
            first_spikes.store(container);
        }
    }

    /// Takes up what [`Self::store`] added.
    pub fn restore(&mut self, container: &Container) -> Result<(), Defect> {
        self.recorder.restore(container)?;
        self.outcomes.restore(container)?;
        match &mut self.first_spikes {
            Some(first_spikes) => first_spikes.restore(container),
            None => Ok(()),
        }
    }

    /// Writes the recordings.
    pub fn write(&self, data: &Data) -> Result<(), RunError> {
        if !self.outputs.writes() {
            return Ok(());
        }
        let folder = self.outputs.folder();
        self.recorder.write(folder, self.outputs.prefix())?;
        self.outcomes.write(folder, self.outputs.prefix(), "")?;
        if let Some(first_spikes) = &self.first_spikes {
            first_spikes.write(folder, &data.train.labels())?;
        }
        Ok(())
    }
}

/// Keeps what was predicted, and nothing else.
impl<S: Solver> BatchObserver<S> for PredictionFiles {
    fn begin(&mut self, phase: Phase) {
        Self::begin(self, phase);
    }

    fn end(&mut self, phase: Phase) {
        Self::end(self, phase);
    }

    fn before(&mut self, _place: Place, _session: &mut Session<S>) {}

    fn after(&mut self, seen: BatchView<'_, S>) -> Result<(), RunError> {
        self.add(seen.phase, seen.labels, seen.report);
        Ok(())
    }
}

impl<S: Solver> BatchObserver<S> for BatchRecorder<'_> {
    fn begin(&mut self, phase: Phase) {
        self.outcomes.begin(phase);
    }

    fn end(&mut self, phase: Phase) {
        self.outcomes.end(phase);
    }

    fn before(&mut self, place: Place, session: &mut Session<S>) {
        if !self.outputs.writes() {
            return;
        }
        self.recorder.begin(place, &session.params);
        session
            .solver
            .set_probes(&self.recorder.probes(place))
            .expect("settings have checked solver and populations");
    }

    fn after(&mut self, seen: BatchView<'_, S>) -> Result<(), RunError> {
        let BatchView {
            place,
            phase,
            topology,
            session,
            batch,
            ids,
            labels,
            report,
            first_spikes_ms,
        } = seen;
        if !self.outputs.writes() {
            return Ok(());
        }
        self.recorder.record(place, session, batch, report);
        self.outcomes.add(phase, labels, report);
        if phase != Phase::Train {
            return Ok(());
        }
        if let Some(first_spikes) = &mut self.first_spikes {
            let rows = first_spikes_ms.chunks_exact(first_spikes.outputs());
            for (&id, times_ms) in ids.iter().zip(rows) {
                first_spikes.set(id as usize, times_ms);
            }
        }
        let records = &self.settings.records;
        let label = format!("e{}_t{}", place.epoch, place.trial);
        if records.weights_when.includes(place.epoch, place.trial) {
            weights::dump(self.outputs, topology, &session.params, &label)?;
        }
        if records.constants_when.includes(place.epoch, place.trial) {
            weights::dump_constants(self.outputs, topology, &session.params, &label)?;
        }
        Ok(())
    }
}
