//! Records every trial of a run: variables and spikes, first spike times, weights at chosen trials.

use eventprop::solver::{Solver, Trials};
use eventprop::train::Session;

use super::error::RunError;
use super::learner::{BatchObserver, BatchView};
use crate::checkpoint::{Container, Defect};
use crate::data::Data;
use crate::outputs::Outputs;
use crate::records::{FirstSpikes, Place, PredictionFiles, Recorder};
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
    pub fn new(settings: &'a Settings, outputs: &'a Outputs, data: &Data) -> Self {
        let kept = settings.records.first_spikes && !data.train.is_empty();
        Self {
            settings,
            outputs,
            recorder: Recorder::new(settings.records.clone()),
            outcomes: PredictionFiles::new(settings.records.outcomes, data.classes),
            first_spikes: kept.then(|| {
                let trial_ms = settings.clock.trial_ms();
                FirstSpikes::new(data.train.len(), settings.batch, data.classes, trial_ms)
            }),
        }
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
        self.add(seen.phase, seen.batch.labels(), seen.report);
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
            report,
        } = seen;
        self.recorder.record(place, session, batch, report);
        self.outcomes.add(phase, batch.labels(), report);
        if phase != Phase::Train {
            return Ok(());
        }
        if let Some(first_spikes) = &mut self.first_spikes {
            for (sample, &id) in batch.ids().iter().enumerate() {
                let readout = session.trials.readout(sample);
                first_spikes.set(id as usize, &readout.first_spikes_ms);
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
