//! `NAME_report.json`: data of the report beside metrics and parameters. Written when a run begins and
//! again when it ends, so that an interrupted run has a report, too.

use eventprop::solver::Solver;
use std::path::PathBuf;

use eventprop::network::Population;
use eventprop::solver::grid::Grid;
use eventprop::spikes::Batch;
use serde_json::{Value as Json, json};

use super::error::RunError;
use super::learner::Learner;
use super::prepared::Prepared;
use super::report::Summary;
use crate::data::Part;
use crate::machine;
use crate::metrics::{self, Environment, EvaluationLog, Group, SampleTrace};
use crate::settings::{Command, Select};

/// Version of the layout of the file.
pub const LAYOUT: u64 = 1;

/// The file of the present run.
pub struct ReportFile<'a> {
    prepared: &'a Prepared<'a>,
    json: Json,
}

impl<'a> ReportFile<'a> {
    /// Writes what is known before the first epoch.
    pub fn begin<S: Solver>(
        prepared: &'a Prepared<'a>,
        learner: &Learner<'_, S>,
    ) -> Result<Self, RunError> {
        let Prepared { settings, data, .. } = prepared;
        let network = &learner.topology.network;
        let population =
            |p: &Population| json!({"name": p.name, "size": p.size, "spikes": p.spikes()});
        let started = prepared.started();
        let json = json!({
            "layout": LAYOUT,
            "name": settings.name,
            "benchmark": settings.benchmark.name(),
            "command": prepared.command.name(),
            "network": started.network,
            "solver": settings.solver.name(),
            "loss": started.loss,
            "trial_ms": settings.clock.trial_ms(),
            "populations": network.populations().iter().map(population).collect::<Json>(),
            "trained_parameters": learner.session.params.values().len(),
            "classes": data.classes,
            "class_names": data.class_names,
            "samples": {
                "train": data.train.len(),
                "validation": data.validation.len(),
                "test": data.test.len(),
            },
            "demonstration": data.demonstration,
            "selection": selection(prepared),
            "environment": Environment::now().to_json(),
            "started_unix_seconds": metrics::unix_seconds(),
            "parameters_at_start": metrics::histograms_json(
                &metrics::histograms(&learner.session.params)
            ),
            "state": "running",
        });
        let mut report_file = Self { prepared, json };
        report_file.keep_beginning();
        report_file.write()?;
        Ok(report_file)
    }

    /// A resumed run keeps the start time and the initial weights of its first part.
    fn keep_beginning(&mut self) {
        let before = std::fs::read(self.path()).ok();
        let before: Option<Json> = before.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let (Some(before), true) = (before, self.prepared.resumed.is_some()) {
            for key in ["started_unix_seconds", "parameters_at_start"] {
                self.json[key] = before[key].clone();
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.prepared.outputs.named(match self.prepared.command {
            Command::Test => "test_report.json",
            _ => "report.json",
        })
    }

    fn write(&self) -> Result<(), RunError> {
        if !self.prepared.outputs.writes() {
            return Ok(());
        }
        let path = self.path();
        eventprop_data::atomic::write(&path, |out| {
            serde_json::to_writer(&mut *out, &self.json)?;
            out.write_all(b"\n")
        })?;
        Ok(())
    }

    /// Writes the end of a run of one network whose weights are those that were tested.
    pub fn end<S: Solver>(
        mut self,
        learner: &Learner<'_, S>,
        summary: &Summary,
    ) -> Result<(), RunError> {
        if !self.prepared.outputs.writes() {
            return Ok(());
        }
        let parameters = metrics::histograms(&learner.session.params);
        self.json["parameters_at_end"] = metrics::histograms_json(&parameters);
        let kernels = metrics::kernels_json(&learner.topology.network, &learner.session.params);
        self.json["kernels_at_end"] = kernels;
        let data = self.prepared.data;
        let outcomes = learner.metrics.outcomes();
        let (name, part) = if summary.test.is_some() {
            ("test", &data.test)
        } else if outcomes.list.len() == data.validation.len() && !data.validation.is_empty() {
            ("validation", &data.validation)
        } else {
            ("train", &data.train)
        };
        let none = EvaluationLog::default();
        let outcomes = if name == "train" { &none } else { outcomes };
        // Balanced samples are others than those of the part.
        let binned = self.prepared.settings.binned.as_ref();
        let speakers = if binned.is_some_and(|binned| binned.balance_evaluation) {
            Vec::new()
        } else {
            part.speakers()
        };
        self.json["evaluated"] = evaluated(name, outcomes, data.classes, &speakers);
        self.look_closely(learner, part, outcomes);
        self.end_without_network(summary)
    }

    /// Writes the end of a run of several networks.
    pub fn end_without_network(mut self, summary: &Summary) -> Result<(), RunError> {
        self.json["ended_unix_seconds"] = json!(metrics::unix_seconds());
        self.json["memory_peak_bytes"] = json!(machine::peak_bytes());
        self.json["state"] = json!(if summary.cancelled { "stopped" } else { "done" });
        self.write()
    }

    /// Records a few samples. A sample that cannot be solved, as a spike that grazes its threshold may
    /// be with `GRAZING=error`, leaves a note in the place of the recordings and does not end the run.
    fn look_closely<S: Solver>(
        &mut self,
        learner: &Learner<'_, S>,
        part: &Part,
        outcomes: &EvaluationLog,
    ) {
        match record(self.prepared, learner, part, outcomes) {
            Ok(recordings) => {
                self.json["recordings"] = recordings.iter().map(SampleTrace::to_json).collect();
            }
            Err(error) => self.json["recordings_problem"] = json!(error.to_string()),
        }
    }
}

fn record<S: Solver>(
    prepared: &Prepared<'_>,
    learner: &Learner<'_, S>,
    part: &Part,
    outcomes: &EvaluationLog,
) -> Result<Vec<SampleTrace>, RunError> {
    let settings = prepared.settings;
    let topology = learner.topology.clone();
    let seed = u64::from(settings.seeds.model);
    let mut close = Learner::<Grid<f32>>::on(settings, topology, seed)?;
    close.session.params = learner.session.params.cast();
    let mut batch = Batch::default();
    let mut recordings = Vec::new();
    for place in metrics::chosen_places(outcomes, part.len()) {
        part.fill(&[place], None, &mut batch);
        let hidden = &close.topology.hidden;
        recordings.push(metrics::record(&mut close.session, hidden, &batch, place)?);
    }
    Ok(recordings)
}

/// Confusion matrix and groups of the samples that were evaluated last.
fn evaluated(name: &str, outcomes: &EvaluationLog, classes: usize, speakers: &[u32]) -> Json {
    if outcomes.list.is_empty() {
        return Json::Null;
    }
    let group = |group: &Group| json!({"speaker": group.id, "samples": group.samples, "right": group.right});
    let groups = outcomes.by_group(speakers);
    json!({
        "part": name,
        "confusion": outcomes.confusion(classes),
        "speakers": groups.iter().map(group).collect::<Json>(),
    })
}

/// The rule that chose the weights that are tested.
fn selection(prepared: &Prepared<'_>) -> &'static str {
    let select = prepared.settings.select;
    match prepared.command {
        _ if prepared.selects_on_test() => "best accuracy on the tested samples",
        Command::Train if select == Select::Best && !prepared.data.validation.is_empty() => {
            "best validation accuracy"
        }
        Command::Test if select != Select::Last => "an earlier run",
        Command::CrossValidate if select == Select::BestTraining => {
            "best training accuracy of every fold"
        }
        Command::CrossValidate => "last epoch of every fold",
        _ if select == Select::BestTraining => "best training accuracy",
        _ => "last epoch",
    }
}
